"""Files of what was heard: where they may go, and which sounds a page holds itself."""

import re
from pathlib import Path

import pytest

from sprd.bundle.evaluate import Evaluation
from sprd.bundle.heard import HeardClip
from sprd.cli import heard as verb
from sprd.cli.heard import check_outputs, write_clips
from sprd.cli.main import main
from sprd.errors import ConfigError, OutputError
from tests.speakers import LABELS


def clip(file: str | None, heard: str = "up", confidence: float = 0.9) -> HeardClip:
    """A clip of another word."""
    shares = (0.0, 0.01, confidence, 0.0)
    return HeardClip(
        Path(file) if file else None, "left", "_unknown_", heard, shares, "anna", "test"
    )


def evaluation(*clips: HeardClip) -> Evaluation:
    """What was heard of some clips; the sound of a clip is its number."""
    scores = {"model": "runs/m/bundle", "data": "my/data"}
    return Evaluation(scores, LABELS, clips, lambda number: str(number).encode())


def test_nothing_is_written_unasked() -> None:
    """Neither table nor page."""
    assert write_clips(evaluation(clip("a.wav")), None, None) == {}


def test_table_has_all_clips_and_the_page_those_that_were_confused(tmp_path: Path) -> None:
    """Folders are made; files that are there are replaced."""
    table, page = tmp_path / "new/t.csv", tmp_path / "p.html"
    page.write_text("old")
    found = evaluation(clip("a.wav", "_unknown_"), clip("b.wav"), clip(None))
    told = write_clips(found, table, page)
    assert told == {"clips_file": str(table), "page_file": str(page)}
    assert len(table.read_text().splitlines()) == 4
    text = page.read_text()
    assert "bundle on data: confused" in text and "2 of 3 clips" in text
    assert "a.wav" not in text and "cut from the noise" in text
    assert re.findall('src="([^"]*)"', text) == [
        "data:audio/wav;base64,MQ==", "data:audio/wav;base64,Mg==",
    ]  # fmt: skip


def test_surest_mistakes_are_embedded_others_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses of files are escaped; cuts of silence have no file to name."""
    monkeypatch.setattr(verb, "MOST_EMBEDDED", 1)
    clips = [clip('/d/"><b>.wav', confidence=0.6), clip("/d/\udcff.wav", confidence=0.7)]
    found = evaluation(*clips, clip(None, confidence=0.5), clip("/d/sure.wav", confidence=0.8))
    write_clips(found, None, tmp_path / "p.html")
    assert re.findall('src="([^"]*)"', (tmp_path / "p.html").read_text()) == [
        "data:audio/wav;base64,Mw==",
        "file:///d/%FF.wav",
        "file:///d/%22%3E%3Cb%3E.wav",
        "data:audio/wav;base64,Mg==",
    ]


@pytest.mark.parametrize(
    ("flag", "name", "said"),
    [
        ("--clips", "a.wav", "--clips: must be a file *.csv, got 'a.wav'"),
        ("--page", "model.tflite", "--page: must be a file *.html, got 'model.tflite'"),
        ("--page", "folder.html", "--page: must be a file, got the folder 'folder.html'"),
    ],
)
def test_recording_or_folder_is_never_overwritten(
    flag: str,
    name: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is said before anything is scored."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.html").mkdir()
    assert main(["evaluate", "bundle", "--data", "d", flag, name]) == 2
    assert said in capsys.readouterr().err


def test_names_in_capitals_are_files_too() -> None:
    """As some systems write them; each flag has its own."""
    check_outputs(Path("A.CSV"), Path("B.HTML"))
    with pytest.raises(ConfigError, match=r"--clips: must be a file \*\.csv, got 'B\.HTML'"):
        check_outputs(Path("B.HTML"), Path("A.CSV"))


def test_folder_that_cannot_be_written_is_told_before_anything_is_scored(tmp_path: Path) -> None:
    """Nothing is left of a folder that was tried."""
    check_outputs(tmp_path / "new/t.csv", None)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file: must be .* Choose another folder for --page\."):
        check_outputs(None, tmp_path / "file/p.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
