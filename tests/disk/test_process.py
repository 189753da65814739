"""What libraries write to standard error past Python does not reach the user."""

import os
import signal

import pytest

from sprd.disk.process import environment, quiet_stderr, terminated_is_interrupted


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
