"""`sprd data import` as a user types it."""

import json
from pathlib import Path

import pytest

from sprd.cli.main import main
from tests.audio.importing.spoken import said, write


def run(capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    """Runs it in this process; returns exit code, output and errors."""
    try:
        code = main(["data", "import", *map(str, args)])
    except SystemExit as end:
        code = int(end.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


def test_import_tells_words_and_where_to_listen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line a word; the same again adds nothing; the page lies beside the clips."""
    for name in ("up/anna.wav", "up/ben.wav", "down/anna.wav"):
        write(tmp_path / "in" / name, said((1.0, 3.0), 5.0 + len(name) / 100))
    code, out, err = run(capsys, tmp_path / "in", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()[1:3]] == [
        ["down", "2", "1", "0", "0"],
        ["up", "4", "2", "0", "0"],
    ]
    assert f"to listen: {tmp_path}/out/import.html" in out
    assert "up/ben_nohash_1.wav" in (tmp_path / "out" / "import.html").read_text()
    code, out, _ = run(capsys, tmp_path / "in", "--out", tmp_path / "out", "--json")
    assert code == 0 and json.loads(out) == {"new": [], "n_known": 3, "problems": []}


def test_labels_are_read_with_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their words need no flag."""
    path = write(tmp_path / "memo.wav", said((1.0, 3.0), 5.0))
    labels = tmp_path / "labels.txt"
    labels.write_text("1.0\t1.4\tjump\n3.0\t3.4\tduck\n")
    flags = ("--labels", labels, "--speaker", "anna", "--out", tmp_path / "out")
    code, out, _ = run(capsys, path, *flags)
    assert code == 0 and "jump" in out and "duck" in out
    assert (tmp_path / "out/duck/anna_nohash_0.wav").is_file()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("none.wav", "--word", "up", "--out", "out"), "none.wav: must be an audio file"),
        (("a.wav", "--out", "out"), "Add --word WORD"),
        (("a.wav", "--out", "out", "--clip-ms", "5"), "must be an integer from 100 to 10000"),
        (("a.wav", "--out", "out", "--order", "x"), "unknown value of --order"),
        (("a.wav", "--word", "up", "--out", "out"), "a.wav: must hold audio, got an empty file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    told: str,
) -> None:
    """Exit 2, with the rule and what to do."""
    monkeypatch.chdir(tmp_path)
    Path("a.wav").touch()
    code, _, err = run(capsys, *args)
    assert code == 2 and told in err and len(err.strip().splitlines()) == 1
    assert not Path("out").exists()


def test_unreadable_recording_among_others_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What could be read is imported."""
    write(tmp_path / "in/up/anna.wav", said((1.0, 3.0), 5.0))
    (tmp_path / "in/up/ben.wav").write_bytes(b"no sound")
    code, out, err = run(capsys, tmp_path / "in", "--out", tmp_path / "out")
    assert code == 2 and "1 of 2 recordings could not be read" in err and "up" in out
    assert len(list((tmp_path / "out/up").iterdir())) == 2


def test_imported_folder_is_checked_with_the_sweep_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As its extra, beside its source: what was imported lies in no way of the index."""
    for n, who in enumerate(("anna", "ben", "cleo", "dan")):
        write(tmp_path / f"in/up/{who}.wav", said((1.0, 3.0), 5.0 + n / 10))
        write(tmp_path / f"voices/down/{who}_nohash_0.wav", said((0.3,), 0.9 + n / 100))
    assert run(capsys, tmp_path / "in", "--out", tmp_path / "words")[0] == 0
    sweep = tmp_path / "own.toml"
    data = 'source = "voices"\nextra = ["words"]\nkeywords = ["up"]\n'
    text = f'[sweep]\nname = "own"\n[data]\n{data}[model]\narchitecture = "tiny_conv"\n'
    sweep.write_text(text)
    main(["data", "check", str(tmp_path / "words"), "--sweep", str(sweep)])
    told = capsys.readouterr()
    out = told.out + told.err
    assert "12 clips of 4 speakers" in out
    assert "import.html" not in out and "import.json" not in out
