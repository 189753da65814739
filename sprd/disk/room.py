"""What a command will write to, looked at before it begins: is it writable, is there room."""

import secrets
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from sprd.disk.atomic import unwritable
from sprd.errors import MachineError, OutputError

_PROBE = b"x" * 4096


def check_room(folder: Path, n_bytes: int, remedy: str) -> None:
    """Tries to write into a folder; one that did not exist is gone again afterwards.

    Args:
        folder: It, and its parents, are made if they can be.
        n_bytes: That must be free there.
        remedy: What to do where it cannot be written, or there is less.

    Raises:
        OutputError: The folder cannot be written, or has not that room.
    """
    missing: list[Path] = []
    probe = folder / f".sprd-write-test-{secrets.token_hex(4)}"
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(_PROBE)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise unwritable(folder, error, remedy) from error
    finally:
        with suppress(OSError):  # it may never have been made
            probe.unlink()
        for path in missing:
            with suppress(OSError):
                path.rmdir()
    if free < n_bytes:
        told = OutputError(
            f"{folder}: must have {megabytes(n_bytes)} of free space, got {megabytes(free)}."
            f" {remedy}"
        )
        told.is_disk_full = True
        raise told


def megabytes(n_bytes: float) -> str:
    """Words a size: `16 MB`."""
    return f"{n_bytes / 1e6:,.3g} MB" if n_bytes < 1e8 else f"{n_bytes / 1e6:,.0f} MB"


def check_temporary() -> None:
    """Checks that Python finds a temporary folder.

    Raises:
        MachineError: Neither TMPDIR nor any of the usual ones can be written.
    """
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise MachineError(
            "TMPDIR: must be a folder that can be written, since /tmp and /var/tmp cannot, got"
            " none. Set TMPDIR to one."
        ) from error
