"""The table of trials: `trials.jsonl`, one object a trial, appended and synced as each ends.

It is the state of a run. Everything else about a run can be made from it, the sweep file and the
folders `trials/<number>/`.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, Literal, get_args

from sprd.device.verdict import Violation
from sprd.errors import BudgetError, InputError
from sprd.folders import unwritable
from sprd.parameters import Scalar

Status = Literal["trained", "infeasible", "stopped", "failed"]

MINIMIZED = ("false_accept_rate", "false_reject_rate")
"""Objectives of which less is better."""


@dataclass(frozen=True)
class Row:
    """One trial that ended.

    `violations` are objects {"key", "value", "limit"}; a trained trial may have some too, when
    the real artifact or the int8 drop breaks the budget: it is never exported.
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
    violations: tuple[Mapping[str, Any], ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    step: int = 0

    @property
    def is_eligible(self) -> bool:
        """Whether the trial can be exported: trained, and within the budget."""
        return self.status == "trained" and not self.violations

    def value(self, key: str) -> float:
        """Returns a metric or a number of the footprint by its name."""
        found = self.metrics.get(key, self.footprint.get(key))
        if not isinstance(found, (int, float)):
            raise InputError(f"trial {self.number}: has no number named {key!r}.")
        return float(found)


def objective_score(row: Row, objective: str) -> float:
    """Returns the row's objective so that more is better."""
    value = row.value(objective)
    return -value if objective in MINIMIZED else value


def ranking(rows: Iterable[Row], objective: str) -> list[Row]:
    """Returns the eligible rows, best first; of equals the one with less flash and RAM."""
    eligible = [row for row in rows if row.is_eligible]

    def order(row: Row) -> tuple[float, float, float, int]:
        footprint = row.footprint
        return (
            -objective_score(row, objective),
            footprint.get("flash_bytes", 0),
            footprint.get("ram_bytes", 0),
            row.number,
        )

    return sorted(eligible, key=order)


def nearest_misses(rows: Iterable[Row], most: int = 3) -> list[Row]:
    """Returns the rows that missed the budget by least."""
    missed = [row for row in rows if row.violations]
    return sorted(missed, key=lambda row: (excess(row), row.number))[:most]


def excess(row: Row) -> float:
    """Returns by what share of its limit a row misses the budget, all its misses added."""
    return sum(_excess(v) for v in row.violations)


def _excess(violation: Mapping[str, Any]) -> float:
    value, limit = violation.get("value"), violation.get("limit")
    if value is None or not limit:
        return 1.0
    return float(value) / float(limit) - 1


def budget_error(rows: Iterable[Row]) -> BudgetError:
    """Returns the error for a run in which nothing fits."""
    all_rows = list(rows)
    n_trained = sum(row.status == "trained" for row in all_rows)
    misses = [
        f"trial {row.number}: {', '.join(map(describe_violation, row.violations))}"
        for row in nearest_misses(all_rows)
    ]
    nearest = "; ".join(misses) if misses else "none was measured"
    return BudgetError(
        f"No trial fits the budget: 0 of {len(all_rows)} ({n_trained} trained). Nearest: {nearest}."
        " Raise the limit in [budget], or widen [space] towards smaller models."
    )


def describe_violation(violation: Mapping[str, Any]) -> str:
    """Words one entry of a row's `violations`."""
    if violation["key"] == "configuration":
        return "no valid configuration"
    if violation["key"] == EMULATION:
        return str(violation["error"])
    return str(Violation(violation["key"], violation["value"], violation["limit"]))


EMULATION = "emulation"
"""The violation of a winner that the emulated core cannot run, or runs otherwise than TFLM."""

UNMEASURABLE: Mapping[str, Any] = {"key": "configuration", "value": None, "limit": None}
"""The violation of a point that is no valid configuration."""


class Table:
    """`trials.jsonl` of a run: rows in the order in which they ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = read_rows(path) if path.exists() else []
        self._end: int | None = None

    def append(self, row: Row) -> None:
        """Adds a row; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full; the file is as it was before.
        """
        line = (json.dumps(asdict(row), sort_keys=True, allow_nan=False) + "\n").encode()
        try:
            # Unbuffered: a buffer would be written again when the file is closed.
            with self.path.open("r+b" if self.path.exists() else "w+b", buffering=0) as file:
                end = _end_of_whole_lines(file) if self._end is None else self._end
                file.truncate(end)
                file.seek(end)
                try:
                    _write_all(file, line)
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(end)
                    raise
                self._end = file.tell()
        except OSError as error:
            raise unwritable(self.path, error) from error
        self.rows.append(row)


def read_rows(path: Path) -> list[Row]:
    """Reads a table; a last line that a crash cut off is left out.

    Raises:
        InputError: The file cannot be read, or a whole line is no row.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(
            f"{path}: must be the trials.jsonl of a run: {error.strerror}. Give a run's folder."
        ) from error
    rows = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            fields = json.loads(line)
            row = Row(**{**fields, "violations": tuple(fields["violations"])})
            if not isinstance(row.number, int) or row.status not in get_args(Status):
                raise TypeError(row.status)
            for table in (row.params, row.metrics, row.footprint, row.seconds, *row.violations):
                if not isinstance(table, dict):
                    raise TypeError(table)
            rows.append(row)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{path}, line {number}: must be a trial's row, got {line[:60]!r}."
                " Restore the file, or start a new run with --out."
            ) from error
    return rows


def _end_of_whole_lines(file: FileIO) -> int:
    """Returns the offset behind the last newline: a crash may have cut off what follows."""
    file.seek(0)
    return file.readall().rfind(b"\n") + 1


def _write_all(file: FileIO, data: bytes) -> None:
    """Writes on after a part: a disk that fills up takes a part first, then says so."""
    while data:
        data = data[file.write(data) :]
