"""Texts of labels: Audacity's, and CSV."""

from pathlib import Path

import pytest

from sprd.audio.importing.label_files import Label, labels_by_file, read_labels, words_of
from sprd.errors import DataError

AUDACITY = "1.25\t1.75\tjump\n\\\t200.0\t3000.0\n3.0\t3.0\t\n"


def read(folder: Path, text: str) -> list[tuple[float, float, str, str]]:
    """What a text of labels says, without where it stands."""
    path = folder / "labels.txt"
    path.write_text(text, encoding="utf-8")
    return [(one.start_s, one.end_s, one.text, one.file) for one in read_labels(path)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (AUDACITY, [(1.25, 1.75, "jump", ""), (3.0, 3.0, "", "")]),
        ("\ufeff1,25\t1,75\tjump\r\n", [(1.25, 1.75, "jump", "")]),
        ("1.25,1.75,jump\n", [(1.25, 1.75, "jump", "")]),
        ("1,25;1,75;jump\n", [(1.25, 1.75, "jump", "")]),
        ("Start,End,Word\n1,2,up\n", [(1.0, 2.0, "up", "")]),
        ("file,label,start,end\na.wav,up,1,2\n", [(1.0, 2.0, "up", "a.wav")]),
        ("start,label\n1.5,up\n", [(1.5, 1.5, "up", "")]),
    ],
)
def test_label_file_is_read(
    tmp_path: Path, text: str, expected: list[tuple[float, float, str, str]]
) -> None:
    """Tabs, commas or semicolons; a head or none; points; ranges of frequency are passed over."""
    assert read(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must hold labels, got none"),
        ("1.0\t2.0\tup\nup\t1.0\t2.0\n", "line 2: must be start, end and label"),
        ("2.0\t1.0\tup\n", "line 1"),
        ("nan\t1.0\tup\n", "line 1"),
        ("-1\t1.0\tup\n", "line 1"),
    ],
)
def test_broken_label_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    """One line, with the file."""
    with pytest.raises(DataError, match=told):
        read(tmp_path, text)


def test_missing_label_file_is_told(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(DataError, match=r"none\.txt: must be a text of labels"):
        read_labels(tmp_path / "none.txt")


def label(file: str, start: float = 1.0) -> Label:
    """A label of a file."""
    return Label(start, start + 1, "up", file, 7)


def test_labels_find_their_recordings() -> None:
    """By name or stem, sorted by time; all of them where there is one recording."""
    files = [Path("x/a.wav"), Path("x/b.wav")]
    found = labels_by_file([label("b", 5.0), label("a.wav"), label("b.wav")], Path("l"), files)
    assert {file.name: [one.start_s for one in ones] for file, ones in found.items()} == {
        "a.wav": [1.0],
        "b.wav": [1.0, 5.0],
    }
    assert list(labels_by_file([label("")], Path("l"), files[:1])) == files[:1]


@pytest.mark.parametrize(
    "name", ["ben/memo.wav", "ben/memo", r"rec\ben\memo.wav", "/x/ben/memo.wav"]
)
def test_folders_tell_files_of_one_name_apart(name: str) -> None:
    """As far as the label and the path say the same; in Windows' spelling, too."""
    files = [Path("rec/anna/memo.wav"), Path("rec/ben/memo.wav")]
    assert list(labels_by_file([label(name)], Path("l"), files)) == files[1:]


def test_words_of_labels_are_known_if_each_says_one() -> None:
    """Else names of files must say them."""
    jump, none = Label(0, 1, "Hey Robot", "", 1), Label(0, 1, " ", "", 2)
    assert words_of([jump]) == {"hey_robot"}
    assert words_of([jump, none]) == words_of([]) == frozenset()


@pytest.mark.parametrize(("file", "told"), [("", "no column 'file'"), ("c", "line 7: must name")])
def test_label_of_no_recording_is_told(file: str, told: str) -> None:
    """Whose labels they are is not guessed."""
    with pytest.raises(DataError, match=told):
        labels_by_file([label(file)], Path("l"), [Path("a.wav"), Path("b.wav")])
