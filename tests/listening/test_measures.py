"""Curves, recalls, delays and rates of streams whose events are known by their height."""

import numpy as np
import pytest

from sprd.listening.matching import HeardStream
from sprd.listening.measures import (
    RATES_PER_HOUR,
    Curve,
    condition_of,
    delay_ms,
    false_accepts,
    level_at,
    levels_of,
    match_all,
    recall_at,
    recall_curve,
    recall_of,
    recall_streaming,
    worst_tenth,
)
from sprd.listening.recognizers import Recognizer
from tests.listening.heard import INTERVAL_MS, KEYWORDS, heard, said, stream

RULES = Recognizer("recognize_commands", 400, (150, 170), 1000, 3, INTERVAL_MS)


def spoken(heights: list[float], snr_db: float | None = None) -> HeardStream:
    """A word each four seconds, each of another speaker, and how sure of it a model was."""
    words = [said("up", 4.0 * i + 2, f"speaker {i}") for i in range(len(heights))]
    bumps = [(one.end_s, "up", height) for one, height in zip(words, heights, strict=True)]
    return heard(stream("keywords", 4.0 * len(heights), words, snr_db=snr_db), bumps)


def silent(heights: list[float], seconds: float = 3600.0) -> HeardStream:
    """Speech in which a model heard a keyword, so sure of it."""
    bumps = [(10.0 * i + 5, "down", height) for i, height in enumerate(heights)]
    return heard(stream("speech", seconds), bumps)


def test_condition_is_named_by_its_loudness() -> None:
    """Of words over noise."""
    names = [condition_of(stream("keywords", 1, snr_db=snr)) for snr in (None, 20.0, 5.0)]
    assert names == ["quiet", "20db", "5db"]


def test_levels_move_all_thresholds_together() -> None:
    """From where both are low to where both are high, each as far as it goes; then never."""
    levels = [level.thresholds for level in levels_of(RULES)]
    assert levels[0] == (40, 40)
    assert levels[20] == (40, 60)
    assert (150, 170) in levels
    assert levels[-22:-20] == [(234, 254), (235, 254)]
    assert levels[-2:] == [(254, 254), (255, 255)]


def test_curve_gives_up_words_for_false_accepts() -> None:
    """Three false accepts between 180 and 220 cost the words that are no surer than they."""
    curve = recall_curve([silent([180, 200, 220]), spoken([150, 190, 210, 240])], RULES, KEYWORDS)
    by_down = {down: i for i, (_, down) in enumerate(curve.thresholds)}
    assert [curve.n_false[by_down[down]] for down in (170, 190, 210, 230)] == [3, 2, 1, 0]
    assert curve.hits["quiet"].sum(1)[[0, -1]].tolist() == [4, 0]
    assert level_at(curve, 2) == by_down[180]  # up at 160
    assert recall_at(curve, "quiet", 2) == 0.75
    assert level_at(curve, 0) == by_down[220]  # up at 200
    assert recall_at(curve, "quiet", 1.9) is None  # one hour carries no 1.9 an hour


def test_recall_is_averaged_over_what_the_hours_carry() -> None:
    """One hour: from 2 an hour on, log-spaced. Two minutes of speech carry nothing."""
    curve = recall_curve([silent([180, 200, 220]), spoken([150, 190, 210, 240])], RULES, KEYWORDS)
    carried = [rate for rate in RATES_PER_HOUR if rate >= 2]
    expected = np.mean([0.75 if rate < 3 else 1.0 for rate in carried])
    found = recall_streaming(curve)
    assert found is not None
    assert found.value == pytest.approx(expected)
    assert (found.n_words, found.n_speakers) == (4, 4)
    assert found.interval[0] < found.value < found.interval[1]
    assert recall_streaming(curve, "20db") is None
    short = recall_curve([silent([], 120), spoken([150])], RULES, KEYWORDS)
    assert short.rates_carried == [] and recall_streaming(short) is None
    assert np.isnan(recall_curve([spoken([150])], RULES, KEYWORDS).false_accepts_per_hour).all()


def test_rate_never_falls_back_below_a_level() -> None:
    """Where a higher threshold lets more through, as labels change, the higher count holds."""
    curve = Curve(((1,),) * 4, np.array([5, 1, 3, 0]), 1.0, 1.0, {}, {}, {})
    assert curve.false_accepts_per_hour.tolist() == [5, 3, 3, 0]
    assert level_at(curve, 2) == 3


def test_worst_tenth_is_of_speakers() -> None:
    """Of twenty the two that are never heard; of fewer than ten nobody can tell."""
    speech = silent([])
    curve = recall_curve([speech, spoken([30, 30, *[240] * 18])], RULES, KEYWORDS)
    assert worst_tenth(curve) == 0.0
    curve = recall_curve([speech, spoken([30, *[240] * 18])], RULES, KEYWORDS)
    assert worst_tenth(curve) == 0.5
    assert worst_tenth(recall_curve([speech, spoken([240] * 9)], RULES, KEYWORDS)) is None


def test_conditions_are_told_apart() -> None:
    """Recall and delays at the thresholds as they are."""
    matched = match_all([spoken([240, 240]), spoken([240, 100], 10.0)], RULES, KEYWORDS)
    quiet, noisy = recall_of(matched), recall_of(matched, "10db")
    assert quiet is not None and noisy is not None
    assert (quiet.value, noisy.value) == (1.0, 0.5)
    assert noisy.interval == (0.0, 1.0)  # of two speakers as wide as either interval
    assert recall_of(matched, "5db") is None
    # The bump starts 400 ms before the end; 150 of 255 takes 7 of 11 results of 240
    assert delay_ms(matched) == -140.0
    assert delay_ms(matched, 95, "5db") is None


def test_seeds_are_no_people() -> None:
    """Two speakers who are heard with five seeds are as uncertain as with one."""
    words = [said("up", 4.0 * i + 2, f"speaker {i % 2}") for i in range(8)]
    bumps = [(one.end_s, "up", 240.0) for one in words]
    once, five = (
        [heard(stream("keywords", 32, words, seed=seed), bumps) for seed in range(n)]
        for n in (1, 5)
    )
    found = [recall_of(match_all(each, RULES, KEYWORDS)) for each in (once, five)]
    assert found[0] == found[1]
    assert found[0] is not None and found[0].n_words == 8
    curves = [recall_curve([silent([]), *each], RULES, KEYWORDS) for each in (once, five)]
    assert recall_streaming(curves[0]) == recall_streaming(curves[1]) is not None


def test_between_keywords_no_rate_is_told() -> None:
    """A false accept there is in no material: its hours are mostly those of words."""
    words = [said("up", 30.0)]
    found = match_all([heard(stream("keywords", 60, words), [(9, "up", 240)])], RULES, KEYWORDS)
    assert len(found[0][1].false_accepts) == 1
    assert false_accepts(found) == {}


def test_limits_of_a_mean_are_those_of_a_whole_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours that do not add up to the last digit make no 2.9999 of three."""
    monkeypatch.setattr("sprd.listening.measures.hours_of", lambda _: 1 - 2**-52)
    found = false_accepts(match_all([silent([240, 240, 240])], RULES, KEYWORDS))
    assert found["speech"].n == 3


def test_materials_are_never_pooled() -> None:
    """Each has its hours, its false accepts and their limits; seeds are averaged."""
    words = [
        heard(stream("words", 1800, seed=seed), [(9.0 * i + 3, "up", 240) for i in range(n)])
        for seed, n in ((0, 2), (1, 5))
    ]
    found = false_accepts(match_all([silent([240]), *words], RULES, KEYWORDS))
    assert set(found) == {"speech", "words"}
    assert (found["speech"].n, found["speech"].hours) == (1, 1.0)
    assert (found["words"].n, found["words"].hours, found["words"].per_hour) == (3.5, 0.5, 7.0)
