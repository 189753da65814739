"""What of a run is on its frontier, beside it and over the budget."""

import pytest

from sprd.config.limits import Limit, Violation, at_most
from sprd.config.objectives import natural
from sprd.report.frontier import (
    Point,
    panel_keys,
    points_of,
    scored_references,
    shown_objectives,
    under_limits,
)
from sprd.sweep.rows.ranking import frontier
from sprd.sweep.rows.row import Trial
from tests.builders import make_reference, make_row

OBJECTIVES = tuple(map(natural, ("balanced_accuracy", "model_bytes", "latency_ms")))


def test_each_trained_trial_is_a_point_of_its_kind(points: list[Point]) -> None:
    """The frontier comes first, in its order; what was stopped has no score and no point."""
    assert [(point.label, point.kind) for point in points] == [
        ("2", "frontier"),
        ("0", "frontier"),
        ("1", "frontier"),
        ("3", "trial"),
        ("4", "over"),
        ("seed recipe", "reference"),
    ]


def test_unknown_number_of_a_point_is_none(points: list[Point]) -> None:
    """A footprint holds None, or lacks the key."""
    assert points[0].value("model_bytes") == 15_000
    assert points[0].value("latency_source") is None
    assert points[0].interval == pytest.approx((0.89, 0.96))
    assert points[-1].interval is None


def test_recall_on_streams_is_drawn_where_it_decides() -> None:
    """With its own interval; where both decide, the first of the two."""
    scores = {"balanced_accuracy": 0.9, "recall_streaming": 0.8}
    intervals = {"recall_streaming": [0.7, 0.85]}
    rows = [make_row(0, metrics={**scores, "intervals": intervals})]
    (point,) = points_of(rows, tuple(map(natural, ("model_bytes", "recall_streaming"))))
    assert (point.score, point.interval) == ("recall_streaming", (0.7, 0.85))
    (point,) = points_of(rows, tuple(map(natural, ("balanced_accuracy", "recall_streaming"))))
    assert (point.score, point.interval) == ("balanced_accuracy", None)


def test_limit_given_now_is_a_violation_more(rows: list[Trial]) -> None:
    """What is within it, or over the budget by the same key already, stays as it was."""
    now = under_limits(rows, at_most({"model_bytes": 10_000}))
    over = {row.number: row.violations for row in now if row.violations}
    assert over == {
        2: (Violation("model_bytes", 15_000, 10_000),),
        3: (Violation("model_bytes", 11_000, 10_000),),
        4: (Violation("model_bytes", 30_000, 18_000),),
    }
    assert [row.number for row in frontier(now, OBJECTIVES)] == [0, 1]


def test_unknown_number_is_over_any_limit() -> None:
    """Nobody promises what nobody knows."""
    limits = at_most({"latency_ms": 1e9})
    rows = under_limits([make_row(0, footprint={"latency_ms": None})], limits)
    assert not rows[0].is_eligible


def test_too_little_accuracy_is_over_the_limit(rows: list[Trial]) -> None:
    """It is a limit from below; equal is enough."""
    now = under_limits(rows, [Limit("balanced_accuracy", 0.9, True)])
    assert [row.number for row in now if row.is_eligible] == [0, 2]


def test_no_limit_changes_nothing(rows: list[Trial]) -> None:
    """Nor does one that all keep."""
    assert under_limits(rows, ()) == rows
    assert under_limits(rows, at_most({"model_bytes": 10**6})) == rows
    assert under_limits(rows, [Limit("balanced_accuracy", 0.1, True)]) == rows


def test_one_objective_alone_is_joined_by_the_costs_that_are_known(rows: list[Trial]) -> None:
    """Else the frontier is one trial. Without RAM the arena is told."""
    keys = [o.key for o in shown_objectives(OBJECTIVES[:1], rows)]
    assert keys == ["balanced_accuracy", "model_bytes", "ram_bytes", "latency_ms"]
    bare = [
        make_row(0, footprint={"ram_bytes": None, "latency_ms": None, "arena_bytes": 1}),
    ]
    keys = [o.key for o in shown_objectives((natural("accuracy"),), bare)]
    assert keys == ["accuracy", "balanced_accuracy", "model_bytes", "arena_bytes"]


def test_several_objectives_stay_as_they_are_but_for_the_chosen_one(rows: list[Trial]) -> None:
    """The trial picked by a number is then on the frontier."""
    assert shown_objectives(OBJECTIVES, rows) == OBJECTIVES
    assert shown_objectives(OBJECTIVES, rows, "latency_ms") == OBJECTIVES
    assert shown_objectives(OBJECTIVES, rows, "macs") == (*OBJECTIVES, natural("macs"))


@pytest.mark.parametrize(
    ("objectives", "expected"),
    [
        (["balanced_accuracy"], ("model_bytes", "ram_bytes", "latency_ms")),
        (["balanced_accuracy", "latency_ms"], ("latency_ms", "model_bytes", "ram_bytes")),
        (["flash_bytes", "macs"], ("flash_bytes", "model_bytes", "ram_bytes", "latency_ms")),
    ],
)
def test_panels_are_the_costs_of_the_objectives_then_the_usual(
    points: list[Point], objectives: list[str], expected: tuple[str, ...]
) -> None:
    """Those that no trial knows are left out, as macs are here."""
    assert panel_keys(points, tuple(map(natural, objectives))) == expected


def test_run_without_a_trained_trial_has_no_point() -> None:
    """Nothing to draw."""
    assert points_of([make_row(0, "infeasible")], OBJECTIVES) == []


def test_references_that_were_not_trained_are_not_shown() -> None:
    """They have no score."""
    references = [make_reference(0, "a"), make_reference(1, "b", status="failed")]
    assert scored_references(references) == references[:1]
