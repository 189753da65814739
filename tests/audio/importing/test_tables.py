"""Tables of what is said: Common Voice's."""

from pathlib import Path

import pytest

from sprd.audio.importing.tables import rows_of_tables
from sprd.errors import DataError

HEAD = "client_id\tpath\tsentence\tup_votes\n"


def table(folder: Path, name: str, *rows: str) -> None:
    """Writes a table."""
    (folder / f"{name}.tsv").write_text(HEAD + "".join(f"{row}\n" for row in rows), "utf-8")


def test_table_says_file_word_speaker_and_split(tmp_path: Path) -> None:
    """A file in two tables has the split of the first; what is not there is passed over."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp3").touch()
    table(tmp_path, "dev", 'c1\ta.mp3\t"Yes!"\t2')
    table(tmp_path, "validated", "c1\ta.mp3\tyes\t2", "c2\tgone.mp3\tno\t2")
    assert rows_of_tables(tmp_path) == [(tmp_path / "clips/a.mp3", "Yes", "c1", "validation")]


def test_other_tables_are_none(tmp_path: Path) -> None:
    """Nor is a folder without any."""
    (tmp_path / "train.tsv").write_text("a\tb\n1\t2\n", "utf-8")
    assert rows_of_tables(tmp_path) == []


def test_table_of_files_that_are_not_there_is_told(tmp_path: Path) -> None:
    """And never leads out of the folder."""
    table(tmp_path, "validated", "c1\tgone.mp3\tyes\t2", "c1\t../x.mp3\tyes\t2")
    with pytest.raises(DataError, match="got none of 1"):
        rows_of_tables(tmp_path)
