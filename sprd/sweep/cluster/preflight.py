"""What trainings need of this machine beside disks, looked at before the first: no Ray here.

A temporary folder whose path is short enough for Ray's sockets, /dev/shm for the semaphores of
processes, and loopback, over which Ray's processes talk.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from sprd.disk.room import check_room, megabytes
from sprd.errors import MachineError, OutputError

ROOM_BYTES = 64 * 2**20
"""Free space that Ray's folder must have: logs, and what of its object store is used."""

LONGEST_SOCKET = 107
"""Bytes of a path that a socket can have. Source: unix(7), sun_path less its null."""

_BELOW = "session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
"""The longest path that Ray 2.60 makes in its folder: date and process number are as long always,
or at most."""

LONGEST_FOLDER = LONGEST_SOCKET - len(_BELOW) - len("/ray/")
"""Of what TMPDIR may name."""

FALLBACKS = ("/tmp", "/var/tmp")


@dataclass(frozen=True)
class Temporary:
    """Where Ray's folder lies, and why elsewhere than the environment says, if it does."""

    folder: Path
    note: str | None = None

    @property
    def variables(self) -> Mapping[str, str]:
        """What libraries are told where the environment names no folder that can be used."""
        return {} if self.note is None else {"TMPDIR": str(self.folder.parent)}


def check_machine(address: str | None) -> None:
    """Checks what a sweep needs, before anything is computed.

    Args:
        address: A Ray cluster, or None where Ray is to be started on this machine.

    Raises:
        MachineError: Something is missing; the message names it.
    """
    check_processes()
    if address is None:
        check_loopback()
        choose_temporary()


def check_processes() -> None:
    """Checks that processes can be started that share a semaphore: they compute features, say.

    Raises:
        MachineError: /dev/shm is missing, or cannot be written.
    """
    try:
        get_context("spawn").Lock()
    except OSError as error:
        raise MachineError(
            f"/dev/shm: must be a folder that can be written: {error.strerror or error}. Mount it:"
            " mount -t tmpfs none /dev/shm, or run the container with --shm-size 1g."
        ) from error


def check_loopback() -> None:
    """Checks that processes of this machine can talk over 127.0.0.1.

    Raises:
        MachineError: They cannot.
    """
    try:
        with socket.socket() as server:
            server.settimeout(5)
            server.bind(("127.0.0.1", 0))
            server.listen()
            with socket.create_connection(server.getsockname(), timeout=5):
                return
    except OSError as error:
        raise MachineError(
            f"loopback (127.0.0.1): must be up, since Ray's processes talk over it:"
            f" {error.strerror or error}. Bring it up: ip link set lo up."
        ) from error


def choose_temporary() -> Temporary:
    """Returns where Ray's folder can lie: where the environment says, else in a usual place.

    Raises:
        MachineError: Nowhere.
    """
    variable = "RAY_TMPDIR" if "RAY_TMPDIR" in os.environ else "TMPDIR"
    named = os.environ.get(variable)
    reasons: list[str] = []
    for parent in dict.fromkeys([named or FALLBACKS[0], *FALLBACKS]):
        for name in ("ray", f"ray-{os.getuid()}"):  # another user's may be in the way
            folder = Path(parent) / name
            reason = _unusable(folder)
            if reason is None:
                is_told = named and reasons
                note = f"{variable}: {reasons[0]}; Ray's files go to {folder}" if is_told else None
                return Temporary(folder, note)
            reasons.append(reason)
    raise MachineError(
        f"{variable}: must name a folder for temporary files that can be written, of at most"
        f" {LONGEST_FOLDER} characters, with {megabytes(ROOM_BYTES)} of free space:"
        f" {reasons[0]}. Set {variable} to one."
    )


def token_variables() -> Mapping[str, str]:
    """Returns a token for the Ray of this machine, where Ray cannot keep one in the home folder.

    Ray's processes show it to each other; the environment of a process is its user's alone.
    """
    if {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
        return {}
    try:
        folder = Path.home() / ".ray"
        if not (folder / "auth_token").exists():
            check_room(folder, 1, "")
    except (OSError, RuntimeError, OutputError):  # no home, or none that can be written
        return {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return {}


def _unusable(folder: Path) -> str | None:
    """Returns why Ray's folder cannot be this one, or None."""
    parent = folder.parent
    if not parent.is_absolute() or len(os.fsencode(parent)) > LONGEST_FOLDER:
        return f"{parent} is longer than the {LONGEST_FOLDER} characters that sockets leave"
    if not parent.is_dir():
        return f"{parent} is no folder"
    try:
        check_room(folder, ROOM_BYTES, "")
    except OutputError as error:
        return str(error).split(". ")[0].removeprefix(f"{folder}: ")
    return None
