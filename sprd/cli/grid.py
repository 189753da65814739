"""A table in, what a terminal shows of it out: narrow ones lose whole columns, never digits."""

import os

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column
from rich.table import Table as Grid
from rich.text import Text

_NAME = 18
"""Columns of the terminal that are left to the first column: a longer name goes on below."""

_SHORTEST_NAME = 8
"""That it keeps where the columns that must stay leave no more."""

_UNBOUNDED = 10_000

_BETWEEN_PARTS = (", ", "; ", " · ")
_CUT = " \N{HORIZONTAL ELLIPSIS}"


def show_grid(grid: Grid, whole: str = "--json", n_kept: int = 2) -> None:
    """Prints a table to standard output; what found no room is named in a line behind it.

    Columns go from the right: the most important stand left. What is piped has all, unless
    COLUMNS says how wide it may be.

    Args:
        grid: The table.
        whole: What shows all of it.
        n_kept: Columns that stay in any case.
    """
    width = terminal_width()
    fitted, left_out = fit(grid, width, n_kept)
    # Wider than the terminal where not even these fit: it breaks the line, and no number.
    console = Console(highlight=False, markup=False, width=max(width, _width(fitted)))
    console.print(fitted, soft_wrap=True, no_wrap=True)
    if left_out:
        told = f"no room for {', '.join(left_out)}: a wider terminal or {whole} shows all"
        Console(highlight=False, markup=False, soft_wrap=True).print(told)


def terminal_width() -> int:
    """Returns how many columns standard output has; many where it is no terminal."""
    console = Console()
    is_bounded = console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    return console.width if is_bounded else _UNBOUNDED


def fit(grid: Grid, width: int, n_kept: int = 2) -> tuple[Grid, list[str]]:
    """Returns a table of those first columns that find room, and the headings of the others.

    Args:
        grid: The table.
        width: Of the terminal.
        n_kept: Columns that stay in any case, the first among them.
    """
    n_columns = len(grid.columns)
    while n_columns > n_kept and not _has_room(_first(grid, n_columns), width):
        n_columns -= 1
    left_out = [_heading(column) for column in grid.columns[n_columns:]]
    fitted = _first(grid, n_columns)
    if _width(fitted) > width:
        others = _width(fitted) - _longest(grid.columns[0])
        fitted.columns[0].width = max(_SHORTEST_NAME, width - others)
    return fitted, left_out


def _has_room(grid: Grid, width: int) -> bool:
    longest = _longest(grid.columns[0])
    return _width(grid) - longest + min(longest, _NAME) <= width


def _first(grid: Grid, n_columns: int) -> Grid:
    """Returns a table of the first columns; the first of all may go on below, numbers may not."""
    columns = grid.columns[:n_columns]
    found = Grid(box=None, pad_edge=False, padding=grid.padding)
    for column in columns:
        is_name = column is columns[0]
        found.add_column(
            column.header, justify=column.justify, no_wrap=not is_name, overflow="fold"
        )
    for row, cells in zip(grid.rows, zip(*(c.cells for c in columns), strict=True), strict=True):
        found.add_row(*cells, style=row.style)
    return found


def _width(grid: Grid) -> int:
    console = Console(width=_UNBOUNDED)
    return console.measure(grid).maximum


def _longest(column: Column) -> int:
    lines = [line for cell in (column.header, *column.cells) for line in str(cell).splitlines()]
    return max(map(cell_len, lines), default=0)


def _heading(column: Column) -> str:
    header = column.header
    return " ".join((header.plain if isinstance(header, Text) else str(header)).split())


def whole_words(text: str, width: int) -> str:
    """Returns as much of a line as finds room: whole parts, or else whole words."""
    if cell_len(text) <= width:
        return text
    room = max(1, width - len(_CUT))
    for ends in (_BETWEEN_PARTS, (" ",)):
        at = max(text.rfind(end, 0, room + len(end)) for end in ends)
        if at > 0:
            return text[:at] + _CUT
    return _CUT.lstrip()
