"""Which candidate comes next, and what became of the last: the course of a sweep. No Ray.

Candidates are numbered from 0. `n_trials` counts trained trials; candidates that do not fit, were
stopped or failed are rows too, and others are asked for in their place.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from sprd.config.limits import UNMEASURABLE
from sprd.config.params import Scalar
from sprd.config.reader import resolve
from sprd.config.space import PointKey, point_key
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config
from sprd.errors import ConfigError
from sprd.sweep.rows.ranking import frontier
from sprd.sweep.rows.row import Reference, Row, Trial, timestamp
from sprd.sweep.rows.table import Table
from sprd.sweep.search.bayes import BayesSampler
from sprd.sweep.search.earlier import Earlier
from sprd.sweep.search.grid import check_grid, count_points, untried_point
from sprd.sweep.search.jobs import Candidate
from sprd.sweep.search.sampler import Sampler
from sprd.sweep.trial.measure import check_reported, check_verifiable
from sprd.sweep.trial.outcome import Outcome, to_reference, to_trial

MAX_MISSES_IN_A_ROW = 200
"""Candidates in a row that do not fit before a sweep in which none ever fitted gives up."""

MAX_CANDIDATES_PER_TRIAL = 100
"""Candidates for each trial asked for before any sweep gives up."""

MAX_REPETITIONS = 200
"""Points drawn for one candidate, all tried before, until one is looked for among all."""

MAX_FAILURES = 10
"""Failed trials, beyond as many as were trained, before a sweep gives up."""


class Search:
    """Hands out candidates and takes in how they ended: a `sprd.sweep.search.jobs.Jobs`."""

    kind = "trials"

    def __init__(
        self,
        sweep: SweepConfig,
        table: Table,
        n_trials: int | None = None,
        references: Sequence[tuple[str, Config]] = (),
        earlier: Earlier | None = None,
    ) -> None:
        """Makes a search that goes on from the rows of its table.

        Args:
            sweep: The sweep file.
            table: Rows of the run so far.
            n_trials: Instead of the file's.
            references: Name and configuration of what is trained to compare with, outside space
                and budget.
            earlier: What the sampler learns from earlier runs.
        """
        self._sweep, self._table = sweep, table
        self.n_trials = n_trials or sweep.sweep.n_trials
        self._sampler = BayesSampler(sweep) if sweep.sweep.sampler == "bayes" else Sampler(sweep)
        self._running: dict[int, tuple[Candidate, str]] = {}
        self._new_rows: list[Row] = []
        self._n_failed_before = sum(trial.status == "failed" for trial in table.trials)
        self._statuses: Counter[str] = Counter()
        self._is_exhausted = False
        self._seen: set[PointKey] = set()
        self._unfinished: dict[int, Mapping[str, Scalar]] = {}
        self._frontier: list[Trial] = []
        self._n_idle = 0
        self._started_at = time.monotonic()
        self._take_in_what_ended(earlier)
        n_points = count_points(sweep)
        if n_points is not None and len(self._seen) >= n_points:
            self._is_exhausted = untried_point(sweep, self._seen) is None
        self._missing = _missing_references(references, table)
        first, done = sweep.first_number, {trial.number for trial in table.trials}
        end = max(done, default=first - 1) + 1
        self._gaps = [number for number in range(first, end) if number not in done]
        self._next_number = end

    def _take_in_what_ended(self, earlier: Earlier | None) -> None:
        """Tells the sampler the trials of earlier runs, then those of this one."""
        if earlier is not None:
            self._sampler.start_from(earlier.points)
            for trial in earlier.trials:
                self._sampler.learn(trial)
                self._seen.add(point_key(trial.params))
        for trial in self._table.trials:
            if trial.status == "failed":  # it may go now
                self._statuses[trial.status] += 1
            else:
                self._take_in(trial)

    @property
    def scheduler(self) -> str:
        """What stops a trial that lags behind."""
        return self._sweep.scheduler

    def resume(self, points: Mapping[int, Mapping[str, Scalar]]) -> None:
        """Takes in the points of unfinished trials by number: they are handed out again.

        A sampler that knows more rows by now would propose others, and what was trained of these
        would be lost.
        """
        self._unfinished.update(points)

    @property
    def trials(self) -> list[Trial]:
        """Trials of the run so far."""
        return self._table.trials

    @property
    def n_trained(self) -> int:
        """Trials trained to their end."""
        return self._statuses["trained"]

    @property
    def is_done(self) -> bool:
        """Whether no further candidate is needed, or none is worth asking for."""
        if self._missing:
            return False
        return (
            self.n_trained >= self.n_trials or self.ended_by is not None or self.gave_up is not None
        )

    @property
    def ended_by(self) -> str | None:
        """The rule of the sweep file that ended the search before it had its trials, or None."""
        rules = self._sweep.sweep
        if self.n_trained >= self.n_trials:
            return None
        minutes = (time.monotonic() - self._started_at) / 60
        if rules.max_minutes is not None and minutes >= rules.max_minutes:
            return f"max_minutes = {rules.max_minutes:g}"
        if rules.patience_trials is not None and self._n_idle >= rules.patience_trials:
            return f"patience_trials = {rules.patience_trials}: the frontier stayed as it was"
        if self._is_exhausted and not self._running and self._sweep.space:
            n = count_points(self._sweep)
            if n is None:
                return "the space, in which no other point was found"
            return f"the space, which holds no more points: {n:,} of {n:,}"
        return None

    @property
    def gave_up(self) -> str | None:
        """Why the search ends before it has its trials, or None."""
        if self.n_trained >= self.n_trials:
            return None
        n_rows = self._statuses.total()
        n_failed = self._statuses["failed"] - self._n_failed_before
        if n_failed > self.n_trained + MAX_FAILURES:
            return f"{n_failed} trials failed"
        if not self._statuses["trained"] and not self._statuses["stopped"]:
            n_missed = self._statuses["infeasible"]
            if n_missed >= MAX_MISSES_IN_A_ROW or (n_missed and not self._sweep.space):
                return f"none of {n_missed} candidates fits"
        if n_rows >= MAX_CANDIDATES_PER_TRIAL * self.n_trials + MAX_MISSES_IN_A_ROW:
            return f"{n_rows} candidates gave {self.n_trained} trained trials"
        if n_failed and not self._sweep.space:
            return "the trial failed, and there is no [space] to try another"
        return None

    def next(self) -> Candidate | None:
        """Returns the next candidate; None while enough are running, or when done.

        Points that break a rule between two fields become rows here, without a worker.
        """
        for reference in self._missing:
            if reference.number not in self._running:
                self._running[reference.number] = reference, timestamp()
                return reference
        while not self.is_done and self.n_trained + self._n_running() < self.n_trials:
            if self._is_exhausted:
                return None
            number = self._gaps.pop(0) if self._gaps else self._next_number
            self._next_number = max(self._next_number, number + 1)
            point = self._new_point(number)
            if point is None:
                self._is_exhausted = True
                return None
            candidate = self._candidate(number, point)
            if candidate is None:
                continue
            self._running[number] = candidate, timestamp()
            return candidate
        return None

    def _candidate(self, number: int, point: Mapping[str, Scalar]) -> Candidate | None:
        """Returns the candidate of a point; None, and a row, if that breaks a rule."""
        try:
            return Candidate(number, f"trial {number}", point, resolve(self._sweep, point))
        except ConfigError as error:
            now, why = timestamp(), (UNMEASURABLE,)
            self._record(
                Trial(number, "infeasible", point, now, now, error=str(error), violations=why)
            )
            return None

    def _n_running(self) -> int:
        return sum(not candidate.is_apart for candidate, _ in self._running.values())

    def _new_point(self, number: int) -> dict[str, Scalar] | None:
        """Returns a point that was not tried, or None if there is none any more.

        What failed is tried again by the next command alone: it may go then.
        """
        unfinished = self._unfinished.pop(number, None)
        if unfinished is not None and point_key(unfinished) not in self._seen:
            self._seen.add(point_key(unfinished))
            self._sampler.adopt(number, unfinished)
            return dict(unfinished)
        for attempt in range(MAX_REPETITIONS):
            point = self._sampler.ask(number, attempt)
            if point_key(point) not in self._seen:
                self._seen.add(point_key(point))
                return point
            self._sampler.forget(number)
        left = untried_point(self._sweep, self._seen)
        if left is not None:
            self._seen.add(point_key(left))
            self._sampler.adopt(number, left)
        return left

    def ended(self, number: int, outcome: Outcome) -> None:
        """Takes in how a candidate ended: writes its row, tells the sampler."""
        candidate, started_at = self._running.pop(number)
        times = (started_at, timestamp())
        if candidate.is_apart:
            self._missing.remove(candidate)
            self._add(to_reference(outcome, number, candidate.name, *times))
        else:
            self._record(to_trial(outcome, number, candidate.point, *times))

    def drain(self) -> list[Row]:
        """Returns the rows that were added since the last call, for whoever watches."""
        rows, self._new_rows = self._new_rows, []
        return rows

    def _record(self, trial: Trial) -> None:
        self._add(trial)
        self._take_in(trial)

    def _add(self, row: Trial | Reference) -> None:
        self._table.append(row)
        self._new_rows.append(row)

    def _take_in(self, trial: Trial) -> None:
        self._statuses[trial.status] += 1
        self._sampler.tell(trial)
        self._seen.add(point_key(trial.params))
        if trial.status == "trained":
            frontier_now = frontier([*self._frontier, trial], self._sweep.objectives)
            moved = trial in frontier_now
            self._frontier, self._n_idle = frontier_now, 0 if moved else self._n_idle + 1


def _missing_references(references: Sequence[tuple[str, Config]], table: Table) -> list[Candidate]:
    """Returns those that did not come to their end; one that failed before may go now."""
    done = {row.number for row in table.references if row.status not in ("failed", "stopped")}
    return [
        Candidate(number, name, {}, config, is_apart=True)
        for number, (name, config) in enumerate(references)
        if number not in done
    ]


def check_search(sweep: SweepConfig, n_trials: int | None) -> None:
    """Checks, before anything is trained, that a sweep can be done, and its winner checked.

    Raises:
        ConfigError: There is nothing to search, or a number of the file can never be told.
        InputError: The winner cannot be verified on this machine.
    """
    check_searchable(sweep, n_trials or sweep.sweep.n_trials)
    check_verifiable(sweep.default.budget)
    check_reported(sweep.objectives, sweep.default.budget)


def check_searchable(sweep: SweepConfig, n_trials: int) -> None:
    """Checks that there is something to search when several trials are asked for.

    Raises:
        ConfigError: There is no search space, so that all trials would be the same.
    """
    if n_trials > 1 and not sweep.space:
        raise ConfigError(
            f"{sweep.path} [sweep] n_trials: must be 1 without a [space], got {n_trials}."
            " The trials would all be the same."
        )
    if sweep.sweep.sampler == "grid":
        check_grid(sweep, n_trials)
