"""What can be computed again is built once, and the folder does not grow for ever."""

import os
from pathlib import Path

import pytest

from sprd.cache import keep, limit_bytes
from sprd.errors import ConfigError, OutputError

MEGABYTE = 10**6


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
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


def test_what_was_not_asked_for_the_longest_goes_first(cache):
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


def test_all_that_is_computed_shares_the_limit(cache):
    """What a teacher said and features; not what was fetched."""
    (cache / "speech_commands").mkdir()
    (cache / "speech_commands" / "archive").write_bytes(b"\0" * 50 * MEGABYTE)
    age(kept("old", kind="teachers"), 100)
    kept("new", 8)
    assert names(cache) == {"archive", "new"}


def test_more_than_the_limit_is_kept_alone(cache):
    """A sweep whose features are larger than the limit runs, one store at a time."""
    kept("small")
    kept("huge", 30)
    assert names(cache) == {"huge"}


def test_deleted_entry_can_be_read_on(cache):
    """A training maps its features: their pages stay while it runs."""
    folder = kept("a", 6)
    with (folder / "numbers").open("rb") as file:
        kept("b", 6)
        assert not folder.exists()
        assert len(file.read()) == 6 * MEGABYTE


def test_entry_that_is_being_built_stays(cache):
    """Its lock is held: nothing under it is deleted."""

    def build(folder: Path) -> None:
        (folder / "numbers").write_bytes(b"\0" * 6 * MEGABYTE)
        kept("other", 6)

    keep("features", "one", 6 * MEGABYTE, build)
    assert names(cache) == {"one", "other"}


def test_what_a_killed_build_left_goes(cache):
    """The next build of the same makes room first."""
    left = cache / "features" / ".a.1234.tmp"
    left.mkdir(parents=True)
    (left / "numbers").write_bytes(b"\0" * MEGABYTE)
    kept("a")
    assert names(cache) == {"a"}


def test_failed_build_leaves_nothing(cache):
    """A full disk is one line; the entry is built by the next who asks."""

    def build(folder: Path) -> None:
        (folder / "half").write_bytes(b"\0")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"):
        keep("features", "a", 1, build)
    assert names(cache) == set()
    assert kept("a").exists()


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan"])
def test_limit_that_is_no_size_is_refused(monkeypatch, text):
    """The line names the variable."""
    monkeypatch.setenv("SPRD_CACHE_GB", text)
    with pytest.raises(ConfigError, match="SPRD_CACHE_GB: must be a number of gigabytes above 0"):
        limit_bytes()


def test_limit_is_20_gigabytes_unless_told(monkeypatch):
    """Enough for Speech Commands in four front ends."""
    monkeypatch.delenv("SPRD_CACHE_GB")
    assert limit_bytes() == 20 * 10**9
