"""Files of one JSON object a line, appended and synced: what a crash leaves can be gone on with.

Knows nothing of what the objects mean.
"""

import json
import os
from collections.abc import Callable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from sprd.disk.atomic import unwritable
from sprd.errors import InputError

T = TypeVar("T")


class Lines:
    """The end of a file to which objects are added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end: int | None = None

    def append(self, fields: Mapping[str, Any]) -> None:
        """Adds an object; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full; the file is as it was before.
        """
        line = (json.dumps(fields, sort_keys=True, allow_nan=False) + "\n").encode()
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


def read_lines(path: Path, parse: Callable[[Any], T], what: str, advice: str) -> list[T]:
    """Reads a file of objects; a last line that a crash cut off is left out.

    Args:
        path: Of the file.
        parse: Makes an entry of what a line holds, or raises ValueError, TypeError or KeyError.
        what: Each line must be, for the message about a damaged one.
        advice: What to do about it.

    Raises:
        InputError: The file cannot be read, or a whole line is no entry.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(
            f"{path}: must be the {path.name} of a run: {error.strerror}. Give a run's folder."
        ) from error
    entries = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            entries.append(parse(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(
                f"{path}, line {number}: must be {what}, got {line[:60]!r}. {advice}"
            ) from error
    return entries


def _end_of_whole_lines(file: FileIO) -> int:
    """Returns the offset behind the last newline: a crash may have cut off what follows."""
    file.seek(0)
    return file.readall().rfind(b"\n") + 1


def _write_all(file: FileIO, data: bytes) -> None:
    """Writes on after a part: a disk that fills up takes a part first, then says so."""
    while data:
        data = data[file.write(data) :]
