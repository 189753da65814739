"""What is said in recordings, and whether a keyword is among it."""

from pathlib import Path

import pytest

from sprd.audio import transcripts
from sprd.audio.transcripts import counted_keywords, read_transcripts, spotter


def test_each_line_tells_one_recording(tmp_path: Path) -> None:
    """By the folder of the transcript, so that a name may come twice."""
    for number, text in enumerate(("0001 GO ON\n\n0002   STAY\t THERE \n", "\ufeff0001 NO\r\n")):
        (tmp_path / f"{number}.trans.txt").write_text(text, encoding="utf-8")
    files = [
        ("a/b/0.trans.txt", tmp_path / "0.trans.txt"),
        ("1.trans.txt", tmp_path / "1.trans.txt"),
    ]
    said, problems = read_transcripts(files)
    assert said == {"a/b/0001": "GO ON", "a/b/0002": "STAY THERE", "0001": "NO"}
    assert problems == {}


def test_a_name_without_words_is_a_recording_in_which_nothing_is_said(tmp_path: Path) -> None:
    """Silence was written down."""
    (tmp_path / "a.trans.txt").write_text("0001\n")
    assert read_transcripts([("a.trans.txt", tmp_path / "a.trans.txt")])[0] == {"0001": ""}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\xff\xfe0001 NO", "UTF-8"),
        (b" \n\n", "a line for each recording, got none"),
        (b"0001 " + b"NO " * 100, "at most 200 bytes"),
        (None, "readable file"),
    ],
)
def test_a_transcript_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, rule: str
) -> None:
    """The others are read all the same."""
    monkeypatch.setattr(transcripts, "MAX_BYTES", 200)
    if content is not None:
        (tmp_path / "bad.trans.txt").write_bytes(content)
    (tmp_path / "good.trans.txt").write_text("1 YES")
    keys = ("bad.trans.txt", "good.trans.txt")
    said, problems = read_transcripts((key, tmp_path / key) for key in keys)
    assert said == {"1": "YES"}
    assert list(problems) == ["bad.trans.txt"]
    assert rule in problems["bad.trans.txt"]


def test_what_steers_a_terminal_is_taken_out(tmp_path: Path) -> None:
    """A transcript is shown where a model was fooled."""
    (tmp_path / "a.trans.txt").write_text("1 YES \x1b[31mRED\x07\n")
    assert read_transcripts([("a.trans.txt", tmp_path / "a.trans.txt")])[0] == {"1": "YES [31mRED"}


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("SHE WENT UP AND DOWN", ("up", "down")),
        ("UPON A DOWNY PILLOW", ()),
        ("UP", ("up",)),
        ("a set-up, they said; it's down's fault", ("up", "down")),
        ("turn_up!", ("up",)),
        ("HEY, COMPUTER?", ("hey computer",)),
        ("HEY MY COMPUTER", ()),
        ("EIN STRASSENFEST AUF DER STRAẞE", ("straße",)),
        ("cafe\u0301", ("café",)),
        ("请打开灯", ("打开",)),
        ("", ()),
    ],
)
def test_keywords_are_found_as_whole_words(text: str, keywords: tuple[str, ...]) -> None:
    """Whatever their case and accents; anywhere in a script without spaces."""
    spot = spotter(("up", "down", "hey computer", "straße", "café", "打开"))
    assert spot(text) == keywords


def test_no_keyword_is_said_where_none_is_known() -> None:
    """As in a look without a sweep file."""
    assert spotter(())("ANYTHING") == ()


def test_recordings_are_counted_a_keyword() -> None:
    """The one said most comes first."""
    counts = counted_keywords([("up", "down"), ("down",), ()])
    assert list(counts.items()) == [("down", 2), ("up", 1)]
