"""A vowel is told from steps, ticks and rain."""

import numpy as np
import pytest

from sprd.audio.importing.voicing import voiced_frames
from tests.audio.importing.spoken import RATE_HZ, int16, room, said


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_voice_is_held_and_noise_is_not(rate_hz: int) -> None:
    """At every rate: most of a hum's 40 frames, and hardly one of noise."""
    wave = said([1.0], 3.0, rate_hz=rate_hz)
    assert 35 <= voiced_frames(wave, rate_hz, 1.0, 1.4) <= 45
    assert voiced_frames(int16(room(3.0, 0.1, rate_hz)), rate_hz, 1.0, 1.4) <= 1


def test_pitch_that_leaps_is_not_held() -> None:
    """Each tone of 60 ms is voiced; together they are no voice."""
    t = np.arange(round(0.06 * RATE_HZ)) / RATE_HZ
    tones = [np.sin(2 * np.pi * hertz * t) for hertz in (120, 300, 95, 210, 140, 330)]
    wave = int16(np.concatenate(tones) * 0.1)
    assert voiced_frames(wave, RATE_HZ, 0.0, 0.36) < 10


def test_moment_at_the_end_has_no_voice() -> None:
    """Nothing is behind it."""
    assert voiced_frames(np.zeros(100, np.int16), RATE_HZ, 0.0, 0.1) == 0
    assert voiced_frames(np.zeros(RATE_HZ, np.int16), RATE_HZ, 0.5, 0.8) == 0
