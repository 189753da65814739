"""Single words in, one long waveform with all of them out, and how noise lies behind them.

Plain arrays: knows no file, split or cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.audio.extent import word_extent
from sprd.audio.split import Clip

Waveform = NDArray[np.int16]
Wave = NDArray[np.float32]

APART_S = (2.2, 3.6)
"""From the onset of one word to that of the next."""

LEAD_S = 3.0
"""Before the first word and after the last: the front end adapts, and nothing is cut off."""

MARGIN_S = 0.5
LONGEST_S = 1.6
"""Of a recording, what is kept before and after its word, and at most in all."""

HISS = 8.0
"""RMS of the noise of a good microphone in a silent room, in steps of 16 bits (-72 dBFS)."""

_FADE_S = 0.02
_WORDS_A_NOISE = 8
"""Words in a row that one recording of noise lies behind."""


@dataclass(frozen=True)
class Placed:
    """A word in a stream: where its recording and the word itself lie, in samples.

    Of the recording what comes before its sample `first` is left out.
    `rms` is its loudness in steps of 16 bits, see `sprd.audio.extent.Extent`.
    """

    clip: Clip
    start: int
    stop: int
    onset: int
    end: int
    rms: float
    first: int = 0


def lay_words(
    words: Sequence[tuple[Clip, Waveform]], rate_hz: int, random: np.random.Generator
) -> tuple[Wave, tuple[Placed, ...]]:
    """Lays recordings of words one after the other over the hiss of a silent room.

    Args:
        words: Clips and their waveforms, (n,) int16 each, in the order in which they are said.
        rate_hz: Of the waveforms.
        random: Draws the time between onsets, and the hiss.

    Returns:
        (n_samples,) in steps of 16 bits, and where each word lies.
    """
    at = LEAD_S
    placed: list[Placed] = []
    waves: list[Wave] = []
    for clip, samples in words:
        word = word_extent(samples, rate_hz)
        first = max(0, word.start - int(MARGIN_S * rate_hz))
        last = min(len(samples), word.stop + int(MARGIN_S * rate_hz))
        last = min(last, first + int(LONGEST_S * rate_hz))
        onset = int(at * rate_hz)
        start = onset - (word.start - first)
        stop, end = start + last - first, start + min(word.stop, last) - first
        placed.append(Placed(clip, start, stop, onset, end, word.rms, first))
        waves.append(_faded(samples[first:last], rate_hz))
        at += random.uniform(*APART_S)
    stream = random.standard_normal(int((at + LEAD_S) * rate_hz), np.float32) * np.float32(HISS)
    for one, wave in zip(placed, waves, strict=True):
        stream[one.start : one.stop] += wave
    return stream, tuple(placed)


def noise_behind(
    placed: Sequence[Placed],
    n_samples: int,
    noises: Sequence[Waveform],
    rate_hz: int,
    random: np.random.Generator,
) -> Wave:
    """Returns noise that is as loud as each word where the word lies: a ratio of 0 dB.

    A recording lies behind some words in a row, cut from anywhere in it, and begins softly. Its
    level moves from word to word as theirs do. Loudness is RMS: of a word where it is loud, of the
    noise over the whole cut.

    Args:
        placed: The words.
        n_samples: Of the stream.
        noises: (n,) int16 each, at least one.
        rate_hz: Of all.
        random: Draws recordings and cuts.

    Returns:
        (n_samples,) in steps of 16 bits.
    """
    noise = np.zeros(n_samples, np.float32)
    fade = int(0.1 * rate_hz)
    for first in range(0, len(placed), _WORDS_A_NOISE):
        words = placed[first : first + _WORDS_A_NOISE]
        start = 0 if first == 0 else _between(placed[first - 1], words[0])
        after = placed[first + len(words) : first + len(words) + 1]
        stop = _between(words[-1], after[0]) if after else n_samples
        cut = _cut(noises[int(random.integers(len(noises)))], stop - start + fade, random)
        cut /= max(1.0, float(np.sqrt(np.square(cut, dtype=np.float64).mean())))
        cut *= _levels(words, start, len(cut))
        cut[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        cut[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        noise[start : stop + fade] += cut[: n_samples - start]
    return noise


def to_int16(wave: Wave) -> Waveform:
    """Rounds samples in steps of 16 bits; louder ones are clipped."""
    rounded: Waveform = np.clip(np.rint(wave), -32768, 32767).astype(np.int16)
    return rounded


def _between(before: Placed, after: Placed) -> int:
    return (before.stop + after.start) // 2


def _levels(words: Sequence[Placed], start: int, n_samples: int) -> Wave:
    """Returns the loudness of the words, (n_samples,) from `start` on; straight in between."""
    at = [edge - start for word in words for edge in (word.onset, word.end)]
    levels = [word.rms for word in words for _ in range(2)]
    wave: Wave = np.interp(np.arange(n_samples), at, levels).astype(np.float32)
    return wave


def _cut(recording: Waveform, n_samples: int, random: np.random.Generator) -> Wave:
    """Returns so many samples from anywhere in a recording, which goes on from its start."""
    rolled = np.roll(recording, -int(random.integers(len(recording))))
    wave = np.resize(rolled, n_samples).astype(np.float32)
    wave -= wave.mean()
    return wave


def _faded(samples: Waveform, rate_hz: int) -> Wave:
    wave = samples.astype(np.float32)
    n = min(int(_FADE_S * rate_hz), len(wave) // 2)
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    wave[:n] *= ramp
    wave[len(wave) - n :] *= ramp[::-1]
    return wave
