"""Sounds that stand for words in a room: what each holds, and where, is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Wave = NDArray[np.float64]
RATE_HZ = 16_000


def hum(seconds: float, level: float = 0.2, rate_hz: int = RATE_HZ) -> Wave:
    """A voice's hum with harmonics, soft at both ends."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = sum((np.sin(2 * np.pi * 140 * n * t) / n for n in range(1, 16)), np.zeros_like(t))
    ramp = np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
    return np.asarray(level * wave * ramp / 2)


def room(seconds: float, level: float = 0.002, rate_hz: int = RATE_HZ, seed: int = 0) -> Wave:
    """A room's noise."""
    return np.random.default_rng(seed).standard_normal(round(seconds * rate_hz)) * level


def said(
    starts: Sequence[float],
    seconds: float,
    word_s: float = 0.4,
    level: float = 0.2,
    rate_hz: int = RATE_HZ,
) -> NDArray[np.int16]:
    """A recording with a word at each of some times."""
    wave = room(seconds, rate_hz=rate_hz)
    for start in starts:
        word = hum(word_s, level, rate_hz)
        at = round(start * rate_hz)
        wave[at : at + len(word)] += word[: len(wave) - at]
    return int16(wave)


def int16(wave: Wave) -> NDArray[np.int16]:
    """As a file holds it."""
    return np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)


def write(path: Path, samples: NDArray[np.int16], rate_hz: int = RATE_HZ) -> Path:
    """Writes a WAV file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")
    return path
