"""`sprd stream`: what is printed and what is written of what a model heard."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import sprd.bundle.streamed
from sprd.bundle.stream_table import Fooled
from sprd.bundle.streamed import Asked, Streamed
from sprd.cli import streams as verb
from sprd.cli.main import main
from sprd.cli.streams import lines_of
from sprd.errors import DataError
from tests.bundle.listened import audible, example, table, told


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """Every model heard the example; returns what was asked."""
    seen: list[Asked] = []
    fooled = table(example())[1]
    loud = tuple(Fooled(**{**vars(one), "stream": audible(one.stream)}) for one in fooled)

    def stand_in(model: Path, sweep: Path | None, asked: Asked, *_: Any) -> Streamed:
        seen.append(asked)
        return Streamed(told(), loud)

    monkeypatch.setattr(sprd.bundle.streamed, "stream_model", stand_in)
    return seen


def test_tables_tell_conditions_curve_materials_and_mistakes(
    asked: list[Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    """In this order; a rate that the hours do not carry is a dash."""
    assert main(["stream", "runs/kitchen/bundle", "--data", "clips"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "runs/kitchen/bundle, the test split: 24 words of 12 speakers, 1.50 h of running speech",
        "recognize_commands: up above 150, down above 150 of 255 over 400 ms, one inference each"
        " 40 ms",
    ]
    quiet, curve = (line for line in lines if line.startswith("quiet"))
    assert quiet.split()[1:4] == ["21", "of", "24"]
    assert curve.split()[1:] == ["-", "-", "0.875", "0.875", "0.875", "0.875"]
    (speech,) = (line for line in lines if line.startswith("running speech"))
    assert "1.3 (0.16..4.8)" in speech
    at = lines.index("what fooled it, 6 times, the surest first:")
    assert "  up 167  running speech: books/1-2-0003.ogg at 99.9 s" in lines[at:]


@pytest.mark.parametrize("width", [80, 50])
def test_narrow_terminal_loses_columns_and_no_digits(
    width: int,
    asked: list[Asked],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At 80 columns the recalls and the median delay are there."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["stream", "bundle", "--data", "clips"]) == 0
    out = capsys.readouterr().out
    table_lines = [line for line in out.splitlines() if line.startswith(("quiet", "10 dB"))]
    assert max(map(len, table_lines)) <= width
    assert ("median" in out.split("no room")[0]) == (width == 80)
    assert "0.875 (0." in out


def test_json_has_all_of_it(asked: list[Asked], capsys: pytest.CaptureFixture[str]) -> None:
    """Totals on top under the keys of numbers."""
    assert main(["stream", "bundle", "--data", "clips", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(told()))


def test_out_gets_page_picture_and_sounds(
    asked: list[Asked], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sounds are named by what was heard in what; those of an earlier command go."""
    fooled = tmp_path / "new/fooled"
    fooled.mkdir(parents=True)
    for name in ("009_up_words_old.wav", "mine.wav"):
        (fooled / name).touch()
    assert main(["stream", "bundle", "--data", "c", "--out", str(tmp_path / "new"), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)
    assert files["page_file"] == str(tmp_path / "new/streams.html")
    assert Path(files["picture_file"]).read_bytes().startswith(b"\x89PNG")
    names = sorted(path.name for path in fooled.iterdir())
    assert len(names) == 7 and names[-1] == "mine.wav"
    assert any(re.fullmatch(r"\d{3}_up_speech_1-2-0003\.ogg\.wav", name) for name in names)
    assert any(re.fullmatch(r"\d{3}_down_words_cat\.wav", name) for name in names)
    page = Path(files["page_file"]).read_text()
    assert page.count("data:audio/wav;base64,") == 6
    assert all(path.read_bytes()[:4] == b"RIFF" for path in fooled.glob("0*.wav"))


def test_surest_mistakes_are_in_the_page_others_beside_it(
    asked: list[Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it stays small."""
    monkeypatch.setattr(verb, "MOST_EMBEDDED", 1)
    monkeypatch.setattr(verb, "MOST_SOUNDS", 3)
    assert main(["stream", "bundle", "--data", "c", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "streams.html").read_text()
    assert len(re.findall('src="data:', page)) == 1
    assert len(re.findall('src="fooled/00[23]_', page)) == 2


def test_flags_are_what_is_asked(asked: list[Asked]) -> None:
    """Folders may be repeated."""
    line = "stream b --data a --data b --speech c --split all --seeds 3 --fit --exact"
    assert main([*line.split(), "--json"]) == 0
    assert asked == [Asked((Path("a"), Path("b")), (Path("c"),), "all", 3, True, True, ())]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"split": "all", "n_seeds": 5}, "all splits: 24 words of 12 speakers, 1.50 h of"),
        ({"n_seeds": 5}, "running speech, 5 seeds"),
        ({"fit": {"shortfall": "no threshold keeps to it."}}, "no threshold keeps to it."),
        ({"fit": {}}, "recogniser was fitted to validation streams"),
        ({"conditions": []}, "the test split: no word, 1.50 h"),
    ],
)
def test_sentences_say_what_was_heard(changes: dict[str, Any], said: str) -> None:
    """Split, seeds, a fit and what it could not do."""
    if changes == {"fit": {}}:
        changes = {"fit": {"hours": 2.0}}
    assert said in "\n".join(lines_of({**told(), **changes}))


def test_synthetic_speech_is_told() -> None:
    """It tells no rate."""
    what = told()
    what["materials"] = [{**one, "is_synthetic": True} for one in what["materials"]]
    assert "it ranks models, and tells no rate" in "\n".join(lines_of(what))


def test_folder_that_cannot_be_written_is_told_first(
    asked: list[Asked], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before hours are heard."""
    (tmp_path / "file").touch()
    assert main(["stream", "bundle", "--data", "c", "--out", str(tmp_path / "file/x")]) == 2
    assert "Choose another folder for --out." in capsys.readouterr().err and asked == []


def test_error_of_the_data_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2."""

    def refuse(*_: Any) -> Streamed:
        raise DataError("clips: must hold recordings.")

    monkeypatch.setattr(sprd.bundle.streamed, "stream_model", refuse)
    assert main(["stream", "bundle", "--data", "clips"]) == 2
    assert capsys.readouterr().err == "sprd stream: clips: must hold recordings.\n"
