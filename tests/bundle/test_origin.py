"""Whom a model heard, in sentences that are true of each split."""

from typing import Any

import pytest

from sprd.bundle.origin import (
    ALL_SYNTHETIC,
    is_all_synthetic,
    origin_sentences,
    split_noun,
)


def record(*splits: tuple[int, int, int, int], **changes: object) -> dict[str, Any]:
    """What a manifest tells of its data; (clips, speakers, synthetic ones) a split."""
    keys = ("n_clips", "n_speakers", "n_synthetic_clips", "n_synthetic_speakers")
    told = [dict(zip(keys, one, strict=True)) for one in splits]
    return {
        "is_synthetic": any(one["n_synthetic_clips"] for one in told),
        "n_speakers": 1,
        "splits": dict(zip(("training", "validation", "test"), told, strict=False)),
        **changes,
    }


SYNTHETIC = (320, 10, 320, 10)
RECORDED = (24, 2, 0, 0)


def test_recordings_of_people_need_no_word() -> None:
    """Each speaker in one split, nothing synthetic."""
    data = record(RECORDED, RECORDED, RECORDED, personal=False)
    assert origin_sentences(data) == ()
    assert split_noun(data) == "speakers"


@pytest.mark.parametrize(
    "data", [record(SYNTHETIC, SYNTHETIC, SYNTHETIC), {"is_synthetic": True}, {"is_synthetic": 1}]
)
def test_synthetic_voices_alone_are_told(data: dict[str, Any]) -> None:
    """Also where an older record tells no splits."""
    assert origin_sentences(data) == (ALL_SYNTHETIC,)
    assert is_all_synthetic(data)


def test_an_older_record_of_recordings_is_read() -> None:
    """It has neither splits nor takes."""
    assert origin_sentences({"is_synthetic": False}) == origin_sentences({}) == ()


def test_one_person_among_synthetic_voices_is_counted() -> None:
    """Of each split how much is synthetic; the test heard nobody."""
    data = record((2904, 97, 2880, 96), SYNTHETIC, SYNTHETIC)
    assert not is_all_synthetic(data)
    assert origin_sentences(data) == (
        "Clips of synthetic speech: training 2,880 of 2,904 (the others of 1 person), validation"
        " all 320, test all 320.",
        "No person is in the test: its scores tell nothing of people.",
    )


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ((324, 12, 320, 10), "The test scores are of people and of synthetic voices together."),
        (RECORDED, "The test scores are of people alone."),
    ],
)
def test_people_in_the_test_are_told(test: tuple[int, int, int, int], sentence: str) -> None:
    """Of voices and people, or of people alone."""
    shares, learnt, told = origin_sentences(record(SYNTHETIC, SYNTHETIC, test))
    assert (learnt, told) == ("It learnt from synthetic voices alone.", sentence)
    assert "training all 320" in shares and "(the others of 2 people)." in shares


@pytest.mark.parametrize(
    ("n_speakers", "words"),
    [(1, ("Takes of 1 speaker are", "that speaker alone")), (3, ("the same", "those 3 speakers"))],
)
def test_takes_of_the_same_people_are_told(n_speakers: int, words: tuple[str, str]) -> None:
    """The scores hold for them alone."""
    data = record(RECORDED, RECORDED, RECORDED, personal=True, n_speakers=n_speakers)
    (sentence,) = origin_sentences(data)
    assert all(word in sentence for word in words)
    assert split_noun(data) == "takes"
    both = origin_sentences({**record(SYNTHETIC, SYNTHETIC, RECORDED), "personal": True})
    assert len(both) == 4 and both[-1].startswith("Takes")
