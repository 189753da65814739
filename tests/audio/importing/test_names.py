"""What names of files say."""

import pytest

from sprd.audio.importing import names
from sprd.errors import DataError


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("anna_jump_01", ["anna", "jump"]),
        ("jump-anna (2)", ["jump", "anna"]),
        ("REC_0007", []),
        ("Voice 003", []),
        ("20261128T101500", []),
        ("speaker3_up", ["speaker3", "up"]),
        ("p07", ["p07"]),
        ("Aufnahme 12 Anna", ["Anna"]),
    ],
)
def test_parts_of_a_name_are_those_that_say_something(stem: str, parts: list[str]) -> None:
    """Numbers of takes and what recorders write are left out."""
    assert names.parts_of(stem) == parts


def test_number_of_a_take_is_no_part_of_a_name() -> None:
    """But the number of a person is."""
    assert [names.without_number(name) for name in ("jump2", "anna03", "speaker2", "x1")] == [
        "jump",
        "anna",
        "speaker2",
        "x1",
    ]


def test_words_and_speakers_become_names_of_files() -> None:
    """Small letters; accents stay; a speaker has no underscore, which ends the name."""
    assert names.word_name(" Hey  Robot ") == "hey_robot"
    assert names.word_name("O\u0308ffnen") == "\u00f6ffnen"
    assert names.speaker_name("Anna M. (new)_2") == "anna-m-new-2"


@pytest.mark.parametrize("word", ["", ".x", "a/b", "..", "_silence_", "_unknown_", "a\nb", "-x"])
def test_word_that_can_be_no_folder_is_refused(word: str) -> None:
    """Also those with a meaning of their own."""
    with pytest.raises(DataError, match="must be a word"):
        names.checked_word(word, "x.wav")


def test_speaker_without_a_letter_is_refused() -> None:
    """Nothing would be left of it."""
    with pytest.raises(DataError, match="must name a speaker"):
        names.checked_speaker("--", "x.wav")
