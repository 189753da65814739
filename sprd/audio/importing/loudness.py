"""A waveform in, how far each 10 ms stand out of the room's own level out. Knows no words.

The room's level is tracked in bands of frequency, as a low quantile over the seconds around: a hum,
traffic or rain are taken out where they lie, and what changes slowly is followed.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float32]

FRAMES_PER_S = 100
"""One frame every 10 ms."""

_WINDOW_S = 0.025
_BAND_LOW_HZ, _BAND_HIGH_HZ = 150.0, 7000.0
_N_BANDS = 24
_VOICE_HZ = 4500.0
"""Below lies what tells a word from rattle and birds; above, the edges of words: s, f, t."""

_FLOOR_QUANTILE = 0.2
_FLOOR_S = 5.0
"""Long enough that the pauses between words are a fifth of it; short enough for gusts."""

_WHITENING = 0.7
"""Of 0 (plain energy) and 1 (each band by its own floor), found on development rooms."""

_DEEPEST_DB = -65.0
"""A floor is at most as far below the loudest second: recorders write zeros between words."""

_LOW_HZ, _HIGH_HZ = 1000.0, 2500.0
_LEAST = 1e-9

_CHUNK_FRAMES = 6000


@dataclass(frozen=True)
class Loudness:
    """What stands out of the room, in dB, one value a frame.

    `core` is smoothed over 120 ms and of the voice's bands: what finds words. `edge` is smoothed
    over 30 ms and of all bands: what finds where they begin and end. `low` and `high` are powers
    beyond the room's, below 1 kHz and above 2.5 kHz: a vowel's and a rattle's.
    """

    core: Levels
    edge: Levels
    low: Levels
    high: Levels

    def tilt_db(self, first: int, end: int) -> float:
        """Returns how far the low power of some frames, `end` not among them, is above the high."""
        low, high = (float(one[first:end].sum()) for one in (self.low, self.high))
        return float(10 * np.log10((low + _LEAST) / (high + _LEAST)))


def loudness_of(wave: NDArray[np.int16], sample_rate_hz: int) -> Loudness:
    """Measures a recording.

    Args:
        wave: (n_samples,), int16.
        sample_rate_hz: Its rate.

    Returns:
        Each (n_frames,), float32: a frame at every 10 ms.
    """
    power, hertz = _band_power(wave, sample_rate_hz)
    floor = _floor(power)
    voice = hertz <= _VOICE_HZ
    core = _above(power[:, voice], floor[:, voice])
    edge = _above(power, floor)
    beyond = np.maximum(power - floor, 0)
    low, high = beyond[:, hertz < _LOW_HZ].sum(axis=1), beyond[:, hertz > _HIGH_HZ].sum(axis=1)
    smoothed = smooth(np.maximum(core, 0), 12), smooth(np.maximum(edge, 0), 3)
    return Loudness(*smoothed, low, high)


def smooth(values: Levels, n_frames: int) -> Levels:
    """Returns the mean over as many frames, centred; as long as what came in."""
    kernel = np.full(n_frames, 1 / n_frames, np.float32)
    padded = np.pad(values, (n_frames // 2, n_frames - 1 - n_frames // 2), mode="edge")
    return np.convolve(padded, kernel, "valid").astype(np.float32)


def _band_power(wave: NDArray[np.int16], rate_hz: int) -> tuple[Levels, NDArray[np.float64]]:
    """Returns the power in each band, (n_frames, n_bands), and the middle of each band in Hz."""
    size, hop = round(_WINDOW_S * rate_hz), rate_hz // FRAMES_PER_S
    n_fft = 1 << (size - 1).bit_length()
    hertz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    edges = _from_mel(np.linspace(_mel(_BAND_LOW_HZ), _mel(_BAND_HIGH_HZ), _N_BANDS + 1))
    bands = [np.flatnonzero((low <= hertz) & (hertz < high)) for low, high in _pairs(edges)]
    bands = [one for one in bands if len(one) and hertz[one[-1]] < 0.47 * rate_hz]
    window = np.hanning(size).astype(np.float32)
    n_frames = max(1, len(wave) // hop)
    padded = np.pad(wave, (size // 2, size))
    power = np.empty((n_frames, len(bands)), np.float32)
    for start in range(0, n_frames, _CHUNK_FRAMES):
        end = min(start + _CHUNK_FRAMES, n_frames)
        part = padded[start * hop : (end - 1) * hop + size].astype(np.float32) / 32768
        frames = np.lib.stride_tricks.sliding_window_view(part, size)[::hop]
        spectrum = np.square(np.abs(np.fft.rfft(frames * window, n_fft)))
        for number, one in enumerate(bands):
            power[start:end, number] = spectrum[:, one].mean(axis=1)
    return power, np.array([hertz[one].mean() for one in bands])


def _floor(power: Levels) -> Levels:
    """Returns the room's power in each band around each frame; never deeper than can be heard."""
    half = round(_FLOOR_S * FRAMES_PER_S / 2)
    floor = np.empty_like(power)
    for start in range(0, len(power), FRAMES_PER_S):
        first = max(0, min(start + FRAMES_PER_S // 2 - half, len(power) - 2 * half))
        around = power[first : first + 2 * half]
        kth = int(_FLOOR_QUANTILE * (len(around) - 1))
        floor[start : start + FRAMES_PER_S] = np.partition(around, kth, axis=0)[kth]
    loudest = float(power.max(initial=0))
    deepest = np.float32(max(loudest * 10 ** (_DEEPEST_DB / 10), _LEAST))
    heard: Levels = np.maximum(floor, deepest)
    return heard


def _above(power: Levels, floor: Levels) -> Levels:
    """Returns how far the sum over bands stands above the room's, in dB."""
    heard = (power / floor**_WHITENING).sum(axis=1)
    room = (floor ** (1 - _WHITENING)).sum(axis=1)
    above: Levels = (10 * np.log10(np.maximum(heard / room, 1e-3))).astype(np.float32)
    return above


def _mel(hertz: float) -> float:
    return float(1127 * np.log1p(hertz / 700))


def _from_mel(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    hertz: NDArray[np.float64] = 700 * np.expm1(mel / 1127)
    return hertz


def _pairs(edges: NDArray[np.float64]) -> list[tuple[float, float]]:
    return list(pairwise(edges.tolist()))
