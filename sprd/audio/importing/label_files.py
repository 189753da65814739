"""A text of labels in, who says what when out: Audacity's labels, or CSV.

Audacity's: start, end and text in seconds, parted by tabs, a line a label. CSV: columns start, end
and label (or word), with a head or without; a column `file` where it is of several recordings.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sprd.audio.clips import shown
from sprd.audio.importing.names import word_name
from sprd.errors import DataError

_START = ("start", "start_s", "begin", "onset", "from")
_END = ("end", "end_s", "stop", "offset", "to")
_TEXT = ("label", "word", "text", "name")
_FILE = ("file", "path", "filename", "recording", "source")
_NAMES = (_START, _END, _TEXT, _FILE)


@dataclass(frozen=True)
class Label:
    """A part of a recording and what is said in it; a point if both ends are the same.

    `file` is empty where the labels are of one recording; `line` is where it stands.
    """

    start_s: float
    end_s: float
    text: str
    file: str
    line: int


def read_labels(path: Path) -> list[Label]:
    """Reads a text of labels.

    Raises:
        DataError: It cannot be read, or a line is no label.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"{shown(path)}: must be a text of labels: {error.strerror}. Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(path)}: must be text in UTF-8. Export the labels anew.") from error
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    lines = [(n, line) for n, line in lines if not line.startswith("\\")]  # ranges of frequency
    if not lines:
        raise DataError(f"{shown(path)}: must hold labels, got none. Export them anew.")
    mark = next((one for one in "\t;," if one in lines[0][1]), ",")
    rows = [(n, next(csv.reader(io.StringIO(line), delimiter=mark))) for n, line in lines]
    columns = _columns_of(rows[0][1])
    if columns is None:
        columns = (0, 1, 2, None)
    else:
        rows = rows[1:]
    return [_label(path, n, row, columns) for n, row in rows]


def words_of(labels: Sequence[Label]) -> frozenset[str]:
    """Returns the words that labels say; none where one says nothing."""
    words = frozenset(word_name(label.text) for label in labels)
    return frozenset() if "" in words else words


Columns = tuple[int, int | None, int | None, int | None]
"""Where start, end, text and file stand."""


def _columns_of(head: Sequence[str]) -> Columns | None:
    """Returns where the columns stand that a head names; None if it is none."""
    names = [cell.strip().lower() for cell in head]
    start, end, text, file = (
        next((names.index(one) for one in known if one in names), None) for known in _NAMES
    )
    return None if start is None else (start, end, text, file)


def _label(path: Path, line: int, row: Sequence[str], columns: Columns) -> Label:
    """Reads a line.

    Raises:
        DataError: It is no label.
    """

    def cell(column: int | None) -> str:
        return row[column].strip() if column is not None and column < len(row) else ""

    start, end, text, file = columns
    try:
        start_s = _seconds(cell(start))
        end_s = _seconds(cell(end)) if cell(end) else start_s
        if not 0 <= start_s <= end_s < 1e6:
            raise ValueError
    except ValueError as error:
        raise DataError(
            f"{shown(path)}, line {line}: must be start, end and label, in seconds and parted by"
            f" tabs or commas, got {' '.join(row)[:60]!r}. Correct the line."
        ) from error
    return Label(start_s, end_s, cell(text), cell(file), line)


def _seconds(text: str) -> float:
    """Reads a number; a comma may stand for the point."""
    number = float(text.replace(",", "."))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def labels_by_file(
    labels: Sequence[Label], path: Path, files: Sequence[Path]
) -> dict[Path, list[Label]]:
    """Returns the labels of each recording, in the order of time.

    Raises:
        DataError: It is open of which recording they are, or none is meant.
    """
    if not any(label.file for label in labels):
        if len(files) != 1:
            raise DataError(
                f"{shown(path)}: must say of which file each label is, got {len(files)} recordings"
                " and no column 'file'. Import them one by one, or add the column."
            )
        return {files[0]: sorted(labels, key=lambda label: label.start_s)}
    found: dict[Path, list[Label]] = {}
    for label in sorted(labels, key=lambda label: label.start_s):
        meant = _meant(label.file.replace("\\", "/"), files)
        if len(meant) != 1:
            raise DataError(
                f"{shown(path)}, line {label.line}: must name one of the recordings, got"
                f" {label.file!r} for {len(meant)}. Correct the line."
            )
        found.setdefault(meant[0], []).append(label)
    return found


def _meant(name: str, files: Sequence[Path]) -> list[Path]:
    """Returns the files whose paths end in a name, with its suffix or without.

    Folders count as far as they are the same: `anna/memo.wav` where several are called memo.wav.
    """
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    for n in range(len(parts), 0, -1):
        for paths in (files, [file.with_suffix("") for file in files]):
            meant = [
                f for f, path in zip(files, paths, strict=True) if path.parts[-n:] == parts[-n:]
            ]
            if meant:
                return meant
    return []
