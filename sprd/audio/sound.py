"""A waveform in, the few numbers that tell what is wrong with it out."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768
SILENT_DBFS = -60.0
SHORT_S = 0.15
"""No word is as short."""

TOLERANCE_S = 0.01
"""Recorders miss the second by as much."""

_SILENT_PEAK = FULL_SCALE * 10 ** (SILENT_DBFS / 20)

MIN_CLIPPED = 3
"""Samples in a row at full scale from which a clip counts as clipped: one may be a true peak."""

_EXACT = 1 << 22
"""Samples whose squares add up in a float64 without rounding: 2^22 times 2^30 is below 2^53."""


class Sound(NamedTuple):
    """What a recording sounds like, in 16 bits, its channels averaged.

    `peak` is half the way from the lowest to the highest sample, rounded up, so that an offset of
    the recorder counts for nothing. `energy` is the sum of the squares of all samples, exact: with
    length and peak it tells one recording from another.
    """

    rate_hz: int
    n_samples: int
    peak: int
    energy: int
    is_clipped: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.n_samples / self.rate_hz

    @property
    def is_silent(self) -> bool:
        """Whether nothing is to be heard: it stays 60 dB below full scale, whatever its offset."""
        return self.peak < _SILENT_PEAK

    @property
    def rms_dbfs(self) -> float:
        """Its mean level."""
        return dbfs(math.sqrt(self.energy / self.n_samples))


def dbfs(amplitude: float) -> float:
    """Returns the level of a sample of this size in dB of full scale; of none, a finite one."""
    return 20 * math.log10(max(amplitude, 0.5) / FULL_SCALE)


def sound_of(samples: NDArray[np.int16], rate_hz: int) -> Sound:
    """Measures a waveform, (n,) int16 with n > 0."""
    lowest, highest = int(samples.min()), int(samples.max())
    energy = 0
    for start in range(0, len(samples), _EXACT):
        wide = samples[start : start + _EXACT].astype(np.float64)
        energy += int(np.einsum("i,i->", wide, wide))  # BLAS would start threads
    is_clipped = max(highest, -lowest) >= FULL_SCALE - 1 and _stays_full(samples)
    return Sound(rate_hz, len(samples), (highest - lowest + 1) // 2, energy, is_clipped)


def _stays_full(samples: NDArray[np.int16]) -> bool:
    """Whether samples stay at full scale for as long as no true peak does."""
    is_full = np.abs(samples.astype(np.int32)) >= FULL_SCALE - 1
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_full, [0])).astype(np.int8)))
    return bool((edges[1::2] - edges[::2] >= MIN_CLIPPED).any())
