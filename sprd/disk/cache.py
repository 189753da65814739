"""What can be computed again, kept once a machine: built by one process, bounded on disk."""

import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from sprd.disk.atomic import cache_folder, cache_remedy, unwritable, whole_folder
from sprd.disk.room import check_room
from sprd.errors import ConfigError

LIMIT_VARIABLE = "SPRD_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0

KINDS = ("features", "teachers", "noises", "streams", "stream_features")
"""Folders of the cache that are bounded together; the others hold what was fetched or spoken."""

_MAX_READS = 5

Read = TypeVar("Read")


def kept_folder(kind: str, name: str) -> Path:
    """Returns where something computed lies, or would lie."""
    return cache_folder() / kind / name


def keep(kind: str, name: str, n_bytes: int, build: Callable[[Path], None]) -> Path:
    """Returns a folder of the cache, building it if it is not on this machine yet.

    Several processes may ask for the same: one builds, the others wait. Before it builds, what
    was not asked for the longest is deleted until all fits the limit; a process that still maps
    a deleted file goes on reading it. Read what it returns by `read_kept`.

    Args:
        kind: One of `KINDS`.
        name: Says all that the content depends on.
        n_bytes: About what it will take.
        build: Fills the folder that it is given; it becomes the entry when it returns.

    Raises:
        OutputError: The cache cannot be written or the disk is full.
        ConfigError: `$SPRD_CACHE_GB` is no size, or too small for this entry.
    """
    folder = kept_folder(kind, name)
    if not folder.exists():
        check_size(kind, n_bytes)
        with _locked(folder):
            if not folder.exists():
                _delete_left(folder)
                make_room(limit_bytes() - n_bytes)
                with whole_folder(folder) as temporary:
                    build(temporary)
    asked_for(folder)
    return folder


def check_cache(n_bytes: int) -> None:
    """Checks that what is not in the cache yet can be kept there.

    Args:
        n_bytes: About what that will take.

    Raises:
        OutputError: The cache cannot be written, or its disk is too full.
    """
    check_room(cache_folder(), min(n_bytes, limit_bytes()), cache_remedy())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps other processes from building an entry."""
    lock = FileLock(_lock_of(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise unwritable(folder.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def read_kept(keep_it: Callable[[], Path], read: Callable[[Path], Read]) -> Read:
    """Returns what `read` makes of a kept folder; keeps it again if another process deletes it."""
    for _ in range(_MAX_READS - 1):
        with suppress(FileNotFoundError):
            return read(keep_it())
    return read(keep_it())


def asked_for(folder: Path) -> None:
    """Marks an entry as used now: what was not used for the longest is deleted first."""
    with suppress(OSError):  # not there, or in a cache that others filled
        os.utime(folder)


def check_size(kind: str, n_bytes: int) -> None:
    """Checks that the cache can hold two entries of a size: a trial reads two at once.

    Raises:
        ConfigError: It cannot.
    """
    limit = limit_bytes()
    if 2 * n_bytes > limit:
        raise ConfigError(
            f"{LIMIT_VARIABLE}: must hold two entries as large as the largest, which takes"
            f" {n_bytes / 1e9:.2g} GB ({kind}), but is {limit / 1e9:.2g} GB."
            f" Set {LIMIT_VARIABLE}={math.ceil(n_bytes / 5e7) / 10:g} or more,"
            " or lower augment.n_variants."
        )


def limit_bytes() -> int:
    """Returns how much the computed part of the cache may take: `$SPRD_CACHE_GB`, 20 if unset.

    Raises:
        ConfigError: It is no number above 0.
    """
    text = os.environ.get(LIMIT_VARIABLE) or str(DEFAULT_LIMIT_GB)
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise ConfigError(
            f"{LIMIT_VARIABLE}: must be a number of gigabytes above 0, got {text!r}."
            f" Unset it for {DEFAULT_LIMIT_GB:g}."
        )
    return int(min(limit, 1e9) * 1e9)


def make_room(n_bytes: int) -> None:
    """Deletes what was not asked for the longest until the rest takes at most `n_bytes`."""
    entries, total = [], 0
    for kind in KINDS:
        for folder in (cache_folder() / kind).glob("*/"):
            if folder.name.startswith("."):
                _clear_left(_entry_of(folder))
            with suppress(OSError):  # another process deletes too
                size = sum(file.stat().st_size for file in folder.iterdir())
                total += size
                if not folder.name.startswith("."):  # else it is being built
                    entries.append((folder.stat().st_mtime_ns, size, folder))
    for used_ns, size, folder in sorted(entries):
        if total <= n_bytes:
            return
        if _delete(folder, used_ns):
            total -= size


def _delete(folder: Path, used_ns: int) -> bool:
    """Deletes an entry that nobody builds, and that nobody asked for since `used_ns`."""
    lock = _lock_of(folder)
    try:
        with FileLock(lock, timeout=0):
            if folder.stat().st_mtime_ns != used_ns:
                return False
            gone = folder.with_name(f".{folder.name}.gone")
            folder.rename(gone)  # whoever looks sees it whole or not at all
            shutil.rmtree(gone, ignore_errors=True)
            lock.unlink(missing_ok=True)
    except (OSError, Timeout):
        return False
    return True


def _clear_left(folder: Path) -> None:
    """Deletes what a killed build of an entry left, if nobody builds it now."""
    lock = _lock_of(folder)
    with suppress(OSError, Timeout), FileLock(lock, timeout=0):
        _delete_left(folder)
        if not folder.exists():
            lock.unlink(missing_ok=True)


def _delete_left(folder: Path) -> None:
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left, ignore_errors=True)


def _entry_of(left: Path) -> Path:
    """Returns the entry whose build left `.<name>.<anything>`."""
    return left.with_name(left.name[1:].partition(".")[0])


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
