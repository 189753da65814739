"""A sweep over three hosts: as it should be, and with a host, the driver or a network that fails.

The hosts are of this machine, see `hosts`. `ray up` brings the cluster up from the project's own
cluster.yaml, edited as its marks say, without its `docker:` block: images are not tested here.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sprd.device.board import BOARDS_FOLDER
from tests.faults.faulty import command, rows, sprd
from tests.faults.hosts import ADDRESSES, HEAD, WORKERS, Hosts, kill_inside, missing

pytestmark = pytest.mark.faults

LIMIT_S = 300.0
"""A sweep that takes longer hangs."""


@pytest.fixture
def hosts(tmp_path: Path, cache: Path) -> Iterator[Hosts]:
    """Three hosts and Ray on them; each test has its own, as it leaves them damaged."""
    if reason := missing():
        pytest.skip(reason)
    hosts = Hosts(tmp_path / "hosts")
    try:
        hosts.up(cache)
        yield hosts
    finally:
        hosts.close()


@pytest.fixture
def sweep(
    hosts: Hosts, sweep_file: Callable[..., Path], tmp_path: Path, cache: Path
) -> Callable[..., "subprocess.Popen[str]"]:
    """Starts the same sweep on the head host; what it says goes to log.txt, its run to run/."""

    def start(**settings: Any) -> "subprocess.Popen[str]":
        file = sweep_file(top=f'storage = "{tmp_path / "storage"}"\n', **settings)
        words = command("sweep", file, "--address", "auto", "--out", tmp_path / "run")
        with (tmp_path / "log.txt").open("a") as log:
            return hosts.popen(
                words, environment={"SPRD_CACHE": str(cache)}, stdout=log, stderr=log
            )

    return start


def ended(process: "subprocess.Popen[str]", folder: Path) -> tuple[list[dict[str, Any]], float]:
    """Waits for a sweep, and checks that each trial is there once.

    Returns:
        The rows, and for how many seconds it went on from now.
    """
    since = time.monotonic()
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        kill_inside(process)
    log_text, found = (folder / "log.txt").read_text(), rows(folder / "run")
    assert process.returncode == 0 and "Traceback" not in log_text, log_text
    numbers = [row["number"] for row in found]
    assert sorted(numbers) == list(range(6)), numbers
    assert {row["status"] for row in found} == {"trained"}, found
    for number in numbers:
        assert (folder / f"run/trials/{number}/model.tflite").stat().st_size > 0
    assert (folder / "run/bundle/model.tflite").stat().st_size > 0
    assert not list((folder / "storage").iterdir()), "checkpoints are left"
    return found, time.monotonic() - since


def until_trains(process: "subprocess.Popen[str]", folder: Path, hosts: Hosts, name: str) -> int:
    """Waits until a host trains and a checkpoint of that is there; returns the trial."""
    while process.poll() is None:
        done = {row["number"] for row in rows(folder / "run")}
        for number in hosts.trials(name) - done:
            if list((folder / "storage").glob(f"*/*/trial-{number}/checkpoint_*[1-9]/state.npz")):
                return number
        time.sleep(0.2)
    raise AssertionError(f"it ended before: {(folder / 'log.txt').read_text()}")


def went_on_elsewhere(
    found: list[dict[str, Any]], number: int, name: str, folder: Path
) -> dict[str, Any]:
    """Returns the row of a trial that a host began; another ended it, from its checkpoint."""
    said = re.findall(rf"^trial {number}: .*", (folder / "log.txt").read_text(), re.MULTILINE)
    assert any("died; goes on from step" in line for line in said), said
    print(*said, sep="\n", flush=True)
    row = next(row for row in found if row["number"] == number)
    assert row["node"] != ADDRESSES[name]
    return row


def nodes(found: list[dict[str, Any]]) -> str:
    """Words which host trained which trials."""
    by_node = {
        address: [row["number"] for row in found if row["node"] == address]
        for address in ADDRESSES.values()
    }
    assert sum(map(len, by_node.values())) == len(found), found
    return ", ".join(f"{address} trained {numbers}" for address, numbers in by_node.items())


@pytest.mark.parametrize("cache", [Path("/tmp/ray/a cache of its own")])  # in /tmp/ray it is
def test_sweep_over_three_hosts(
    hosts: Hosts,
    sweep: Callable[..., "subprocess.Popen[str]"],
    sweep_file: Callable[..., Path],
    tmp_path: Path,
    cache: Path,
) -> None:
    """Each trial once, on several hosts; the models are those of a sweep on one host alone."""
    board = (BOARDS_FOLDER / "arduino_nano_33_ble.toml").read_bytes()
    (hosts.files(HEAD) / "mine.toml").write_bytes(board)  # the other hosts have no such file
    found, seconds = ended(sweep(board="/tmp/ray/mine.toml"), tmp_path)
    trained = {name for name in ADDRESSES if ADDRESSES[name] in {row["node"] for row in found}}
    assert len(trained) >= 2
    for name in trained:
        assert list((hosts.files(name) / cache.name / "synthetic").glob("*/up/*.wav")), name
    print(f"three hosts: 6 trials in {seconds:.0f} s; {nodes(found)}", flush=True)
    environment = {**os.environ, "SPRD_CACHE": str(tmp_path / "cache")}
    since = time.monotonic()
    alone = sprd(
        *("sweep", sweep_file(top="max_concurrent_trials = 1\n"), "--out", tmp_path / "alone"),
        env=environment,
        timeout=LIMIT_S,
    )
    assert alone.returncode == 0, alone.stderr
    seconds_alone = time.monotonic() - since
    for number in range(6):
        model, same = (tmp_path / out / f"trials/{number}/model.tflite" for out in ("run", "alone"))
        assert model.read_bytes() == same.read_bytes(), number
    print(
        f"one host: {seconds_alone:.0f} s, the start of Ray included, {seconds_alone / seconds:.2f}"
        " times as long; the same six models",
        flush=True,
    )


def test_job_from_a_laptop(
    hosts: Hosts, sweep_file: Callable[..., Path], tmp_path: Path, cache: Path
) -> None:
    """`ray job submit` through an ssh tunnel, with the token: the driver runs on the head."""
    file = sweep_file(top=f'storage = "{tmp_path / "storage"}"\n', steps=1000)
    (tmp_path / "sweeps").mkdir()
    file = file.rename(tmp_path / "sweeps" / file.name)
    tunnel = hosts.type_at_desk("attach", "CLUSTER", "-p", "8265", stdin=subprocess.PIPE)
    words = f"job submit --address http://127.0.0.1:8265 --working-dir {file.parent} --".split()
    words += ["sprd", "sweep", file.name, "--address", "auto", "--out", str(tmp_path / "run")]
    try:
        for _ in range(30):
            listed = hosts.type_at_desk("job", "list", *words[2:4], stderr=subprocess.DEVNULL)
            if listed.wait() == 0:
                break
            time.sleep(1)
        with (tmp_path / "log.txt").open("a") as log:
            job = hosts.type_at_desk(*words, stdout=log, stderr=log)
            found, seconds = ended(job, tmp_path)
    finally:
        tunnel.kill()
        tunnel.communicate()
    print(f"sent from the desk: 6 trials in {seconds:.0f} s; {nodes(found)}", flush=True)


def test_host_that_dies(
    hosts: Hosts, sweep: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """Its trial goes on on another host, and the sweep ends; switched on again, it joins again."""
    process, name = sweep(steps=6000), WORKERS[0]
    number = until_trains(process, tmp_path, hosts, name)
    hosts.kill(name)
    found, seconds = ended(process, tmp_path)
    row = went_on_elsewhere(found, number, name, tmp_path)
    print(
        f"host {ADDRESSES[name]} died in trial {number}, which {row['node']} ended; the sweep"
        f" ended {seconds:.0f} s later; {nodes(found)}",
        flush=True,
    )
    hosts.start(name)
    since = time.monotonic()
    hosts.wait_for(ADDRESSES)
    print(f"switched on again, it joined after {time.monotonic() - since:.0f} s", flush=True)


def test_driver_that_dies(
    hosts: Hosts, sweep: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """The same command keeps the rows, and goes on with trials from their checkpoints."""
    process, table = sweep(steps=6000), tmp_path / "run/trials.jsonl"
    while not rows(tmp_path / "run") and process.poll() is None:
        time.sleep(0.2)
    until_trains(process, tmp_path, hosts, WORKERS[0])
    kill_inside(process)
    before = table.read_bytes()
    before = before[: before.rfind(b"\n") + 1]
    n_before = len(rows(tmp_path / "run"))
    assert 0 < n_before < 6
    found, seconds = ended(sweep(steps=6000), tmp_path)
    assert table.read_bytes().startswith(before)
    n_resumed = (tmp_path / "log.txt").read_text().count("goes on from step")
    assert n_resumed > 0
    print(
        f"driver died with {n_before} rows; the rest took {seconds:.0f} s, {n_resumed} trainings"
        f" went on from a checkpoint; {nodes(found)}",
        flush=True,
    )


def test_network_that_is_cut(
    hosts: Hosts, sweep: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """Its trial goes on elsewhere, and is not there twice; healed, the host joins again.

    After 30 s it is dead to Ray, but works on: the shared folder, as here, was never cut.
    """
    process, name = sweep(steps=6000), WORKERS[0]
    number = until_trains(process, tmp_path, hosts, name)
    hosts.cut(name)
    time.sleep(30)
    assert process.poll() is None, (tmp_path / "log.txt").read_text()
    hosts.heal(name)
    found, seconds = ended(process, tmp_path)
    row = went_on_elsewhere(found, number, name, tmp_path)
    print(
        f"network of {ADDRESSES[name]} cut for 30 s in trial {number}, which {row['node']} ended;"
        f" the sweep ended {seconds:.0f} s after it was healed; {nodes(found)}",
        flush=True,
    )
    since = time.monotonic()
    hosts.wait_for(ADDRESSES)
    print(f"it joined again {time.monotonic() - since:.0f} s later at most", flush=True)
