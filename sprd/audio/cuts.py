"""Running speech and keywords in, `_unknown_` training clips out: cuts of speech, halves of words.

A model that hears whole words alone takes what lies between them, and what begins like a keyword,
for a keyword. Every item and every variant of it is a pure function of its number.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from sprd.audio.augment import Waveform
from sprd.audio.extent import active_rms
from sprd.audio.running import Recording
from sprd.audio.scene import N_SPEEDS, Stage, Takes
from sprd.audio.split import Clip
from sprd.audio.stretch import read_stretch
from sprd.config.seeds import generator_of

STRETCH_S = 12.0
"""Of one recording: what all variants of a cut are cut from."""

N_SPEECH_WORDS = 8
"""Names of cuts: where words are drawn evenly, running speech counts as so many of them."""

HALF = (0.1, 0.5)
"""Share of a keyword that is heard of it: of an "up" without its p, little more is all of it."""

FADE_S = 0.005
"""In which a half begins or ends: a click would tell it."""

N_TRIES = 4
LEAST_RMS = 0.25
"""A cut whose RMS is a smaller share of that of the speech is a pause; so many others are tried."""


class SpeechCuts:
    """Cuts of running speech: a window of it, and what was said before.

    Items lie evenly in all the speech there is. Each variant of one is a cut of its own of the same
    stretch, at the speed of the item.
    """

    def __init__(self, recordings: Sequence[Recording], n_items: int) -> None:
        self._recordings, self._n_items = recordings, n_items
        self._ends = np.cumsum([one.seconds for one in recordings])

    def name(self, item: int) -> tuple[str, str]:
        """Returns what stands for the word of an item, and its speaker."""
        recording, _ = self._place(item)
        return f"speech {item % N_SPEECH_WORDS}", recording.speaker or recording.key

    def variants(self, item: int, stage: Stage, n_variants: int) -> list[Waveform]:
        """Returns the scenes of an item, each (n_samples,), int16.

        Raises:
            DataError: The recording cannot be read.
        """
        recording, start_s = self._place(item)
        rate = stage.layout.sample_rate_hz
        stretch = read_stretch(recording.path, start_s, STRETCH_S, rate)
        speed = int(generator_of("speech speed", item).integers(N_SPEEDS))
        said, _ = Takes(stretch, rate, stage.augment.speed_percent).at(speed)
        rms = active_rms(said, rate)
        rngs = [generator_of("speech cut", item, variant) for variant in range(n_variants)]
        n_window, n_context = stage.layout.n_window, stage.layout.n_context
        starts = [_loud_start(said, n_window, rms, rng) for rng in rngs]
        return [
            stage.heard(said, n_context - start, rms, rng)
            for start, rng in zip(starts, rngs, strict=True)
        ]

    def _place(self, item: int) -> tuple[Recording, float]:
        """Returns the recording of an item, and the second at which its stretch begins."""
        whole = float(self._ends[-1])
        at = (item + generator_of("speech", item).random()) / self._n_items * whole
        number = min(int(np.searchsorted(self._ends, at)), len(self._ends) - 1)
        recording = self._recordings[number]
        middle = at - (float(self._ends[number]) - recording.seconds)
        return recording, max(0.0, min(middle - STRETCH_S / 2, recording.seconds - STRETCH_S))


class PartialWords:
    """Halves of keywords; each clip of a keyword has as many items as another, or one more."""

    def __init__(self, clips: Sequence[Clip], keywords: Collection[str]) -> None:
        self._clips = [clip for clip in clips if clip.word in keywords]
        self._order = generator_of("partial words").permutation(len(self._clips))

    def clip(self, item: int) -> Clip:
        """Returns the clip of an item."""
        return self._clips[int(self._order[item % len(self._order)])]

    def name(self, item: int) -> tuple[str, str]:
        """Returns what stands for the word of an item, and its speaker."""
        clip = self.clip(item)
        return f"half of {clip.word}", clip.speaker

    def variants(self, item: int, takes: Takes, stage: Stage, n_variants: int) -> list[Waveform]:
        """Returns the scenes of an item, each (n_samples,), int16.

        As likely as another: a word as it comes into the window, or as it leaves it, so that a
        `HALF` of it is seen; its beginning alone, or its end, anywhere in the window.
        """
        name = f"{item}:{self.clip(item).key}"
        rngs = (generator_of("partial word", name, variant) for variant in range(n_variants))
        return [_half(takes, stage, rng) for rng in rngs]


def _loud_start(
    said: NDArray[np.float32], n_window: int, rms: float, rng: np.random.Generator
) -> int:
    """Draws where a window begins; pauses are passed over, for they would be silence."""
    start = 0
    for drawn in rng.integers(0, max(1, len(said) - n_window + 1), N_TRIES):
        start = int(drawn)
        window = said[start : start + n_window]
        if float(window @ window) >= len(window) * (LEAST_RMS * rms) ** 2:
            break
    return start


def _half(takes: Takes, stage: Stage, rng: np.random.Generator) -> Waveform:
    layout = stage.layout
    said, word = takes.at(int(rng.integers(N_SPEEDS)))
    n_seen = int(word.n_samples * rng.uniform(*HALF))
    is_first, is_alone, where = rng.random() < 0.5, rng.random() < 0.5, float(rng.random())
    cut = word.start + n_seen if is_first else word.stop - n_seen
    if is_alone:
        said = _faded(said, cut, is_first, int(FADE_S * layout.sample_rate_hz))
        start = layout.anywhere(n_seen, where) - (word.start if is_first else cut)
    else:
        start = layout.n_context + (layout.n_seen if is_first else 0) - cut
    return stage.heard(said, start, word.rms, rng)


def _faded(said: NDArray[np.float32], cut: int, is_first: bool, n_fade: int) -> NDArray[np.float32]:
    """Returns what is left of a cut, or right of it: the rest is silent, without a click."""
    ramp = np.clip((np.arange(len(said)) - cut) / max(1, n_fade) + 0.5, 0, 1).astype(np.float32)
    return said * (1 - ramp if is_first else ramp)
