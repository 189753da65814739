"""The number of a simulated room in, its impulse response out; and what a word sounds like in it.

No library: pyroomacoustics (0.10.1, MIT) is alive, but needs SciPy, more than all the rest of the
audio here; its image sources tell the size of a room, which nothing here knows.
"""

import numpy as np
from numpy.typing import NDArray

from sprd.config.seeds import generator_of

N_ROOMS = 64

RT60_S = (0.1, 0.6)
"""In which time sound falls by 60 dB: from a car to a bare living room."""

DIRECT_DB = (0.0, 15.0)
"""How far the direct sound lies above all that is reflected: from across the room, or near."""

FADED_DB = 40.0
"""What is quieter than the tail's start by so much is left out."""

N_EARLY = 6
EARLY_S = (0.002, 0.030)
"""Single reflections, before the tail is dense."""

_SIZE = 4096
"""Sizes of FFTs are multiples of this: quick ones."""

Response = NDArray[np.float32]


def make_rooms(sample_rate_hz: int) -> tuple[Response, ...]:
    """Returns the impulse responses of all rooms, the same on every machine.

    Each begins with the direct sound, so that a word stays where it is, and has an energy of 1,
    so that it stays about as loud.
    """
    return tuple(_make_room(number, sample_rate_hz) for number in range(N_ROOMS))


def in_room(samples: NDArray[np.float32], response: Response) -> NDArray[np.float32]:
    """Returns (n + len(response) - 1,), float32: what samples, (n,), sound like in a room."""
    n_samples = len(samples) + len(response) - 1
    size = -(-n_samples // _SIZE) * _SIZE
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[:n_samples], np.float32)


def _make_room(number: int, sample_rate_hz: int) -> Response:
    """Makes a response: direct sound, some reflections, and noise that decays exponentially.

    Source of the tail: Polack, "La transmission de l'énergie sonore dans les salles", 1988.
    """
    rng = generator_of("room response", number)
    rt60 = rng.uniform(*RT60_S)
    seconds = np.arange(1, int(rt60 * FADED_DB / 60 * sample_rate_hz)) / sample_rate_hz
    decay = 10 ** (-3 * seconds / rt60)
    tail = rng.standard_normal(len(seconds)) * decay * (seconds >= EARLY_S[0])
    early = (rng.uniform(*EARLY_S, N_EARLY) * sample_rate_hz).astype(np.int64)
    tail[early] += rng.uniform(2, 6, N_EARLY) * rng.choice([-1, 1], N_EARLY) * decay[early]
    reflected = 10 ** (-rng.uniform(*DIRECT_DB) / 10)
    response = np.concatenate([[1.0], tail * np.sqrt(reflected / np.square(tail).sum())])
    return np.asarray(response / np.sqrt(1 + reflected), np.float32)
