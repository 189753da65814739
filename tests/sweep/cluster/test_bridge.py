"""What Tune is told: which job is next, and when there are no more."""

import json
from types import SimpleNamespace

import pytest

from sprd.errors import OutputError
from sprd.sweep.cluster.bridge import FINISHED, Bridge
from sprd.sweep.cluster.checkpoints import Checkpoints, training_key
from sprd.sweep.search.search import Candidate
from tests.builders import leave_checkpoint, make_row, make_sweep


class Jobs:
    """Some jobs, then none."""

    kind = "trials"

    def __init__(self, n_jobs):
        self.n_left, self.is_done, self.rows = n_jobs, False, []

    def resume(self, points):
        self.points = points

    def next(self):
        if not self.n_left:
            self.is_done = True
            return None
        self.n_left -= 1
        return Candidate(self.n_left, {}, make_sweep().default)

    def ended(self, number, status, **fields):
        self.rows.append(make_row(number, status=status))
        return self.rows[-1]

    def drain(self):
        return []


class Watcher:
    """Looks away."""

    def started(self, candidate): ...
    def progressed(self, number, metrics): ...
    def ended(self, row): ...

    def note(self, text):
        self.noted = text


@pytest.fixture
def bridge(tmp_path):
    """A bridge to five jobs."""
    checkpoints = Checkpoints(str(tmp_path / "ray"), "trials")
    return Bridge(Jobs(5), tmp_path, Watcher(), checkpoints, "f" * 64)


def test_a_round_hands_out_so_many_jobs_and_the_next_the_rest(bridge):
    """Each job once."""
    bridge.begin_round(3)
    first = [bridge.ask(9) for _ in range(4)]
    bridge.begin_round(3)
    second = [bridge.ask(9) for _ in range(3)]
    assert [job["number"] for job in first[:3] + second[:2]] == [4, 3, 2, 1, 0]
    assert first[3] == FINISHED and second[2] == FINISHED


def test_an_error_ends_the_round_and_is_raised_after_it(bridge):
    """Tune would swallow it."""
    bridge.begin_round(5)
    bridge.ask(9)
    outcome = json.dumps({"status": "failed", "error": "No space left on device"})
    result = {"outcome": outcome, "time_total_s": 1.0, "node": "here"}
    bridge.ended(SimpleNamespace(config={"number": 4, "name": "trial 4"}, last_result=result))
    assert bridge.ask(9) == FINISHED
    with pytest.raises(OutputError, match="trial 4 on here: No space left on device"):
        bridge.raise_if_failed()


def test_no_more_run_than_there_are_slots(bridge):
    """Nodes join and leave: the number is asked for each time."""
    bridge.begin_round(5)
    assert bridge.ask(1)["number"] == 4
    assert bridge.ask(1) is None
    assert bridge.ask(2)["number"] == 3
    result = {"outcome": json.dumps({"status": "failed"}), "time_total_s": 1.0, "node": "here"}
    assert bridge.ended(SimpleNamespace(config={"number": 4}, last_result=result))
    assert bridge.ask(1) is None
    assert bridge.ask(2)["number"] == 2


def test_interrupted_training_goes_on_where_it_was(tmp_path):
    """Whatever its number is now; its checkpoint is kept until it is a row."""
    config = make_sweep().default
    state = leave_checkpoint(tmp_path / "ray/trials/round-1/trial-7/checkpoint_000002", config, 600)
    checkpoints = Checkpoints(str(tmp_path / "ray"), "trials")
    checkpoints.find()
    bridge = Bridge(Jobs(1), tmp_path, Watcher(), checkpoints, "f" * 64)
    bridge.begin_round(1)
    job = bridge.ask(1)
    assert json.loads(job["label"]) == {
        "key": training_key(config, "f" * 64),
        "number": 0,
        "point": {},
    }
    assert job["checkpoint"] == str(state.parent)
    result = {"outcome": json.dumps({"status": "failed"}), "time_total_s": 1.0, "node": "here"}
    bridge.ended(SimpleNamespace(config={"number": 0}, last_result=result))
    assert not state.exists()


def test_disk_that_is_full_keeps_the_checkpoint(tmp_path):
    """The training goes on from it once there is room."""
    config = make_sweep().default
    state = leave_checkpoint(tmp_path / "ray/trials/round-1/trial-0/checkpoint_000002", config, 600)
    checkpoints = Checkpoints(str(tmp_path / "ray"), "trials")
    checkpoints.find()
    bridge = Bridge(Jobs(1), tmp_path, Watcher(), checkpoints, "f" * 64)
    bridge.begin_round(1)
    bridge.ask(1)
    trial = SimpleNamespace(config={"number": 0}, last_result=None)
    assert not bridge.ended(trial, error="OSError: No space left on device")
    assert state.exists()
