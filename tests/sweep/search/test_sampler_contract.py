"""What every sampler keeps to, whatever it learns from: the search relies on this alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sprd.config.limits import UNMEASURABLE, Violation
from sprd.config.params import Scalar
from sprd.config.reader import resolve
from sprd.config.space import active_names, point_key
from sprd.config.sweep import SweepConfig
from sprd.sweep.rows.row import Trial
from sprd.sweep.rows.table import Table
from sprd.sweep.search.bayes import BayesSampler
from sprd.sweep.search.grid import values_of
from sprd.sweep.search.sampler import Sampler
from sprd.sweep.search.search import Search
from sprd.sweep.trial.outcome import Outcome
from tests.builders import make_row, make_sweep

SAMPLERS = ("bayes", "tpe", "nsga2", "random", "grid")
DRAWING = SAMPLERS[:-1]
"""Those that may draw any point for a candidate; a grid has one for each number."""

SPACE = """
"model.architecture" = ["tiny_conv", "ds_cnn", "temporal_conv"]
"model.filters" = { low = 4, high = 16, step = 4 }
"model.n_blocks" = { low = 1, high = 3 }
"train.learning_rate" = [0.001, 0.01]
"features.frame" = ["30/20x40", "40/40x20"]
"""
PLAIN = """
"model.filters" = { low = 1, high = 40 }
"train.momentum" = { low = 0.0, high = 0.875, step = 0.125 }
"""
TWO = 'objectives = ["balanced_accuracy", "model_bytes"]'

Point = Mapping[str, Scalar]


def sweep_of(name: str, space: str = SPACE, seed: int = 0, n_trials: int = 24) -> SweepConfig:
    """A sweep with two objectives and this sampler."""
    lines = f'sampler = "{name}"\nseed = {seed}\nn_trials = {n_trials}\n{TWO}'
    return make_sweep(space, lines)


def sampler_of(sweep: SweepConfig) -> Sampler | BayesSampler:
    """The sampler of a sweep, told nothing."""
    return BayesSampler(sweep) if sweep.sweep.sampler == "bayes" else Sampler(sweep)


def ended(number: int, point: Point) -> Trial:
    """How a candidate ended: of nine, five trained and each other end once; one lacks a number."""
    fields: dict[str, Any] = {
        "params": dict(point),
        "footprint": {"model_bytes": 1000 + 100 * len(str(point))},
    }
    match number % 9:
        case 2:
            return make_row(
                number, "infeasible", violations=(Violation("ram_bytes", 9, 4),), **fields
            )
        case 3:
            bare: dict[str, Any] = {"params": dict(point), "footprint": {"model_bytes": None}}
            violations = (UNMEASURABLE,)
            return make_row(number, "infeasible", violations=violations, **bare)
        case 5:
            return make_row(number, "failed", error="the loss is not finite", **fields)
        case 6:
            return make_row(number, "stopped", step=20, **fields)
        case 8:
            unknown: dict[str, Any] = {"params": dict(point), "footprint": {"model_bytes": None}}
            return make_row(number, "trained", 0.7, **unknown)
        case _:
            score = 0.5 + float(point.get("model.filters", 8)) / 100
            return make_row(number, "trained", score, **fields)


def tried(sampler: Sampler | BayesSampler, numbers: range) -> list[Trial]:
    """Asks for candidates one after another, and tells how each ended."""
    rows = []
    for number in numbers:
        rows.append(ended(number, sampler.ask(number)))
        sampler.tell(rows[-1])
    return rows


def lies_in(point: Point, sweep: SweepConfig) -> bool:
    """Whether a point has a value of its dimension for each name that exists there, and no more."""
    if set(point) != set(active_names(dict(point), sweep)):
        return False
    return all(
        any(value == one and type(value) is type(one) for one in values_of(sweep.space[name]))
        for name, value in point.items()
    )


@pytest.fixture(params=SAMPLERS)
def name(request: pytest.FixtureRequest) -> str:
    """Each sampler by the name that a sweep file gives it."""
    return str(request.param)


def points_of(rows: list[Trial]) -> list[Point]:
    """The points of rows."""
    return [row.params for row in rows]


class TestPoints:
    """What is asked for."""

    def test_points_lie_in_the_space_with_the_names_that_exist_there(self, name: str) -> None:
        """While it draws at random and when it has learned; each is a configuration."""
        sweep = sweep_of(name)
        points = points_of(tried(sampler_of(sweep), range(27)))
        assert [point for point in points if not lies_in(point, sweep)] == []
        resolved = [resolve(sweep, point).model.architecture for point in points]
        assert resolved == [point["model.architecture"] for point in points]

    def test_space_of_nothing_has_one_point(self, name: str) -> None:
        """A single configuration."""
        assert sampler_of(sweep_of(name, space="", n_trials=1)).ask(0) == {}

    def test_numbers_may_be_left_out(self, name: str) -> None:
        """Candidates of a command that was killed are asked for later, or never."""
        sweep = sweep_of(name)
        sampler = sampler_of(sweep)
        assert all(lies_in(sampler.ask(number), sweep) for number in (7, 3, 12))

    def test_second_attempt_lies_in_the_space_too(self, name: str) -> None:
        """And is the same for the same number and attempt."""
        sweep = sweep_of(name)
        first, second = sampler_of(sweep), sampler_of(sweep)
        for sampler in (first, second):
            tried(sampler, range(6))
            sampler.ask(6)
            sampler.forget(6)
        again = first.ask(6, 1)
        assert again == second.ask(6, 1) and lies_in(again, sweep)

    def test_each_point_of_a_small_space_is_tried_once(self, name: str, tmp_path: Path) -> None:
        """Four may run at once; then the search ends, for there is no other."""
        space = '"model.filters" = [2, 4, 6, 8]\n"train.momentum" = [0.5, 0.75]'
        sweep = sweep_of(name, space)
        search = Search(sweep, Table(tmp_path / "trials.jsonl"))
        found: list[Point] = []
        while running := list(candidates(search, 4)):
            for number, point in running:
                found.append(point)
                search.ended(number, Outcome("trained", metrics={"balanced_accuracy": 0.5}))
        assert len(found) == len({point_key(point) for point in found}) == 8


def candidates(search: Search, most: int) -> Iterator[tuple[int, Point]]:
    """Up to so many candidates at once: number and point."""
    for _ in range(most):
        candidate = search.next()
        if candidate is None:
            return
        yield candidate.number, candidate.point


class TestReproducible:
    """The points follow from the file, the seed and the rows."""

    def test_same_seed_asks_for_the_same(self, name: str) -> None:
        """Whatever else was asked of another sampler meanwhile."""
        first, other, second = (sampler_of(sweep_of(name, seed=seed)) for seed in (0, 1, 0))
        rows = {id(one): tried(one, range(14)) for one in (first, other, second)}
        assert rows[id(first)] == rows[id(second)]
        assert points_of(rows[id(first)]) != points_of(rows[id(other)])

    @pytest.mark.parametrize("n_told", [0, 3, 9, 16])
    def test_made_anew_from_rows_it_goes_on_as_the_old_one(self, name: str, n_told: int) -> None:
        """A resumed sweep asks for what the undisturbed one would have asked for."""
        undisturbed, resumed = (sampler_of(sweep_of(name)) for _ in range(2))
        for row in tried(undisturbed, range(n_told)):
            resumed.tell(row)
        numbers = range(n_told, n_told + 3)
        assert tried(resumed, numbers) == tried(undisturbed, numbers)

    def test_candidate_that_was_forgotten_leaves_no_trace(self, name: str) -> None:
        """What comes after it is what comes where nobody asked for it."""
        asked, unasked = (sampler_of(sweep_of(name)) for _ in range(2))
        assert tried(asked, range(9)) == tried(unasked, range(9))
        asked.ask(9)
        asked.forget(9)
        assert asked.ask(10) == unasked.ask(10)

    def test_point_that_is_adopted_counts_as_asked_for(self, name: str) -> None:
        """It goes on as one that was told the row alone; a grid has it in its order anyway."""
        sweep = sweep_of(name)
        adopting, resumed = sampler_of(sweep), sampler_of(sweep)
        rows = tried(adopting, range(9))
        point = sampler_of(sweep).ask(9)
        adopting.adopt(9, point)
        row = ended(9, point)
        adopting.tell(row)
        for one in [*rows, row]:
            resumed.tell(one)
        assert adopting.ask(10) == resumed.ask(10)

    def test_what_is_adopted_stays_the_callers(self, name: str) -> None:
        """Changed later, it changes nothing here."""
        sweep = sweep_of(name)
        first, second = sampler_of(sweep), sampler_of(sweep)
        changed, kept = (dict(sampler_of(sweep).ask(0)) for _ in range(2))
        first.adopt(0, changed)
        second.adopt(0, kept)
        changed.clear()
        assert tried(first, range(1, 12)) == tried(second, range(1, 12))


class TestRows:
    """What may be told."""

    @pytest.mark.parametrize("number", [2, 3, 5, 6, 8])
    def test_no_end_upsets_it(self, name: str, number: int) -> None:
        """A dozen candidates in a row that ended alike, none of them a result."""
        sweep = sweep_of(name)
        sampler = sampler_of(sweep)
        for candidate in range(12):
            end = ended(number, sampler.ask(candidate))
            sampler.tell(Trial(**{**vars(end), "number": candidate}))
        assert lies_in(sampler.ask(12), sweep)

    def test_rows_of_earlier_runs_are_taken_in(self, name: str) -> None:
        """Numbered below 0; of another architecture, with names that are missing here."""
        sweep = sweep_of(name)
        sampler = sampler_of(sweep)
        for number in range(1, 13):
            partly = {"model.architecture": "ds_cnn", "train.learning_rate": 0.01}
            sampler.tell(make_row(-number, score=number / 20, params=partly))
        assert lies_in(sampler.ask(0), sweep)

    def test_candidate_that_was_never_asked_for_may_be_forgotten(self, name: str) -> None:
        """A number more or less is no error."""
        first, second = (sampler_of(sweep_of(name)) for _ in range(2))
        first.forget(5)
        assert first.ask(0) == second.ask(0)


class TestStart:
    """Points that a person names."""

    START = '[[start]]\n"model.filters" = 7\n[[start]]\n"train.momentum" = 0.25\n'

    @pytest.mark.parametrize("name", DRAWING)
    def test_they_come_first_and_are_filled_in(self, name: str) -> None:
        """Those of the file, then those of earlier runs; a resumed run does not repeat them."""
        sweep = sweep_of(name, PLAIN + self.START)
        sampler = sampler_of(sweep)
        sampler.start_from([{"model.filters": 9, "train.momentum": 0.5}])
        rows = tried(sampler, range(3))
        points = points_of(rows)
        assert points[0]["model.filters"] == 7 and points[1]["train.momentum"] == 0.25
        assert points[2] == {"model.filters": 9, "train.momentum": 0.5}
        assert all(lies_in(point, sweep) for point in points)
        resumed = sampler_of(sweep)
        resumed.start_from([{"model.filters": 9, "train.momentum": 0.5}])
        resumed.tell(rows[0])
        assert resumed.ask(1)["train.momentum"] == 0.25

    @pytest.mark.parametrize("name", DRAWING)
    def test_second_attempt_does_not_repeat_them(self, name: str) -> None:
        """The point was tried already."""
        sampler = sampler_of(sweep_of(name, PLAIN + self.START))
        sampler.ask(0)
        sampler.forget(0)
        assert sampler.ask(0, 1)["model.filters"] != 7

    @pytest.mark.parametrize("name", DRAWING)
    def test_they_come_after_references(self, name: str) -> None:
        """These take the first numbers."""
        reference = '[[reference]]\nname = "a"\nsweep = "a.toml"\n'
        sampler = sampler_of(sweep_of(name, PLAIN + reference + self.START))
        assert sampler.ask(1)["model.filters"] == 7

    @pytest.mark.parametrize("name", DRAWING)
    def test_name_that_does_not_exist_there_is_left_out(self, name: str) -> None:
        """temporal_conv has no filters."""
        start = '[[start]]\n"model.architecture" = "temporal_conv"\n"model.filters" = 8\n'
        sweep = sweep_of(name, SPACE + start)
        point = sampler_of(sweep).ask(0)
        assert point["model.architecture"] == "temporal_conv" and lies_in(point, sweep)

    def test_grid_has_them_anyway(self) -> None:
        """Every point of the space comes up, in the order of the grid."""
        sweep = sweep_of("grid", PLAIN + self.START, n_trials=320)
        sampler = sampler_of(sweep)
        points = [sampler.ask(number) for number in range(40 * 8)]
        assert len({point_key(point) for point in points}) == len(points)
        assert {"model.filters": 7, "train.momentum": 0.25} in points
