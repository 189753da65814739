"""Streams dealt into folds, and what is counted in each."""

from dataclasses import replace

import numpy as np
import pytest

from sprd.audio.streams import Piece
from sprd.listening.counts import deal, open_scenes
from sprd.listening.recognizers import Recognizer
from tests.listening.heard import KEYWORDS, heard, said, stream

RULES = [
    Recognizer("recognize_commands", 400, (threshold, threshold), 1000, 3, 100)
    for threshold in (150, 190, 230)
]


def pieces(groups: str, seconds: float = 360.0) -> list[Piece]:
    """A recording of each group that a letter names, one after the other."""
    return [
        Piece(f"{group}{i}", group, i * seconds, (i + 1) * seconds)
        for i, group in enumerate(groups)
    ]


def test_folds_hold_about_as_much() -> None:
    """The largest first, each into the emptiest; names decide between equals."""
    folds = deal({"a": 5.0, "b": 4.0, "c": 3.0, "d": 2.0, "e": 2.0}, 2)
    assert folds == {"a": 0, "b": 1, "c": 1, "d": 0, "e": 0}


def test_readers_stay_together() -> None:
    """All recordings of a reader lie in one fold, in every stream."""
    streams = [stream("speech", 3600, pieces=pieces("aabbccddee")) for _ in range(2)]
    scenes = open_scenes([heard(one, []) for one in streams], KEYWORDS, 5)
    assert scenes.hours["speech"] == pytest.approx([0.2] * 5)  # the second is the same audio
    for one in scenes.negatives:
        assert one.weight == 0.5
        assert (one.folds[::2] == one.folds[1::2]).all()


def test_large_group_is_dealt_by_recording() -> None:
    """A folder whose readers nobody knows would fill most of the folds alone."""
    one = heard(stream("speech", 3600, pieces=pieces("xxxxxxabcd")), [])
    scenes = open_scenes([one], KEYWORDS, 5)
    assert scenes.hours["speech"] == pytest.approx([0.2] * 5)
    assert len(set(scenes.negatives[0].folds[:6])) == 5


def test_false_accepts_are_counted_where_they_are_heard() -> None:
    """By the fold of the recording and the keyword, the mean of the seeds."""
    speech = [
        heard(
            stream("speech", 3600, pieces=pieces("aabbcc", 600.0), seed=seed),
            [(100.0, "up", 240), (2000.0, "down", 200), (3000.0, "down", 200)][: 2 + seed],
            interval_ms=100,
        )
        for seed in (0, 1)
    ]
    scenes = open_scenes(speech, KEYWORDS, 5)
    counts = scenes.count(scenes.prepare(RULES[0]), RULES)
    assert counts.false["speech"][0].tolist() == [[1, 0], [0, 1], [0, 0.5]]
    assert counts.false["speech"][2].tolist() == [[1, 0], [0, 0], [0, 0]]
    assert not counts.hits.any()


def test_lowest_thresholds_are_left_out() -> None:
    """Below the first that lets through more, in all folds but the worst, nothing is counted."""
    events = [(100.0, "up", 240.0), (2300.0, "down", 200.0), (3000.0, "down", 160.0)]
    one = heard(stream("speech", 3600, pieces=pieces("abcdefghij")), events, interval_ms=100)
    scenes = open_scenes([one], KEYWORDS, 5)
    prepared = scenes.prepare(RULES[0])
    counted = [scenes.count(prepared, RULES, {"speech": most}) for most in (0, 1, 2)]
    sums = [counts.false["speech"].sum((1, 2)).tolist() for counts in counted]
    assert sums == [[2, 1], [3, 2, 1], [3, 2, 1]]
    assert [len(counts.hits) for counts in counted] == [2, 3, 3]


def test_one_fold_bounds_nothing_for_the_others() -> None:
    """A reader who fools a model all the time: without him lower thresholds can be taken."""
    events = [(20.0 + 30 * i, "up", 240.0 - 25 * i) for i in range(4)]
    one = heard(stream("speech", 3600, pieces=pieces("abcdefghij")), events, interval_ms=100)
    scenes = open_scenes([one], KEYWORDS, 5)
    counts = scenes.count(scenes.prepare(RULES[0]), RULES, {"speech": 0})
    assert len(counts.hits) == len(RULES)
    assert np.count_nonzero(counts.false["speech"][0].sum(1)) == 1


def test_speakers_lie_in_one_fold_with_all_their_words() -> None:
    """Whoever is fitted to by other words is not judged by keywords."""
    names = [f"speaker {i}" for i in range(12)]
    words = [Piece(f"{n}/{i}", n, 0, 0) for i, n in enumerate(names) for _ in range(1 + i % 3)]
    laid = [replace(one, start_s=3.0 * i, end_s=3.0 * i + 3) for i, one in enumerate(words)]
    spoken = [said("up", 4.0 * i + 2, name) for i, name in enumerate([*names, *names[6:]])]
    heard_all = [
        heard(stream("speech", 3600, pieces=pieces("abcdefghij")), []),
        heard(stream("words", 3.0 * len(laid), pieces=laid), []),
        heard(stream("keywords", 80, spoken), []),
    ]
    scenes = open_scenes(heard_all, KEYWORDS, 5)
    of_words = dict(zip([one.group for one in laid], scenes.negatives[1].folds, strict=True))
    of_keywords = dict(zip([s.speaker for s in spoken], scenes.spoken[0].folds, strict=True))
    assert of_words == of_keywords
    assert (scenes.hours["words"] > 0).all() and (scenes.weights > 0).all()


def test_conditions_weigh_alike() -> None:
    """Two of three words in quiet, none of one at 20 dB; 5 dB does not count."""
    quiet = [said("up", 4.0, "a"), said("down", 8.0, "b"), said("down", 12.0, "c")]
    noisy = [said("up", 4.0, "a")]
    spoken = [
        heard(
            stream("keywords", 20, quiet),
            [(4.5, "up", 240), (8.5, "down", 240)],
            interval_ms=100,
        ),
        heard(stream("keywords", 20, noisy, snr_db=20.0), [], interval_ms=100),
        heard(stream("keywords", 20, noisy, snr_db=5.0), [], interval_ms=100),
    ]
    scenes = open_scenes(spoken, KEYWORDS, 5)
    counts = scenes.count(scenes.prepare(RULES[0]), RULES)
    assert scenes.weights.sum() == pytest.approx(1.0)
    assert scenes.n_folds == 1 and scenes.hours == {}
    assert counts.hits[0, 0] == pytest.approx([1 / 6, 1 / 6])
