"""Which candidate comes next, and what became of the last: the course of a sweep. No Ray.

Candidates are numbered from 0. `n_trials` counts trained trials; candidates that do not fit, were
stopped or failed are rows too, and others are asked for in their place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sprd.config import Config, SweepConfig
from sprd.errors import ConfigError
from sprd.parameters import Scalar
from sprd.sweep.result import UNMEASURABLE, Row, Status, Table
from sprd.sweep.sampler import Sampler
from sprd.sweepfile import resolve

MAX_MISSES_IN_A_ROW = 200
"""Candidates in a row that do not fit before a sweep in which none ever fitted gives up."""

MAX_CANDIDATES_PER_TRIAL = 100
"""Candidates for each trial asked for before any sweep gives up."""

MAX_REPETITIONS = 200
"""Points drawn for one candidate, all tried before, until the space counts as exhausted."""

MAX_FAILURES = 10
"""Failed trials, beyond as many as were trained, before a sweep gives up."""


@dataclass(frozen=True)
class Candidate:
    """A numbered point of the search space and the configuration that it gives."""

    number: int
    point: Mapping[str, Scalar]
    config: Config


class Search:
    """Hands out candidates and takes in how they ended."""

    def __init__(self, sweep: SweepConfig, table: Table, n_trials: int | None = None) -> None:
        self._sweep, self._table = sweep, table
        self.n_trials = n_trials or sweep.sweep.n_trials
        self._sampler = Sampler(sweep)
        self._running: dict[int, tuple[Candidate, str]] = {}
        self._new_rows: list[Row] = []
        self._n_before = len(table.rows)
        self._is_exhausted = False
        for row in table.rows:
            self._sampler.tell(row)
        done = {row.number for row in table.rows}
        self._gaps = [n for n in range(max(done, default=-1)) if n not in done]
        self._next_number = max(done, default=-1) + 1

    @property
    def rows(self) -> list[Row]:
        """Rows of the run so far."""
        return self._table.rows

    @property
    def n_trained(self) -> int:
        """Trials trained to their end."""
        return sum(row.status == "trained" for row in self.rows)

    @property
    def is_done(self) -> bool:
        """Whether no further candidate is needed, or none is worth asking for."""
        return self.n_trained >= self.n_trials or self.gave_up is not None

    @property
    def gave_up(self) -> str | None:
        """Why the search ends before it has its trials, or None."""
        statuses = [row.status for row in self.rows]
        n_failed = statuses[self._n_before :].count("failed")  # what failed before may go now
        if n_failed > self.n_trained + MAX_FAILURES:
            return f"{n_failed} trials failed"
        if "trained" not in statuses and "stopped" not in statuses:
            n_missed = statuses.count("infeasible")
            if n_missed >= MAX_MISSES_IN_A_ROW or (n_missed and not self._sweep.space):
                return f"none of {n_missed} candidates fits"
        if len(statuses) >= MAX_CANDIDATES_PER_TRIAL * self.n_trials + MAX_MISSES_IN_A_ROW:
            return f"{len(statuses)} candidates gave {self.n_trained} trained trials"
        if self._is_exhausted and not self._running:
            return f"{len(statuses)} candidates were tried, and [space] holds no other"
        if n_failed and not self._sweep.space:
            return "the trial failed, and there is no [space] to try another"
        return None

    def next(self) -> Candidate | None:
        """Returns the next candidate; None while enough are running, or when done.

        Points that break a rule between two fields become rows here, without a worker.
        """
        while not self.is_done and self.n_trained + len(self._running) < self.n_trials:
            number = self._gaps.pop(0) if self._gaps else self._next_number
            self._next_number = max(self._next_number, number + 1)
            point = self._new_point(number)
            if point is None:
                self._is_exhausted = True
                return None
            try:
                candidate = Candidate(number, point, resolve(self._sweep, point))
            except ConfigError as error:
                now = timestamp()
                self._record(
                    Row(
                        number,
                        "infeasible",
                        point,
                        now,
                        now,
                        error=str(error),
                        violations=(UNMEASURABLE,),
                    )
                )
                continue
            self._running[number] = candidate, timestamp()
            return candidate
        return None

    def _new_point(self, number: int) -> dict[str, Scalar] | None:
        """Returns a point that was not tried, or None if chance finds none any more.

        A failed trial may be tried again: what failed before may go now.
        """
        tried = [row.params for row in self.rows if row.status != "failed"]
        tried += [candidate.point for candidate, _ in self._running.values()]
        seen = {_key(point) for point in tried}
        for attempt in range(MAX_REPETITIONS):
            point = self._sampler.ask(number, attempt)
            if _key(point) not in seen:
                return point
            self._sampler.forget(number)
        return None

    def ended(self, number: int, status: Status, **fields: Any) -> Row:
        """Takes in how a candidate ended: writes its row, tells the sampler."""
        candidate, started_at = self._running.pop(number)
        if status == "failed":
            self._is_exhausted = False  # its point may be tried again
        row = Row(number, status, candidate.point, started_at, timestamp(), **fields)
        self._record(row)
        return row

    def drain(self) -> list[Row]:
        """Returns the rows that were added since the last call, for whoever watches."""
        rows, self._new_rows = self._new_rows, []
        return rows

    def _record(self, row: Row) -> None:
        self._table.append(row)
        self._sampler.tell(row)
        self._new_rows.append(row)


def _key(point: Mapping[str, Scalar]) -> tuple[tuple[str, Scalar], ...]:
    return tuple(sorted(point.items()))


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


def timestamp() -> str:
    """Returns now, in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
