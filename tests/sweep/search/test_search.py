"""The course of a sweep, without Ray and without training."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprd.config.limits import UNMEASURABLE, Violation
from sprd.errors import ConfigError
from sprd.sweep.rows.row import Row, Status
from sprd.sweep.rows.table import Table, read_rows
from sprd.sweep.search.earlier import Earlier
from sprd.sweep.search.jobs import Candidate
from sprd.sweep.search.search import (
    MAX_CANDIDATES_PER_TRIAL,
    MAX_FAILURES,
    MAX_MISSES_IN_A_ROW,
    Search,
    check_searchable,
)
from sprd.sweep.trial.outcome import Outcome
from tests.builders import make_row, make_sweep

SPACE = '"model.filters" = { low = 1, high = 64 }\n"train.momentum" = { low = 0.0, high = 0.9 }'
HALF_VALID = '"features.window_size_ms" = [20, 40]\n"features.window_stride_ms" = [10, 30]'

Ended = tuple[Status, dict[str, Any]]

TRAINED: Ended = ("trained", {"metrics": {"balanced_accuracy": 0.9, "val_balanced_accuracy": 0.9}})
MISSED: Ended = ("infeasible", {"violations": (Violation("ram_bytes", 20, 10),)})
STOPPED: Ended = ("stopped", {"step": 20, "metrics": {"val_balanced_accuracy": 0.4}})
FAILED: Ended = ("failed", {"error": "ValueError: x"})

Fate = Callable[[Candidate], Ended]


def lines(n_trials: int = 3, sampler: str = "random", seed: int = 0) -> str:
    """Lines of `[sweep]`."""
    return f'n_trials = {n_trials}\nsampler = "{sampler}"\nseed = {seed}'


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """An empty table."""
    return Table(tmp_path / "trials.jsonl")


def run(search: Search, fate: Fate, most: int = 10_000) -> list[Candidate]:
    """Ends candidates one after another as `fate` says; returns them."""
    candidates: list[Candidate] = []
    while len(candidates) < most and (candidate := search.next()) is not None:
        candidates.append(candidate)
        status, fields = fate(candidate)
        search.ended(candidate.number, Outcome(status, **fields))
    return candidates


def trained(
    score: float, footprint: dict[str, int] | None = None, violations: tuple[Any, ...] = ()
) -> tuple[Any, ...]:
    """A fate with a score."""
    metrics = {"balanced_accuracy": score, "val_balanced_accuracy": score}
    return "trained", dict(metrics=metrics, footprint=footprint or {}, violations=violations)


def test_trials_asked_for_are_trained_and_no_more(table: Table) -> None:
    """Candidates are numbered from 0; each row has its point and times."""
    sweep = make_sweep(SPACE, lines(3))
    search = Search(sweep, table)
    candidates = run(search, lambda c: TRAINED)
    assert [c.number for c in candidates] == [0, 1, 2]
    assert search.is_done
    assert search.gave_up is None
    rows = read_rows(table.path)
    assert [row.params for row in rows] == [c.point for c in candidates]
    assert all(row.started_at <= row.ended_at for row in rows)
    assert [c.config.model.params["filters"] for c in candidates] == [
        row.params["model.filters"] for row in rows
    ]


def test_only_trained_trials_count(table: Table) -> None:
    """What does not fit, was stopped or failed is a row, and another is asked for."""
    fates = [MISSED, TRAINED, STOPPED, FAILED, MISSED, TRAINED]
    search = Search(make_sweep(SPACE, lines(2)), table)
    candidates = run(search, lambda c: fates[c.number])
    assert len(candidates) == 6
    assert [row.status for row in table.rows] == [status for status, _ in fates]
    assert search.n_trained == 2


def test_point_of_each_candidate_differs(table: Table) -> None:
    """The same point twice would be a trial wasted."""
    run(Search(make_sweep(SPACE, lines(10)), table), lambda c: TRAINED)
    assert len({row.params["train.momentum"] for row in table.rows}) == 10


def test_no_more_run_at_once_than_are_needed(table: Table) -> None:
    """A candidate is held back while those that run may be enough."""
    search = Search(make_sweep(SPACE, lines(2)), table)
    first, second = search.next(), search.next()
    assert search.next() is None
    assert not search.is_done
    search.ended(second.number, Outcome(*MISSED[:1], **MISSED[1]))
    assert search.next().number == 2
    search.ended(first.number, Outcome("trained", **TRAINED[1]))
    assert search.next() is None


def test_number_of_trials_may_be_given_anew(table: Table) -> None:
    """`--trials` overrides the file."""
    assert len(run(Search(make_sweep(SPACE, lines(3)), table, 5), lambda c: TRAINED)) == 5


def test_point_that_breaks_a_rule_is_a_row_without_a_worker(table: Table) -> None:
    """It is infeasible, says why, and is never handed out."""
    space = HALF_VALID + '\n"train.momentum" = { low = 0.0, high = 0.9 }'
    search = Search(make_sweep(space, lines(12)), table)
    candidates = run(search, lambda c: TRAINED)
    assert len(candidates) == 12
    broken = [row for row in table.rows if row.status == "infeasible"]
    assert broken
    for row in broken:
        assert row.params["features.window_size_ms"] == 20
        assert row.params["features.window_stride_ms"] == 30
        assert row.violations == (UNMEASURABLE,)
        assert row.error.startswith("/sweeps/x.toml [features]: window_stride_ms <= window_size_ms")


def test_rows_are_drained_once(table: Table) -> None:
    """Whoever watches hears of each row, those without a worker too."""
    search = Search(make_sweep(HALF_VALID, lines(12)), table)
    seen: list[Row] = []
    while (candidate := search.next()) is not None:
        search.ended(candidate.number, Outcome("trained", **TRAINED[1]))
        seen += search.drain()
    assert [*seen, *search.drain()] == table.rows
    assert search.drain() == []


class TestGivingUp:
    """A sweep ends though it has not its trials."""

    def test_nothing_fits_and_there_is_no_space(self, table: Table) -> None:
        """There is no other candidate to ask for."""
        search = Search(make_sweep(), table)
        assert len(run(search, lambda c: MISSED)) == 1
        assert search.gave_up == "none of 1 candidates fits"

    def test_nothing_fits_in_the_space(self, table: Table) -> None:
        """After many misses in a row."""
        search = Search(make_sweep(SPACE, lines(3)), table)
        assert len(run(search, lambda c: MISSED)) == MAX_MISSES_IN_A_ROW
        assert search.gave_up == f"none of {MAX_MISSES_IN_A_ROW} candidates fits"

    def test_something_fits_late(self, table: Table) -> None:
        """One that fits proves that others may."""
        late = MAX_MISSES_IN_A_ROW - 1
        search = Search(make_sweep(SPACE, lines(2)), table)
        candidates = run(search, lambda c: TRAINED if c.number in (late, late + 50) else MISSED)
        assert len(candidates) == late + 51
        assert search.gave_up is None

    def test_too_few_fit(self, table: Table) -> None:
        """A budget that one candidate in thousands meets would keep it busy for ever."""
        search = Search(make_sweep(SPACE, lines(2)), table)
        n = len(run(search, lambda c: TRAINED if c.number == 0 else MISSED))
        assert n == 2 * MAX_CANDIDATES_PER_TRIAL + MAX_MISSES_IN_A_ROW
        assert search.gave_up == f"{n} candidates gave 1 trained trials"

    def test_all_fail(self, table: Table) -> None:
        """Something is wrong that other points do not mend."""
        search = Search(make_sweep(SPACE, lines(50)), table)
        assert len(run(search, lambda c: FAILED)) == MAX_FAILURES + 1
        assert search.gave_up == f"{MAX_FAILURES + 1} trials failed"

    def test_some_fail(self, table: Table) -> None:
        """As many may fail as were trained, and some more."""
        search = Search(make_sweep(SPACE, lines(20)), table)
        run(search, lambda c: FAILED if c.number % 2 else TRAINED)
        assert (search.n_trained, search.gave_up) == (20, None)

    def test_the_only_configuration_fails(self, table: Table) -> None:
        """It would fail again."""
        search = Search(make_sweep(), table)
        assert len(run(search, lambda c: FAILED)) == 1
        assert search.gave_up == "the trial failed, and there is no [space] to try another"

    def test_no_more_is_asked_after(self, table: Table) -> None:
        """Not even by a run that is resumed."""
        sweep = make_sweep(SPACE, lines(3))
        run(Search(sweep, table), lambda c: MISSED)
        assert Search(sweep, Table(table.path)).next() is None


class TestResuming:
    """A search that is opened again goes on where the table ends."""

    def test_finished_search_asks_nothing(self, table: Table) -> None:
        """The same command on the same folder."""
        sweep = make_sweep(SPACE, lines(3))
        run(Search(sweep, table), lambda c: TRAINED)
        resumed = Search(sweep, Table(table.path))
        assert resumed.is_done
        assert resumed.next() is None

    def test_finished_search_goes_on_with_more_trials(self, table: Table) -> None:
        """New numbers follow the old."""
        sweep = make_sweep(SPACE, lines(3))
        run(Search(sweep, table), lambda c: TRAINED)
        assert [c.number for c in run(Search(sweep, Table(table.path), 5), lambda c: TRAINED)] == [
            3,
            4,
        ]

    def test_gaps_of_what_was_running_are_filled_first(self, table: Table) -> None:
        """With the points that they had: the random sampler knows them by their number."""
        sweep = make_sweep(SPACE, lines(6))
        search = Search(sweep, table)
        candidates = [search.next() for _ in range(5)]
        for number in (4, 1):
            search.ended(number, Outcome("trained", **TRAINED[1]))
        resumed = run(Search(sweep, Table(table.path)), lambda c: TRAINED)
        assert [c.number for c in resumed] == [0, 2, 3, 5]
        assert [c.point for c in resumed[:3]] == [candidates[n].point for n in (0, 2, 3)]

    @pytest.mark.parametrize("n_first", [1, 4, 9])
    def test_tpe_asks_what_the_undisturbed_search_would_ask(
        self, tmp_path: Path, n_first: int
    ) -> None:
        """One trial at a time, the interruption changes nothing."""
        sweep = make_sweep(SPACE, lines(12, "tpe"))

        def fate(candidate: Any) -> Any:
            score = 1 - abs(candidate.config.model.params["filters"] - 20) / 64
            return "trained", {"metrics": {"balanced_accuracy": score}}

        tables = [Table(tmp_path / name) for name in ("undisturbed", "resumed")]
        run(Search(sweep, tables[0]), fate)
        run(Search(sweep, tables[1]), fate, most=n_first)
        run(Search(sweep, Table(tables[1].path)), fate)
        points = [[row.params for row in read_rows(t.path)] for t in tables]
        assert points[0] == points[1]


@given(
    st.sampled_from(["random", "tpe"]),
    st.lists(st.sampled_from([TRAINED, MISSED, STOPPED, FAILED]), max_size=12),
    st.lists(st.integers(0, 3), max_size=12),
    st.integers(1, 5),
)
@settings(max_examples=40)
def test_no_number_is_asked_twice_however_often_it_is_interrupted(
    tmp_path_factory: pytest.TempPathFactory,
    sampler: str,
    fates: list[Any],
    order: list[Any],
    n_trials: int,
) -> None:
    """Rows have each number once, and up to the highest none is missing when the search ends."""
    path = tmp_path_factory.mktemp("run") / "trials.jsonl"
    sweep = make_sweep(SPACE, lines(n_trials, sampler))
    coming = iter(fates)
    for which in order:
        search = Search(sweep, Table(path))
        running = [c for c in (search.next() for _ in range(4)) if c is not None]
        assert len({c.number for c in running}) == len(running)
        for candidate in running[which:]:  # the others are lost with the process
            status, fields = next(coming, TRAINED)
            search.ended(candidate.number, Outcome(status, **fields))
    last = Search(sweep, Table(path))
    run(last, lambda c: TRAINED)
    numbers = sorted(row.number for row in read_rows(path))
    assert len(set(numbers)) == len(numbers)
    assert last.n_trained >= n_trials
    assert set(numbers) >= {row.number for row in last.trials if row.status == "trained"}


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "bayes"])
def test_no_point_is_tried_twice(tmp_path: Path, sampler: str) -> None:
    """Each of a small space comes up once, also after an interruption; then the search ends."""
    sweep = make_sweep('"model.filters" = [2, 4, 6, 8]', lines(10, sampler))
    path = tmp_path / "trials.jsonl"
    fates = iter([TRAINED, STOPPED])
    run(Search(sweep, Table(path)), lambda c: next(fates), most=2)
    search = Search(sweep, Table(path))
    run(search, lambda c: TRAINED)
    filters = [row.params["model.filters"] for row in read_rows(path)]
    assert sorted(filters) == [2, 4, 6, 8]
    assert search.is_done
    assert search.gave_up is None
    assert search.ended_by == "the space, which holds no more points: 4 of 4"
    assert Search(sweep, Table(path)).is_done  # before Ray is started


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "bayes"])
def test_space_ends_at_its_last_point(table: Table, sampler: str) -> None:
    """However seldom chance draws that: 60 points are 60 candidates."""
    space = '"model.filters" = { low = 1, high = 20 }\n"train.momentum" = [0.1, 0.2, 0.3]'
    search = Search(make_sweep(space, lines(100, sampler)), table)
    run(search, lambda c: TRAINED)
    assert len({tuple(sorted(row.params.items())) for row in search.trials}) == 60
    assert search.ended_by == "the space, which holds no more points: 60 of 60"


@pytest.mark.parametrize("sampler", ["random", "bayes", "tpe", "nsga2", "grid"])
@pytest.mark.parametrize("fates", [(TRAINED, STOPPED), (STOPPED, TRAINED), (TRAINED, FAILED)])
def test_small_space_ends_with_what_there_is(
    table: Table, sampler: str, fates: tuple[Ended, ...]
) -> None:
    """Whatever the scheduler stopped by its timing, the search did not give up."""
    search = Search(make_sweep('"model.filters" = [2, 4]', lines(2, sampler)), table)
    left = iter(fates)
    run(search, lambda c: next(left))
    assert search.is_done and search.gave_up is None
    assert search.ended_by == "the space, which holds no more points: 2 of 2"


def test_space_of_misses_gives_up(table: Table) -> None:
    """Where nothing fits, that is the reason, not the end of the space."""
    space = '"model.filters" = { low = 1, high = 400 }'
    search = Search(make_sweep(space, lines(300)), table)
    run(search, lambda c: MISSED)
    assert search.gave_up == f"none of {MAX_MISSES_IN_A_ROW} candidates fits"


def test_space_that_cannot_be_counted_ends_too(table: Table) -> None:
    """A range of one number without a step."""
    space = '"train.momentum" = { low = 0.5, high = 0.5 }'
    search = Search(make_sweep(space, lines(2)), table)
    assert len(run(search, lambda c: TRAINED)) == 1
    assert search.ended_by == "the space, in which no other point was found"


def test_points_that_run_are_not_handed_out_again(table: Table) -> None:
    """With all of a space running the search waits; the next command tries what failed again."""
    search = Search(make_sweep('"model.filters" = [2, 4]', lines(4)), table)
    first, second = search.next(), search.next()
    assert first.point != second.point
    assert search.next() is None and not search.is_done
    search.ended(first.number, Outcome("failed", error="out of memory"))
    assert search.next() is None
    again = Search(make_sweep('"model.filters" = [2, 4]', lines(4)), Table(table.path))
    points = [again.next().point for _ in range(2)]
    assert first.point in points and second.point in points


@pytest.mark.parametrize("sampler", ["random", "bayes", "tpe", "nsga2", "grid"])
def test_unfinished_points_are_handed_out_again(tmp_path: Path, sampler: str) -> None:
    """Interrupted with four running, of which three had a checkpoint: those go on."""
    space = SPACE if sampler != "grid" else '"model.filters" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]'
    sweep = make_sweep(space, lines(10, sampler))
    search = Search(sweep, Table(tmp_path / "trials.jsonl"))
    running = [search.next() for _ in range(4)]
    for place, score in zip((2, 0, 3, 1, 0), (0.5, 0.9, 0.6, 0.8, 0.7), strict=True):
        status, fields = trained(score)
        search.ended(running.pop(place).number, Outcome(status, **fields))
        running.append(search.next())
    points = {one.number: one.point for one in running}
    lost = points.pop(min(points))
    again = Search(sweep, Table(tmp_path / "trials.jsonl"))
    again.resume({**points, 1: {"model.filters": 64}})  # of 1 there is a row
    found = [again.next() for _ in range(4)]
    assert {one.number for one in found} == {one.number for one in running}
    assert points.items() <= {one.number: one.point for one in found}.items()
    assert sampler != "random" or lost in [one.point for one in found]
    for one in found:
        again.ended(one.number, Outcome(TRAINED[0], **TRAINED[1]))
    assert len(run(again, lambda _: TRAINED)) == 1


def test_several_trials_without_a_space_are_refused() -> None:
    """They would all be the same."""
    with pytest.raises(ConfigError) as caught:
        check_searchable(make_sweep(), 2)
    assert str(caught.value) == (
        "/sweeps/x.toml [sweep] n_trials: must be 1 without a [space], got 2."
        " The trials would all be the same."
    )


@pytest.mark.parametrize(("space", "n_trials"), [("", 1), (SPACE, 1), (SPACE, 2)])
def test_one_trial_needs_no_space_and_a_space_any_number(
    table: Table, space: str, n_trials: int
) -> None:
    """What is let through has as many trials."""
    sweep = make_sweep(space, lines(n_trials))
    check_searchable(sweep, n_trials)
    assert len(run(Search(sweep, table), lambda c: TRAINED)) == n_trials


class TestStopping:
    """Rules of the sweep file that end a search before it has its trials."""

    def test_no_trial_starts_after_max_minutes(
        self, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Those that run end; the next command has its minutes anew."""
        sweep = make_sweep(SPACE, lines(9) + "\nmax_minutes = 1.5")
        now = [1000.0]
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        search = Search(sweep, table)
        first, second = search.next(), search.next()
        now[0] += 89
        assert not search.is_done and search.ended_by is None
        now[0] += 1
        assert search.is_done and search.next() is None
        assert search.ended_by == "max_minutes = 1.5"
        for candidate in (second, first):
            search.ended(candidate.number, Outcome("trained", **TRAINED[1]))
        assert (search.n_trained, search.gave_up) == (2, None)
        assert Search(sweep, Table(table.path)).next().number == 2

    def test_trials_that_do_not_move_the_frontier_end_it(self, table: Table) -> None:
        """Three in a row: what does not fit, was stopped or failed counts neither way."""
        scores = [0.5, 0.6, 0.6, 0.4, 0.7, 0.5, None, 0.6, None, 0.7, 0.9]
        sweep = make_sweep(SPACE, lines(50) + "\npatience_trials = 3")
        search = Search(sweep, table)

        def fate(candidate: Any) -> Any:
            score = scores[candidate.number]
            return trained(score) if score else (STOPPED if candidate.number == 6 else MISSED)

        assert len(run(search, fate)) == 10
        assert search.is_done and search.gave_up is None
        assert search.ended_by == "patience_trials = 3: the frontier stayed as it was"
        assert Search(sweep, Table(table.path)).next() is None

    def test_trial_that_moves_the_frontier_by_another_objective_counts(self, table: Table) -> None:
        """A smaller model is a gain too; one that breaks the budget is none."""
        sizes = [100, 90, 80, 70, 70, 60]
        rules = '\npatience_trials = 2\nobjectives = ["balanced_accuracy", "model_bytes"]'
        search = Search(make_sweep(SPACE, lines(50) + rules), table)

        def fate(candidate: Any) -> Any:
            size = sizes[candidate.number]
            violations = (Violation("accuracy_drop", 1, 0.5),) if size == 60 else ()
            return trained(0.9, {"model_bytes": size}, violations)

        assert len(run(search, fate)) == 6

    def test_grid_ends_when_every_point_was_tried(self, table: Table) -> None:
        """Fewer than the trials that were asked for; each once, also after an interruption."""
        space = '"model.filters" = [2, 4, 8]\n"train.momentum" = [0.1, 0.5]'
        sweep = make_sweep(space, lines(10, "grid"))
        fates = iter([TRAINED, MISSED, STOPPED])
        run(Search(sweep, table), lambda c: next(fates), most=3)
        search = Search(sweep, Table(table.path))
        lost = search.next()
        search = Search(sweep, Table(table.path))
        assert search.next().point == lost.point
        running = [search.next(), search.next()]
        assert search.next() is None and not search.is_done
        for candidate in [lost, *running]:
            search.ended(candidate.number, Outcome("trained", **TRAINED[1]))
        assert search.is_done and search.gave_up is None
        assert search.ended_by == "the space, which holds no more points: 6 of 6"
        points = {tuple(sorted(row.params.items())) for row in search.trials}
        assert len(points) == len(search.trials) == 6

    def test_grid_drops_no_point_whose_trial_was_lost(self, table: Table) -> None:
        """The numbers of lost trials are asked for again, and a number means a point."""
        sweep = make_sweep('"model.filters" = [2, 4, 8, 16]', lines(4, "grid"))
        search = Search(sweep, table)
        for candidate in [search.next() for _ in range(4)][::3]:
            search.ended(candidate.number, Outcome("trained", **TRAINED[1]))
        run(Search(sweep, Table(table.path)), lambda c: TRAINED)
        assert sorted(row.params["model.filters"] for row in read_rows(table.path)) == [2, 4, 8, 16]

    def test_grid_of_points_that_are_no_configuration_ends(self, table: Table) -> None:
        """Rows without a worker."""
        search = Search(make_sweep(HALF_VALID, lines(4, "grid")), table)
        assert len(run(search, lambda c: TRAINED)) == 3
        assert search.ended_by == "the space, which holds no more points: 4 of 4"

    def test_grid_that_is_larger_than_the_trials_is_refused(self) -> None:
        """Before anything runs; `--trials` counts."""
        sweep = make_sweep('"model.filters" = [2, 4, 8, 16]', lines(4, "grid"))
        check_searchable(sweep, 4)
        with pytest.raises(ConfigError, match="got 4 points and 3 trials"):
            check_searchable(sweep, 3)


class TestReferences:
    """Recipes to compare with, outside the space and the budget."""

    TABLES = "".join(f'\n[[reference]]\nname = "{name}"\nsweep = "x.toml"' for name in ("a", "b"))

    def search(
        self, table: Table, n_trials: int = 3, extra: str = "", sampler: str = "random"
    ) -> Search:
        """A search with two references."""
        sweep = make_sweep(SPACE + self.TABLES + extra, lines(n_trials, sampler))
        references = [(one.name, sweep.default) for one in sweep.references]
        return Search(sweep, table, references=references)

    @pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "bayes"])
    def test_they_come_first_and_do_not_count(self, table: Table, sampler: str) -> None:
        """Numbers 0 and 1; they have a label and no point."""
        search = self.search(table, sampler=sampler)
        candidates = run(search, lambda c: TRAINED)
        assert [c.number for c in candidates] == [0, 1, 2, 3, 4]
        assert [c.name for c in candidates] == ["a", "b", "trial 2", "trial 3", "trial 4"]
        assert [row.label for row in table.references] == ["a", "b"]
        assert [row.name for row in read_rows(table.path)] == [c.name for c in candidates]
        assert candidates[0].point == {} and candidates[0].config == make_sweep(SPACE).default
        assert search.n_trained == 3 and search.is_done

    def test_trials_are_handed_out_while_they_run(self, table: Table) -> None:
        """And the search waits for them in the end."""
        search = self.search(table, 1)
        running = [search.next() for _ in range(3)]
        assert [c.name for c in running] == ["a", "b", "trial 2"]
        assert search.next() is None
        search.ended(2, Outcome("trained", **TRAINED[1]))
        search.ended(1, Outcome("trained", **TRAINED[1]))
        assert search.n_trained == 1 and not search.is_done
        search.ended(0, Outcome("trained", **TRAINED[1]))
        assert search.is_done

    def test_lost_ones_are_trained_again_and_others_are_not(self, table: Table) -> None:
        """Gaps among the trials are those above the references."""
        search = self.search(table, 4)
        for number in [search.next().number for _ in range(5)]:
            if number in (0, 3):
                search.ended(number, Outcome("trained", **TRAINED[1]))
        again = run(self.search(Table(table.path), 4), lambda c: TRAINED)
        assert [c.name for c in again] == ["b", "trial 2", "trial 4", "trial 5"]
        numbers = [row.number for row in read_rows(table.path)]
        assert sorted(numbers) == list(range(6))

    def test_one_that_fails_or_does_not_fit_ends_nothing(self, table: Table) -> None:
        """Its row says why; the next command tries once more what failed."""
        fates = {0: FAILED, 1: MISSED}
        search = self.search(table)
        run(search, lambda c: fates.get(c.number, TRAINED))
        assert [row.status for row in table.rows] == ["failed", "infeasible"] + ["trained"] * 3
        assert (search.n_trained, search.gave_up) == (3, None)
        again = self.search(Table(table.path))
        assert [c.number for c in run(again, lambda c: FAILED)] == [0]
        assert again.is_done

    def test_without_a_space_the_trial_is_trained_too(self, table: Table) -> None:
        """A failing reference is no reason to give it up."""
        sweep = make_sweep(self.TABLES, lines(1))
        search = Search(sweep, table, references=[("a", sweep.default), ("b", sweep.default)])
        run(search, lambda c: FAILED if c.name == "a" else MISSED if c.is_apart else TRAINED)
        assert [row.status for row in table.rows] == ["failed", "infeasible", "trained"]

    def test_sampler_does_not_learn_from_them(self, table: Table) -> None:
        """They lie outside the space: whatever they score, the same points follow."""

        def points_beside(score: float) -> list[Any]:
            own = Table(table.path.with_name(f"{score}.jsonl"))
            search = self.search(own, 8, sampler="tpe")
            found = run(search, lambda c: trained(score if c.is_apart else c.number / 20))
            return [candidate.point for candidate in found]

        assert points_beside(0.01) == points_beside(0.99)

    def test_points_to_start_from_follow(self, table: Table) -> None:
        """The first trial has the first number after the references."""
        search = self.search(table, extra='\n[[start]]\n"model.filters" = 7')
        third = run(search, lambda c: TRAINED)[2]
        assert (third.number, third.point["model.filters"]) == (2, 7)


class TestStart:
    """Points that are tried first."""

    START = '\n[[start]]\n"model.filters" = 7\n"train.momentum" = 0.5'

    @pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "bayes"])
    def test_each_is_tried_once(self, table: Table, sampler: str) -> None:
        """Though it stands twice."""
        search = Search(make_sweep(SPACE + 2 * self.START, lines(4, sampler)), table)
        points = [c.point for c in run(search, lambda c: TRAINED)]
        assert points[0] == {"model.filters": 7, "train.momentum": 0.5}
        assert len(points) == 4
        assert points.count(points[0]) == 1

    @pytest.mark.parametrize("sampler", ["random", "tpe", "bayes"])
    def test_points_of_earlier_runs_follow_and_their_rows_are_learned(
        self, table: Table, sampler: str
    ) -> None:
        """The rows are none of this run."""
        rows = (make_row(-1, params={"model.filters": 9, "train.momentum": 0.1}),)
        earlier = Earlier(rows, ({"model.filters": 11, "train.momentum": 0.2},))
        sweep = make_sweep(SPACE + self.START, lines(3, sampler))
        search = Search(sweep, table, earlier=earlier)
        points = [c.point for c in run(search, lambda c: TRAINED)]
        assert [point["model.filters"] for point in points[:2]] == [7, 11]
        assert (search.n_trained, len(search.trials)) == (3, 3)


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "bayes"])
def test_point_of_an_earlier_command_is_not_tried_again(table: Table, sampler: str) -> None:
    """Whatever became of it, unless it failed: that may go now."""
    space = '"model.filters" = [2, 4, 6, 8, 10]'
    fates = [TRAINED, MISSED, STOPPED, FAILED]
    sweep = make_sweep(space, lines(20, sampler))
    first = run(Search(sweep, table), lambda c: fates[c.number], most=4)
    tried = {c.point["model.filters"] for c in first[:3]}
    second = run(Search(sweep, Table(table.path)), lambda c: TRAINED)
    assert {c.point["model.filters"] for c in second} == {2, 4, 6, 8, 10} - tried
    assert len(second) == 2
