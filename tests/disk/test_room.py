"""Room is asked for before it is needed."""

import tempfile
from pathlib import Path

import pytest

from sprd.disk.room import check_room, check_temporary, megabytes
from sprd.errors import MachineError, OutputError


def test_folder_with_room_is_left_as_it_was(tmp_path: Path) -> None:
    """What did not exist does not exist afterwards; what did holds what it held."""
    check_room(tmp_path / "a/b", 1, "")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "kept").touch()
    check_room(tmp_path, 1, "")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_too_little_room_is_told_with_the_remedy(tmp_path: Path) -> None:
    """And how much there is; nothing is left behind."""
    with pytest.raises(OutputError) as caught:
        check_room(tmp_path / "a", 2**60, "Set X.")
    told = str(caught.value)
    assert told.startswith(f"{tmp_path}/a: must have 1,152,921,504,607 MB of free space, got ")
    assert told.endswith(" MB. Set X.")
    assert caught.value.is_disk_full
    assert list(tmp_path.iterdir()) == []


def test_file_in_the_way_is_told(tmp_path: Path) -> None:
    """A file where a folder must be."""
    (tmp_path / "a").touch()
    for folder in (tmp_path / "a", tmp_path / "a/b"):
        with pytest.raises(OutputError, match=r"a(/b)?: must be writable: (Not a dir|File exists)"):
            check_room(folder, 1, "")


@pytest.mark.parametrize(("n_bytes", "words"), [(940_000, "0.94 MB"), (2**24, "16.8 MB")])
def test_sizes_are_worded(n_bytes: int, words: str) -> None:
    """With three digits, or all before the point."""
    assert megabytes(n_bytes) == words


def test_machine_without_a_temporary_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable that names one."""

    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    check_temporary()
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with pytest.raises(MachineError, match=r"TMPDIR: must be a folder .* Set TMPDIR to one\."):
        check_temporary()
