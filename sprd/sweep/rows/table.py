"""The table of a run: `trials.jsonl`, one object a trial or reference, appended as each ends.

It is the state of a run. Everything else about a run can be made from it, the sweep file and the
folders `trials/<number>/`. So a row that a newer version wrote stays in the file as it is.
"""

from pathlib import Path

from sprd.disk.jsonl import Lines, read_lines
from sprd.sweep.rows.row import Reference, Trial, read_row


class Table:
    """`trials.jsonl` of a run: rows in the order in which they ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Trial | Reference] = read_rows(path) if path.exists() else []
        self._lines = Lines(path)

    @property
    def trials(self) -> list[Trial]:
        """The trials that ended."""
        return [row for row in self.rows if isinstance(row, Trial)]

    @property
    def references(self) -> list[Reference]:
        """The references that ended."""
        return [row for row in self.rows if isinstance(row, Reference)]

    def append(self, row: Trial | Reference) -> None:
        """Adds a row; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full; the file is as it was before.
        """
        self._lines.append(row.as_dict())
        self.rows.append(row)


def read_rows(path: Path) -> list[Trial | Reference]:
    """Reads a table; a last line that a crash cut off is left out.

    Raises:
        InputError: The file cannot be read, or a whole line is no row.
    """
    advice = "Restore the file, or start a new run with --out; a newer sprd may read it."
    return read_lines(path, read_row, "a trial's row", advice)
