"""A trial that needs more memory than there is: it fails and says why, the other is trained."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.faulty import command, rows
from tests.faults.processes import until_workers

pytestmark = pytest.mark.faults

ROOM = 3_500_000_000
"""Bytes for a sweep with two workers: enough for batches of 50, not for those of 4,096 clips."""


@pytest.fixture
def greedy_sweep(sweep_file: Callable[..., Path]) -> Path:
    """Two trials side by side, one of which needs about 4 GB for itself."""
    file = sweep_file(n_trials=2, steps=300, interval=100)
    text = file.read_text().replace('sampler = "random"', 'sampler = "grid"')
    text = text.replace('"tiny_conv"', '"ds_cnn"\nfilters = 24')
    file.write_text(text[: text.index("[space]")] + '[space]\n"train.batch_size" = [50, 4096]\n')
    return file


def check(run: Path, said: str) -> None:
    """The greedy trial failed, the other is the winner."""
    found = {row["params"]["train.batch_size"]: row for row in rows(run)}
    print(f"the row says: {found[4096]['error']}")
    assert (found[4096]["status"], found[50]["status"]) == ("failed", "trained"), said
    assert "memory" in found[4096]["error"].lower()
    assert "Traceback" not in said
    assert (run / "bundle/model.tflite").exists()


@pytest.fixture
def control_group() -> Iterator[Path]:
    """A group of processes that may hold so much memory, as a container is one."""
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    is_old = old.is_dir()
    group = (old if is_old else new) / "sprd-faults"
    try:
        group.mkdir(exist_ok=True)
        (group / ("memory.limit_in_bytes" if is_old else "memory.max")).write_text(str(ROOM))
    except OSError as error:
        pytest.skip(f"needs root and control groups that can be written: {error}")
    yield group
    for _ in range(300):  # Ray's own processes end a little after the driver
        try:
            return group.rmdir()
        except OSError:
            time.sleep(0.1)
    group.rmdir()


def test_trial_that_the_kernel_kills_for_memory(
    greedy_sweep: Path, tmp_path: Path, control_group: Path
) -> None:
    """Killed twice, as it goes on once: it is a row that says so, and the other is trained."""
    run = tmp_path / "run"

    def enter() -> None:
        (control_group / "cgroup.procs").write_text(str(os.getpid()))

    done = subprocess.run(
        command("sweep", greedy_sweep, "--out", run),
        capture_output=True,
        text=True,
        preexec_fn=enter,
    )
    print(done.stderr)
    assert done.returncode == 0, done.stderr
    check(run, done.stderr)


def test_trial_that_ray_kills_for_memory(greedy_sweep: Path, tmp_path: Path) -> None:
    """On a cluster whose Ray looks after memory: it may end both, each goes on once."""
    run = tmp_path / "run"
    total, available = memory()
    environment = os.environ | {
        "RAY_memory_monitor_refresh_ms": "250",
        "RAY_memory_usage_threshold": f"{(total - available + ROOM) / total:.3f}",
    }
    done = subprocess.run(
        command("sweep", greedy_sweep, "--out", run),
        capture_output=True,
        text=True,
        env=environment,
    )
    print(done.stderr)
    assert done.returncode == 0, done.stderr
    check(run, done.stderr)


def memory() -> tuple[int, int]:
    """Returns the bytes that there are, and that are free or could be."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return found["MemTotal"], found["MemAvailable"]


def test_trial_that_raises(greedy_sweep: Path, tmp_path: Path) -> None:
    """Denied the memory, TensorFlow raises: it is a row with what it said, the worker goes on."""
    run = tmp_path / "run"
    process = subprocess.Popen(
        command("sweep", greedy_sweep, "--out", run), stderr=subprocess.PIPE, text=True
    )
    for worker in until_workers(process, 2):
        used = int(Path(f"/proc/{worker}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(worker, resource.RLIMIT_AS, (used + ROOM // 2, used + ROOM // 2))
    said = process.communicate()[1]
    print(said)
    assert process.returncode == 0, said
    check(run, said)
