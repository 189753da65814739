"""The table of the folds of a run: `folds.jsonl`, one object a fold, appended as each ends."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sprd.disk.jsonl import Lines, read_lines
from sprd.sweep.rows.row import FoldResult

_ADVICE = (
    "Restore the file, or delete it: its folds are then trained again; a newer sprd may read it."
)


class FoldTable:
    """`folds.jsonl` of a run: the folds that were scored, so that the others can follow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._results: list[tuple[int, FoldResult]] = (
            read_lines(path, _read, "the result of a fold", _ADVICE) if path.exists() else []
        )
        self._lines = Lines(path)

    def append(self, trial: int, result: FoldResult) -> None:
        """Adds the result of a fold of a trial; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full; the file is as it was before.
        """
        self._lines.append({"trial": trial, **asdict(result)})
        self._results.append((trial, result))

    def done(self, trial: int, n_folds: int) -> Mapping[int, FoldResult]:
        """Returns what ended of a cross-validation of a trial, by fold."""
        return {
            result.fold: result
            for number, result in self._results
            if (number, result.n_folds) == (trial, n_folds)
        }


def _read(fields: Any) -> tuple[int, FoldResult]:
    """Reads a line; fields that a newer version added are left out.

    Raises:
        KeyError, TypeError, ValueError: It is no result.
    """
    result = FoldResult(**{name: fields[name] for name in FoldResult.__dataclass_fields__})
    numbers = (fields["trial"], result.fold, result.n_folds)
    lists = (result.predicted, result.truth, result.speakers)
    if not all(isinstance(number, int) for number in numbers):
        raise TypeError(numbers)
    if not 0 <= result.fold < result.n_folds:
        raise ValueError(numbers)
    if not all(isinstance(one, list) for one in lists) or len({len(one) for one in lists}) != 1:
        raise TypeError("lists differ in length")
    float(result.scores["balanced_accuracy"])
    return fields["trial"], result
