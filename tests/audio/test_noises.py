"""Whole recordings of noise are dealt, by what is in them."""

import hashlib
from collections import Counter

import pytest

from sprd.audio.noises import split_noises
from sprd.audio.split import Split


def digests(n: int) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]


def test_half_are_for_training() -> None:
    """A quarter each for validation and testing."""
    counts = Counter(split_noises(digests(4000), "sprd").values())
    assert abs(counts[Split.TRAINING] - 2000) < 120
    assert abs(counts[Split.VALIDATION] - 1000) < 120


def test_a_recording_stays_in_its_split_when_others_come() -> None:
    """Its own hash decides as long as each split has one."""
    few, many = (split_noises(digests(n), "sprd") for n in (40, 400))
    assert set(few.values()) == set(Split)
    assert few == {digest: many[digest] for digest in few}


@pytest.mark.parametrize(
    ("n", "filled"),
    [
        (0, ()),
        (1, (Split.TRAINING,)),
        (2, (Split.TRAINING, Split.VALIDATION)),
        *((n, tuple(Split)) for n in range(3, 9)),
    ],
)
def test_a_few_are_dealt_so_that_each_split_has_one(n: int, filled: tuple[Split, ...]) -> None:
    """Training first, testing last, where there are too few."""
    for salt in map(str, range(20)):
        dealt = split_noises(digests(n), salt)
        assert len(dealt) == n
        assert set(dealt.values()) == set(filled)


def test_another_salt_is_another_deal() -> None:
    """And the same recording twice is one."""
    one, two = (split_noises(digests(50) * 2, salt) for salt in "ab")
    assert one.keys() == two.keys()
    assert len(one) == 50
    assert one != two
