"""What can be computed again is built once, and the folder does not grow for ever."""

import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from sprd.disk.cache import asked_for, check_size, keep, limit_bytes, read_kept
from sprd.errors import ConfigError, OutputError

MEGABYTE = 10**6


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that holds 10 MB."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path))
    monkeypatch.setenv("SPRD_CACHE_GB", "0.01")
    return tmp_path


def kept(name: str, megabytes: int = 3, kind: str = "features") -> Path:
    """Keeps a file of some size."""

    def build(folder: Path) -> None:
        (folder / "numbers").write_bytes(b"\0" * megabytes * MEGABYTE)

    return keep(kind, name, megabytes * MEGABYTE, build)


def names(cache: Path) -> set[str]:
    """What is there, locks left out."""
    return {
        path.name for kind in cache.iterdir() for path in kind.iterdir() if path.suffix != ".lock"
    }


def age(folder: Path, seconds: int) -> None:
    """Makes a folder look as if it was last asked for so long ago."""
    then = folder.stat().st_mtime - seconds
    os.utime(folder, (then, then))


def test_what_was_not_asked_for_the_longest_goes_first(cache: Path) -> None:
    """Asking for it again keeps it."""
    for number, name in enumerate("abc"):
        age(kept(name), 100 - number)
    kept("a")
    kept("d")
    assert names(cache) == {"a", "c", "d"}
    assert {path.name for path in (cache / "features").glob("*.lock")} == {
        "a.lock",
        "c.lock",
        "d.lock",
    }


def test_all_that_is_computed_shares_the_limit(cache: Path) -> None:
    """What a teacher said and features; not what was fetched."""
    (cache / "speech_commands").mkdir()
    (cache / "speech_commands" / "archive").write_bytes(b"\0" * 50 * MEGABYTE)
    age(kept("old", kind="teachers"), 100)
    age(kept("older", kind="features"), 200)
    kept("new", 5)
    assert names(cache) == {"archive", "old", "new"}
    kept("newer", 5)
    assert names(cache) == {"archive", "new", "newer"}


def test_entry_that_leaves_no_room_for_another_is_refused(cache: Path) -> None:
    """A trial reads two at once: one would push out the other, and each would be built for ever."""
    kept("small")
    with pytest.raises(ConfigError, match=r"takes 0.03 GB \(features\).*Set SPRD_CACHE_GB=0.1 or"):
        kept("huge", 30)
    assert names(cache) == {"small"}


def test_entry_must_fit_twice(cache: Path) -> None:
    """Of 10 MB it may take 5 and not 6, though 6 would fit alone."""
    with pytest.raises(ConfigError, match=r"must hold two entries as large as the largest"):
        kept("six", 6)
    kept("five", 5)
    assert names(cache) == {"five"}


def test_deleted_entry_can_be_read_on(cache: Path) -> None:
    """A training maps its features: their pages stay while it runs."""
    folder = kept("a", 4)
    age(folder, 100)
    with (folder / "numbers").open("rb") as file:
        kept("b", 4)
        kept("c", 4)
        assert not folder.exists()
        assert len(file.read()) == 4 * MEGABYTE


def test_entry_that_is_deleted_before_it_is_read_is_built_again(cache: Path) -> None:
    """By another process that needs the room; not for ever."""
    read = 0

    def read_it(folder: Path) -> int:
        nonlocal read
        read += 1
        if read < 3:
            shutil.rmtree(folder)
        return (folder / "numbers").stat().st_size

    assert read_kept(lambda: kept("a", 1), read_it) == MEGABYTE
    with pytest.raises(FileNotFoundError):
        read_kept(lambda: kept("a", 1), lambda folder: (folder / "missing").read_bytes())


def test_entry_that_is_used_while_room_is_made_stays(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody asked for it after it was found to be the oldest."""
    old, other = kept("old", 4), kept("other", 4)
    age(old, 200)
    age(other, 100)
    whole = FileLock.__enter__

    def used(lock: Any) -> Any:
        if Path(lock.lock_file).name == "old.lock":
            asked_for(old)
        return whole(lock)

    monkeypatch.setattr(type(FileLock(cache / "x.lock")), "__enter__", used)
    kept("new", 4)
    assert names(cache) == {"old", "new"}


def test_entry_that_is_being_built_stays(cache: Path) -> None:
    """Its lock is held: nothing under it is deleted."""

    def build(folder: Path) -> None:
        (folder / "numbers").write_bytes(b"\0" * 5 * MEGABYTE)
        kept("other", 5)
        kept("another", 5)

    keep("features", "one", 5 * MEGABYTE, build)
    assert names(cache) == {"one", "another"}


def test_what_a_killed_build_left_goes(cache: Path) -> None:
    """The next build makes room first, of the same or another."""
    for name in (".a.1234.tmp", ".b.5678.tmp"):
        left = cache / "features" / name
        left.mkdir(parents=True)
        (left / "numbers").write_bytes(b"\0" * MEGABYTE)
    kept("a")
    assert names(cache) == {"a"}
    assert {path.name for path in (cache / "features").glob("*.lock")} == {"a.lock"}


def test_failed_build_leaves_nothing(cache: Path) -> None:
    """A full disk is one line; the entry is built by the next who asks."""

    def build(folder: Path) -> None:
        (folder / "half").write_bytes(b"\0")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"):
        keep("features", "a", 1, build)
    assert names(cache) == set()
    assert kept("a").exists()


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan"])
def test_limit_that_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The line names the variable."""
    monkeypatch.setenv("SPRD_CACHE_GB", text)
    with pytest.raises(ConfigError, match="SPRD_CACHE_GB: must be a number of gigabytes above 0"):
        limit_bytes()


def test_limit_is_20_gigabytes_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for Speech Commands in four front ends."""
    monkeypatch.delenv("SPRD_CACHE_GB")
    assert limit_bytes() == 20 * 10**9


@pytest.mark.parametrize(("n_bytes", "fits"), [(500_000_000, True), (500_000_001, False)])
def test_cache_must_hold_two_entries_to_the_byte(
    monkeypatch: pytest.MonkeyPatch, n_bytes: int, fits: bool
) -> None:
    """A trial reads two at once; two that just fit do."""
    monkeypatch.setenv("SPRD_CACHE_GB", "1")
    assert limit_bytes() == 1_000_000_000
    with nullcontext() if fits else pytest.raises(ConfigError, match="must hold two entries"):
        check_size("features", n_bytes)
