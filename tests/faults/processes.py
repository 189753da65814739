"""The processes that run the trials of a sweep."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from sprd.sweep.cluster.checkpoints import LABEL_FILE
from tests.faults.faulty import rows

WORKER = b"ray::ImplicitFunc"
"""How Ray names the processes that run trials."""


def workers(driver: int) -> list[int]:
    """Returns the process numbers of the workers of a sweep that train."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_worker = (folder / "cmdline").read_bytes().startswith(WORKER)
            if is_worker and driver in ancestors(int(folder.name)):
                found.append(int(folder.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def ancestors(process: int) -> list[int]:
    """Returns who started a process, who started that one, and so on."""
    found = []
    while process > 1:
        status = Path(f"/proc/{process}/status").read_text()
        process = int(re.findall(r"^PPid:\t(\d+)", status, re.MULTILINE)[0])
        found.append(process)
    return found


def until_workers(process: "subprocess.Popen[str]", n_workers: int) -> list[int]:
    """Waits until so many workers are there; returns their process numbers."""
    while process.poll() is None:
        found = workers(process.pid)
        if len(found) >= n_workers:
            return found
        time.sleep(0.2)
    raise AssertionError("the sweep ended before")


def kill_one(process: "subprocess.Popen[str]", run: Path, after_step: bool) -> None:
    """Kills a worker, as the kernel does for memory: once it has written a checkpoint, or at once.

    The driver hears of a checkpoint within a second of its files.
    """
    old = checkpoints(run)
    found = until_workers(process, 1)
    while after_step and process.poll() is None and checkpoints(run) <= old:
        time.sleep(0.2)
    time.sleep(1.0 if after_step else 0.2)
    assert process.poll() is None, f"it ended before: {rows(run)}"
    os.kill(found[0], signal.SIGKILL)
    while found[0] in workers(process.pid):
        time.sleep(0.1)


def checkpoints(run: Path) -> set[Path]:
    """Returns the checkpoints that lie in the folder of a run."""
    return set((run / "ray").rglob(LABEL_FILE))
