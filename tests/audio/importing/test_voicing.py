"""A vowel is told from steps, ticks and rain."""

import numpy as np
import pytest

from sprd.audio.importing.voicing import voicing_at
from tests.audio.importing.spoken import RATE_HZ, int16, room, said


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_voice_is_periodic_and_noise_is_not(rate_hz: int) -> None:
    """At every rate: near 1 for a hum, about a half for noise."""
    wave = said([1.0], 3.0, rate_hz=rate_hz)
    assert voicing_at(wave, rate_hz, 1.2) > 0.9
    assert voicing_at(int16(room(3.0, 0.1, rate_hz)), rate_hz, 1.5) < 0.57


def test_moment_at_the_end_has_no_voice() -> None:
    """Nothing is behind it."""
    assert voicing_at(np.zeros(100, np.int16), RATE_HZ, 0.0) == 0.0
    assert np.isfinite(voicing_at(np.zeros(RATE_HZ, np.int16), RATE_HZ, 0.5))
