"""Who reads, and in which split."""

from collections import Counter

import pytest

from sprd.audio.readers import moved_readers, reader_of, split_readers
from sprd.audio.split import Split
from sprd.config.trial import DataSection

DATA = DataSection(keywords=("up",))
V, T, TRAINING = Split.VALIDATION, Split.TESTING, Split.TRAINING


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("2094-142345-0001.ogg", "2094"),
        ("anna-1-0001.flac", "anna"),
        ("0a1b2c3d_nohash_4.wav", "0a1b2c3d"),
        ("0075d273-51bb-47cb-b323-4437bd0de029.ogg", None),
        ("2024-11-27.wav", None),
        ("my-meeting-2024.wav", None),
        ("kitchen.wav", None),
    ],
)
def test_a_name_tells_who_reads(name: str, reader: str | None) -> None:
    """In LibriSpeech's form, or as a clip does; else nobody is known."""
    assert reader_of(name) == reader


def test_each_split_has_a_third_of_the_readers() -> None:
    """By hash: who else reads does not matter."""
    names = [str(i) for i in range(3000)]
    many = split_readers(names, {}, False, DATA)
    assert all(abs(n - 1000) < 90 for n in Counter(many.values()).values())
    few = split_readers(names[:30], {}, False, DATA)
    assert few == {name: many[name] for name in few}
    assert moved_readers(many, DATA) == {}


def test_who_said_clips_lies_in_their_split() -> None:
    """No voice is heard in training and told in testing."""
    names = [str(i) for i in range(30)]
    dealt = split_readers(names, {"7": T, "8": TRAINING, "x": V}, False, DATA)
    assert (dealt["7"], dealt["8"]) == (T, TRAINING)
    assert dealt.keys() == set(names)


@pytest.mark.parametrize(
    ("n", "has_nameless", "filled"),
    [
        (0, False, set()),
        (1, False, {V}),
        (1, True, {T}),
        (2, False, {V, T}),
        (2, True, {T, TRAINING}),
        (3, False, {V, T, TRAINING}),
        (4, True, {V, T, TRAINING}),
    ],
)
def test_few_readers_fill_the_splits_that_have_none(
    n: int, has_nameless: bool, filled: set[Split]
) -> None:
    """Validation first: by it a model is chosen. Recordings without names are there already."""
    for start in range(0, 200, 10):
        names = [str(i) for i in range(start, start + n)]
        dealt = set(split_readers(names, {}, has_nameless, DATA).values())
        assert dealt == filled or (n > 3 and dealt >= filled - {V})


def test_readers_are_split_as_before_when_they_were_moved() -> None:
    """Though others are there now; the record names nobody."""
    first = split_readers(["1", "2"], {"2": TRAINING}, False, DATA)
    moved = moved_readers(first, DATA)
    assert not {"1", "2"} & set(moved)
    again = split_readers(["1", "2", *map(str, range(10, 40))], {}, True, DATA, moved)
    assert {name: again[name] for name in first} == first
