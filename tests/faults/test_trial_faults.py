"""A worker that dies, a disk that is full, storage in a bucket: the sweep ends, and says why."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.faulty import SECRET, command, rows, sprd
from tests.faults.processes import kill_one

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    ("steps", "n_failed"),
    [pytest.param([True], 0, marks=pytest.mark.short), ([True, True], 0), ([True, False], 1)],
    ids=["once", "twice", "twice without a step between"],
)
def test_worker_that_is_killed(
    sweep_file: Callable[..., Path], tmp_path: Path, steps: Any, n_failed: Any
) -> None:
    """The trial goes on. If it came no step further it is a row that says so; others go on."""
    file = sweep_file(n_trials=3, steps=6000, top="max_concurrent_trials = 1\n")
    run = tmp_path / "run"
    process = subprocess.Popen(
        command("sweep", file, "--out", run), stderr=subprocess.PIPE, text=True
    )
    for after_step in steps:
        kill_one(process, run, after_step)
    said = process.communicate()[1]
    assert process.returncode == 0 and "Traceback" not in said, said
    statuses = [row["status"] for row in rows(run)]
    assert statuses.count("trained") == 3
    failed = [row for row in rows(run) if row["status"] == "failed"]
    assert len(failed) == n_failed
    assert said.count("died; goes on from step") == len(steps) - n_failed, said
    for row in failed:
        print(f"the row says: {row['error']}")
        assert re.search("die|kill|crash|exit", row["error"], re.IGNORECASE)


@pytest.mark.short
def test_trial_whose_loss_is_not_finite(sweep_file: Callable[..., Path], tmp_path: Path) -> None:
    """It is a row that says so; the others are trained."""
    file = sweep_file(n_trials=3, steps=300)
    text = file.read_text().replace('"tiny_conv"', '"low_latency_conv"\nfilters = 4')
    text = text.replace("batch_size", 'optimizer = "momentum"\nbatch_size')
    text = (
        text[: text.index("[space]")]
        + '[space]\n"train.learning_rate" = [0.01, 10.0, 0.02, 0.03]\n'
    )
    file.write_text(text)
    done = sprd("sweep", file, "--out", tmp_path / "run")
    found = rows(tmp_path / "run")
    print([row["error"] for row in found if row["status"] == "failed"])
    assert sum(row["status"] == "trained" for row in found) == 3, done.stderr
    assert all("finite" in row["error"] for row in found if row["status"] == "failed")
    assert any(row["status"] == "failed" for row in found)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that can be made larger."""
    if os.geteuid():
        pytest.skip("needs root, to mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("what", ["run", "cache"])
def test_disk_that_is_full(
    sweep_file: Callable[..., Path], tmp_path: Path, small_disk: Path, what: Any
) -> None:
    """Whatever is being written then: one line, nothing half-written; it goes on with room."""
    file = sweep_file(n_trials=2, steps=400)
    run = small_disk / "run" if what == "run" else tmp_path / "run"
    environment = dict(os.environ)
    if what == "cache":
        environment["SPRD_CACHE"] = str(small_disk / "cache")
    sizes = ["64k", "200k", "400k", "800k", "1600k", "3m", "6m", "12m", "25m", "50m", "200m"]
    done_at = None
    for size in sizes:
        subprocess.run(["mount", "-o", f"remount,size={size}", small_disk], check=True)
        done = sprd("sweep", file, "--out", run, env=environment)
        whole = [path.name for path in small_disk.rglob("*.tmp")]
        last = done.stderr.strip().splitlines()[-1]
        print(f"{what} on {size}: exit {done.returncode}: {last[:150]}")
        assert "Traceback" not in done.stderr and whole == []
        if done.returncode == 0:
            done_at = size
            break
        assert done.returncode in (1, 2) and "space" in last, done.stderr
        assert not (run / "bundle").exists()
    assert done_at is not None and done_at != sizes[0]
    trained = [row["number"] for row in rows(run) if row["status"] == "trained"]
    assert sorted(trained) == [0, 1]
    assert sprd("verify", run / "bundle").returncode == 0


@pytest.fixture
def bucket(amazon: int) -> str:
    """A bucket of an S3 server on this machine."""
    from pyarrow import fs

    uri = f"s3://sprd/runs?endpoint_override=127.0.0.1:{amazon}&scheme=http"
    files = fs.FileSystem.from_uri(uri.replace("?", "?allow_bucket_creation=true&"))[0]
    files.create_dir("sprd/runs")
    return uri


@pytest.mark.short
def test_checkpoints_in_a_bucket(
    sweep_file: Callable[..., Path], tmp_path: Path, bucket: str
) -> None:
    """The driver killed, the same command again: trials go on from the bucket, then it is empty."""
    from pyarrow import fs

    file = sweep_file(n_trials=2, steps=6000, top=f'storage = "{bucket}"\n')
    run = tmp_path / "run"
    files, root = fs.FileSystem.from_uri(bucket)

    def stored() -> list[str]:
        selector = fs.FileSelector(root, recursive=True, allow_not_found=True)
        return [one.path for one in files.get_file_info(selector)]

    process = subprocess.Popen(command("sweep", file, "--out", run))
    while process.poll() is None and not any("state.npz" in path for path in stored()):
        time.sleep(0.2)
    time.sleep(2)
    process.kill()
    process.wait()
    left = next(path for path in stored() if path.endswith("state.npz"))
    shutil.copytree(run / "ray", tmp_path / "ray")
    done = sprd("sweep", file, "--out", run)
    assert done.returncode == 0, done.stderr
    assert "goes on from step" in done.stderr
    assert len(rows(run)) == 2 and (run / "bundle/model.tflite").exists()
    assert SECRET not in (run / "bundle/manifest.json").read_text()
    print("left in the bucket:", stored())
    assert not any("trial-" in path for path in stored())

    shutil.copytree(tmp_path / "ray", run / "ray")  # as if killed behind its last row
    with files.open_output_stream(left) as stream:
        stream.write(b"a checkpoint")
    done = sprd("sweep", file, "--out", run)
    assert done.returncode == 0, done.stderr
    assert not any("trial-" in path for path in stored()) and not (run / "ray").exists()
