"""What Tune says of a trial that ended without an outcome, and what becomes of it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, MedianStoppingRule

from sprd.sweep.cluster.tune import COUNT_INTERVAL_S, DIED, WAITING_S, _Listener, _scheduler
from tests.builders import make_sweep

TASK_ERROR = """Failure # 1 (occurred at 2026-11-23_10-00-00)
\x1b[36mray::ImplicitFunc.train()\x1b[39m (pid=1, ip=10.0.0.2)
  File "storage.py", line 3, in report
RuntimeError: Unable to set up cluster storage
"""
WORKER_DIED = """Failure # 2 (occurred at 2026-11-23_10-00-09)
The actor died unexpectedly before finishing this task.
"""


class Bridge:
    """Notes what it is told."""

    def __init__(self, numbers: Sequence[int] = (3, 4)) -> None:
        self.errors: dict[str, str] = {}
        self.notes: list[str] = []
        names = {f"id {number}": f"trial {number}" for number in numbers}
        self.jobs = {k: SimpleNamespace(name=name, checkpoint=None) for k, name in names.items()}

    def running(self, tune_id: str) -> Any | None:
        return self.jobs.get(tune_id)

    def ended(self, tune_id: str, read: Callable[..., Any]) -> bool:
        self.errors[self.jobs.pop(tune_id).name] = read().error
        return False

    def note(self, text: str) -> None:
        self.notes.append(text)


def listener_of(bridge: Any) -> _Listener:
    """What listens to Tune on behalf of a bridge."""
    return _Listener(bridge, make_sweep())


@pytest.fixture
def make_trial(tmp_path: Path) -> Callable[..., Any]:
    """Makes a trial of Tune of which something is known."""

    def make(number: Any, text: Any, status: str = "RUNNING") -> Any:
        path = tmp_path / f"error {number}.txt"
        path.write_text(text)
        states = {"ERROR": "ERROR", "PENDING": "PENDING"}
        return SimpleNamespace(
            trial_id=f"id {number}",
            error_file=str(path),
            status=status,
            last_result={},
            checkpoint=None,
            **states,
        )

    return make


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TASK_ERROR, "RuntimeError: Unable to set up cluster storage"),
        (TASK_ERROR + WORKER_DIED, DIED),
        (WORKER_DIED + TASK_ERROR, "RuntimeError: Unable to set up cluster storage"),
        ("", DIED),
    ],
)
def test_row_says_what_was_raised_or_that_the_worker_died(
    make_trial: Callable[..., Any], text: str, reason: str
) -> None:
    """A storage that cannot be written is not taken for memory that ran out."""
    bridge = Bridge()
    listener_of(bridge).on_trial_error(1, [], make_trial(3, text))
    assert bridge.errors == {"trial 3": reason}


def test_note_says_where_it_goes_on(make_trial: Callable[..., Any]) -> None:
    """From nothing, or from the checkpoint of an earlier command."""
    bridge = Bridge()
    listener = listener_of(bridge)
    listener.on_trial_recover(1, [], make_trial(3, WORKER_DIED))
    bridge.jobs["id 4"].checkpoint = "s3://bucket/4"
    listener.on_trial_recover(1, [], make_trial(4, TASK_ERROR))
    assert bridge.notes == [
        "trial 3: its worker died; starts again",
        "trial 4: RuntimeError: Unable to set up cluster storage; goes on",
    ]


def test_trial_that_ray_gave_up_silently_becomes_a_row(make_trial: Callable[..., Any]) -> None:
    """Or its number would be running for ever."""
    bridge = Bridge()
    trials = [make_trial(3, "", status="ERROR"), make_trial(4, ""), make_trial(5, "", "ERROR")]
    listener_of(bridge).on_step_begin(1, trials)
    assert bridge.errors == {"trial 3": DIED}


def test_only_a_trial_that_waits_itself_is_told(
    make_trial: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some trial is pending at each look, another each time: nothing waits."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bridge = Bridge(range(100))
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 8.0})
    monkeypatch.setattr(ray, "available_resources", dict)
    listener = listener_of(bridge)
    for number in range(int(3 * WAITING_S / COUNT_INTERVAL_S)):
        now[0] += COUNT_INTERVAL_S + 0.1
        listener.on_step_begin(1, [make_trial(number, "", status="PENDING")])
    assert bridge.notes == []
    for _ in range(int(3 * WAITING_S / COUNT_INTERVAL_S)):
        now[0] += COUNT_INTERVAL_S + 0.1
        listener.on_step_begin(1, [make_trial(99, "", status="PENDING")])
    assert bridge.notes == [
        "waiting for a place for 60 s now: trial 99; each needs 1 CPU, 0 GPU; the cluster has"
        " 8 CPU, 0 GPU, free are 0 CPU, 0 GPU"
    ]


def test_schedulers_are_those_of_tune_with_the_settings_of_the_file() -> None:
    """A step is the time; what lags is stopped for good, and a trial ends by itself."""
    sweep = make_sweep(sweep="reduction_factor = 4\ngrace_steps = 7")
    median = _scheduler("median", sweep)
    assert isinstance(median, MedianStoppingRule)
    assert (median._time_attr, median._grace_period, median._hard_stop) == ("step", 7, True)
    assert median._min_samples_required == 3
    for name, n_brackets in (("asha", 1), ("hyperband", 3)):
        halving = _scheduler(name, sweep)
        assert isinstance(halving, AsyncHyperBandScheduler)
        assert (halving._time_attr, halving._reduction_factor) == ("step", 4)
        assert len(halving._brackets) == n_brackets
        assert halving._max_t > 100 * sweep.default.train.n_steps
    assert type(_scheduler("none", sweep)) is FIFOScheduler


@pytest.mark.parametrize(("given", "steps"), [("", 8), ("grace_steps = 1000", 40)])
def test_grace_is_a_fifth_of_the_steps_and_at_most_all_of_them(given: str, steps: int) -> None:
    """A grace beyond the end would stop none."""
    median = _scheduler("median", make_sweep(sweep=given))
    assert isinstance(median, MedianStoppingRule)
    assert median._grace_period == steps
