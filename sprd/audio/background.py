"""Recordings of noise in, the background of a scene out, at a known level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.audio.augment import Waveform

TWO_NOISES = 0.5
"""Share of the noise at a ratio that is two recordings at once."""

SECOND_DB = 15.0
"""How far below the first the second lies at most."""

TILT = 0.7
"""Noise goes through y[n] = x[n] + k x[n - 1], k of -0.7 .. 0.7: brighter or duller recordings."""

LEAST_LEVEL = 0.3
"""Of its recording's RMS about it: a pause in a noise is not made as loud as the noise."""


_SPARSE = 61
"""Every so many samples tell how loud a recording is."""


@dataclass(frozen=True)
class Background:
    """Cuts of recordings, each of which is at least as long as a cut; all are drawn alike."""

    recordings: Sequence[Waveform]
    n_samples: int

    def mixed(self, rng: np.random.Generator, rms: float) -> NDArray[np.float32]:
        """(n_samples,), float32, of an RMS: one or two recordings, tilted."""
        noise = self.leveled(rng, 1.0)
        if rng.random() < TWO_NOISES:
            noise += self.leveled(rng, below(1.0, rng.uniform(0, SECOND_DB)))
        noise[1:] += np.float32(rng.uniform(-TILT, TILT)) * noise[:-1]
        noise *= np.float32(rms / max(_rms(noise), LEAST_LEVEL))
        return noise

    def leveled(self, rng: np.random.Generator, rms: float) -> NDArray[np.float32]:
        """(n_samples,), float32: a cut of an RMS, or of less in a pause of the noise."""
        noise, level = self.cut(rng)
        noise *= np.float32(rms / max(_rms(noise), LEAST_LEVEL * level, 1.0))
        return noise

    def cut(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], float]:
        """(n_samples,), float32: a cut, at the scale of 16 bits; and the RMS about it."""
        recording = self.recordings[int(rng.integers(len(self.recordings)))]
        start = int(rng.integers(0, len(recording) - self.n_samples + 1))
        about = recording[max(0, start - 2 * self.n_samples) : start + 3 * self.n_samples : _SPARSE]
        noise = recording[start : start + self.n_samples].astype(np.float32)
        return noise, _rms(about.astype(np.float32))


def below(rms: float, decibels: float) -> float:
    """Returns an RMS that lies so far below another; that of silence counts as 1 of 32768."""
    return float(max(rms, 1.0) * 10 ** (-decibels / 20))


def _rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(samples @ samples / len(samples)))
