"""A run as every report sees it: a frontier, others, one over the budget, a reference."""

from typing import Any

import pytest

from sprd.config.limits import Violation
from sprd.config.objectives import natural
from sprd.report.frontier import Point, points_of
from sprd.sweep.rows.row import OutsideModel, Trial
from tests.builders import make_outside_model, make_row

OBJECTIVES = (natural("balanced_accuracy"), natural("model_bytes"), natural("latency_ms"))


def trial(number: int, score: float, model: float, latency: float | None, **fields: Any) -> Trial:
    """A trained trial with an interval and a recall of other words."""
    return make_row(
        number,
        score=score,
        footprint={"model_bytes": model, "latency_ms": latency, "arena_bytes": 5_000},
        metrics={
            "intervals": {"balanced_accuracy": [score - 0.04, score + 0.03]},
            "recall": {"_unknown_": 0.9},
        },
        **fields,
    )


@pytest.fixture
def rows() -> list[Trial]:
    """Frontier 2, 0, 1 by accuracy; 3 is beaten, 4 is over the budget, 5 was stopped."""
    return [
        trial(0, 0.90, 10_000, 20.0, params={"model.filters": 8, "train.learning_rate": 1 / 3}),
        trial(1, 0.85, 6_000, 9.0, params={"model.filters": 4}),
        trial(2, 0.93, 15_000, 30.0),
        trial(3, 0.84, 11_000, 21.0),
        trial(4, 0.95, 30_000, 61.0, violations=(Violation("model_bytes", 30_000, 18_000),)),
        make_row(5, "stopped"),
    ]


@pytest.fixture
def reference() -> OutsideModel:
    """A model that is no trial."""
    return make_outside_model(
        "seed recipe",
        score=0.83,
        footprint={"model_bytes": 18_512, "latency_ms": 28.0},
    )


@pytest.fixture
def points(rows: list[Trial], reference: OutsideModel) -> list[Point]:
    """All that is drawn of them."""
    return points_of(rows, OBJECTIVES, [reference])
