"""Clips in, varied clips out: time shift, volume, background noise, other talkers.

Every variant is a pure function of the clip's key and the variant's number, so that the same
ladder of variants is made on every machine, in any order.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.audio.split import Clip, Split
from sprd.config.seeds import generator_of
from sprd.config.trial import AugmentSection

Waveform = NDArray[np.int16]

N_DRAWS = 64
"""Clips drawn in search of one that may be heard behind another."""

N_TALKERS = 4
"""Words that are heard behind the scenes of one clip: to read others for each would take longer
than all the rest."""

NOISE_PARTS = {
    Split.TRAINING: (0.0, 0.7),
    Split.VALIDATION: (0.7, 0.85),
    Split.TESTING: (0.85, 1.0),
}
"""Part of each noise recording that a split hears, so that no test noise was trained on."""


def noise_of(
    recordings: Sequence[Waveform], n_samples: int, split: Split | None
) -> tuple[Waveform, ...]:
    """Returns the part of each recording that belongs to a split (None: all), at least a clip.

    A recording too short to be shared out is for training alone, unless there is no other.
    """
    whole = [np.resize(one, max(len(one), n_samples)) for one in recordings]
    if split is None:
        return tuple(whole)
    low, high = NOISE_PARTS[split]
    smallest = min(end - start for start, end in NOISE_PARTS.values())
    long = [one for one in whole if int(len(one) * smallest) >= n_samples]
    parts = [one[int(len(one) * low) : int(len(one) * high)] for one in long]
    if split is Split.TRAINING:
        parts += [one for one in whole if int(len(one) * smallest) < n_samples]
    return tuple(parts or whole)


@dataclass(frozen=True)
class Augmenter:
    """What training clips are varied by; `noise` are recordings of at least a clip's length."""

    augment: AugmentSection
    noise: Sequence[Waveform]
    sample_rate_hz: int

    def vary(
        self,
        clip: Waveform,
        key: str,
        variant: int,
        babble: NDArray[np.float32] | None = None,
    ) -> Waveform:
        """Makes one variant of a clip.

        Args:
            clip: (n_samples,), int16.
            key: Name of the clip; decides, with `variant`, every random draw.
            variant: Number of the variant.
            babble: (n_samples,), float32, 1 being full scale: the talker behind it, if any.

        Returns:
            (n_samples,), int16.
        """
        augment = self.augment
        rng = generator_of("vary", key, variant)
        max_shift = augment.time_shift_ms * self.sample_rate_hz // 1000
        shift = int(rng.integers(-max_shift, max_shift + 1))
        gain = 10.0 ** (rng.uniform(-augment.gain_db, augment.gain_db) / 20)
        volume = rng.uniform(0, augment.background_volume)
        with_noise = bool(self.noise) and rng.random() < augment.background_frequency
        shifted = _shift(clip, shift) * np.float32(gain / 32768)
        if with_noise:
            shifted = shifted + _cut(rng, self.noise, len(clip)) * np.float32(volume / 32768)
        if babble is not None:
            shifted = shifted + babble
        return _to_int16(shifted)


class Babble:
    """Talkers to be heard behind other clips: of words that are no keyword.

    A keyword behind another word would be heard, rightly, by a model that is taught not to.
    """

    def __init__(
        self, clips: Sequence[Clip], keywords: Collection[str], read: Callable[[Clip], Waveform]
    ) -> None:
        self._clips = [clip for clip in clips if clip.word not in keywords]
        self._read = read

    def behind(
        self, clip: Clip, variant: int, augment: AugmentSection
    ) -> NDArray[np.float32] | None:
        """Returns the talker behind a variant of a clip, or None.

        Another word by another speaker, begun up to half a clip earlier or later. The draws are
        of a stream of their own, so that a clip is shifted and gets noise as it would without.

        Returns:
            (n_samples,), 1 being full scale, or None where nobody is heard or fits.
        """
        rng = generator_of("babble", clip.key, variant)
        volume = rng.uniform(0, augment.babble_volume)
        if rng.random() >= augment.babble_frequency:
            return None
        waveform = self._other(clip, rng)
        if waveform is None:
            return None
        half = len(waveform) // 2
        moved = _shift(waveform, int(rng.integers(-half, half + 1)))
        return moved * np.float32(volume / 32768)

    def talk(
        self, clip: Clip, n_variants: int, augment: AugmentSection, n_samples: int
    ) -> Iterator[NDArray[np.float32] | None]:
        """Yields who talks behind each scene of a clip, or None: such words one after another.

        The talkers of a clip are `N_TALKERS` others; each scene has them in an order of its own,
        begun in mid-word.

        Yields:
            (n_samples,), at the scale of 16 bits, as loud as recorded.
        """
        rngs = [generator_of("talk", clip.key, variant) for variant in range(n_variants)]
        is_heard = [rng.random() < augment.babble_frequency for rng in rngs]
        words = self._talkers(clip) if any(is_heard) else []
        for rng, heard in zip(rngs, is_heard, strict=True):
            if not heard or not words:
                yield None
                continue
            order = [words[i] for i in rng.permutation(len(words))]
            start = int(rng.integers(len(order[0])))
            yield np.resize(np.concatenate(order)[start:], n_samples).astype(np.float32)

    def _talkers(self, clip: Clip) -> list[Waveform]:
        rng = generator_of("talkers", clip.key)
        found = (self._other(clip, rng) for _ in range(N_TALKERS))
        return [word for word in found if word is not None]

    def _other(self, clip: Clip, rng: np.random.Generator) -> Waveform | None:
        """Returns another word by another speaker, or None where none is found."""
        if not self._clips:
            return None
        for index in rng.integers(len(self._clips), size=N_DRAWS):
            other = self._clips[index]
            if other.word != clip.word and other.speaker != clip.speaker:
                return self._read(other)
        return None


def cut_silence(noise: Sequence[Waveform], key: str, variant: int, n_samples: int) -> Waveform:
    """Cuts a `_silence_` clip from the noise; its volume is drawn from 0 to 1, as SPRD's is."""
    rng = generator_of("silence", key, variant)
    return _to_int16(_cut(rng, noise, n_samples) * np.float32(rng.uniform(0, 1) / 32768))


def _cut(rng: np.random.Generator, noise: Sequence[Waveform], n_samples: int) -> Waveform:
    recording = noise[int(rng.integers(len(noise)))]
    start = int(rng.integers(0, len(recording) - n_samples + 1))
    return recording[start : start + n_samples]


def _shift(clip: Waveform, shift: int) -> Waveform:
    shifted = np.zeros_like(clip)
    shift = max(-len(clip), min(shift, len(clip)))
    if shift >= 0:
        shifted[shift:] = clip[: len(clip) - shift]
    else:
        shifted[:shift] = clip[-shift:]
    return shifted


def _to_int16(samples: NDArray[np.float32]) -> Waveform:
    """Truncates like SPRD's trainer: `cast(clip(x, -1, 1) * 32768)`, the top sample being 32767."""
    return np.clip(np.clip(samples, -1, 1) * 32768, -32768, 32767).astype(np.int16)
