"""`kill -9` of the driver at random moments, each followed by the same command."""

import json
import os
import random
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.faulty import command, rows, sprd

pytestmark = pytest.mark.faults

SEED = 20261124


def folds(run: Path) -> list[dict[str, Any]]:
    """Returns the results of folds, without what differs between two runs."""
    path = run / "folds.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [{**json.loads(line), "seconds": None} for line in lines]


def until_trains(process: "subprocess.Popen[str] | subprocess.Popen[bytes]", run: Path) -> None:
    """Waits until a checkpoint or a row is written."""
    begun, table = time.time(), run / "trials.jsonl"
    while process.poll() is None:
        new = [table, *(run / "ray/trials").glob("*/*/checkpoint_*/state.npz")]
        for path in new:
            with suppress(FileNotFoundError):  # a checkpoint goes when the next one is there
                if path.stat().st_mtime > begun:
                    return
        time.sleep(0.1)


def until_row(process: "subprocess.Popen[bytes]", run: Path) -> None:
    """Waits until a trial has ended, in this process or an earlier one."""
    while process.poll() is None and not (run.is_dir() and rows(run)):
        time.sleep(0.1)


def timed(file: Path, run: Path) -> tuple[float, float]:
    """Runs a sweep undisturbed: seconds until it trains, and from then until its last row."""
    begun = time.time()
    with subprocess.Popen(
        command("sweep", file, "--out", run),
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        until_trains(process, run)
        trains = time.time()
        said = process.communicate()[1]
    assert process.returncode == 0, said
    return trains - begun, (run / "trials.jsonl").stat().st_mtime - trains


@pytest.mark.parametrize(
    ("n_kills", "n_trials"), [pytest.param(2, 4, marks=pytest.mark.short), (20, 20)]
)
def test_sweep_ends_as_if_it_had_not_been_killed(
    sweep_file: Callable[..., Path], tmp_path: Path, n_kills: Any, n_trials: Any
) -> None:
    """Rows that were there stay as they were; in the end each trial once, the same winner."""
    file = sweep_file(n_trials=n_trials, steps=5000, interval=250)
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    start, span = timed(file, undisturbed)
    print(f"undisturbed: trains after {start:.0f} s, for {span:.0f} s")
    chance, finished = random.Random(SEED), b""
    for kill in range(n_kills):
        with (tmp_path / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                command("sweep", file, "--out", disturbed), stdout=log, stderr=log
            )
            if kill == n_kills - 1:  # some trials have ended by then, and others never have
                seconds, moment = chance.uniform(0.0, span / 10), "after a row"
                until_row(process, disturbed)
            elif chance.random() < 0.5:
                seconds, moment = chance.uniform(2.0, start), "after its start"
            else:
                seconds, moment = chance.uniform(0.0, span / max(5, n_kills / 2)), "of training"
                until_trains(process, disturbed)
            time.sleep(seconds)
            assert process.poll() is None, f"it ended before kill {kill}: let trials last longer"
            process.kill()
            process.wait()
        table = disturbed / "trials.jsonl"
        now = table.read_bytes() if table.exists() else b""
        assert now.startswith(finished), f"rows changed before kill {kill}"
        finished = now[: now.rfind(b"\n") + 1]
        n_rows = len(rows(disturbed))
        print(f"kill {kill + 1}, {seconds:.1f} s {moment}: {n_rows} rows", flush=True)
    assert finished, "no trial had ended when the driver was killed"
    assert sum(row["status"] == "trained" for row in rows(disturbed)) < n_trials
    done = sprd("sweep", file, "--out", disturbed)
    assert done.returncode == 0, done.stderr
    assert (disturbed / "trials.jsonl").read_bytes().startswith(finished)
    trained = [row["number"] for row in rows(disturbed) if row["status"] == "trained"]
    assert len(trained) == n_trials == len(set(trained))
    log_text = (tmp_path / "log.txt").read_text() + done.stderr
    n_resumed = log_text.count("goes on from step")
    print(f"{n_resumed} trainings went on from a checkpoint")
    assert n_resumed > 0 or n_kills < 5, "none was killed while it trained"
    for number in trained:
        name = f"trials/{number}/model.tflite"
        assert (disturbed / name).read_bytes() == (undisturbed / name).read_bytes(), name
    for name in ("model.tflite", "model_float.tflite"):
        same = (disturbed / "bundle" / name).read_bytes()
        assert same == (undisturbed / "bundle" / name).read_bytes(), name
    assert not (disturbed / "ray").exists()
    kept = [sorted(os.listdir(run / "trials")) for run in (disturbed, undisturbed)]
    assert kept[0] == kept[1]


def unfinished(run: Path) -> dict[int, dict[str, Any]]:
    """Returns the points of the trials that left a checkpoint and have no row, by number."""
    labels = (run / "ray/trials").glob("*/*/checkpoint_*/training.json")
    texts = [path.read_text() for path in labels if path.with_name("state.npz").exists()]
    told = [json.loads(text) for text in texts if text.endswith("}")]  # the others: not whole yet
    ended = {row["number"] for row in rows(run)}
    return {one["number"]: one["point"] for one in told if one["number"] not in ended}


def test_sampler_that_learns_gives_unfinished_points_again(
    sweep_file: Callable[..., Path], tmp_path: Path
) -> None:
    """Two at once: it knows other rows by then, and would propose others."""
    file = sweep_file(n_trials=18, steps=900, interval=50)
    file.write_text(file.read_text().replace('sampler = "random"', 'sampler = "bayes"'))
    run, expected, said = tmp_path / "run", {}, ""
    for enough in (1, 4, 7, 10, 13):
        process = subprocess.Popen(
            command("sweep", file, "--out", run), stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None and not (len(rows(run)) >= enough and unfinished(run)):
            time.sleep(0.1)
        assert process.poll() is None, f"it ended before it had {enough} rows"
        time.sleep(1.0)
        process.kill()
        said += process.communicate()[1]
        expected.update(unfinished(run))
        print(f"killed with {len(rows(run))} rows, unfinished {sorted(unfinished(run))}")
    done = sprd("sweep", file, "--out", run)
    assert done.returncode == 0, done.stderr
    said += done.stderr
    found = {row["number"]: row for row in rows(run)}
    assert len(expected) >= 5 and max(expected) > 6, "none was of the sampler's own choice"
    for number, point in expected.items():
        assert f"trial {number}: goes on from step" in said
        assert found[number]["params"] == point
    print(
        f"{len(expected)} unfinished trials, {said.count('goes on from step')} times gone on with"
    )
    assert sum(row["status"] == "trained" for row in found.values()) == 18
    assert not (run / "ray").exists()


REFERENCE = """
[[reference]]
name = "slower"
sweep = "slower.toml"
"""


@pytest.mark.short
def test_references_and_folds_go_on_too(sweep_file: Callable[..., Path], tmp_path: Path) -> None:
    """Killed in the reference, then in a fold: each goes on, to the same bytes and scores."""
    settings = {"n_trials": 1, "steps": 2500, "interval": 250}
    slower = sweep_file(**settings)
    slower.rename(tmp_path / "slower.toml")
    top = "confirm_folds = 2\nconfirm_trials = 1\nmax_concurrent_trials = 1\n"
    file = sweep_file(**settings, top=top, more=REFERENCE)
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    done = sprd("sweep", file, "--out", undisturbed)
    assert done.returncode == 0, done.stderr
    said = ""
    for kind in ("trials", "folds"):
        process = subprocess.Popen(
            command("sweep", file, "--out", disturbed), stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None:
            if list((disturbed / "ray" / kind).glob("*/*/checkpoint_*/state.npz")):
                break
            time.sleep(0.05)
        assert process.poll() is None, f"it ended before its {kind} had a checkpoint"
        time.sleep(0.5)
        process.kill()
        said += process.communicate()[1]
    done = sprd("sweep", file, "--out", disturbed)
    assert done.returncode == 0, done.stderr
    said += done.stderr
    print(said)
    for name in ("slower", "trial 1, fold 1 of 2"):
        assert f"{name}: goes on from step" in said
    for number in (0, 1):
        name = f"trials/{number}/model.tflite"
        assert (disturbed / name).read_bytes() == (undisturbed / name).read_bytes(), name
    assert folds(disturbed) == folds(undisturbed)
    steps = [[row["step"] for row in rows(run)] for run in (disturbed, undisturbed)]
    assert steps[0] == steps[1]
    assert not (disturbed / "ray").exists()
