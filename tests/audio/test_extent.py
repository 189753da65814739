"""Where a word begins and ends, told by its energy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sprd.audio.extent import active_rms, word_extent

RATE = 16_000


def clip(*parts: tuple[float, int], noise: float = 0.0) -> NDArray[np.int16]:
    """Tones, each an amplitude and its milliseconds, over white noise of an RMS."""
    tones = [
        level * np.sin(2 * np.pi * 440 * np.arange(RATE * ms // 1000) / RATE) for level, ms in parts
    ]
    wave = np.concatenate(tones)
    return (wave + noise * np.random.default_rng(0).standard_normal(len(wave))).astype(np.int16)


@pytest.mark.parametrize("noise", [0.0, 30.0, 300.0])
def test_word_is_found_to_a_frame_or_two(noise: float) -> None:
    """In quiet, and over noise 17 dB below it."""
    found = word_extent(clip((0, 300), (3000, 350), (0, 350), noise=noise), RATE)
    assert found.start / RATE == pytest.approx(0.30, abs=0.021)
    assert found.stop / RATE == pytest.approx(0.65, abs=0.021)
    assert found.rms == pytest.approx(3000 / 2**0.5, rel=0.12)
    assert found.n_samples == found.stop - found.start


def test_pause_inside_a_word_is_part_of_it() -> None:
    """The t of "left" comes after a pause; half a second later is another word."""
    near = word_extent(clip((0, 100), (3000, 200), (0, 150), (900, 60), (0, 400)), RATE)
    assert near.stop / RATE == pytest.approx(0.51, abs=0.021)
    far = word_extent(clip((0, 50), (3000, 200), (0, 500), (900, 60), (0, 100)), RATE)
    assert far.stop / RATE == pytest.approx(0.25, abs=0.021)


def test_loudest_of_two_words_is_taken() -> None:
    """Whichever comes first."""
    found = word_extent(clip((900, 200), (0, 400), (3000, 200), (0, 100)), RATE)
    assert found.start / RATE == pytest.approx(0.60, abs=0.021)


def test_word_at_the_end_reaches_the_last_sample() -> None:
    """Samples beyond the last whole frame belong to it."""
    wave = clip((0, 500), (3000, 405))
    assert word_extent(wave, RATE).stop == len(wave)


@given(st.integers(0, 40_000), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 500, 32767]))
@settings(max_examples=50)
def test_extent_lies_within_any_waveform(n_samples: int, seed: int, loudest: int) -> None:
    """Empty, silent, at full scale."""
    wave = np.random.default_rng(seed).integers(-loudest, loudest + 1, n_samples).astype(np.int16)
    found = word_extent(wave, RATE)
    assert 0 <= found.start <= found.stop <= n_samples
    assert (found.n_samples > 0) == (n_samples > 0)
    assert (found.rms > 0) == bool(np.any(wave[: n_samples // 160 * 160]))


def test_pauses_do_not_make_speech_quieter() -> None:
    """Half of it silent, the loud half decides; silence has no loudness."""
    speech = clip((0, 500), (3000, 400), (0, 700), (3000, 400))
    assert active_rms(speech, RATE) == pytest.approx(3000 / 2**0.5, rel=0.1)
    assert active_rms(np.zeros(RATE, np.int16), RATE) == 0.0
    assert active_rms(np.zeros(0, np.int16), RATE) == 0.0
