"""Two runs side by side."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from sprd.config.limits import Violation
from sprd.config.objectives import natural
from sprd.report.compare import Comparison, Difference, Side, compare_runs
from sprd.sweep.rows.row import Trial
from tests.builders import make_row

OBJECTIVES = tuple(map(natural, ("balanced_accuracy", "model_bytes")))


def row(number: int, score: float, model: int, **fields: Any) -> Trial:
    """A trained trial."""
    return make_row(number, score=score, footprint={"model_bytes": model}, **fields)


FIRST = [
    row(0, 0.9, 20),
    row(1, 0.8, 10),
    row(2, 0.7, 15),
    row(3, 1.0, 99, violations=(Violation("model_bytes", 99, 50),)),
    make_row(4, "infeasible"),
    make_row(5, "stopped"),
    make_row(6, "failed"),
]
SECOND = [row(0, 0.9, 15), row(1, 0.75, 10), make_row(2, "stopped"), make_row(3, "stopped")]


def compare(
    first: list[Any] = FIRST, second: list[Any] = SECOND, texts: tuple[str, str] = ("", "")
) -> Comparison:
    """Two runs by accuracy and bytes."""
    return compare_runs(Side("a", first, texts[0]), Side("b", second, texts[1]), OBJECTIVES)


def test_trials_are_counted_by_how_they_ended() -> None:
    """A trial over the budget was trained, but is not eligible."""
    found = compare()
    assert found.first.counts == {"trained": 4, "infeasible": 1, "stopped": 1, "failed": 1}
    assert found.second.counts == {"trained": 2, "infeasible": 0, "stopped": 2, "failed": 0}
    assert (found.first.n_eligible, found.second.n_eligible) == (3, 2)


def test_best_by_each_objective_and_the_frontiers() -> None:
    """Number and value; what breaks the budget is not the best of anything."""
    found = compare()
    assert found.first.best == {"balanced_accuracy": (0, 0.9), "model_bytes": (1, 10.0)}
    assert (found.first.frontier, found.second.frontier) == ((0, 1), (0, 1))


def test_beaten_trials_are_counted_each_way() -> None:
    """(0.9, 15) beats (0.9, 20); (0.8, 10) beats (0.75, 10)."""
    found = compare()
    assert (found.first.n_dominated, found.second.n_dominated) == (1, 1)


def test_volumes_are_shares_of_one_box() -> None:
    """From the best of both to the worst of both and a tenth more."""
    found = compare()
    assert found.reference == pytest.approx({"balanced_accuracy": 0.68, "model_bytes": 21.0})
    box = (0.9 - 0.68) * (21 - 10)
    first = (0.22 * 1 + 0.12 * 10) / box
    second = (0.22 * 6 + 0.07 * 5) / box
    assert found.first.hypervolume == pytest.approx(first, abs=1e-6)
    assert found.second.hypervolume == pytest.approx(second, abs=1e-6)


def test_run_compared_with_itself() -> None:
    """Nothing is beaten; the volumes are equal."""
    found = compare(FIRST, FIRST)
    assert found.first.hypervolume == found.second.hypervolume
    assert (found.first.n_dominated, found.second.n_dominated, found.differences) == (0, 0, ())


def test_one_trial_alone_fills_its_box() -> None:
    """A range of nothing has room around it."""
    found = compare([row(0, 0.9, 20)], [row(0, 0.9, 20)])
    assert found.first.hypervolume == 1.0


@pytest.mark.parametrize(
    ("intervals", "has_overlap"),
    [
        (([0.85, 0.95], [0.7, 0.85]), True),
        (([0.85, 0.95], [0.7, 0.84]), False),
        (([0.85, 0.95], None), False),
    ],
)
def test_best_whose_intervals_overlap_are_not_told_apart(
    intervals: tuple[list[float] | None, ...], has_overlap: bool
) -> None:
    """However far apart the volumes are: a box is as small as the difference."""
    sides = [
        [row(0, score, 20, metrics={"intervals": {"balanced_accuracy": bounds}})]
        for score, bounds in zip((0.9, 0.8), intervals, strict=True)
    ]
    found = compare(sides[0], sides[1])
    assert found.first.interval == (0.85, 0.95)
    assert found.has_overlap == has_overlap
    costs = compare_runs(Side("a", sides[0], ""), Side("b", sides[1], ""), OBJECTIVES[1:])
    assert costs.first.interval is None and not costs.has_overlap


def test_run_in_which_nothing_fits_covers_nothing() -> None:
    """The other's box is the measure; without any trial there is none."""
    assert compare(FIRST, []).second.hypervolume == 0.0
    nothing = compare([], FIRST[4:])
    assert (nothing.first.hypervolume, nothing.second.hypervolume) == (None, None)
    assert (nothing.reference, nothing.first.best) == ({}, {})


def test_unknown_objective_counts_for_nothing() -> None:
    """It is on no frontier and moves no reference."""
    unknown = make_row(9, score=0.1, footprint={"model_bytes": None})
    assert compare([*FIRST, unknown]).reference == compare().reference


def test_differing_lines_of_the_files_are_told() -> None:
    """What they say, not how: order, spaces and comments do not count."""
    first = (
        '# one\n[sweep]\nname = "x"\nseed = 1\n[train]\nsteps = [10, 20]\n'
        '[space]\n"model.filters" = { low = 4, high = 8 }\n"a.b" = ["1", true]\n'
        "[[start]]\nx = 1\n"
    )
    second = (
        '[train]\nsteps = [10,20]\n[sweep]\nseed = 2\nname = "x"\nn_trials = 3\n'
        '[space]\n"model.filters" = { low = 4, high = 16 }\n'
    )
    assert compare(texts=(first, second)).differences == (
        Difference("[sweep] seed", "1", "2"),
        Difference("[space] model.filters", "{ low = 4, high = 8 }", "{ low = 4, high = 16 }"),
        Difference("[space] a.b", '["1", true]', None),
        Difference("[start]", "[{ x = 1 }]", None),
        Difference("[sweep] n_trials", None, "3"),
    )


def test_comparison_becomes_json() -> None:
    """No number of numpy, no infinity."""
    told = {**asdict(compare()), "objectives": [str(o) for o in OBJECTIVES]}
    text = json.dumps(told, allow_nan=False)
    assert json.loads(text)["differences"] == []
