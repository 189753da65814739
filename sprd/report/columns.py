"""What is told of a trial, in columns: one place for the terminal's table and the page's."""

from collections.abc import Sequence
from dataclasses import dataclass

from sprd.config.number import Number
from sprd.config.numbers import number_of
from sprd.config.objectives import Objective
from sprd.report.frontier import ACCURACY, interval_of
from sprd.sweep.rows.row import Compared, Trial

UNKNOWN_RECALL = "recall _unknown_"


@dataclass(frozen=True)
class Column:
    """One number of each row."""

    number: Number

    @property
    def key(self) -> str:
        """Of the number."""
        return self.number.key

    @property
    def unit(self) -> str:
        """Of its values; empty where they have none."""
        return self.number.writing.unit

    def value(self, row: Trial | Compared) -> float | None:
        """Returns the number as it is compared."""
        if self.key == UNKNOWN_RECALL:
            found = (row.metrics.get("recall") or {}).get("_unknown_")
            return float(found) if isinstance(found, (int, float)) else None
        return row.known(self.key)

    def text(self, row: Trial | Compared) -> str:
        """Returns the number as it is read, without its unit; "?" where it is unknown."""
        value = self.value(row)
        return "?" if value is None else self.below(row) or self.number.figure(value)

    def below(self, row: Trial | Compared) -> str:
        """Returns what a rate is below of which nothing was counted: `below 3.69`; else nothing."""
        ends = interval_of(row, self.key)
        is_none = self.value(row) == 0 and not self.number.is_more_better
        return f"below {self.number.figure(ends[1])}" if is_none and ends else ""


def column(key: str) -> Column:
    """Returns the column of a number."""
    return Column(number_of(key))


def known_columns(
    keys: Sequence[str], objectives: Sequence[Objective], rows: Sequence[Trial | Compared]
) -> list[Column]:
    """Returns the columns that some row has a number for, those of the objectives first."""
    ordered = dict.fromkeys([*(objective.key for objective in objectives), *keys])
    columns = [column(key) for key in ordered]
    return [one for one in columns if any(one.value(row) is not None for row in rows)]


def accuracy_text(row: Trial | Compared) -> str:
    """Returns the balanced accuracy with its interval: `0.902 (0.846 .. 0.939)`."""
    value = row.known(ACCURACY)
    return "?" if value is None else number_of(ACCURACY).text(value, interval_of(row))
