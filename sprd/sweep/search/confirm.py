"""The best few, trained anew on folds of speakers: the best of many is partly luck."""

from collections.abc import Mapping, Sequence

from sprd.config.limits import Limit
from sprd.config.numbers import number_of
from sprd.config.params import Scalar
from sprd.config.reader import resolve
from sprd.config.sweep import SweepConfig
from sprd.sweep.rows.folds import FoldTable
from sprd.sweep.rows.row import Fold, Row, Trial, fold_name
from sprd.sweep.search.jobs import Candidate
from sprd.sweep.trial.folds import FoldScores, summarize
from sprd.sweep.trial.measure import FALSE_ACCEPT_RATE
from sprd.sweep.trial.outcome import Outcome


class Confirmation:
    """Hands out the folds of some trials that were not trained yet."""

    kind = "folds"
    scheduler = "none"
    ended_by = None

    def __init__(
        self, sweep: SweepConfig, trials: Sequence[Trial], n_folds: int, table: FoldTable
    ) -> None:
        self._sweep, self._trials, self._n_folds, self._table = sweep, trials, n_folds, table
        self._new_rows: list[Row] = []
        self._missing = [
            (trial, fold)
            for trial in trials
            for fold in range(n_folds)
            if fold not in table.done(trial.number, n_folds)
        ]
        self._running: dict[int, tuple[Trial, int]] = {}
        self._n_given = 0
        self.failures: dict[int, str] = {}
        """Trials of which a fold failed, and why; their other folds are left out."""

    @property
    def is_done(self) -> bool:
        """Whether every fold was trained, or is not worth it any more."""
        return not self._missing and not self._running

    def resume(self, points: Mapping[int, Mapping[str, Scalar]]) -> None:
        """Nothing: the point of a fold is that of its trial."""

    def next(self) -> Candidate | None:
        """Returns the next fold to train; None when the last ones are running."""
        if not self._missing:
            return None
        trial, fold = self._missing.pop(0)
        candidate = Candidate(
            number=self._n_given,
            name=fold_name(trial.number, fold, self._n_folds),
            point=trial.params,
            config=resolve(self._sweep, trial.params),
            is_apart=True,
            fold=(fold, self._n_folds),
        )
        self._n_given += 1
        self._running[candidate.number] = trial, fold
        return candidate

    def ended(self, number: int, outcome: Outcome) -> None:
        """Takes in a fold."""
        trial, fold = self._running.pop(number)
        row = Fold(trial.number, fold, self._n_folds, outcome.fold, outcome.error)
        if outcome.fold is not None:
            self._table.append(trial.number, outcome.fold)
        else:
            self.failures[trial.number] = f"{row.name}: {outcome.error}"
            self._missing = [one for one in self._missing if one[0].number != trial.number]
        self._new_rows.append(row)

    def drain(self) -> list[Row]:
        """Returns the folds that ended since the last call."""
        rows, self._new_rows = self._new_rows, []
        return rows

    def results(self) -> list[tuple[Trial, FoldScores]]:
        """Returns the trials of which no fold failed with their scores, best mean first.

        Those that accept more on their folds than `max_false_accept_rate` come last: it is a
        limit of the validation clips too, but those are fewer, and chose the trial.
        """
        labels = self._sweep.default.labels
        found = [
            (row, summarize(list(self._table.done(row.number, self._n_folds).values()), labels))
            for row in self._trials
            if row.number not in self.failures
        ]

        def rank(one: tuple[Trial, FoldScores]) -> tuple[bool, float, int]:
            row, scores = one
            return _accepts_too_much(self._sweep, scores), -scores.balanced_accuracy, row.number

        return sorted(found, key=rank)


def all_over(sweep: SweepConfig, found: Sequence[tuple[Trial, FoldScores]]) -> str | None:
    """Says that even the best of `Confirmation.results` accepts too much on its folds, if so."""
    limit = _limit_of_false_accepts(sweep)
    if limit is None or not found or limit.fits(found[0][1].false_accept_rate):
        return None
    row, scores = found[0]
    rate, accepted = number_of(limit.key), scores.false_accept_rate
    told = rate.text(None) if accepted is None else rate.beside(accepted, limit.bound)
    return (
        f"every confirmed trial accepts more than budget.max_false_accept_rate ="
        f" {rate.exact(limit.bound)} on its folds; trial {row.number}, exported all the same,"
        f" {told}"
    )


def _accepts_too_much(sweep: SweepConfig, scores: FoldScores) -> bool:
    limit = _limit_of_false_accepts(sweep)
    return limit is not None and not limit.fits(scores.false_accept_rate)


def _limit_of_false_accepts(sweep: SweepConfig) -> Limit | None:
    limits = sweep.default.budget.score_limits
    return next((limit for limit in limits if limit.key == FALSE_ACCEPT_RATE), None)


def confirmed(
    sweep: SweepConfig, trials: Sequence[Trial], table: FoldTable, n_folds: int
) -> list[tuple[Trial, FoldScores]]:
    """Returns the trials of which every fold was trained, with their scores."""
    done = [(trial, table.done(trial.number, n_folds)) for trial in trials]
    return [
        (trial, summarize(list(folds.values()), sweep.default.labels))
        for trial, folds in done
        if trial.status == "trained" and len(folds) == n_folds
    ]
