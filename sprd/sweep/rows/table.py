"""The table of trials: `trials.jsonl`, one object a trial, appended and synced as each ends.

It is the state of a run. Everything else about a run can be made from it, the sweep file and the
folders `trials/<number>/`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from sprd.config.limits import Violation
from sprd.config.numbers import number_of
from sprd.config.objectives import Objective
from sprd.config.params import Scalar
from sprd.disk.jsonl import Lines, read_lines
from sprd.errors import BudgetError, InputError

Status = Literal["trained", "infeasible", "stopped", "failed", "reference"]
Violations = tuple[Violation, ...]


@dataclass(frozen=True)
class Row:
    """One trial that ended.

    A trained trial may have violations too, when the real artifact or the int8 drop breaks the
    budget: it is never exported. A "reference" was trained to compare with, outside space and
    budget; `label` is its name.
    """

    number: int
    status: Status
    params: Mapping[str, Scalar]
    started_at: str
    ended_at: str
    node: str = ""
    error: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    footprint: Mapping[str, Any] = field(default_factory=dict)
    violations: Violations = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    label: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON holds of it."""
        violations = [violation.as_dict() for violation in self.violations]
        return {**asdict(self), "violations": violations}

    @property
    def is_eligible(self) -> bool:
        """Whether the trial can be exported: trained, and within the budget."""
        return self.status == "trained" and not self.violations

    def known(self, key: str) -> float | None:
        """Returns a metric or a number of the footprint by its name; None where it is unknown."""
        found = self.metrics.get(key, self.footprint.get(key))
        return float(found) if isinstance(found, (int, float)) else None

    def value(self, key: str) -> float:
        """Returns a metric or a number of the footprint that must be there.

        Raises:
            InputError: It is not.
        """
        found = self.known(key)
        if found is None:
            raise InputError(f"trial {self.number}: has no number named {key!r}.")
        return found


def gains(row: Row, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """Returns the row's objectives so that more is better; None if one of them is unknown."""
    values = [(o, row.known(o.key)) for o in objectives]
    found = tuple(o.gain(value) for o, value in values if value is not None)
    return found if len(found) == len(objectives) else None


def ranking(rows: Iterable[Row], objective: Objective) -> list[Row]:
    """Returns the eligible rows, best first; of equals the one with less flash and RAM."""
    eligible = [row for row in rows if row.is_eligible and gains(row, (objective,))]

    def order(row: Row) -> tuple[float, float, float, int]:
        footprint = row.footprint
        return (
            -objective.gain(row.value(objective.key)),
            footprint.get("flash_bytes") or 0,
            footprint.get("ram_bytes") or 0,
            row.number,
        )

    return sorted(eligible, key=order)


def frontier(rows: Iterable[Row], objectives: Sequence[Objective]) -> list[Row]:
    """Returns the eligible rows that no other one dominates, best by the first objective first.

    A row dominates another if it is no worse in any objective and better in one. Of rows with the
    same objectives the first stays. A row of which an objective is unknown is not on the frontier.
    """
    found: list[tuple[tuple[float, ...], Row]] = []
    for row in ranking(rows, objectives[0]):
        gain = gains(row, objectives)
        if gain is None or any(_covers(other, gain) for other, _ in found):
            continue
        found = [(other, kept) for other, kept in found if not _covers(gain, other)]
        found.append((gain, row))
    return [row for _, row in found]


def _covers(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Whether the first is no worse in any."""
    return all(a >= b for a, b in zip(first, second, strict=True))


def nearest_misses(rows: Iterable[Row], most: int = 3) -> list[Row]:
    """Returns the rows that missed the budget by least."""
    missed = [row for row in rows if row.violations]
    return sorted(missed, key=lambda row: (excess(row), row.number))[:most]


def excess(row: Row) -> float:
    """Returns by what share of its limit a row misses the budget, all its misses added."""
    return sum(violation.excess for violation in row.violations)


def budget_error(rows: Iterable[Row]) -> BudgetError:
    """Returns the error for a run in which nothing fits."""
    all_rows = [row for row in rows if not row.label]
    n_trained = sum(row.status == "trained" for row in all_rows)
    misses = [
        f"trial {row.number}: {', '.join(map(str, row.violations))}"
        for row in nearest_misses(all_rows)
    ]
    nearest = "; ".join(misses) if misses else "none was measured"
    sizes = [(row.footprint["model_bytes"], row.number) for row in all_rows if row.footprint]
    if sizes:
        smallest, trial = min(sizes)
        told = number_of("model_bytes").text(smallest)
        nearest += f". Smallest model seen: {told} (trial {trial})"
    return BudgetError(
        f"No trial fits the budget: 0 of {len(all_rows)} ({n_trained} trained). Nearest: {nearest}."
        " Raise the limit in [budget], or widen [space] towards smaller models."
    )


class Table:
    """`trials.jsonl` of a run: rows in the order in which they ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = read_rows(path) if path.exists() else []
        self._lines = Lines(path)

    def append(self, row: Row) -> None:
        """Adds a row; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full; the file is as it was before.
        """
        self._lines.append(row.as_dict())
        self.rows.append(row)


def read_rows(path: Path) -> list[Row]:
    """Reads a table; a last line that a crash cut off is left out.

    Raises:
        InputError: The file cannot be read, or a whole line is no row.
    """
    advice = "Restore the file, or start a new run with --out."
    return read_lines(path, _row, "a trial's row", advice)


def _row(fields: Any) -> Row:
    violations = tuple(map(Violation.from_dict, fields["violations"]))
    row = Row(**{**fields, "violations": violations})
    if not isinstance(row.number, int) or row.status not in get_args(Status):
        raise TypeError(row.status)
    for table in (row.params, row.metrics, row.footprint, row.seconds):
        if not isinstance(table, dict):
            raise TypeError(table)
    return row
