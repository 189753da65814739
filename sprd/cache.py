"""What can be computed again, kept once a machine: built by one process, bounded on disk."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sprd.errors import ConfigError
from sprd.folders import cache_folder, whole_folder

LIMIT_VARIABLE = "SPRD_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0

KINDS = ("features", "teachers")
"""Folders of the cache that are bounded together; the others hold what was fetched or spoken."""


def kept_folder(kind: str, name: str) -> Path:
    """Returns where something computed lies, or would lie."""
    return cache_folder() / kind / name


def keep(kind: str, name: str, n_bytes: int, build: Callable[[Path], None]) -> Path:
    """Returns a folder of the cache, building it if it is not on this machine yet.

    Several processes may ask for the same: one builds, the others wait. Before it builds, what
    was not asked for the longest is deleted until all fits the limit; a process that still maps
    a deleted file goes on reading it.

    Args:
        kind: One of `KINDS`.
        name: Says all that the content depends on.
        n_bytes: About what it will take.
        build: Fills the folder that it is given; it becomes the entry when it returns.

    Raises:
        OutputError: The cache cannot be written or the disk is full.
        ConfigError: `$SPRD_CACHE_GB` is no size.
    """
    folder = kept_folder(kind, name)
    if not folder.exists():
        limit = limit_bytes()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_lock_of(folder)):
            if not folder.exists():
                for left in folder.parent.glob(f".{name}.*"):  # by a build that was killed
                    shutil.rmtree(left, ignore_errors=True)
                make_room(limit - n_bytes)
                with whole_folder(folder) as temporary:
                    build(temporary)
    with suppress(OSError):  # a cache that others filled may be read-only
        os.utime(folder)
    return folder


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
    entries = []
    for kind in KINDS:
        for folder in (cache_folder() / kind).glob("[!.]*/"):
            with suppress(OSError):  # another process deletes too
                size = sum(file.stat().st_size for file in folder.iterdir())
                entries.append((folder.stat().st_mtime_ns, size, folder))
    total = sum(size for _, size, _ in entries)
    for _, size, folder in sorted(entries):
        if total <= n_bytes:
            return
        if _delete(folder):
            total -= size


def _delete(folder: Path) -> bool:
    """Deletes an entry that nobody builds at the moment."""
    lock = _lock_of(folder)
    try:
        with FileLock(lock, timeout=0):
            gone = folder.with_name(f".{folder.name}.gone")
            folder.rename(gone)  # whoever looks sees it whole or not at all
            shutil.rmtree(gone, ignore_errors=True)
    except (OSError, Timeout):
        return False
    lock.unlink(missing_ok=True)
    return True


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
