"""What was found becomes lines, a record, and one error where it stops."""

from pathlib import Path

import pytest

from sprd.audio.corpus import Index
from sprd.audio.finding import Finding, accept
from sprd.errors import DataError
from tests.audio.recorded import looked, record

REMARK = Finding("rate", "3 of 9 clips were recorded at 8,000 Hz", "Record anew", ("a", "b"))
POISON = Finding("silent", "9 of 9 clips are silent", "Remove them", tuple("abcde"), stops=True)
LACK = Finding("words", "must hold 'up', got none", "Known: down", stops=True)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    record(tmp_path, "up", n=2)
    return looked(tmp_path)


def test_sentence_names_few_files() -> None:
    """Three, and that there are more."""
    assert POISON.sentence == "9 of 9 clips are silent ('a', 'b', 'c', ...). Remove them."
    assert REMARK.sentence.endswith("8,000 Hz ('a', 'b'). Record anew.")
    assert LACK.sentence == "must hold 'up', got none. Known: down."


def test_remarks_are_told_and_kept(index: Index) -> None:
    """Without names of files: a bundle is handed on. Nothing is told where nothing was found."""
    lines: list[str] = []
    corpus = accept(index, [REMARK], (), lines.append)
    assert lines == [
        f"{index.where}: 1 thing to know about these recordings",
        "  rate: 3 of 9 clips were recorded at 8,000 Hz ('a', 'b'). Record anew.",
    ]
    assert corpus.findings == (("rate", REMARK.what),)
    assert corpus.allowed == ()
    assert accept(index, [], (), lines.append) == index.corpus
    assert len(lines) == 2


def test_what_stops_is_one_line_that_counts_and_names_the_first(index: Index) -> None:
    """All of it is told above."""
    lines: list[str] = []
    with pytest.raises(DataError, match=r"2 things stop it, the first: 9 of 9 clips are silent\."):
        accept(index, [POISON, LACK, REMARK], ("silent-ish",), lines.append)
    assert len(lines) == 4


def test_single_stop_is_no_block(index: Index) -> None:
    """The error says all of it, and how to go on."""
    lines: list[str] = []
    with pytest.raises(DataError, match=r"\.\.\.\)\. Remove them\. To go on .*: --allow silent\.$"):
        accept(index, [POISON], (), lines.append)
    assert lines == []


def test_what_is_allowed_is_told_and_kept(index: Index) -> None:
    """A run that goes on needs no leave; what no training can do without is never allowed."""
    lines: list[str] = []
    assert accept(index, [POISON, REMARK], ("silent",), lines.append).allowed == ("silent",)
    assert len(lines) == 3
    assert accept(index, [POISON], (), lines.append, goes_on=True).allowed == ()
    with pytest.raises(DataError, match=r"must hold 'up', got none\. Known: down\.$"):
        accept(index, [LACK], ("words", "silent"), lines.append, goes_on=True)
