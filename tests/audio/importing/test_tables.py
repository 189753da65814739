"""Tables of what is said: Common Voice's."""

from pathlib import Path

import pytest

from sprd.audio.importing.tables import Row, Table, read_tables
from sprd.errors import DataError

HEAD = "client_id\tpath\tsentence\tup_votes\n"


def table(folder: Path, name: str, *rows: str) -> None:
    """Writes a table."""
    (folder / f"{name}.tsv").write_text(HEAD + "".join(f"{row}\n" for row in rows), "utf-8")


def test_table_says_file_word_speaker_and_split(tmp_path: Path) -> None:
    """A file in two tables has the split of the first; one that is not there is told once."""
    for name in "ab":
        (tmp_path / "clips").mkdir(exist_ok=True)
        (tmp_path / "clips" / f"{name}.mp3").touch()
    table(tmp_path, "dev", 'c1\ta.mp3\t"Yes!"\t2', "c2\tgone.mp3\tno\t2")
    table(tmp_path, "validated", "c1\ta.mp3\tyes\t2", "c2\tgone.mp3\tno\t2", "c1\tb.mp3\ta b\t1")
    assert read_tables(tmp_path) == Table(
        (Row(tmp_path / "clips/a.mp3", "Yes", "c1", "validation"),),
        frozenset((tmp_path / "clips/b.mp3",)),
        (
            f"{tmp_path}: 1 file is named and not there (first gone.mp3).",
            "left out: 1 recordings of more than one word.",
        ),
    )


def test_other_tables_are_none(tmp_path: Path) -> None:
    """Nor is a folder without any."""
    (tmp_path / "train.tsv").write_text("a\tb\n1\t2\n", "utf-8")
    assert read_tables(tmp_path) is None


def test_table_of_files_that_are_not_there_is_told(tmp_path: Path) -> None:
    """And never leads out of the folder."""
    table(tmp_path, "validated", "c1\tgone.mp3\tyes\t2", "c1\t../x.mp3\tyes\t2")
    with pytest.raises(DataError, match="got none of 1"):
        read_tables(tmp_path)


def test_table_of_sentences_is_refused(tmp_path: Path) -> None:
    """No word can be cut out of them."""
    (tmp_path / "a.mp3").touch()
    table(tmp_path, "train", "c1\ta.mp3\tnot one word\t2")
    with pytest.raises(DataError, match="must hold single words, got 1 sentences"):
        read_tables(tmp_path)
