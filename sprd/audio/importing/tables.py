"""Tables beside recordings in, what each file says out: Mozilla Common Voice's layout.

`clips/*.mp3` with `validated.tsv`, or `train.tsv`, `dev.tsv` and `test.tsv`: columns `path`,
`sentence`, `client_id`.
"""

import csv
import string
from collections.abc import Iterator
from pathlib import Path

from sprd.audio.clips import shown
from sprd.audio.folders import SPLITS
from sprd.errors import DataError

_COLUMNS = ("path", "sentence", "client_id")
_TRUSTED = ("train", "dev", "test", "validated")
"""In this order: of a file in two tables the first says its split."""

_SPEAKER_CHARACTERS = 16

Row = tuple[Path, str, str, str | None]
"""File, what is said, who says it, split."""


def rows_of_tables(folder: Path) -> list[Row]:
    """Returns what the tables of a folder say of the files in it; none if it has no such table.

    Raises:
        DataError: A table cannot be read, or names no file that is there.
    """
    tables = {path.stem: path for path in folder.glob("*.tsv")}
    names = [name for name in _TRUSTED if name in tables and _is_table(tables[name])]
    rows: dict[str, Row] = {}
    n_named = 0
    for name in names:
        for file, sentence, speaker in _read(tables[name]):
            n_named += 1
            path = next((p for p in (folder / "clips" / file, folder / file) if p.is_file()), None)
            if path is not None:
                rows.setdefault(file, (path, sentence, speaker, SPLITS.get(name)))
    if n_named and not rows:
        raise DataError(
            f"{shown(folder)}: the files of its tables must lie in {shown(folder / 'clips')}, got"
            f" none of {n_named:,}. Unpack the whole data set."
        )
    return list(rows.values())


def _is_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return set(_COLUMNS) <= set(file.readline().rstrip("\r\n").split("\t"))
    except (OSError, UnicodeDecodeError):
        return False


def _read(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yields file name, what is said, and who."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                name, sentence, speaker = (row.get(column) or "" for column in _COLUMNS)
                said = sentence.strip().strip(string.punctuation + "“”„«»…").strip()
                if Path(name).name == name and name and said and speaker:
                    yield name, said, speaker[:_SPEAKER_CHARACTERS]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{shown(path)}: must be a table in UTF-8, got {error}.") from error
