"""What Tune is told: which job is next, and when there are no more; what becomes of an outcome."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from sprd.config.params import Scalar
from sprd.errors import OutputError
from sprd.sweep.cluster.bridge import Bridge
from sprd.sweep.cluster.checkpoints import Checkpoints, training_key
from sprd.sweep.cluster.job import Job
from sprd.sweep.cluster.tensorboard import METRIC, Writers
from sprd.sweep.paths import RunPaths
from sprd.sweep.rows.row import Row
from sprd.sweep.search.jobs import Candidate
from sprd.sweep.trial.outcome import Outcome
from tests.builders import leave_checkpoint, make_sweep

CONFIG = make_sweep().default


class Jobs:
    """Some jobs, then none."""

    kind, scheduler, ended_by = "trials", "none", None

    def __init__(self, n_jobs: int) -> None:
        self.n_left, self.is_done = n_jobs, False
        self.outcomes: dict[int, Outcome] = {}

    def resume(self, points: Mapping[int, Mapping[str, Scalar]]) -> None: ...

    def next(self) -> Candidate | None:
        if not self.n_left:
            self.is_done = True
            return None
        self.n_left -= 1
        return Candidate(self.n_left, f"trial {self.n_left}", {}, CONFIG)

    def ended(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome

    def drain(self) -> list[Row]:
        return []


class Watcher:
    """Looks away, but for notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def started(self, candidate: Candidate) -> None: ...
    def progressed(self, number: int, metrics: Mapping[str, float]) -> None: ...
    def ended(self, row: Row) -> None: ...
    def progress(self, what: str, done: int, total: int) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


def make_bridge(folder: Path, jobs: Jobs, watcher: Watcher | None = None) -> Bridge:
    """A bridge that looked for checkpoints, at the beginning of a round."""
    checkpoints = Checkpoints(str(folder / "ray"), "trials")
    checkpoints.find()
    bridge = Bridge(jobs, RunPaths(folder), watcher or Watcher(), checkpoints, "f" * 64)
    bridge.begin_round(9)
    return bridge


def hand_out(bridge: Bridge, tune_id: str, n_slots: int = 9) -> Job:
    """The next job, of which there is one."""
    job = bridge.next_job(tune_id, n_slots)
    assert job is not None
    return job


def failed() -> Outcome:
    """How a training ends."""
    return Outcome("failed", error="x")


def test_a_round_hands_out_so_many_jobs_and_the_next_the_rest(tmp_path: Path) -> None:
    """Each job once."""
    bridge = make_bridge(tmp_path, Jobs(5))
    bridge.begin_round(3)
    first = [hand_out(bridge, name).number for name in "abc"]
    assert bridge.is_over and bridge.next_job("d", 9) is None
    bridge.begin_round(3)
    second = [hand_out(bridge, name).number for name in "de"]
    assert (first + second) == [4, 3, 2, 1, 0]
    assert bridge.next_job("f", 9) is None and bridge.is_over


def test_no_room_for_a_training_ends_the_round_and_is_raised_after_it(tmp_path: Path) -> None:
    """Tune would swallow it. It is no row: the training goes on once there is room."""
    jobs = Jobs(5)
    bridge = make_bridge(tmp_path, jobs)
    hand_out(bridge, "a")
    full = Outcome("failed", error="OSError: no room", node="here", is_disk_full=True)
    assert not bridge.ended("a", lambda: full)
    assert bridge.is_over and jobs.outcomes == {}
    with pytest.raises(OutputError, match=r"trial 4 on here: OSError: no room\. Make room there"):
        bridge.raise_if_failed()


def test_training_that_failed_on_a_full_disk_is_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reason could not be written either; its checkpoint is kept."""
    state = leave_checkpoint(tmp_path / "ray/trials/round-1/trial-0/checkpoint_000002", CONFIG, 600)
    jobs = Jobs(1)
    bridge = make_bridge(tmp_path, jobs)
    hand_out(bridge, "a")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    assert not bridge.ended("a", failed)
    assert state.exists() and jobs.outcomes == {}
    with pytest.raises(OutputError, match="No space left on device"):
        bridge.raise_if_failed()


def test_outcome_that_cannot_be_read_is_raised(tmp_path: Path) -> None:
    """A storage that is gone, say."""

    def read() -> Outcome:
        raise OSError("gone")

    bridge = make_bridge(tmp_path, Jobs(1))
    hand_out(bridge, "a")
    assert not bridge.ended("a", read)
    with pytest.raises(OSError, match="gone"):
        bridge.raise_if_failed()


def test_no_more_run_than_there_are_slots(tmp_path: Path) -> None:
    """Nodes join and leave: the number is asked for each time."""
    bridge = make_bridge(tmp_path, Jobs(5))
    assert hand_out(bridge, "a", 1).number == 4
    assert bridge.next_job("b", 1) is None and not bridge.is_over
    assert hand_out(bridge, "b", 2).number == 3
    assert bridge.ended("a", failed)
    assert bridge.next_job("c", 1) is None
    assert hand_out(bridge, "c", 2).number == 2
    assert bridge.running("a") is None and bridge.running("c") is not None


def test_interrupted_training_goes_on_where_it_was(tmp_path: Path) -> None:
    """Whatever its number is now; its checkpoint is kept until it is a row."""
    state = leave_checkpoint(tmp_path / "ray/trials/round-1/trial-7/checkpoint_000002", CONFIG, 600)
    watcher = Watcher()
    bridge = make_bridge(tmp_path, Jobs(1), watcher)
    job = hand_out(bridge, "a")
    key = training_key(CONFIG, "f" * 64)
    assert json.loads(job.training_label) == {"key": key, "number": 0, "point": {}}
    assert job.checkpoint == str(state.parent)
    assert watcher.notes == ["trial 0: goes on from step 600"]
    assert bridge.ended("a", failed)
    assert not state.exists()


def test_row_has_the_step_and_the_scores_reported_last(tmp_path: Path) -> None:
    """Those of a trial that a scheduler stopped are all that is known of it."""
    jobs = Jobs(1)
    bridge = make_bridge(tmp_path, jobs)
    hand_out(bridge, "a")
    for step, score in ((20, 0.5), (40, 0.75)):
        bridge.progressed("a", {"step": step, METRIC: score, "pid": 7})
    assert bridge.ended("a", lambda: Outcome("stopped"))
    assert jobs.outcomes[0] == Outcome("stopped", metrics={METRIC: 0.75}, step=40)


def test_files_of_a_trained_trial_are_kept(tmp_path: Path) -> None:
    """Under its number."""
    bridge = make_bridge(tmp_path, Jobs(1))
    hand_out(bridge, "a")
    assert bridge.ended("a", lambda: Outcome("trained", files={"model.tflite": b"TFL3"}))
    assert (tmp_path / "trials/0/model.tflite").read_bytes() == b"TFL3"


def test_row_says_how_long_its_worker_was_idle(tmp_path: Path) -> None:
    """Between the end of its last training and the start of this one."""
    jobs = Jobs(3)
    bridge = make_bridge(tmp_path, jobs)
    times = {"a": ("w", 1.0, 5.0), "b": ("v", 2.0, 6.0), "c": ("w", 5.5, 9.0)}
    for name, (worker, began_at, ended_at) in times.items():
        hand_out(bridge, name)
        outcome = Outcome("failed", error="x", worker=worker, ran=(began_at, ended_at))
        assert bridge.ended(name, lambda outcome=outcome: outcome)  # type: ignore[misc]
    assert [jobs.outcomes[number].seconds for number in (2, 1, 0)] == [{}, {}, {"idle": 0.5}]


def test_scalars_that_cannot_be_written_end_the_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reason is raised: what fails after it follows from it."""
    bridge = make_bridge(tmp_path, Jobs(2))
    hand_out(bridge, "a")
    for number in (errno.ENOSPC, errno.EIO):
        error = OSError(number, os.strerror(number))
        monkeypatch.setattr(Writers, "write", fail_with(error))
        bridge.progressed("a", {"step": 20, METRIC: 0.5})
    assert bridge.is_over
    with pytest.raises(OutputError, match="No space left on device"):
        bridge.raise_if_failed()


def fail_with(error: OSError) -> Callable[..., None]:
    """A stand-in that raises it."""

    def fail(*args: object) -> None:
        raise error

    return fail


def test_report_of_what_has_ended_is_left_out(tmp_path: Path) -> None:
    """Tune may be late with one."""
    bridge = make_bridge(tmp_path, Jobs(1))
    hand_out(bridge, "a")
    assert bridge.ended("a", failed)
    bridge.progressed("a", {"step": 20, METRIC: 0.5})
    bridge.raise_if_failed()
    assert not (tmp_path / "tensorboard").exists()
