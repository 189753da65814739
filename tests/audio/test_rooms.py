"""Simulated rooms: the same on every machine, and a word stays where and as loud as it was."""

import numpy as np
import pytest

from sprd.audio.rooms import DIRECT_DB, N_ROOMS, RT60_S, in_room, make_rooms

RATE = 16_000
ROOMS = make_rooms(RATE)


def test_rooms_are_the_same_every_time() -> None:
    """And differ from one another."""
    assert len(ROOMS) == N_ROOMS
    for one, again in zip(ROOMS, make_rooms(RATE), strict=True):
        np.testing.assert_array_equal(one, again)
    assert len({one.tobytes() for one in ROOMS}) == N_ROOMS


def test_direct_sound_comes_first_and_the_energy_is_one() -> None:
    """So a word begins where it began; what is reflected lies 0 to 15 dB below."""
    for one in ROOMS:
        assert one.dtype == np.float32
        assert float(one @ one) == pytest.approx(1, rel=1e-3)
        direct = 10 * np.log10(one[0] ** 2 / (one[1:] @ one[1:]))
        assert DIRECT_DB[0] - 0.01 <= direct <= DIRECT_DB[1] + 0.01


def test_tail_decays_exponentially() -> None:
    """From its dense part on: by 60 dB in its RT60, which differs from room to room."""
    times = []
    for one in ROOMS:
        tail = one[int(0.031 * RATE) :].astype(np.float64)
        energy = np.cumsum(tail[::-1] ** 2)[::-1]
        decibels = 10 * np.log10(energy[: len(energy) // 2] / energy[0])
        slope = np.polyfit(np.arange(len(decibels)) / RATE, decibels, 1)[0]
        times.append(-60 / slope)
    assert RT60_S[0] * 0.5 < min(times) < 0.2
    assert 0.45 < max(times) < RT60_S[1] * 1.3


@pytest.mark.parametrize("n_samples", [1, 1000, 16_000])
def test_word_in_a_room_is_its_convolution(n_samples: int) -> None:
    """Whole, with its tail."""
    samples = np.random.default_rng(0).standard_normal(n_samples).astype(np.float32)
    expected = np.convolve(samples, ROOMS[3])
    found = in_room(samples, ROOMS[3])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)
