"""Rows of a frontier in, a table for the terminal out: the most important numbers stand left.

Counts stand in millions, so that more of them find room.
"""

from collections.abc import Sequence

from rich.table import Table as Grid
from rich.text import Text

from sprd.config.objectives import Objective
from sprd.report.columns import Column, accuracy_text, known_columns
from sprd.report.frontier import ACCURACY
from sprd.sweep.rows.row import Compared, Trial

_GAP = 2
_KEYS = (
    ACCURACY,
    "recall_streaming",
    "false_accepts_per_hour",
    "model_bytes",
    "ram_bytes",
    "arena_bytes",
    "latency_ms",
    "instructions",
)
_LONGEST_LABEL = 18


def frontier_table(
    trials: Sequence[Trial],
    objectives: Sequence[Objective],
    chosen: int | None = None,
    references: Sequence[Compared] = (),
) -> Grid:
    """Returns the trials in their order, one a line, then the references.

    Numbers of the objectives come first; of the others those that no row knows are left out.

    Args:
        trials: Best first.
        objectives: What the frontier is taken over.
        chosen: Number of the trial to mark.
        references: Models to compare with, by their `label`.
    """
    every: list[Trial | Compared] = [*trials, *references]
    names = [_name(row, chosen) for row in every]
    grid = Grid(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    grid.add_column("trial", no_wrap=True)
    columns = known_columns(_KEYS, objectives, every)
    for one in columns:
        grid.add_column(_heading(one), justify="right", no_wrap=True)
    for row, name in zip(every, names, strict=True):
        style = "bold" if isinstance(row, Trial) and row.number == chosen else ""
        grid.add_row(Text(name), *(Text(_text(one, row)) for one in columns), style=style)
    return grid


def _name(row: Trial | Compared, chosen: int | None) -> str:
    if not isinstance(row, Trial):
        label = " ".join(row.label.split())
        is_short = len(label) <= _LONGEST_LABEL
        return label if is_short else f"{label[: _LONGEST_LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"
    return f"{row.number} *" if row.number == chosen else str(row.number)


def _heading(one: Column) -> str:
    """Two short lines rather than one long."""
    if one.key == ACCURACY:
        return f"{one.number.heading}\n95 % interval"
    heading, unit = one.number.heading, one.number.narrow_unit
    return f"{heading}\n{unit}" if unit else heading.replace(" ", "\n", 1)


def _text(one: Column, row: Trial | Compared) -> str:
    if one.key == ACCURACY:
        return _short(accuracy_text(row))
    value = one.value(row)
    return "?" if value is None else one.below(row) or one.number.narrow(value)


def _short(text: str) -> str:
    """`0.902 (0.846 .. 0.939)` in fewer letters."""
    return text.replace(" .. ", "..")
