"""What a sweep learns from the rows of earlier ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sprd.config.limits import UNMEASURABLE, Violation, at_most
from sprd.config.sweep import SweepConfig
from sprd.sweep.rows.row import Status, Trial
from sprd.sweep.search.earlier import MAX_START_POINTS, Earlier, learn_from
from tests.builders import make_row, make_sweep
from tests.strategies import VOCABULARY

SPACE = '"model.filters" = { low = 4, high = 64 }\n"train.momentum" = [0.1, 0.5, 0.9]'
TWO = 'objectives = ["balanced_accuracy", "model_bytes"]'


def row(
    number: int,
    status: Status = "trained",
    score: float = 0.9,
    filters: int = 8,
    n_bytes: int = 10_000,
    **fields: Any,
) -> Trial:
    """A row of the earlier run."""
    point = {"model.filters": filters, "train.momentum": 0.5}
    footprint = {"model_bytes": n_bytes}
    return make_row(number, status, score, params=point, footprint=footprint, **fields)


def learned(
    rows: Sequence[Trial],
    limits: dict[str, Any] | None = None,
    old: SweepConfig | None = None,
    sweep: SweepConfig | None = None,
    same: bool = True,
) -> Earlier:
    """What a sweep learns from rows."""
    sweep = sweep or make_sweep(SPACE)
    return learn_from(sweep, at_most(limits or {}), "runs/old", old or sweep, list(rows), same)


BOARDS = sorted(VOCABULARY.boards)[:2]


class TestSameDataAndSettings:
    """A trial counts as if it had been one of this run."""

    def test_trained_and_measured_rows_are_taken(self) -> None:
        """Under numbers that no trial of the run has; nothing is trained anew."""
        missed = row(1, "infeasible", violations=(Violation("model_bytes", 10_000, 9_000),))
        rows = [row(0), replace(missed, footprint={"model_bytes": 40_000})]
        found = learned(rows, {"model_bytes": 30_000})
        assert [one.number for one in found.trials] == [0, 1]
        assert [one.metrics for one in found.trials] == [one.metrics for one in rows]
        assert found.points == ()
        assert found.notes == ("warm start from runs/old: 2 of 2 measured trials taken",)

    def test_others_tell_nothing(self) -> None:
        """Stopped, failed, no configuration."""
        broken = replace(make_row(3, "infeasible", violations=(UNMEASURABLE,)), footprint={})
        rows = [row(0, "stopped"), row(1, "failed"), broken]
        found = learned(rows)
        assert (found.trials, found.points) == ((), ())
        assert found.notes == ("warm start from runs/old: 0 of 0 measured trials taken",)

    def test_violations_are_told_anew(self) -> None:
        """By the budget of this sweep. What broke the old one and fits now was never trained."""
        old = Violation("model_bytes", 20_000, 15_000)
        rows = [
            row(0, n_bytes=10_000),
            row(1, "infeasible", n_bytes=20_000, violations=(old,)),
            row(2, n_bytes=40_000),
        ]
        found = learned(rows, {"model_bytes": 30_000})
        assert [one.violations for one in found.trials] == [
            (), (Violation("model_bytes", 40_000, 30_000),),
        ]  # fmt: skip
        assert found.notes[0].endswith("; 1 did not fit then and do now: they are open")

    def test_rows_of_another_board_are_not_taken(self) -> None:
        """Their latency, flash and RAM are that board's."""
        boards = [f'{SPACE}\n[budget]\nboard = "{name}"' for name in BOARDS]
        old, new = (make_sweep(text) for text in boards)
        assert learned([row(0)], old=old, sweep=new).trials == ()
        assert len(learned([row(0)], old=new, sweep=new).trials) == 1

    def test_cost_that_the_earlier_run_did_not_know_breaks_its_limit(self) -> None:
        """As in a run of its own: there was no board, say."""
        (found,) = learned([row(0)], {"latency_ms": 100.0}).trials
        assert found.violations == (Violation("latency_ms", None, 100.0),)

    def test_score_that_a_trained_trial_does_not_tell_breaks_its_limit(self) -> None:
        """What was never trained has no scores: it is held against the costs alone."""
        rows = [row(0), row(1, "infeasible", n_bytes=20_000, violations=(UNMEASURABLE,))]
        (found,) = learned(rows, {"accuracy_drop": 0.02}).trials
        assert found.violations == (Violation("accuracy_drop", None, 0.02),)

    def test_seed_and_budget_may_differ(self) -> None:
        """They change neither data nor recipe."""
        old = make_sweep(SPACE + "\n[budget]\nmodel_bytes = 1000", "seed = 5")
        assert len(learned([row(0)], old=old).trials) == 1


class TestOtherDataOrSettings:
    """Scores cannot be compared: the frontier is trained anew."""

    ROWS = (
        row(0, score=0.9, filters=8, n_bytes=10_000),
        row(1, score=0.8, filters=9, n_bytes=20_000),
        row(2, score=0.95, filters=10, n_bytes=30_000),
        row(3, "infeasible", filters=11, violations=(Violation("ram_bytes", 2, 1),)),
    )

    def test_frontier_is_tried_anew_on_other_data(self) -> None:
        """By the objectives of this sweep; the dominated one is not."""
        found = learned(self.ROWS, sweep=make_sweep(SPACE, TWO), same=False)
        assert found.trials == ()
        assert [point["model.filters"] for point in found.points] == [8, 10]
        assert found.notes == (
            "warm start from runs/old: 0 of 4 measured trials taken; 4 are of other data: 2 of its"
            " frontier are trained anew",
        )

    def test_other_settings_too(self) -> None:
        """Another architecture, more steps: here a time shift."""
        old = make_sweep(SPACE + "\n[augment]\ntime_shift_ms = 50")
        found = learned(self.ROWS, old=old)
        assert (found.trials, len(found.points)) == ((), 1)
        assert found.notes[0].endswith(
            "; 4 are of other settings: 1 of its frontier are trained anew"
        )

    def test_not_more_than_some_are(self) -> None:
        """A large frontier would use up the trials."""
        rows = [row(i, score=0.5 + i / 100, filters=4 + i, n_bytes=1000 + i) for i in range(15)]
        found = learned(rows, sweep=make_sweep(SPACE, TWO), same=False)
        assert len(found.points) == MAX_START_POINTS


@pytest.mark.parametrize(
    "point",
    [
        {"model.filters": 128, "train.momentum": 0.5},
        {"model.filters": 8.0, "train.momentum": 0.5},
        {"model.filters": 8, "train.momentum": 0.7},
        {"model.filters": 8},
        {"model.filters": 8, "train.momentum": 0.5, "augment.gain_db": 3.0},
        {"model.filters": 8, "train.momentum": 0.5, "model.architecture": "ds_cnn"},
        {"model.architecture": "unheard of"},
    ],
    ids=str,
)
def test_point_outside_the_space_is_left_out(point: dict[str, Any]) -> None:
    """A value that is none, a dimension too few or too many."""
    found = learned([row(0), make_row(1, params=point)])
    assert [one.number for one in found.trials] == [0]
    assert found.notes == (
        "warm start from runs/old: 1 of 2 measured trials taken; 1 lie outside [space]",
    )


def test_parameter_that_exists_at_some_points_only() -> None:
    """A row has just those that its architecture has."""
    space = '"model.architecture" = ["tiny_conv", "ds_cnn"]\n"model.n_blocks" = [1, 2]'
    rows = [
        make_row(0, params={"model.architecture": "tiny_conv"}),
        make_row(1, params={"model.architecture": "ds_cnn", "model.n_blocks": 2}),
        make_row(2, params={"model.architecture": "ds_cnn"}),
        make_row(3, params={"model.architecture": "tiny_conv", "model.n_blocks": 2}),
    ]
    found = learned(rows, sweep=make_sweep(space))
    assert [one.number for one in found.trials] == [0, 1]
