"""What `sprd data check` prints and returns."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from sprd.cli.main import main
from tests.audio.recorded import RATE_HZ, record, word, write
from tests.audio.speech import library

SWEEP = """[sweep]
name = "mine"
[data]
source = "{}"
keywords = ["up", "down"]
[model]
architecture = "tiny_conv"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three words by twelve speakers."""
    for name in ("up", "down", "left"):
        record(tmp_path / "data", name)
    return tmp_path / "data"


def test_remarks_are_told_and_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Clips, speakers and seconds are counted, and each finding is a line."""
    (folder / "up/x.raw").write_bytes(b"?")
    assert main(["data", "check", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "36 clips of 12 speakers, 36 s" in said.out
    assert "suffix: 1 .raw file left out: no kind of file that is read ('up/x.raw')" in said.out


def test_what_stops_is_exit_2_unless_allowed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is printed all the same, in JSON too."""
    for path in (folder / "up").iterdir():
        write(path, np.zeros(RATE_HZ, np.int16))
    assert main(["data", "check", str(folder), "--json"]) == 2
    said = capsys.readouterr()
    assert [one["name"] for one in json.loads(said.out)["findings"] if one["stops"]] == ["silent"]
    assert len(said.err.splitlines()) == 1
    assert main(["data", "check", str(folder), "--allow", "silent"]) == 0


def test_name_that_nothing_is_allowed_by_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With those that are known."""
    with pytest.raises(SystemExit) as ended:
        main(["data", "check", str(folder), "--allow", "silence"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "Did you mean 'silent'? Known: keywords, longer, silent." in said
    assert len(said.splitlines()) == 1


def test_sweep_file_tells_keywords_window_and_share(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it asks for and the folders do not give is told at once; several folders are one set."""
    file = tmp_path / "s.toml"
    file.write_text(SWEEP.format(folder))
    assert main(["data", "check", str(folder), "--sweep", str(file)]) == 0
    write(tmp_path / "more/up/p00_nohash_9.wav", word(1))
    file.write_text(SWEEP.format(folder).replace('"down"]', '"jump", "run"]'))
    command = ["data", "check", str(folder), str(tmp_path / "more"), "--sweep", str(file)]
    assert main(command) == 2
    said = capsys.readouterr()
    assert "37 clips of 12 speakers" in said.out
    assert "keyword 'jump', got none" in said.out
    assert "keyword 'run', got none" in said.out
    assert "2 things stop it, the first:" in said.err


def test_several_folders_and_running_speech_are_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What lies in two counts once; hours of speech and noise are told a split."""
    shutil.copytree(folder / "up", tmp_path / "more" / "up")
    for number in range(4):
        write(tmp_path / "noise/_background_noise_" / f"{number}.wav", word(number, level=9000))
    speech = library(tmp_path / "books", said="LEFT OR RIGHT")
    (tmp_path / "mine.toml").write_text(SWEEP.format(folder))
    folders = [folder, tmp_path / "more", tmp_path / "noise"]
    flags = [text for one in folders for text in ("--data", str(one))]
    flags += ["--speech", str(speech), "--sweep", str(tmp_path / "mine.toml")]
    assert main(["data", "check", *flags]) == 0
    said = capsys.readouterr().out
    assert "36 clips of 12 speakers, 36 s" in said
    assert re.search(r"4 recordings of noise: \d training, \d validation, \d test\n", said)
    assert re.search(r"0.0 min of running speech: 0.0 training, 0.0 validation, 0.0 test\n", said)
    assert "twice: 12 files of the same content in two folders: counted once" in said
    assert main(["data", "check", *flags, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["twice"]) == 12
    assert sum(told["n_noises"].values()) == len(told["noise_rms_db"]) == 4
    (books,) = told["speech"]
    assert (books["n_recordings"], books["n_readers"], books["has_transcripts"]) == (24, 12, True)
    assert sum(told["speech_hours"].values()) == pytest.approx(24 * 0.1 / 3600)
    assert books["hours"] == pytest.approx(24 * 0.1 / 3600)


def test_folders_that_the_sweep_file_names_are_looked_at(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no flag names others: also its running speech."""
    library(tmp_path / "books", said="UP")
    text = SWEEP.replace('source = "{}"', 'sources = ["data"]\nspeech = ["books"]')
    (tmp_path / "mine.toml").write_text(text)
    assert main(["data", "check", "--sweep", str(tmp_path / "mine.toml")]) == 2
    said = capsys.readouterr()
    assert "36 clips of 12 speakers" in said.out
    assert "no recording of running speech is left to use" in said.err


def test_no_folder_at_all_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither named nor in a file."""
    assert main(["data", "check"]) == 2
    assert "must be given a folder of recordings" in capsys.readouterr().err
