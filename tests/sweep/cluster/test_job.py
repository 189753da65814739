"""What crosses the border comes out as it went in."""

import json
from typing import Any

import pytest

from sprd.config.budget import Budget
from sprd.config.frozen import replaced
from sprd.config.limits import Violation
from sprd.device.board import load_board
from sprd.sweep.cluster.job import Job, folder_name
from sprd.sweep.rows.row import FoldResult
from sprd.sweep.trial.outcome import Outcome, to_reference, to_trial
from tests.builders import make_fold, make_sweep

CONFIG = make_sweep().default


@pytest.mark.parametrize(
    "fields",
    [
        {"fold": None, "is_apart": False, "training_label": "{}", "checkpoint": None},
        {
            "fold": (1, 5),
            "is_apart": True,
            "training_label": '{"key": "x"}',
            "checkpoint": "s3://b/7",
        },
    ],
)
def test_job_is_unpacked_as_it_was_packed(fields: dict[str, Any]) -> None:
    """Its configuration too, which is checked anew."""
    job = Job(number=7, name="trial 7", config=CONFIG, **fields)
    packed = job.pack()
    assert Job.unpack(json.loads(json.dumps(packed))) == job
    assert folder_name(packed) == "trial-7"


def test_packed_job_is_small() -> None:
    """Tune keeps some ten copies of each: with its board, a configuration is of 4 kB as JSON."""
    config = replaced(CONFIG, budget=Budget(board=load_board("arduino_nano_33_ble")))
    packed = Job(7, "trial 7", config, None, False, "{}", None).pack()
    assert len(json.dumps(packed)) < 0.75 * len(config.model_dump_json())


@pytest.mark.parametrize("fold", [None, make_fold(0, [0, 1, 2], [0, 1, 3], ["a", "b", "b"])])
def test_outcome_is_read_as_it_was_written(fold: FoldResult | None) -> None:
    """All but its files, which travel as files."""
    outcome = Outcome(
        "trained",
        metrics={"balanced_accuracy": 0.9, "recall": {"up": 1.0}},
        footprint={"model_bytes": 9000},
        violations=(Violation("model_bytes", 9000, 8000),),
        seconds={"train": 1.5},
        step=40,
        node="here",
        fold=fold,
        worker="here:7",
        ran=(1.5, 2.5),
    )
    assert Outcome.from_json(outcome.to_json()) == outcome
    assert Outcome.from_json(Outcome("failed", files={"a": b"b"}).to_json()) == Outcome("failed")


def test_row_of_an_outcome_has_its_fields() -> None:
    """A trial its point, a reference its label."""
    outcome = Outcome("failed", error="x", step=3, node="here", seconds={"total": 1.0})
    trial = to_trial(outcome, 4, {"model.filters": 8}, "a", "b")
    reference = to_reference(outcome, 0, "seed recipe", "a", "b")
    for row in (trial, reference):
        told = (
            row.status,
            row.error,
            row.step,
            row.node,
            row.seconds,
            row.started_at,
            row.ended_at,
        )
        assert told == ("failed", "x", 3, "here", {"total": 1.0}, "a", "b")
    assert (trial.number, trial.params) == (4, {"model.filters": 8})
    assert (reference.number, reference.label) == (0, "seed recipe")
