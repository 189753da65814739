"""Where single words lie in a stream, and how loud the noise behind them is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sprd.audio.laying import APART_S, LEAD_S, Placed, lay_words, noise_behind, to_int16
from sprd.audio.split import Clip, Split
from tests.audio.recorded import RATE_HZ, word
from tests.audio.spoken import tone


def laid(n_words: int = 20, seconds: float = 1.0) -> tuple[np.ndarray, tuple[Placed, ...]]:
    clips = [
        (Clip(Path(), f"up/{i}", "up", f"s{i}", Split.VALIDATION), word(i, seconds))
        for i in range(n_words)
    ]
    return lay_words(clips, RATE_HZ, np.random.default_rng(0))


def test_onsets_are_as_far_apart_as_asked_for() -> None:
    """The words themselves, not their recordings, begin 2.2 to 3.6 s after each other."""
    _, placed = laid()
    apart = np.diff([one.onset for one in placed]) / RATE_HZ
    assert APART_S[0] - 1e-3 <= apart.min() < 2.5 < 3.2 < apart.max() <= APART_S[1] + 1e-3
    assert placed[0].onset == int(LEAD_S * RATE_HZ)


def test_a_word_lies_where_it_is_said_to_lie() -> None:
    """Most of a stream's energy is between onsets and ends; bursts of 0.3 s are told to 30 ms."""
    stream, placed = laid()
    inside = np.zeros(len(stream), bool)
    for one in placed:
        inside[one.onset : one.end] = True
        assert abs(one.end - one.onset - 4800) < 0.03 * RATE_HZ
    energy = np.square(stream, dtype=np.float64)
    assert energy[inside].sum() > 0.98 * energy.sum()


def test_of_a_long_recording_the_part_around_its_word_is_laid() -> None:
    """Recordings of 5 s overlap with no other word."""
    _, placed = laid(4, 5.0)
    for one, after in pairwise(placed):
        assert one.stop < after.onset - RATE_HZ // 2


@pytest.mark.parametrize("level", [30.0, 3000.0])
def test_noise_at_no_ratio_is_as_loud_as_each_word(level: float) -> None:
    """Whatever the level of its recording, and though words differ in level by 20 dB."""
    stream, placed = laid(24)
    louder = [
        Placed(one.clip, one.start, one.stop, one.onset, one.end, one.rms * 10 ** (i % 3 / 2))
        for i, one in enumerate(placed)
    ]
    noises = [tone(9.0, level, 3), tone(2.0, level, 4)]
    noise = noise_behind(louder, len(stream), noises, RATE_HZ, np.random.default_rng(1))
    assert len(noise) == len(stream)
    for one in louder:
        behind = noise[one.onset : one.end].astype(np.float64)
        ratio_db = 20 * np.log10(one.rms / np.sqrt(np.square(behind).mean()))
        assert abs(ratio_db) < 0.7


def test_samples_that_are_too_loud_are_clipped() -> None:
    """Sums beyond 16 bits do not wrap around."""
    assert to_int16(np.array([40_000.0, -40_000.0, 1.4], np.float32)).tolist() == [
        32767,
        -32768,
        1,
    ]
