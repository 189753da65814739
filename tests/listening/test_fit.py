"""Recognisers that are fitted to streams whose false accepts are known by their height."""

from typing import Any

import numpy as np
import pytest

from sprd.audio.streams import Piece
from sprd.config.recognizer import RecognizerSection, n_averaged
from sprd.listening.counts import open_scenes
from sprd.listening.fit import Fitted, HeardStream, fit, hours_needed
from sprd.listening.measures import match_all
from sprd.listening.recognizers import MAX_RESULTS, Recognizer
from tests.listening.heard import KEYWORDS, heard, said, stream

EVENTS = tuple((word, 240.0 - 10 * i) for i, word in enumerate(["up", "down", "up"] * 3))
"""False accepts, from the surest on: of two hours one is allowed beside the next."""


def speech(
    events: tuple[tuple[str, float], ...] = EVENTS, hours: float = 2.0, interval_ms: int = 100
) -> HeardStream:
    """Ten readers, each of whom is heard to say a keyword now and then."""
    length = hours * 360
    pieces = [Piece(f"{i}", f"reader {i}", i * length, (i + 1) * length) for i in range(10)]
    bumps = [(30.0 + 200 * hours * i, word, height) for i, (word, height) in enumerate(events)]
    return heard(stream("speech", hours * 3600, pieces=pieces), bumps, interval_ms=interval_ms)


def spoken(interval_ms: int = 100) -> HeardStream:
    """Forty words of as many speakers, that a model is more or less sure of."""
    words = [said(KEYWORDS[i % 2], 4.0 * i + 2, f"speaker {i}") for i in range(40)]
    bumps = [(one.end_s, one.word, 130.0 + 3 * i) for i, one in enumerate(words)]
    return heard(stream("keywords", 162, words), bumps, interval_ms=interval_ms)


def fitted(section: dict[str, Any], *streams: HeardStream, **options: Any) -> Fitted:
    """What is fitted to these streams, or to those of two hours."""
    return fit(streams or (speech(), spoken()), KEYWORDS, RecognizerSection(**section), **options)


def test_one_false_accept_is_left_in_two_hours() -> None:
    """One an hour is asked for: thresholds lie at the second one, as one more is expected."""
    found = fitted({})
    assert found.recognizer.kind == "recognize_commands"
    assert (found.seen["speech"].n, found.seen["speech"].hours) == (1.0, 2.0)
    assert found.recognizer.interval_ms == 100
    assert found.shortfall is None
    up, down = found.recognizer.thresholds
    surest = sorted(height - {"up": up, "down": down}[word] for word, height in EVENTS)
    assert surest[-1] > 0 >= surest[-2] >= -1


def test_recall_is_what_the_recogniser_hears() -> None:
    """The same as in the streams themselves, at these settings."""
    found = fitted({})
    (_, matched), (_, false) = match_all([spoken(), speech()], found.recognizer, KEYWORDS)
    assert found.recall_seen == pytest.approx(matched.is_hit.mean())
    assert len(false.false_accepts) == found.seen["speech"].n


def test_every_hour_counts_once_as_unseen() -> None:
    """Each fold has a recogniser that was fitted to the others."""
    found = fitted({})
    assert found.unseen is not None and found.rate_expected is found.unseen.rates["speech"]
    assert len(found.unseen.recognizers) == 5
    assert found.unseen.rates["speech"].hours == pytest.approx(2.0)
    folds = open_scenes([speech()], KEYWORDS, 5).negatives[0].folds
    n = 0
    for fold, recognizer in enumerate(found.unseen.recognizers):
        ((_, matched),) = match_all([speech()], recognizer, KEYWORDS)
        readers = [int(one.piece.key) for one in matched.false_accepts if one.piece]
        n += sum(folds[reader] == fold for reader in readers)
    assert found.unseen.rates["speech"].n == n > 0
    assert 0.1 < found.unseen.recall < 0.3
    record = found.as_dict()
    assert record["unseen"] == {
        "recall": round(found.unseen.recall, 6),
        "speech": found.unseen.rates["speech"].as_dict(),
    }


def test_shortest_window_is_taken_of_equals() -> None:
    """What is heard for 800 ms is heard as surely in windows of up to as much."""
    found = fitted({})
    assert found.recognizer.average_window_ms == 300
    assert [row["average_window_ms"] for row in found.table] == list(range(300, 1001, 100))
    recalls = [row["recall"] for row in found.table]
    assert recalls[0] == recalls[5] > recalls[7]


def test_keywords_have_thresholds_of_their_own() -> None:
    """Where only one of them is mistaken for, the other's comes down."""
    found = fitted({}, speech(tuple(("down", height) for _, height in EVENTS)), spoken())
    up, down = found.recognizer.thresholds
    assert down == 230
    assert 182 <= up < down


def test_what_is_fixed_stays() -> None:
    """Whatever it costs; a single threshold holds for all keywords."""
    fixed = {
        "average_window_ms": 650,
        "threshold": 201,
        "suppression_ms": 777,
        "minimum_count": 2,
        "interval_ms": 100,
    }
    found = fitted(fixed)
    assert found.recognizer == Recognizer("recognize_commands", 650, (201, 201), 777, 2, 100)
    assert found.seen["speech"].n == 4
    assert found.shortfall is not None and "No threshold" in found.shortfall
    each = fitted({"threshold": (235, 225)})
    assert each.recognizer.thresholds == (235, 225)
    assert each.seen["speech"].n == 2


def test_few_hours_are_told() -> None:
    """One an hour takes an hour; what is fitted then has no false accept."""
    found = fitted({}, speech(hours=0.5), spoken())
    assert found.seen["speech"].n == 0
    assert found.shortfall == (
        "1 false accepts an hour of running speech take at least 1 h of it to fit to, got 0.5 h."
        " The thresholds are the lowest without a false accept."
    )
    assert hours_needed(0.1) == 10


def test_limit_that_no_threshold_reaches_is_told() -> None:
    """With the best there is: a model that is wholly sure of what nobody said."""
    found = fitted({}, speech((("up", 255.0),) * 8), spoken())
    assert found.seen["speech"].n == 8
    assert found.shortfall is not None
    assert found.shortfall.startswith(
        "No threshold keeps to 1 false accepts an hour of running speech: the best has 4 at"
    )


def test_without_speech_nothing_is_fitted() -> None:
    """The settings of the example are taken, and it is said."""
    found = fitted({"suppression_ms": 900}, spoken())
    assert found.recognizer == Recognizer("recognize_commands", 1000, (200, 200), 900, 3, 100)
    assert found.unseen is None and found.rate_expected is None
    assert found.shortfall is not None and "No running speech" in found.shortfall
    assert found.recall_seen > 0


def test_windows_hold_what_the_firmware_keeps() -> None:
    """Of 50 results each 10 ms the windows of up to 400 ms are left; of 400 ms the longer ones."""
    streams = [speech(hours=1.0, interval_ms=10), spoken(10)]
    found = fitted({"minimum_count": 3}, *streams)
    windows = [row["average_window_ms"] for row in found.table]
    assert windows == [300, 400]
    assert n_averaged(int(windows[-1]), 10) <= MAX_RESULTS
    slow = fitted({}, speech(interval_ms=400), spoken(400), interval_ms=400)
    assert slow.table[0]["average_window_ms"] == 500
    assert slow.recognizer.minimum_count <= slow.recognizer.n_results


def test_fixed_count_leaves_the_windows_that_hold_it() -> None:
    """Seven inferences, one each 128 ms, take 800 ms: what is fixed is not lowered."""
    found = fitted({"minimum_count": 7, "suppression_ms": 1500})
    assert [row["average_window_ms"] for row in found.table] == [800, 900, 1000]
    assert found.recognizer.minimum_count == 7


def test_nothing_is_deaf_that_is_not_fitted() -> None:
    """A second holds two inferences each 512 ms: three of them would never come together."""
    found = fitted({}, spoken(500), interval_ms=500)
    assert found.recognizer.minimum_count == found.recognizer.n_results == 2


def test_ring_holds_what_comes_in_its_window() -> None:
    """Of an inference each 64 ms ten in 700 ms, not 17."""
    assert Recognizer("sliding_mean", 700, (200, 200), 1000, 1, 40).ring_size == 10


def test_seeds_add_no_hours() -> None:
    """The same speech five times is two hours, and one false accept in them."""
    fixed = {"average_window_ms": 500, "suppression_ms": 1500}
    once, five = fitted(fixed), fitted(fixed, *[speech()] * 5, spoken())
    assert five.recognizer == once.recognizer
    assert (five.seen["speech"].n, five.seen["speech"].hours) == (
        once.seen["speech"].n,
        once.seen["speech"].hours,
    )


def test_other_words_have_a_limit_of_their_own() -> None:
    """Where they fool a model more than speech does, they decide; too few of them do not."""
    length = 3.6
    pieces = [Piece(f"{i}", f"speaker {i % 7}", i * length, (i + 1) * length) for i in range(500)]
    bumps = [(36.0 * i + 2, KEYWORDS[i % 2], 250.0 - 2 * i) for i in range(50)]
    words = heard(stream("words", 1800, pieces=pieces), bumps, interval_ms=100)
    fixed = {"average_window_ms": 500, "suppression_ms": 1500}
    quiet = (speech(()), words, spoken())
    found = fitted(fixed, *quiet)
    assert 3 <= found.seen["words"].n <= 4  # ten an hour in half an hour, and one is reckoned with
    assert found.seen["words"].hours == pytest.approx(0.5)
    assert found.unseen is not None
    assert found.unseen.rates["words"].per_hour <= 16
    loose = fitted({**fixed, "max_false_accepts_per_hour_words": 40.0}, *quiet)
    assert 18 <= loose.seen["words"].n <= 19
    assert loose.recall_seen > found.recall_seen
    rare = fitted({**fixed, "max_false_accepts_per_hour_words": 1.5}, *quiet)
    assert rare.seen["words"].n == 50  # less than one would be in half an hour
    assert rare.shortfall is None
    assert set(found.limits) == {"speech", "words"}
    assert set(rare.limits) == {"speech"}
    assert rare.as_dict()["limits"] == rare.limits


def test_sliding_mean_is_fitted_too() -> None:
    """By the same rule, to the same limit."""
    found = fitted({"kind": "sliding_mean", "average_window_ms": 500})
    assert found.recognizer.kind == "sliding_mean"
    assert found.recognizer.minimum_count == 1
    assert found.seen["speech"].n == 1
    assert found.recall_seen > 0.15


def test_speech_that_nobody_saw_keeps_to_the_limit() -> None:
    """Of 8 models with false accepts as chance has them: about 1 an hour, in folds and beyond."""
    rng = np.random.default_rng(3)
    rates, told = [], []
    for _ in range(8):
        events = [
            [(KEYWORDS[i % 2], min(150 + height, 255.0)) for i, height in enumerate(heights)]
            for heights in (rng.exponential(25, rng.poisson(10 * hours)) for hours in (3, 12))
        ]
        seen, unseen = speech_of(rng, events[0], 3.0), speech_of(rng, events[1], 12.0)
        fixed = {"average_window_ms": 500, "suppression_ms": 1500, "minimum_count": 3}
        found = fitted(fixed, seen, spoken(200))
        ((_, matched),) = match_all([unseen], found.recognizer, KEYWORDS)
        rates.append(len(matched.false_accepts) / 12)
        told.append(found.unseen.rates["speech"].per_hour if found.unseen else np.nan)
    assert 0.5 < np.mean(rates) < 1.5
    assert 0.5 < np.mean(told) < 1.5


def speech_of(
    rng: np.random.Generator, events: list[tuple[str, float]], hours: float
) -> HeardStream:
    """Fifteen readers, with false accepts anywhere."""
    length = hours * 240
    pieces = [Piece(f"{i}", f"reader {i}", i * length, (i + 1) * length) for i in range(15)]
    seconds = np.sort(rng.choice(int(hours * 900), len(events), replace=False)) * 4.0 + 2
    bumps = [(float(at), *event) for at, event in zip(seconds, events, strict=True)]
    return heard(stream("speech", hours * 3600, pieces=pieces), bumps, interval_ms=200)
