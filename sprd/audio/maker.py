"""Clips in, the numbers of a feature store out, a few clips at a time, in one process.

What the numbers depend on is all in a store's spec. Knows nothing of files or of other processes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.audio.augment import Augmenter, Babble, Waveform, cut_silence, noise_of
from sprd.audio.bank import open_noise
from sprd.audio.clips import fit_length, read_clip
from sprd.audio.corpus import Corpus, read_noise
from sprd.audio.cuts import PartialWords, SpeechCuts
from sprd.audio.running import Recording
from sprd.audio.scene import Layout, Stage, Takes, layout_of, makes_scenes, set_stage
from sprd.audio.split import Clip, Split
from sprd.config.labels import SILENCE_LABEL
from sprd.config.trial import AugmentSection, Config, FeaturesSection


@dataclass(frozen=True)
class StoreSpec:
    """All that the numbers of a store depend on.

    `corpus` holds the clips of the split alone; `n_silence` clips of silence follow them. `splits`
    is the digest of which clip of the whole lies in which split.
    """

    corpus: Corpus
    splits: str
    split: Split
    features: FeaturesSection
    augment: AugmentSection
    keywords: tuple[str, ...]
    n_silence: int

    @property
    def n_cuts(self) -> int:
        """Cuts of running speech, after the silence; of training alone."""
        return self.augment.speech_cuts if self.split is Split.TRAINING else 0

    @property
    def n_halves(self) -> int:
        """Halves of keywords, after the cuts; of training alone."""
        return self.augment.partial_words if self.split is Split.TRAINING else 0

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(clips, silence, cuts and halves, variants, frames, channels)."""
        n_variants = self.augment.n_variants if self.split is Split.TRAINING else 1
        n_items = len(self.corpus.clips) + self.n_silence + self.n_cuts + self.n_halves
        return n_items, n_variants, *self.features.shape

    @property
    def speech(self) -> tuple[Recording, ...]:
        """Running speech that is cut: that of the split."""
        return tuple(one for one in self.corpus.speech if one.split is self.split)

    @property
    def layout(self) -> Layout | None:
        """Of the scenes in which the clips are heard; None where they are heard by themselves."""
        is_varied = self.split is Split.TRAINING and makes_scenes(self.augment)
        context_ms = self.augment.context_ms
        return layout_of(self.features, context_ms) if context_ms or is_varied else None

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the numbers: the micro front end gives integers."""
        return np.dtype(np.uint16 if self.features.preprocess == "micro" else np.float32)

    @property
    def n_waveforms(self) -> int:
        """Waveforms to be computed."""
        return self.shape[0] * self.shape[1]

    @property
    def n_bytes(self) -> int:
        """Size of the numbers."""
        return int(np.prod(self.shape)) * self.dtype.itemsize


def names_of(spec: StoreSpec) -> Iterator[tuple[str, str]]:
    """Yields the word and the speaker of each item of a store; what is no clip has made-up ones."""
    cuts = SpeechCuts(spec.speech, spec.n_cuts)
    halves = PartialWords(spec.corpus.clips, spec.keywords)
    yield from ((clip.word, clip.speaker) for clip in spec.corpus.clips)
    yield from ((SILENCE_LABEL, f"silence {number}") for number in range(spec.n_silence))
    yield from (cuts.name(number) for number in range(spec.n_cuts))
    yield from (halves.name(number) for number in range(spec.n_halves))


class Maker:
    """Computes the features of one store."""

    def __init__(self, spec: StoreSpec) -> None:
        from sprd.audio.frontend import FrontEnd

        layout = spec.layout
        self._shape = spec.shape
        self._waveforms = _Scenes(spec, layout) if layout else _Clips(spec)
        self._front_end = FrontEnd(spec.features, layout.n_context if layout else 0)

    def compute(self, start: int, stop: int) -> NDArray[np.generic]:
        """Returns (stop - start, variants, frames, channels) of the items start .. stop."""
        waveforms = [one for item in range(start, stop) for one in self._waveforms.variants(item)]
        computed = self._front_end.compute(np.stack(waveforms))
        return computed.reshape(stop - start, *self._shape[1:])


class _Clips:
    """Clips by themselves, then silence: (n_samples,) each."""

    def __init__(self, spec: StoreSpec) -> None:
        self._spec, self._clips, self._features = spec, spec.corpus.clips, spec.features
        rate, n_samples = spec.features.sample_rate_hz, spec.features.n_samples
        self._noise = noise_heard(spec.corpus, spec.augment, spec.split, rate, n_samples)
        self._augmenter = Augmenter(spec.augment, self._noise, rate)
        self._babble = Babble(self._clips, spec.keywords, self._read)

    def variants(self, item: int) -> list[Waveform]:
        """Returns all variants of an item, by its number."""
        numbers = range(self._spec.shape[1])
        if item >= len(self._clips):
            key = f"{self._spec.split}:{item - len(self._clips)}"
            return [cut_silence(self._noise, key, v, self._features.n_samples) for v in numbers]
        clip, augment = self._clips[item], self._spec.augment
        waveform = self._read(clip)
        if self._spec.split is not Split.TRAINING:
            return [waveform]
        return [
            self._augmenter.vary(waveform, clip.key, v, self._babble.behind(clip, v, augment))
            for v in numbers
        ]

    def _read(self, clip: Clip) -> Waveform:
        return read_waveform(clip, self._features)


class _Scenes:
    """Clips in scenes, then silence, cuts of speech, halves of words: (layout.n_samples,) each."""

    def __init__(self, spec: StoreSpec, layout: Layout) -> None:
        self._spec, self._clips = spec, spec.corpus.clips
        rate, augment = layout.sample_rate_hz, spec.augment
        noise = open_noise(spec.corpus, spec.split, rate, layout.n_samples)
        self._stage = set_stage(augment, layout, noise)
        self._babble = Babble(self._clips, spec.keywords, self._read)
        self._cuts = SpeechCuts(spec.speech, spec.n_cuts)
        self._halves = PartialWords(self._clips, spec.keywords)

    def variants(self, item: int) -> list[Waveform]:
        """Returns all variants of an item, by its number."""
        spec, n_variants = self._spec, self._spec.shape[1]
        if item < len(self._clips):
            return self._of_clip(self._clips[item], n_variants)
        item -= len(self._clips)
        if item < spec.n_silence:
            return [self._stage.silence(f"{spec.split}:{item}", v) for v in range(n_variants)]
        item -= spec.n_silence
        if item < spec.n_cuts:
            return self._cuts.variants(item, self._stage, n_variants)
        item -= spec.n_cuts
        takes = self._takes(self._halves.clip(item))
        return self._halves.variants(item, takes, self._stage, n_variants)

    def _of_clip(self, clip: Clip, n_variants: int) -> list[Waveform]:
        if self._spec.split is not Split.TRAINING:
            return [self._stage.recorded(self._read(clip), clip.key)]
        takes, n_samples = self._takes(clip), self._stage.layout.n_samples
        talk = self._babble.talk(clip, n_variants, self._spec.augment, n_samples)
        return [self._stage.vary(takes, clip.key, v, one) for v, one in enumerate(talk)]

    def _takes(self, clip: Clip) -> Takes:
        spec = self._spec
        return Takes(self._read(clip), spec.features.sample_rate_hz, spec.augment.speed_percent)

    def _read(self, clip: Clip) -> Waveform:
        return read_waveform(clip, self._spec.features)


def noise_heard(
    corpus: Corpus, augment: AugmentSection, split: Split | None, rate_hz: int, n_samples: int
) -> tuple[Waveform, ...]:
    """Returns the noise of a split: dealt where training makes scenes, else parted by time."""
    if makes_scenes(augment):
        return open_noise(corpus, split, rate_hz, n_samples)
    return noise_of(read_noise(corpus, rate_hz), n_samples, split)


def read_waveform(clip: Clip, features: FeaturesSection) -> NDArray[np.int16]:
    """Returns (n_samples,), int16: a clip at the rate and length that the front end takes."""
    return fit_length(read_clip(clip.path, features.sample_rate_hz), features.n_samples)


@dataclass(frozen=True)
class Unvaried:
    """How clips are heard that no store holds: as recorded, by themselves or after context.

    `noise` are recordings of at least `layout.n_samples`: of them are the rooms, and silence.
    """

    features: FeaturesSection
    augment: AugmentSection
    noise: Sequence[Waveform]
    seed: int = 0

    @property
    def layout(self) -> Layout:
        """Of what is heard; without context it is the clip."""
        return layout_of(self.features, self.augment.context_ms)

    def clip(self, clip: Clip) -> Waveform:
        """Returns (layout.n_samples,), int16: a clip."""
        samples = read_waveform(clip, self.features)
        return self._stage.recorded(samples, clip.key) if self.layout.n_context else samples

    def silence(self, number: int) -> Waveform:
        """Returns (layout.n_samples,), int16: a cut of silence, by its number from 0."""
        key = f"{self.seed}:{number}"
        if self.layout.n_context:
            return self._stage.silence(key, 0)
        return cut_silence(self.noise, key, 0, self.features.n_samples)

    @property
    def _stage(self) -> Stage:
        dry = self.augment.model_copy(update={"reverb_frequency": 0.0})  # no room is heard
        return set_stage(dry, self.layout, self.noise)


def hear_unvaried(corpus: Corpus, config: Config, split: Split | None, seed: int = 0) -> Unvaried:
    """Returns how clips of a corpus are heard.

    Args:
        corpus: Gives the noise.
        config: Front end, and what is heard before a clip.
        split: Whose noise is heard; None: all of it.
        seed: Of the cuts of silence.
    """
    features, augment = config.features, config.augment
    layout, rate = layout_of(features, augment.context_ms), features.sample_rate_hz
    noise = noise_heard(corpus, augment, split, rate, layout.n_samples)
    return Unvaried(features, augment, noise, seed)
