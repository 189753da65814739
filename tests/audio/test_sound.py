"""The few numbers that tell what a recording sounds like."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.audio import sound
from sprd.audio.sound import dbfs, sound_of


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50), st.integers(1, 7))
def test_energy_and_peak_are_exact(samples: list[int], block: int) -> None:
    """Whatever the samples, in blocks of any size; in Python's own integers the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound, "_EXACT", block)
        found = sound_of(np.array(samples, np.int16), 8000)
    assert found.energy == sum(s * s for s in samples)
    assert found.peak == (max(samples) - min(samples) + 1) // 2
    assert (found.n_samples, found.seconds) == (len(samples), len(samples) / 8000)


def test_loudest_clip_of_the_longest_block_is_exact() -> None:
    """Squares of full scale add up to less than a float64 rounds."""
    loud = np.full(sound._EXACT + 1, -32768, np.int16)
    loud[0] = 1
    assert sound_of(loud, 16_000).energy == sound._EXACT * 2**30 + 1


@pytest.mark.parametrize(
    ("samples", "is_silent"),
    [
        ([0] * 10, True),
        ([7] * 10, True),
        ([-900, -902, -899], True),
        ([32, -32], True),
        ([40, -40], False),
    ],
)
def test_silence_is_nothing_to_be_heard(samples: list[int], is_silent: bool) -> None:
    """Below -60 dBFS, around whatever value."""
    assert sound_of(np.array(samples, np.int16), 8000).is_silent == is_silent


@pytest.mark.parametrize(
    ("samples", "is_clipped"),
    [
        ([0, 32767, 32767, 32767, 0], True),
        ([-32768, 32767, -32768], True),
        ([32767, 32767, 0, 32767, 32767], False),
        ([32766] * 9, False),
    ],
)
def test_clipped_is_what_stays_at_full_scale(samples: list[int], is_clipped: bool) -> None:
    """For three samples in a row."""
    assert sound_of(np.array(samples, np.int16), 8000).is_clipped == is_clipped


def test_levels_are_told_in_decibels_of_full_scale() -> None:
    """Half of it is 6 dB below; silence is finite."""
    half = sound_of(np.array([16384, -16384], np.int16), 8000)
    assert dbfs(half.peak) == pytest.approx(-6.02, abs=0.01)
    assert half.rms_dbfs == pytest.approx(-6.02, abs=0.01)
    assert sound_of(np.zeros(2, np.int16), 8000).rms_dbfs < -90
