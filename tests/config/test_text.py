"""Files that a person wrote in: which are read, and what the others are called."""

from pathlib import Path

import pytest

from sprd.config.reader import load_sweep
from sprd.config.text import decode, read_sweep_text
from sprd.errors import ConfigError
from tests.strategies import VOCABULARY

TEXT = '[sweep]\nname = "x" # ü\n[data]\nkeywords = ["up"]\n[model]\narchitecture = "tiny_conv"\n'


@pytest.mark.parametrize("content", [TEXT.encode(), TEXT.encode("utf-8-sig")])
def test_byte_order_mark_says_nothing(content: bytes) -> None:
    """The text is the same with it and without."""
    assert decode(content) == TEXT


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_lines_end_in_a_newline(end: str) -> None:
    """Whichever system wrote the file."""
    assert decode(TEXT.replace("\n", end).encode()) == TEXT


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    """With a mark or without one: some shells write it."""
    path = tmp_path / "x.toml"
    path.write_bytes(TEXT.encode(encoding))
    with pytest.raises(ConfigError, match=r"x\.toml: must be .*: UTF-16 text, not UTF-8; save it"):
        read_sweep_text(path)


def test_other_text_is_not_utf_8() -> None:
    """Latin-1, say."""
    with pytest.raises(ValueError, match="not UTF-8 text"):
        decode(TEXT.encode("latin-1"))


def test_sweep_file_and_board_file_may_have_a_mark(tmp_path: Path) -> None:
    """The sweep is that of the same files without one, and what a run keeps has none."""
    boards = Path(__file__).parents[2] / "sprd/device/boards"
    board = (boards / "arduino_nano_33_ble.toml").read_bytes()
    text = TEXT + '[budget]\nboard = "mine.toml"\n'
    found = []
    for mark in (b"", b"\xef\xbb\xbf"):
        (tmp_path / "x.toml").write_bytes(mark + text.encode())
        (tmp_path / "mine.toml").write_bytes(mark + board)
        found.append(load_sweep(tmp_path / "x.toml", VOCABULARY))
    assert found[0] == found[1]
    assert found[1].text == text
    assert found[1].board_text == board.decode()
