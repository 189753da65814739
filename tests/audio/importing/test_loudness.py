"""How far each moment stands out of the room."""

import numpy as np
import pytest

from sprd.audio.importing.loudness import FRAMES_PER_S, loudness_of, smooth
from tests.audio.importing.spoken import RATE_HZ, hum, int16, room, said


def test_room_alone_stands_out_little_and_a_word_much() -> None:
    """A frame every 10 ms, in dB above the room."""
    core = loudness_of(said([3.0], 8.0), RATE_HZ).core
    assert len(core) == 8 * FRAMES_PER_S
    assert core[100:280].max() < 5 and core[310:330].min() > 20


def test_steady_hum_of_mains_is_the_room() -> None:
    """However loud it is: it is there all the time."""
    t = np.arange(8 * RATE_HZ) / RATE_HZ
    wave = room(8.0) + 0.1 * np.sin(2 * np.pi * 200 * t)
    wave[3 * RATE_HZ : 3 * RATE_HZ + len(hum(0.4))] += hum(0.4)
    core = loudness_of(int16(wave), RATE_HZ).core
    assert core[100:280].max() < 6 and core[310:330].min() > 12


def test_zeros_between_words_are_no_infinite_depth() -> None:
    """A recorder's noise gate writes them; a word stands a finite number of dB above."""
    wave = np.zeros(8 * RATE_HZ)
    wave[3 * RATE_HZ : 3 * RATE_HZ + len(hum(0.4))] = hum(0.4)
    core = loudness_of(int16(wave), RATE_HZ).core
    assert np.isfinite(core).all() and core[:280].max() < 1 < core[320] < 100


@pytest.mark.parametrize("n_samples", [1, 159, 1600])
def test_shortest_recordings_have_a_frame(n_samples: int) -> None:
    """At least one, and both of the same number."""
    loudness = loudness_of(np.ones(n_samples, np.int16), RATE_HZ)
    assert len(loudness.core) == len(loudness.edge) == max(1, n_samples // 160)


def test_smooth_keeps_length_and_mean() -> None:
    """Of a constant it is the constant, to the ends."""
    assert smooth(np.full(7, 2, np.float32), 4).tolist() == [2.0] * 7
