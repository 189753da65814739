"""What libraries write to standard error past Python does not reach the user."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sprd.disk.process import (
    environment,
    own_imports,
    quiet_stderr,
    terminated_is_interrupted,
    without_collection,
)


def test_nothing_comes_through_and_afterwards_everything(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """By the descriptor, as C++ writes; standard output is left alone."""
    with quiet_stderr():
        os.write(2, b"banner\n")
        os.write(1, b"result\n")
    os.write(2, b"error\n")
    assert capfd.readouterr() == ("result\n", "error\n")


def test_standard_error_is_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    """Its message is still to be written; no descriptor is left open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ValueError, match="x"), quiet_stderr():
        raise ValueError("x")
    os.write(2, b"error\n")
    assert capfd.readouterr().err == "error\n"
    assert len(os.listdir("/proc/self/fd")) == before


def test_variables_are_set_for_the_block_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user set stays as it is, inside and after."""
    monkeypatch.setenv("SPRD_TEST_MINE", "mine")
    monkeypatch.delenv("SPRD_TEST_OURS", raising=False)
    with environment({"SPRD_TEST_MINE": "ours", "SPRD_TEST_OURS": "ours"}):
        assert (os.environ["SPRD_TEST_MINE"], os.environ["SPRD_TEST_OURS"]) == ("mine", "ours")
    assert os.environ["SPRD_TEST_MINE"] == "mine" and "SPRD_TEST_OURS" not in os.environ


def test_forced_variables_are_put_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user's own would be unsafe."""
    monkeypatch.setenv("SPRD_TEST_MINE", "mine")
    with environment({}, {"SPRD_TEST_MINE": "ours"}):
        assert os.environ["SPRD_TEST_MINE"] == "ours"
    assert os.environ["SPRD_TEST_MINE"] == "mine"


def test_sigterm_interrupts_inside_the_block_alone() -> None:
    """Afterwards it means what it meant."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminated_is_interrupted():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("python_path", [None, "", "/elsewhere:", "."])
def test_nothing_is_imported_from_where_the_command_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python_path: str | None
) -> None:
    """Not by this process, not by a child of `-c`, and not for an empty part of PYTHONPATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    if python_path is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", python_path)
    before = list(sys.path)
    with own_imports():
        assert str(tmp_path) not in sys.path
        told = subprocess.run(
            [sys.executable, "-c", "import sys; print(sys.path)"], capture_output=True, text=True
        ).stdout
        assert str(tmp_path) not in told and "''" not in told
    assert sys.path == before


def test_folder_that_is_named_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONPATH may name the folder where the command is typed: that is a wish."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    with own_imports():
        assert str(tmp_path) in sys.path
        assert os.environ["PYTHONPATH"] == str(tmp_path)


def test_folder_of_the_package_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is typed in a checkout finds it."""
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(str(root))
    with own_imports():
        assert str(root) in sys.path


def test_current_folder_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing lies there."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with own_imports():
        assert sys.path


@pytest.mark.parametrize("was_on", [True, False])
def test_collection_is_as_it_was_after_the_block(was_on: bool) -> None:
    """Off inside, whatever is raised; who had switched it off before finds it off."""
    (gc.enable if was_on else gc.disable)()
    try:
        with pytest.raises(ValueError, match="x"), without_collection():
            assert not gc.isenabled()
            raise ValueError("x")
        assert gc.isenabled() == was_on
    finally:
        gc.enable()
