"""Where files go and how they get there whole: a temporary name, then a rename."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from sprd.errors import OutputError

CACHE_VARIABLE = "SPRD_CACHE"


def cache_folder() -> Path:
    """Returns the folder of what can be computed again: features, downloads, synthetic voices.

    `$SPRD_CACHE` names it; unset, it is the user's cache folder.

    Raises:
        OutputError: The user has none: no HOME, and none in the list of users.
    """
    named = os.environ.get(CACHE_VARIABLE)
    folder = Path(named) if named else user_cache_path("sprd", appauthor=False)
    if folder.parts[:1] == ("~",):
        raise OutputError(
            f"HOME: must be set where the system knows no home of user {os.getuid()}, got none."
            f" Set HOME, or {CACHE_VARIABLE} to a folder that can be written."
        )
    return folder.absolute()


def cache_remedy() -> str:
    """Returns what to do where the cache cannot be written: which variable names it, which may."""
    if os.environ.get(CACHE_VARIABLE):
        return f"It is the cache: set {CACHE_VARIABLE} to a folder with room."
    variable = "XDG_CACHE_HOME" if os.environ.get("XDG_CACHE_HOME", "").strip() else "HOME"
    return f"It is the cache (from ${variable}): set {CACHE_VARIABLE} to a folder with room."


def write_atomically(path: Path, data: bytes | str) -> None:
    """Writes a file that is there whole or not at all, and survives a power cut.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    content = data.encode() if isinstance(data, str) else data
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):  # it may never have been made, or could not be
            temporary.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Gives a temporary folder that becomes `path` when the block ends well, and else is removed.

    An older folder at `path` is replaced only then.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _replace_folder(path, temporary)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace_folder(path: Path, new: Path) -> None:
    if not path.exists():
        new.rename(path)
        return
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def unwritable(path: Path, error: OSError, remedy: str | None = None) -> OutputError:
    """Returns the message for a file or folder that cannot be written.

    Args:
        path: It.
        error: Why.
        remedy: What to do; None: what helps for a file there.
    """
    reason = error.strerror or str(error)
    if remedy is None:
        remedy = "Make room, or choose another folder."
        with suppress(OutputError):  # where there is no home, it is not the cache
            if path.is_relative_to(cache_folder()):
                remedy = cache_remedy()
    told = OutputError(f"{path}: must be writable: {reason}. {remedy}")
    told.is_disk_full = is_disk_full(error)
    return told


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, is that no room was left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        if isinstance(error, OutputError) and error.is_disk_full:
            return True
        error = error.__cause__ or error.__context__
    return False
