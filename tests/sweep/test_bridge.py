"""What Tune is told: which job is next, and when there are no more."""

import json
from types import SimpleNamespace

import pytest
from builders import make_row, make_sweep

from sprd.sweep.bridge import FINISHED, Bridge
from sprd.sweep.search import Candidate


class Jobs:
    """Some jobs, then none."""

    def __init__(self, n_jobs):
        self.n_left, self.is_done, self.rows = n_jobs, False, []

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


@pytest.fixture
def bridge(tmp_path):
    """A bridge to five jobs."""
    return Bridge(Jobs(5), tmp_path, Watcher())


def test_a_round_hands_out_so_many_jobs_and_the_next_the_rest(bridge):
    """Each job once."""
    bridge.begin_round(3)
    first = [bridge.ask() for _ in range(4)]
    bridge.begin_round(3)
    second = [bridge.ask() for _ in range(3)]
    assert [job["number"] for job in first[:3] + second[:2]] == [4, 3, 2, 1, 0]
    assert first[3] == FINISHED and second[2] == FINISHED


def test_an_error_ends_the_round_and_is_raised_after_it(bridge):
    """Tune would swallow it."""
    bridge.begin_round(5)
    bridge.ask()
    outcome = json.dumps({"status": "failed", "error": "No space left on device"})
    result = {"outcome": outcome, "time_total_s": 1.0, "node": "here"}
    bridge.ended(SimpleNamespace(config={"number": 4}, last_result=result))
    assert bridge.ask() == FINISHED
    with pytest.raises(Exception, match="No space left on device"):
        bridge.raise_if_failed()
