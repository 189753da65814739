"""A waveform in, where the word in it begins and ends out, and how loud it is. Knows no words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16] | NDArray[np.float32]
"""Of a waveform, at the scale of 16 bits."""

FRAME_S = 0.010
"""Energy is looked at in frames of this length, each smoothed with its two neighbours."""

BELOW_PEAK_DB = 30.0
"""Frames quieter than the loudest by more are no part of a word."""

ABOVE_FLOOR = 0.3
"""Nor are those in the lowest 30 % of the decibels between the quiet and the loudest frame."""

FLOOR_PERCENTILE = 10
"""Of all frames, this many are quiet: the room before and after the word."""

MAX_GAP_S = 0.2
"""A longer pause parts two words; the t of "left" comes up to this long after its f."""


@dataclass(frozen=True)
class Extent:
    """Where a word lies in a waveform, in samples, and the RMS of what is loud of it.

    `rms` is over the frames of the word that count as loud: the pauses inside
    it do not make it quieter. A waveform of zeros has a word as long as itself, and an RMS of 0.
    """

    start: int
    stop: int
    rms: float

    @property
    def n_samples(self) -> int:
        """Its length."""
        return self.stop - self.start


def word_extent(samples: Samples, sample_rate_hz: int) -> Extent:
    """Finds the word in a clip: the stretch of loud frames about the loudest.

    Args:
        samples: (n,), at the scale of 16 bits.
        sample_rate_hz: Of the samples.

    Returns:
        The word, to about 10 ms; the whole clip where it is shorter than a frame, or silent.
    """
    size = int(sample_rate_hz * FRAME_S)
    power = _frame_power(samples, size)
    loud = _loud(power)
    if not len(loud):
        return Extent(0, len(samples), 0.0)
    cuts = np.flatnonzero(np.diff(loud) > MAX_GAP_S / FRAME_S)
    starts = np.concatenate([loud[:1], loud[cuts + 1]])
    stops = np.concatenate([loud[cuts], loud[-1:]])
    number = int(np.searchsorted(starts, np.argmax(power), side="right")) - 1
    first, last = int(starts[number]), int(stops[number])
    inside = loud[(loud >= first) & (loud <= last)]
    stop = len(samples) if last == len(power) - 1 else (last + 1) * size
    return Extent(first * size, stop, float(np.sqrt(power[inside].mean())))


def active_rms(samples: Samples, sample_rate_hz: int) -> float:
    """Returns the RMS of all loud frames of running speech; 0.0 where all are silent."""
    power = _frame_power(samples, int(sample_rate_hz * FRAME_S))
    loud = _loud(power)
    return float(np.sqrt(power[loud].mean())) if len(loud) else 0.0


def _frame_power(samples: Samples, size: int) -> NDArray[np.float32]:
    """(n_frames,), float32: mean squares, smoothed over three frames; what is left over is cut."""
    n_frames = len(samples) // size
    if not n_frames:
        return np.zeros(0, np.float32)
    frames = samples[: n_frames * size].astype(np.float32).reshape(n_frames, size)
    padded = np.pad(np.einsum("ij,ij->i", frames, frames) / np.float32(size), 1, mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / np.float32(3))


def _loud(power: NDArray[np.float32]) -> NDArray[np.intp]:
    """Returns the numbers of the frames that count as loud; none where the loudest is silent."""
    if not len(power) or not power.max() > 0:
        return np.zeros(0, np.intp)
    decibels = 10 * np.log10(power + 1)
    peak, floor = float(decibels.max()), float(np.percentile(decibels, FLOOR_PERCENTILE))
    least = max(peak - BELOW_PEAK_DB, floor + ABOVE_FLOOR * (peak - floor))
    return np.flatnonzero(decibels >= least)
