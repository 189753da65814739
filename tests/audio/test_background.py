"""Background at a known level: of one recording or two, and quiet where the recording is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sprd.audio.background import LEAST_LEVEL, Background, below

N = 4000
RNG = np.random.default_rng(0)
NOISES = tuple((level * RNG.standard_normal(5 * N)).astype(np.int16) for level in (50, 500, 5000))


def rms(samples: NDArray[np.float32]) -> float:
    """Of samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def test_level_is_that_asked_for_however_loud_the_recording() -> None:
    """Of one recording, and of two."""
    background = Background(NOISES, N)
    for seed in range(30):
        for made in (background.leveled, background.mixed):
            noise = made(np.random.default_rng(seed), 40.0)
            assert (noise.shape, noise.dtype) == ((N,), np.float32)
            assert rms(noise) == pytest.approx(40, rel=1e-3)


def test_pause_in_a_noise_stays_a_pause() -> None:
    """It is not made as loud as the noise; a silent recording stays silent."""
    gapped = np.concatenate([NOISES[1], np.full(3 * N, 10, np.int16), NOISES[1]])
    levels = [
        rms(Background([gapped], N).leveled(np.random.default_rng(seed), 1.0))
        for seed in range(200)
    ]
    assert min(levels) == pytest.approx(10 / (LEAST_LEVEL * 500 * 0.63), rel=0.3)
    assert max(levels) == pytest.approx(1, rel=1e-3)
    silent = Background([np.zeros(2 * N, np.int16)], N).mixed(np.random.default_rng(0), 1.0)
    assert not silent.any()


def test_mixed_noise_is_of_one_or_two_recordings_brighter_or_duller() -> None:
    """About half is of two; the spectrum of white noise tilts either way."""
    tones = [
        (9000 * np.sin(np.arange(5 * N) * step)).astype(np.int16) for step in (0.5, 0.9, 1.3, 1.7)
    ]
    n_tones, tilts = [], []
    for seed in range(300):
        spectrum = np.abs(np.fft.rfft(Background(tones, N).mixed(np.random.default_rng(seed), 1.0)))
        peaks = [spectrum[round(step * N / 2 / np.pi)] for step in (0.5, 0.9, 1.3, 1.7)]
        n_tones.append(sum(peak > 0.02 * max(peaks) for peak in peaks))
        white = np.abs(
            np.fft.rfft(Background(NOISES[2:], N).mixed(np.random.default_rng(seed), 1.0))
        )
        tilts.append(white[: N // 8].mean() / white[-N // 8 :].mean())
    assert set(n_tones) == {1, 2}
    assert 0.3 < np.mean(np.array(n_tones) == 2) < 0.45  # a quarter of the pairs are one recording
    assert min(tilts) < 0.4
    assert max(tilts) > 2.5


def test_cut_is_a_part_of_a_recording() -> None:
    """As it is; the draws of a generator decide which."""
    ramp = np.arange(20_000, dtype=np.int16)
    first, level = Background([ramp], N).cut(np.random.default_rng(1))
    np.testing.assert_array_equal(first, first[0] + np.arange(N))
    again, _ = Background([ramp], N).cut(np.random.default_rng(1))
    np.testing.assert_array_equal(first, again)
    assert first[0] - 2 * N <= level <= first[0] + 3 * N
    exact, _ = Background([ramp[:N]], N).cut(np.random.default_rng(1))
    np.testing.assert_array_equal(exact, ramp[:N])


def test_decibels_are_counted_below_a_word() -> None:
    """A silent word counts as one step of 16 bits."""
    assert below(1000, 20) == pytest.approx(100)
    assert below(1000, -6.0206) == pytest.approx(2000)
    assert below(0, 0) == 1
