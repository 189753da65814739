"""A function is called in a process of its own, which says nothing when it is interrupted."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sprd.disk.child import call_in_child, interrupts_held
from sprd.errors import OutputError, SprdError

SLOW = '''
"""Is slow where the child imports it, or where its function runs: as the first argument says."""

import os, pathlib, sys, time

FOLDER = pathlib.Path(__file__).parent


def wait():
    (FOLDER / "begun").touch()
    try:
        time.sleep(60)
    finally:
        print("what the child says", file=sys.stderr)
        (FOLDER / "left in order").touch()


def work():
    if (FOLDER / "while it runs").exists():
        wait()


if "IS_CHILD" in os.environ and (FOLDER / "while it imports").exists():
    wait()
'''

CALL = """
import os, sys
from sprd.disk.child import call_in_child
from sprd.disk.process import terminated_is_interrupted
from slow import work

if __name__ == "__main__":
    os.environ["IS_CHILD"] = "1"
    try:
        with terminated_is_interrupted():
            call_in_child("x", work)
    except KeyboardInterrupt:
        sys.exit("interrupted")
"""


def test_answer_comes_from_another_process() -> None:
    """What the function returns."""
    assert call_in_child("x", os.getpid) not in (os.getpid(), None)


def fail(folder: Path) -> None:
    """Raises as the disk room does."""
    told = OutputError(f"{folder}: must be writable")
    told.is_disk_full = True
    raise told


def test_error_is_raised_with_what_it_carries(tmp_path: Path) -> None:
    """Its class, its message, what it was given; where it was raised is its note."""
    with pytest.raises(OutputError, match="must be writable") as raised:
        call_in_child("x", fail, tmp_path)
    assert raised.value.is_disk_full and str(raised.value) == f"{tmp_path}: must be writable"
    assert "in fail" in raised.value.__notes__[0]


def test_process_that_was_killed_is_told() -> None:
    """For memory, say: an error of one line."""
    told = "runs/a: scoring: the process must stay alive, but it was killed"
    with pytest.raises(SprdError, match=told):
        call_in_child("runs/a: scoring", signal.raise_signal, signal.SIGKILL)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["while it imports", "while it runs"])
def test_child_that_is_interrupted_says_nothing(
    tmp_path: Path, sent: signal.Signals, when: str
) -> None:
    """Ctrl-C reaches the group: one line of the parent; what ran is left in order."""
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "call.py").write_text(CALL)
    (tmp_path / when).touch()
    process = subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, str(tmp_path / "call.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, sent)
    said, _ = process.communicate(timeout=30)
    assert (said, process.returncode) == ("interrupted\n", 1)
    assert (tmp_path / "left in order").exists() == (when == "while it runs")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Interrupts are Python's to handle, also where a shell's `&` has them ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupt_waits_for_the_end_of_the_block() -> None:
    """Then it comes; the handlers are as before."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        done.append("all of it")
    assert done == ["all of it"]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_child_is_started_from_another_thread_too() -> None:
    """Where no handler can be set."""
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(call_in_child("x", os.getpid)))
    thread.start()
    thread.join(30)
    assert len(answers) == 1
