"""Whole recordings of noise are dealt, by what is in them."""

import hashlib
from collections import Counter

import pytest

from sprd.audio.noises import moved_noises, split_noises
from sprd.audio.split import Split
from sprd.config.trial import DataSection


def digests(n: int) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]


def data(salt: str = "sprd") -> DataSection:
    return DataSection(keywords=("up",), split_salt=salt)


def test_half_are_for_training() -> None:
    """A quarter each for validation and testing."""
    counts = Counter(split_noises(digests(4000), data()).values())
    assert abs(counts[Split.TRAINING] - 2000) < 120
    assert abs(counts[Split.VALIDATION] - 1000) < 120


def test_a_recording_stays_in_its_split_when_others_come() -> None:
    """Its own hash decides as long as each split has one."""
    few, many = (split_noises(digests(n), data()) for n in (40, 400))
    assert set(few.values()) == set(Split)
    assert few == {digest: many[digest] for digest in few}


@pytest.mark.parametrize(
    ("n", "filled"),
    [
        (0, ()),
        (1, (None,)),
        (2, (None,)),
        *((n, tuple(Split)) for n in range(3, 9)),
    ],
)
def test_a_few_are_dealt_so_that_each_split_has_one(
    n: int, filled: tuple[Split | None, ...]
) -> None:
    """Or none of them is, where there are too few."""
    for salt in map(str, range(20)):
        dealt = split_noises(digests(n), data(salt))
        assert len(dealt) == n
        assert set(dealt.values()) == set(filled)


def test_another_salt_is_another_deal() -> None:
    """And the same recording twice is one."""
    one, two = (split_noises(digests(50) * 2, data(salt)) for salt in "ab")
    assert one.keys() == two.keys()
    assert len(one) == 50
    assert one != two


@pytest.mark.parametrize("n", [1, 2, 3, 5, 60])
def test_a_later_look_deals_each_as_the_first_did(n: int) -> None:
    """However few of them it finds, and whatever else."""
    for salt in map(str, range(20)):
        first = split_noises(digests(n), data(salt))
        moved = moved_noises(first, data(salt))
        for found in (digests(1), digests(n)[-2:], digests(90)):
            again = split_noises(found, data(salt), moved)
            assert all(again[digest] is first[digest] for digest in found if digest in first)
            assert all(again[digest] is not None for digest in found if digest not in first)


def test_a_record_without_noise_has_it_where_its_hash_says() -> None:
    """Nothing is dealt by the rank of what a later look happens to find."""
    many = split_noises(digests(60), data())
    assert set(many.values()) == set(Split) and moved_noises(many, data()) == {}
    for digest, split in many.items():
        assert split_noises([digest], data(), {}) == {digest: split}
