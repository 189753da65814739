"""What is missing is told by the name of what to set, before anything is computed."""

import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sprd.errors import MachineError
from sprd.sweep.cluster import preflight
from sprd.sweep.cluster.preflight import (
    LONGEST_FOLDER,
    LONGEST_SOCKET,
    check_loopback,
    check_machine,
    check_processes,
    choose_temporary,
    token_variables,
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A usual place, so that the machine's own is left alone; paths of tests are short enough."""
    folder = tmp_path / "usual"
    folder.mkdir()
    monkeypatch.setattr(preflight, "FALLBACKS", (str(folder),))
    monkeypatch.setattr(preflight, "LONGEST_FOLDER", len(str(tmp_path)) + 20)
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    return folder


def test_this_machine_has_what_a_sweep_needs() -> None:
    """Or the other tests would not run. Looking changes no variable."""
    before = dict(os.environ)
    check_machine(None)
    check_machine("10.0.0.1:6379")
    assert dict(os.environ) == before


def test_longest_folder_leaves_the_socket_its_bytes() -> None:
    """Ray's longest path below it, with the largest process number of Linux, is one byte short."""
    path = f"{'x' * LONGEST_FOLDER}/ray/session_2026-11-28_04-07-12_123456_4194304/sockets"
    assert len(f"{path}/plasma_store") == LONGEST_SOCKET


def test_named_folder_is_taken_as_it_is(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a word, and no variable is changed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    found = choose_temporary()
    assert (found.folder, found.note, found.variables) == (tmp_path / "ray", None, {})
    monkeypatch.delenv("TMPDIR")
    assert choose_temporary().folder == elsewhere / "ray"
    assert choose_temporary().note is None


@pytest.mark.parametrize("fault", ["long", "missing", "a file", "relative"])
def test_folder_that_cannot_be_used_is_replaced_and_named(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The reason is told, and libraries of the workers are told the other folder."""
    named = {"long": tmp_path / ("x" * 30), "relative": Path("here")}.get(fault, tmp_path / "x")
    if fault == "long":
        named.mkdir()
    if fault == "a file":
        named.touch()
    monkeypatch.setenv("TMPDIR", str(named))
    found = choose_temporary()
    assert found.folder == elsewhere / "ray"
    assert found.note is not None and found.note.startswith(f"TMPDIR: {named} is ")
    assert found.note.endswith(f"; Ray's files go to {elsewhere}/ray")
    assert found.variables == {"TMPDIR": str(elsewhere)}


def test_folder_of_another_user_is_avoided(elsewhere: Path, monkeypatch: Any) -> None:
    """A `ray` that cannot be written has a neighbour that can."""
    monkeypatch.delenv("TMPDIR", raising=False)
    (elsewhere / "ray").touch()
    assert choose_temporary().folder == elsewhere / f"ray-{os.getuid()}"


def test_no_folder_at_all_is_refused(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the variable, with what it must name."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(preflight, "ROOM_BYTES", 2**60)
    with pytest.raises(MachineError, match=r"TMPDIR: must name .* free space, got .* Set TMPDIR"):
        choose_temporary()


def test_semaphores_need_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/shm is named, and how to mount it."""

    def refuse() -> None:
        raise OSError(30, "Read-only file system")

    check_processes()
    monkeypatch.setattr(preflight, "get_context", lambda kind: SimpleNamespace(Lock=refuse))
    with pytest.raises(MachineError, match=r"^/dev/shm: must be .*: Read-only file system\. Mount"):
        check_processes()


def test_loopback_must_be_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would wait for minutes."""

    def refuse(*args: object, **options: object) -> None:
        raise OSError(101, "Network is unreachable")

    check_loopback()
    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(MachineError, match=r"^loopback .*: Network is unreachable\. Bring it up"):
        check_loopback()


def test_token_is_made_where_ray_cannot_keep_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the home folder is none; one that is there, or named, is taken."""
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert token_variables() == {}
    (tmp_path / ".ray").touch()
    first, second = token_variables()["RAY_AUTH_TOKEN"], token_variables()["RAY_AUTH_TOKEN"]
    assert len(first) == 64 and first != second
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/a/token")
    assert token_variables() == {}
