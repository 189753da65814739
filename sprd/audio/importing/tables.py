"""Tables beside recordings in, what each file says out: Mozilla Common Voice's layout.

`clips/*.mp3` with `validated.tsv`, or `train.tsv`, `dev.tsv` and `test.tsv`: columns `path`,
`sentence`, `client_id`.
"""

import csv
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sprd.audio.clips import shown
from sprd.audio.folders import SPLITS
from sprd.errors import DataError

_COLUMNS = ("path", "sentence", "client_id")
_TRUSTED = ("train", "dev", "test", "validated")
"""In this order: of a file in two tables the first says its split."""

_SPEAKER_CHARACTERS = 16


class Row(NamedTuple):
    """What a data set says of a file; `names_speaker` is false where it does not say who speaks."""

    path: Path
    said: str
    speaker: str
    split: str | None
    names_speaker: bool = True


@dataclass(frozen=True)
class Table:
    """What a data set says of its files; files that are left out, and sentences on these."""

    rows: tuple[Row, ...]
    left_out: frozenset[Path]
    notes: tuple[str, ...]


def read_tables(folder: Path) -> Table | None:
    """Returns the single words that the tables of a folder name; None if it has no such table.

    Raises:
        DataError: A table cannot be read, names no file that is there, or no single word.
    """
    tables = {path.stem: path for path in folder.glob("*.tsv")}
    names = [name for name in _TRUSTED if name in tables and _is_table(tables[name])]
    if not names:
        return None
    rows: dict[str, Row] = {}
    missing: list[str] = []
    for name in names:
        for file, sentence, speaker in _read(tables[name]):
            path = next((p for p in (folder / "clips" / file, folder / file) if p.is_file()), None)
            if path is None:
                missing.append(file)
            else:
                rows.setdefault(file, Row(path, sentence, speaker, SPLITS.get(name)))
    words = tuple(row for row in rows.values() if len(row.said.split()) == 1)
    n_missing, n_sentences = len(set(missing)), len(rows) - len(words)
    if not rows:
        raise DataError(
            f"{shown(folder)}: the files of its tables must lie in {shown(folder / 'clips')}, got"
            f" none of {n_missing:,}. Unpack the whole data set."
        )
    if not words:
        raise DataError(
            f"{shown(folder)}: its tables must hold single words, got {n_sentences:,} sentences."
            " Take the data set's part of single words."
        )
    notes = [missing_note(folder, missing)] if missing else []
    if n_sentences:
        notes.append(f"left out: {n_sentences:,} recordings of more than one word.")
    left_out = frozenset(row.path for row in rows.values()) - {row.path for row in words}
    return Table(words, left_out, tuple(notes))


def missing_note(folder: Path, missing: list[str]) -> str:
    """Returns a sentence on files that a data set names and that are not there."""
    n, first = len(set(missing)), shown(missing[0])
    are = "file is" if n == 1 else "files are"
    return f"{shown(folder)}: {n:,} {are} named and not there (first {first})."


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
