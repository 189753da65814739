"""The best few over folds of speakers: what is still to be trained, and what comes of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sprd.sweep.rows.folds import FoldTable
from sprd.sweep.rows.row import FoldResult, Trial
from sprd.sweep.search.confirm import Confirmation, all_over, confirmed
from sprd.sweep.search.jobs import Candidate
from sprd.sweep.trial.outcome import Outcome
from tests.builders import make_fold, make_row, make_sweep

SPACE = '"model.filters" = [4, 8, 16]'
ROWS = [make_row(n, params={"model.filters": filters}) for n, filters in ((3, 4), (5, 16))]


def fold_result(fold: int, n_folds: int, n_wrong: int) -> FoldResult:
    """A fold of eight clips, some of them wrong."""
    truth = [0, 0, 1, 1, 2, 2, 3, 3]
    predicted = [(t + 1) % 4 if i < n_wrong else t for i, t in enumerate(truth)]
    speakers = [f"{fold} {i % 2}" for i in range(len(truth))]
    return make_fold(fold, truth, predicted, speakers, n_folds)


@pytest.fixture
def table(tmp_path: Path) -> FoldTable:
    """An empty table of folds."""
    return FoldTable(tmp_path / "folds.jsonl")


def confirmation(table: FoldTable, n_folds: int = 2, rows: list[Trial] = ROWS) -> Confirmation:
    """A confirmation of two trials."""
    return Confirmation(make_sweep(SPACE), rows, n_folds, table)


def fold_of(candidate: Candidate | None) -> tuple[int, int]:
    """The fold of a candidate, and how many there are."""
    assert candidate is not None and candidate.fold is not None
    return candidate.fold


def run(
    jobs: Confirmation, n_wrong: Callable[..., Any] = lambda trial, fold: 0, most: int = 100
) -> list[Candidate]:
    """Trains one fold after another; returns the candidates."""
    found: list[Candidate] = []
    while len(found) < most and (candidate := jobs.next()) is not None:
        found.append(candidate)
        fold, n_folds = fold_of(candidate)
        filters = candidate.point["model.filters"]
        result = fold_result(fold, n_folds, n_wrong(filters, fold))
        jobs.ended(candidate.number, Outcome("trained", fold=result))
    return found


def test_every_fold_of_every_trial_is_trained_once(table: FoldTable) -> None:
    """With the configuration of its trial, in turn."""
    jobs = confirmation(table)
    found = run(jobs)
    assert [one.name for one in found] == [
        "trial 3, fold 1 of 2",
        "trial 3, fold 2 of 2",
        "trial 5, fold 1 of 2",
        "trial 5, fold 2 of 2",
    ]
    assert [one.fold for one in found] == [(0, 2), (1, 2), (0, 2), (1, 2)]
    assert [one.config.model.params["filters"] for one in found] == [4, 4, 16, 16]
    assert [one.number for one in found] == [0, 1, 2, 3]
    assert jobs.is_done


def test_best_mean_comes_first(table: FoldTable) -> None:
    """Of equals the trial that was first."""
    jobs = confirmation(table)
    run(jobs, lambda filters, fold: {4: 3, 16: 1}[filters])
    assert [row.number for row, _ in jobs.results()] == [5, 3]
    assert [scores.balanced_accuracy for _, scores in jobs.results()] == [0.875, 0.625]
    alike = confirmation(FoldTable(table.path.with_name("other.jsonl")))
    run(alike)
    assert [row.number for row, _ in alike.results()] == [3, 5]


@pytest.mark.parametrize(("limit", "first"), [(0.3, 5), (0.2, 3), (0.01, 5)])
def test_best_mean_within_the_limit_of_false_accepts_comes_first(
    table: FoldTable, limit: float, first: int
) -> None:
    """Where none is within it, the best mean."""
    sweep = make_sweep(f"{SPACE}\n[budget]\nmax_false_accept_rate = {limit}")
    jobs = Confirmation(sweep, ROWS, 2, table)
    while (candidate := jobs.next()) is not None:
        fold, n_folds = fold_of(candidate)
        truth = [0, 0, 1, 1, 2, 2, 3, 3]
        few = [0, 0, 1, 1, 0, 0, 3, 3] if fold else [0, 0, 1, 2, 0, 0, 3, 3]  # two keywords lost
        many = [0, 0, 1, 2, 2, 2, 3, 3]  # nothing but a false accept
        predicted = {4: few, 16: many}[int(candidate.point["model.filters"])]
        speakers = [f"{fold} {i % 2}" for i in range(len(truth))]
        result = make_fold(fold, truth, predicted, speakers, n_folds)
        jobs.ended(candidate.number, Outcome("trained", fold=result))
    assert jobs.results()[0][0].number == first
    told = all_over(sweep, jobs.results())
    assert bool(told) == (limit == 0.01)
    if told:
        assert "budget.max_false_accept_rate = 0.01" in told and "trial 5" in told


def test_unknown_rate_of_false_accepts_is_not_within_the_limit(table: FoldTable) -> None:
    """Folds without other words and silence do not decide it."""
    sweep = make_sweep(f"{SPACE}\n[budget]\nmax_false_accept_rate = 0.1")
    jobs = confirmation(table)
    run(jobs)
    row, scores = jobs.results()[0]
    told = all_over(sweep, [(row, replace(scores, false_accept_rate=None))])
    assert told is not None and told.endswith("exported all the same, unknown")


def test_folds_that_are_done_are_not_trained_again(table: FoldTable) -> None:
    """After an interruption; the one that ran then was lost."""
    jobs = confirmation(table)
    run(jobs, most=2)
    lost = jobs.next()
    again = run(confirmation(FoldTable(table.path)))
    assert [one.name for one in again] == [lost.name, "trial 5, fold 2 of 2"]
    whole = confirmation(FoldTable(table.path))
    assert whole.is_done and whole.next() is None
    assert len(whole.results()) == 2


def test_folds_of_another_number_do_not_count(table: FoldTable) -> None:
    """Two folds hold out other speakers than three."""
    run(confirmation(table))
    assert len(run(confirmation(table, n_folds=3))) == 6


def test_it_is_not_done_while_folds_are_running(table: FoldTable) -> None:
    """Though none is left to begin."""
    jobs = confirmation(table, rows=ROWS[:1])
    first, second = jobs.next(), jobs.next()
    assert jobs.next() is None and not jobs.is_done
    for one in (second, first):
        jobs.ended(one.number, Outcome("trained", fold=fold_result(fold_of(one)[0], 2, 0)))
    assert jobs.is_done


def test_each_fold_is_drained_once(table: FoldTable) -> None:
    """Whoever watches hears its score."""
    jobs = confirmation(table, rows=ROWS[:1])
    run(jobs, lambda filters, fold: 2 * fold)
    rows = jobs.drain()
    assert [(row.trial, row.name) for row in rows] == [
        (3, "trial 3, fold 1 of 2"),
        (3, "trial 3, fold 2 of 2"),
    ]
    assert [row.result.scores["balanced_accuracy"] for row in rows] == [1.0, 0.75]
    assert jobs.drain() == []


def test_fold_that_fails_ends_its_trial_alone(table: FoldTable) -> None:
    """A mean without it would not be one; what was done stays for the next time."""
    jobs = confirmation(table)
    run(jobs, most=1)
    candidate, running = jobs.next(), jobs.next()
    jobs.ended(candidate.number, Outcome("failed", error="out of memory"))
    assert not jobs.is_done
    jobs.ended(running.number, Outcome("trained", fold=fold_result(fold_of(running)[0], 2, 0)))
    run(jobs)
    assert jobs.is_done and jobs.next() is None
    assert jobs.failures == {3: "trial 3, fold 2 of 2: out of memory"}
    assert [row.number for row, _ in jobs.results()] == [5]
    again = run(confirmation(FoldTable(table.path)))
    assert [one.name for one in again] == ["trial 3, fold 2 of 2"]


def test_confirmed_trials_are_those_with_every_fold(table: FoldTable) -> None:
    """Whatever was trained in between."""
    sweep = make_sweep(SPACE)
    assert confirmed(sweep, ROWS, table, 2) == []
    run(confirmation(table), most=3)
    found = confirmed(sweep, [*ROWS, make_row(7, "failed", error="x")], table, 2)
    assert [(trial.number, scores.balanced_accuracy) for trial, scores in found] == [(3, 1.0)]
    assert confirmed(sweep, ROWS, table, 3) == []
