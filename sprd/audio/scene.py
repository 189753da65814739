"""Clips in, scenes out: what a device heard up to the end of the window that its model looks at.

A scene is context, then the window of the model: the room before the word lets the front end
settle, as on a device that never stops listening. Every scene is a pure function of a key and a
variant's number, so that the same ladder of variants is made on every machine, in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from sprd.audio.augment import Waveform
from sprd.audio.background import Background, below
from sprd.audio.extent import Extent, active_rms, word_extent
from sprd.audio.rooms import in_room, make_rooms
from sprd.config.seeds import generator_of
from sprd.config.trial import AugmentSection, FeaturesSection

FORMAT = 3
"""Of the scenes: part of the name of every store that holds them."""

ROOM_DB = 30.0
"""How far below the word the room of a validation or test clip lies."""

QUIET_DB = (30.0, 80.0)
"""How far below the word the room lies in those training scenes that get no louder noise: from a
room that is heard to one in which 16 bits round most of it away."""

SILENCE_DBFS = (-85.0, -20.0)
"""RMS of the noise that is `_silence_`, drawn evenly."""

N_SPEEDS = 7
"""Speeds in which a clip is said: evenly from the slowest to the fastest, its own among them."""

_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Layout:
    """The parts of a scene, in samples: context, then the window."""

    sample_rate_hz: int
    n_context: int
    """Whole strides of the front end: its last frames are those of the window alone."""
    n_window: int
    n_seen: int
    """What the window's frames cover: all of it but for less than a stride at its end."""

    @property
    def n_samples(self) -> int:
        """Of the whole scene."""
        return self.n_context + self.n_window

    def anywhere(self, n_samples: int, where: float) -> int:
        """Returns where a sound of a length begins that is heard whole; `where` is 0 .. 1.

        All of it lies in what the frames of the window cover. If it is longer, it fills that.
        """
        return self.n_context + round(where * (self.n_seen - n_samples))


def layout_of(features: FeaturesSection, context_ms: int) -> Layout:
    """Returns the layout of scenes with at least so much context."""
    n_strides = -(-context_ms // features.window_stride_ms)
    n_seen = (features.n_frames - 1) * features.stride_samples + features.window_samples
    n_context = n_strides * features.stride_samples
    return Layout(features.sample_rate_hz, n_context, features.n_samples, n_seen)


def set_stage(augment: AugmentSection, layout: Layout, noise: Sequence[Waveform]) -> "Stage":
    """Returns a stage, with rooms if any clip is heard in one.

    Args:
        augment: How clips are varied.
        layout: Of the scenes.
        noise: Recordings, each at least a scene long, those of the split.
    """
    rooms = make_rooms(layout.sample_rate_hz) if augment.reverb_frequency else ()
    return Stage(augment, layout, Background(noise, layout.n_samples), rooms)


def makes_scenes(augment: AugmentSection) -> bool:
    """Tells whether training clips are heard in scenes; else they are varied as they always were.

    Any of the settings that came with scenes asks for them. Validation and test clips are heard
    in scenes where there is context, whatever else is set.
    """
    asked = (
        *(augment.context_ms, augment.speed_percent, augment.reverb_frequency),
        *(augment.speech_cuts, augment.partial_words),
    )
    return any(asked) or augment.placement == "window" or augment.snr_low_db is not None


class Takes:
    """One clip as it is said at several speeds; each is made when it is first asked for."""

    def __init__(self, samples: Waveform, sample_rate_hz: int, speed_percent: float) -> None:
        self._said = samples.astype(np.float32)
        self._word = word_extent(self._said, sample_rate_hz)
        self._speeds = 1 + np.linspace(-speed_percent, speed_percent, N_SPEEDS) / 100
        self._made: dict[float, NDArray[np.float32]] = {1.0: self._said}

    def at(self, number: int) -> tuple[NDArray[np.float32], Extent]:
        """Returns the clip at a speed by its number, 0 being the slowest, and its word."""
        speed, word = float(self._speeds[number]), self._word
        if speed not in self._made:
            self._made[speed] = soxr.resample(self._said, speed, 1.0, "MQ")
        start, stop = round(word.start / speed), round(word.stop / speed)
        return self._made[speed], Extent(start, min(stop, len(self._made[speed])), word.rms)


@dataclass(frozen=True)
class Stage:
    """Where the clips of one split are heard.

    `background` is that of the split; `rooms` are impulse responses, see `sprd.audio.rooms`.
    """

    augment: AugmentSection
    layout: Layout
    background: Background
    rooms: Sequence[NDArray[np.float32]]

    def vary(
        self, takes: Takes, key: str, variant: int, talk: NDArray[np.float32] | None = None
    ) -> Waveform:
        """Makes one variant of a training clip.

        With `placement = "window"` the word, from its onset to its end by energy, lies whole in
        what the frames of the window cover, every place as likely: while a word passes through the
        window of a device frame by frame, these are the moments at which all of it is heard. A
        word that is longer than the window fills it, any part as likely. With "shift" the clip
        lies where it was recorded, moved by up to `time_shift_ms`.

        Args:
            takes: The clip at its speeds.
            key: Name of the clip; decides, with `variant`, every random draw.
            variant: Number of the variant.
            talk: (n_samples,), at the scale of 16 bits: who talks behind it, if anybody.

        Returns:
            (n_samples,), int16.
        """
        rng = generator_of("scene", key, variant)
        said, word = takes.at(int(rng.integers(N_SPEEDS)))
        start = self._place(word, float(rng.random()))
        return self.heard(said, start, word.rms, rng, talk)

    def heard(
        self,
        said: NDArray[np.float32],
        start: int,
        rms: float,
        rng: np.random.Generator,
        talk: NDArray[np.float32] | None = None,
    ) -> Waveform:
        """Returns the scene in which something is said, (n_samples,), int16.

        A share of `background_frequency` gets noise at a ratio drawn evenly in decibels, measured
        against the loud frames of the word, and the noise over the whole scene; without a ratio at
        a volume. The others are said in a quiet room, see `QUIET_DB`. Who talks behind it has a
        ratio of his own. A share of `reverb_frequency` is said in a simulated room. At last all of
        it is made louder or softer by up to `gain_db`.

        Args:
            said: What is said, at the scale of 16 bits.
            start: Where its first sample lies in the scene; what does not fit is cut off.
            rms: How loud it is.
            rng: Decides every draw.
            talk: See `vary`.
        """
        augment = self.augment
        gain = 10.0 ** (rng.uniform(-augment.gain_db, augment.gain_db) / 20)
        is_far, place = rng.random() < augment.reverb_frequency, float(rng.random())
        if is_far:
            said, start = said[max(0, -start) :], max(0, start)
            room = self.rooms[int(place * len(self.rooms))]
            said = in_room(said[: self.layout.n_samples - start], room)
        scene = self._placed(said, start)
        self._add_noise(scene, rms, rng)
        if talk is not None:
            scene += talk * np.float32(self._talk_gain(talk, rms, float(rng.random())))
        scene *= np.float32(gain)
        return _to_int16(scene)

    def recorded(self, samples: Waveform, key: str) -> Waveform:
        """Returns a validation or test clip, as it was recorded, in a quiet room.

        Args:
            samples: (n_window,), int16: they fill the window.
            key: Name of the clip; decides which noise is its room.

        Returns:
            (n_samples,), int16.
        """
        rng = generator_of("room", key)
        scene = self._placed(samples, self.layout.n_context)
        rms = word_extent(samples, self.layout.sample_rate_hz).rms
        return _to_int16(scene + self.background.leveled(rng, below(rms, ROOM_DB)))

    def silence(self, key: str, variant: int) -> Waveform:
        """Returns noise alone, (n_samples,), int16; see `SILENCE_DBFS`."""
        rng = generator_of("silence", key, variant)
        level = below(_FULL_SCALE, -rng.uniform(*SILENCE_DBFS))
        return _to_int16(self.background.mixed(rng, level))

    def _place(self, word: Extent, where: float) -> int:
        """Returns the sample of the scene at which a clip begins; `where` is 0 .. 1."""
        layout, augment = self.layout, self.augment
        if augment.placement == "window":
            return layout.anywhere(word.n_samples, where) - word.start
        largest = augment.time_shift_ms * layout.sample_rate_hz // 1000
        return layout.n_context + round((2 * where - 1) * largest)

    def _placed(self, samples: NDArray[np.generic], start: int) -> NDArray[np.float32]:
        """(n_samples,), float32: a clip from a sample on, what does not fit cut off."""
        scene = np.zeros(self.layout.n_samples, np.float32)
        first, stop = max(start, 0), min(start + len(samples), len(scene))
        if first < stop:
            scene[first:stop] = samples[first - start : stop - start]
        return scene

    def _add_noise(self, scene: NDArray[np.float32], rms: float, rng: np.random.Generator) -> None:
        augment = self.augment
        is_noisy = rng.random() < augment.background_frequency
        place, quiet = float(rng.random()), rng.uniform(*QUIET_DB)
        ratio = self._ratio(place)
        if not is_noisy:
            scene += self.background.leveled(rng, below(rms, quiet))
        elif ratio is not None:
            scene += self.background.mixed(rng, below(rms, ratio))
        else:
            scene += self.background.cut(rng)[0] * np.float32(place * augment.background_volume)

    def _talk_gain(self, talk: NDArray[np.float32], rms: float, place: float) -> float:
        """Returns what a talker is multiplied by: for a ratio, else a volume."""
        ratio = self._ratio(place)
        if ratio is None:
            return place * self.augment.babble_volume
        return below(rms, ratio) / max(active_rms(talk, self.layout.sample_rate_hz), 1.0)

    def _ratio(self, place: float) -> float | None:
        """Returns the ratio that lies at a place of 0 .. 1 between its bounds, if it has any."""
        low, high = self.augment.snr_low_db, self.augment.snr_high_db
        return None if low is None or high is None else low + place * (high - low)


def _to_int16(samples: NDArray[np.float32]) -> Waveform:
    """Rounds samples, which are overwritten; louder ones are clipped."""
    np.clip(samples, -32768, 32767, out=samples)
    return np.rint(samples, out=samples).astype(np.int16)
