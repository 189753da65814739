"""Lines that survive a crash: whole or not at all, and what was cut off is written over."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sprd.disk.jsonl import Lines, read_lines
from sprd.errors import InputError, OutputError


def number_of(fields: Any) -> int:
    """An entry of these tests is the number of its line."""
    return int(fields["n"])


def numbers(path: Path) -> list[int]:
    """What the file holds."""
    return read_lines(path, number_of, "a number", "Restore it.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of three lines."""
    path = tmp_path / "lines.jsonl"
    lines = Lines(path)
    for n in range(3):
        lines.append({"n": n, "name": "é\n"})
    return path


def test_lines_come_back_in_their_order(path: Path) -> None:
    """One object a line, its keys sorted, whatever a value holds."""
    assert numbers(path) == [0, 1, 2]
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == json.dumps({"n": 0, "name": "é\n"}, sort_keys=True)


@pytest.mark.parametrize("torn", [b"{", b'{"n": 7}', b"\0" * 5000])
def test_line_without_its_end_is_left_out_and_written_over(path: Path, torn: bytes) -> None:
    """Though it may be whole: nobody was told that it was written."""
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert numbers(path) == [0, 1, 2]
    Lines(path).append({"n": 3})
    assert path.read_bytes() == whole + b'{"n": 3}\n'


def test_writer_goes_on_behind_its_own_last_line(path: Path) -> None:
    """What another wrote behind it since is no line of this run."""
    lines = Lines(path)
    lines.append({"n": 3})
    path.write_bytes(path.read_bytes() + b"rubbish")
    lines.append({"n": 4})
    assert numbers(path) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("damage", [b"{", b"5", b'{"m": 1}', b'{"n": "x"}', b""])
def test_damaged_line_names_file_and_number(path: Path, damage: bytes) -> None:
    """Nothing is skipped in silence."""
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], damage, *lines[2:]]))
    with pytest.raises(InputError) as caught:
        numbers(path)
    assert str(caught.value) == f"{path}, line 2: must be a number, got {damage!r}. Restore it."


def test_line_that_is_nested_deep_is_damaged(path: Path) -> None:
    """Deeper than Python can follow."""
    path.write_bytes(b"[" * 100_000 + b"\n")
    with pytest.raises(InputError, match=r"lines\.jsonl, line 1: must be a number, got b'\[\[\["):
        numbers(path)


def test_missing_file_is_no_run(tmp_path: Path) -> None:
    """The line names the file that a run has."""
    with pytest.raises(InputError, match=r"must be the x\.jsonl of a run: No such file"):
        numbers(tmp_path / "x.jsonl")


def test_number_that_json_lacks_is_refused_before_anything_is_written(path: Path) -> None:
    """NaN would make the file unreadable for others."""
    before = path.read_bytes()
    with pytest.raises(ValueError, match="Out of range float values"):
        Lines(path).append({"n": float("nan")})
    assert path.read_bytes() == before


def test_disk_that_takes_a_part_is_written_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is as it was before where the rest finds no room."""
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        Lines(path).append({"n": 3})
    assert path.read_bytes() == before
