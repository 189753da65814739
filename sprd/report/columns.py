"""What is told of a trial, in words: one place for the terminal's table and the page's."""

from collections.abc import Sequence
from typing import NamedTuple

from sprd.config.numbers import Objective, name_and_unit
from sprd.report.frontier import ACCURACY, interval_of
from sprd.sweep.rows.table import Row


class Column(NamedTuple):
    """One number of a row: its key, its heading and how its value is written."""

    key: str
    heading: str
    unit: str
    divisor: float
    digits: str

    def value(self, row: Row) -> float | None:
        """Returns the number as it is compared."""
        if self.key == UNKNOWN_RECALL:
            found = (row.metrics.get("recall") or {}).get("_unknown_")
            return float(found) if isinstance(found, (int, float)) else None
        return row.known(self.key)

    def text(self, row: Row) -> str:
        """Returns the number as it is read, without its unit; "?" where it is unknown."""
        value = self.value(row)
        return "?" if value is None else f"{value / self.divisor:{self.digits}}"


UNKNOWN_RECALL = "recall _unknown_"
_NAMES = {
    "balanced_accuracy": "accuracy",
    "accuracy": "plain accuracy",
    "false_accept_rate": "false accepts",
    "false_reject_rate": "false rejects",
    UNKNOWN_RECALL: "recall _unknown_",
    "ram_bytes": "RAM",
    "macs": "MACs",
    "instructions": "instr.",
}


def column(key: str) -> Column:
    """Returns how a number is shown."""
    name, unit = name_and_unit(key)
    heading = _NAMES.get(key, name)
    if unit:
        return Column(key, heading, unit, 1.0, ",.1f" if unit == "ms" else ",.0f")
    if key in ("macs", "instructions"):
        return Column(key, heading, "M", 1e6, ",.3f")
    return Column(key, heading, "", 1.0, ".3f")


def known_columns(
    keys: Sequence[str], objectives: Sequence[Objective], rows: Sequence[Row]
) -> list[Column]:
    """Returns the columns that some row has a number for, those of the objectives first."""
    ordered = dict.fromkeys([*(objective.key for objective in objectives), *keys])
    columns = [column(key) for key in ordered]
    return [one for one in columns if any(one.value(row) is not None for row in rows)]


def accuracy_text(row: Row) -> str:
    """Returns the balanced accuracy with its interval: `0.902 (0.846 .. 0.939)`."""
    text = column(ACCURACY).text(row)
    bounds = interval_of(row)
    return text if bounds is None else f"{text} ({bounds[0]:.3f} .. {bounds[1]:.3f})"
