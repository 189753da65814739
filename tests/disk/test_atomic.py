"""Files and folders are there whole or not at all."""

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sprd.disk.atomic import (
    cache_folder,
    is_disk_full,
    unwritable,
    whole_folder,
    write_atomically,
)
from sprd.errors import OutputError

ODD_NAMES = ["with space", "quote \" and '", "line\nbreak", "-dash", "ünïcode", "$HOME;`ls`"]


def fail_with(code: int) -> Callable[..., Any]:
    """A stand-in for a call of the system that fails."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.fixture(params=ODD_NAMES)
def odd_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with a name that breaks careless code."""
    folder = tmp_path / request.param
    folder.mkdir()
    return folder


def test_file_is_written_with_its_folders(odd_folder: Path) -> None:
    """Text is UTF-8, bytes are bytes, and nothing else is left."""
    write_atomically(odd_folder / "a" / "text.txt", "ü\n")
    write_atomically(odd_folder / "a" / "data", b"\0\1")
    assert (odd_folder / "a" / "text.txt").read_bytes() == b"\xc3\xbc\n"
    assert (odd_folder / "a" / "data").read_bytes() == b"\0\1"
    assert sorted(os.listdir(odd_folder / "a")) == ["data", "text.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A write that fails at the last moment changes nothing."""
    path = tmp_path / "x.json"
    write_atomically(path, "old")
    monkeypatch.setattr(os, call, fail_with(errno.ENOSPC))
    if call == "replace":
        monkeypatch.setattr(Path, "replace", fail_with(errno.ENOSPC))
    with pytest.raises(OutputError) as caught:
        write_atomically(path, "new")
    expected = f"{path}: must be writable: No space left on device. Make room, or choose another"
    assert expected == str(caught.value)[: len(expected)]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.json"]


def test_file_where_a_folder_should_be_is_an_output_error(tmp_path: Path) -> None:
    """A path through a file cannot be written."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="must be writable"):
        write_atomically(tmp_path / "file" / "x", "new")
    with (
        pytest.raises(OutputError, match="must be writable"),
        whole_folder(tmp_path / "file" / "x"),
    ):
        pass
    assert (tmp_path / "file").read_text() == "mine"


def test_name_that_is_too_long_is_an_output_error(tmp_path: Path) -> None:
    """The system's limit on names is told like any other."""
    with pytest.raises(OutputError, match="File name too long"):
        write_atomically(tmp_path / ("x" * 255), "new")
    assert os.listdir(tmp_path) == []


def test_folder_appears_when_its_block_ends(odd_folder: Path) -> None:
    """Until then it goes by another name."""
    target = odd_folder / "deep" / "bundle"
    with whole_folder(target) as temporary:
        (temporary / "a").write_text("1")
        assert not target.exists()
    assert [p.name for p in target.iterdir()] == ["a"]
    assert os.listdir(odd_folder / "deep") == ["bundle"]


def test_folder_that_was_there_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing of the old one stays."""
    target = tmp_path / "bundle"
    for name in ("old", "new"):
        with whole_folder(target) as temporary:
            (temporary / name).write_text(name)
    assert os.listdir(target) == ["new"]
    assert os.listdir(tmp_path) == ["bundle"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()], ids=repr)
def test_block_that_fails_leaves_the_old_folder(
    tmp_path: Path, error: KeyboardInterrupt | ValueError
) -> None:
    """What was begun is removed, whatever ended it."""
    target = tmp_path / "bundle"
    with whole_folder(target) as temporary:
        (temporary / "old").write_text("old")
    with pytest.raises(type(error)), whole_folder(target) as temporary:
        (temporary / "new").write_text("new")
        raise error
    assert os.listdir(target) == ["old"]
    assert os.listdir(tmp_path) == ["bundle"]


def test_full_disk_inside_a_block_is_an_output_error(tmp_path: Path) -> None:
    """A block need not translate what the system says."""
    with (
        pytest.raises(OutputError, match="must be writable: No space left on device"),
        whole_folder(tmp_path / "bundle"),
    ):
        fail_with(errno.ENOSPC)()
    assert os.listdir(tmp_path) == []


def test_old_folder_comes_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two renames are one step for the user."""
    target = tmp_path / "bundle"
    with whole_folder(target) as temporary:
        (temporary / "old").write_text("old")
    rename = Path.rename

    def fail_for_the_new(self: Path, to: Path) -> Path:
        if self.name.endswith(".tmp"):
            fail_with(errno.EIO)()
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    with pytest.raises(OutputError, match="Input/output error"), whole_folder(target):
        pass
    assert os.listdir(target) == ["old"]
    assert os.listdir(tmp_path) == ["bundle"]


def test_cache_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is made absolute, because workers run elsewhere; unset or empty it is the user's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPRD_CACHE", "here")
    assert cache_folder() == tmp_path / "here"
    monkeypatch.setenv("SPRD_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "sprd"


def test_full_disk_is_known_by_its_error_wherever_that_was_raised() -> None:
    """By its number, in what led to it, and in what another process sent; not by its words."""
    full = OSError(errno.ENOSPC, "No space left on device")
    told = pickle.loads(pickle.dumps(unwritable(Path("x"), full)))
    try:
        raise ValueError("x") from full
    except ValueError as error:
        led = error
    assert is_disk_full(full) and is_disk_full(told) and is_disk_full(led)
    others = (None, OSError(errno.EACCES, "x"), ValueError("No space left on device"))
    assert not any(map(is_disk_full, (*others, unwritable(Path("x"), OSError(13, "x")))))
