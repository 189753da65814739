"""Varied clips: within the bounds of the file, and the same on every machine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sprd.audio.augment import (
    N_TALKERS,
    NOISE_PARTS,
    Augmenter,
    Babble,
    cut_silence,
    noise_of,
)
from sprd.audio.split import Clip, Split
from sprd.config.trial import AugmentSection

RATE = 16_000
N = 1600
CLIP = np.arange(1, N + 1, dtype=np.int16)
NOISE = (np.full(4000, 10_000, np.int16), np.full(1600, -10_000, np.int16))


def section(**changes: Any) -> AugmentSection:
    """No augmentation but for the changes."""
    none = {"time_shift_ms": 0, "background_frequency": 0.0, "gain_db": 0.0}
    return AugmentSection(**{**none, **changes})


def many(
    augment: AugmentSection, noise: Any = NOISE, clip: NDArray[np.int16] = CLIP, n: int = 200
) -> NDArray[np.int16]:
    """(n, n_samples): variants of a clip."""
    return np.stack([Augmenter(augment, noise, RATE).vary(clip, "up/a", i) for i in range(n)])


def test_clip_that_nothing_varies_stays_as_it_is() -> None:
    """Bit for bit, from the quietest sample to the loudest."""
    loud = np.array([-32768, 32767, 0, 1, -1] * 320, np.int16)
    for clip in (CLIP, loud):
        np.testing.assert_array_equal(Augmenter(section(), (), RATE).vary(clip, "k", 0), clip)


@given(
    st.text(max_size=20),
    st.integers(0, 63),
    st.builds(
        AugmentSection,
        time_shift_ms=st.integers(0, 1000),
        background_frequency=st.floats(0, 1),
        background_volume=st.floats(0, 1),
        gain_db=st.floats(0, 30),
    ),
    st.sampled_from([(), NOISE]),
    st.integers(1, 3000),
)
@settings(max_examples=60)
def test_variant_is_a_pure_function_of_key_and_number(
    key: str, variant: int, augment: AugmentSection, noise: tuple[Any, ...], n_samples: int
) -> None:
    """Whatever the settings, clips shorter than the shift among them."""
    clip = np.resize(CLIP, n_samples)
    noise = noise_of(noise, n_samples, None)
    before = clip.copy()
    first = Augmenter(augment, noise, RATE).vary(clip, key, variant)
    again = Augmenter(augment, noise, RATE).vary(clip, key, variant)
    assert (first.shape, first.dtype) == ((n_samples,), np.int16)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(clip, before)


def test_variants_differ_by_key_and_number() -> None:
    """Each variant of each clip is one of its own."""
    augment = section(time_shift_ms=50, gain_db=6)
    pairs = [("a", 0), ("a", 1), ("b", 0)]
    varied = [Augmenter(augment, (), RATE).vary(CLIP, key, n) for key, n in pairs]
    assert len({v.tobytes() for v in varied}) == 3


def test_shift_moves_the_clip_either_way_and_fills_with_silence() -> None:
    """By up to the file's milliseconds, both ends reached."""
    shifts = set()
    for varied in many(section(time_shift_ms=2), n=400):
        position = int(np.flatnonzero(varied == CLIP[N // 2])[0])
        shift = position - N // 2
        expected = np.zeros_like(CLIP)
        if shift >= 0:
            expected[shift:] = CLIP[: N - shift]
        else:
            expected[:shift] = CLIP[-shift:]
        np.testing.assert_array_equal(varied, expected)
        shifts.add(shift)
    assert (min(shifts), max(shifts)) == (-32, 32)


@pytest.mark.parametrize("time_shift_ms", [99, 100, 101, 150, 1000])
def test_shift_beyond_the_clip_leaves_silence(time_shift_ms: int) -> None:
    """A clip of 100 ms moved out of its window."""
    varied = many(section(time_shift_ms=time_shift_ms), n=100)
    assert varied.shape == (100, N)
    assert np.isin(varied, [0, *CLIP]).all()


def test_gain_is_within_its_decibels_either_way() -> None:
    """Drawn evenly on the scale of loudness."""
    clip = np.full(N, 1000, np.int16)
    gains = many(section(gain_db=6), clip=clip)[:, 0] / 1000
    assert 10 ** (-6 / 20) - 1e-3 <= gains.min() < 0.55
    assert 1.9 < gains.max() <= 10 ** (6 / 20)
    assert 0.9 < np.median(gains) < 1.1


def test_loud_clip_is_clipped_not_wrapped() -> None:
    """30 dB more of a sample at full scale is full scale."""
    clip = np.array([32767, -32768] * (N // 2), np.int16)
    varied = many(section(gain_db=30), clip=clip).astype(int)
    assert varied[:, 0].max() == 32767
    assert varied[:, 1].min() == -32768
    assert (varied[:, 0] > 0).all()
    assert (varied[:, 1] < 0).all()


def test_share_of_clips_gets_noise_of_at_most_the_volume() -> None:
    """0.8 of them, as loud as 0.1 of full scale at most; recordings are drawn alike."""
    silent = np.zeros(N, np.int16)
    varied = many(section(background_frequency=0.8, background_volume=0.1), clip=silent, n=500)
    loudest = np.abs(varied.astype(int)).max(1)
    assert 0.74 <= (loudest > 0).mean() <= 0.86
    assert loudest.max() <= 0.1 * 10_000
    assert 0.4 < (varied[loudest > 0][:, 0] > 0).mean() < 0.6


def test_noise_is_added_to_the_clip() -> None:
    """Sample by sample, in one place of the recording."""
    ramp = (np.arange(8000) % 20_000).astype(np.int16)
    augment = section(background_frequency=1.0, background_volume=1.0)
    noisy = Augmenter(augment, (ramp,), RATE).vary(np.zeros(N, np.int16), "k", 3)
    steps = np.diff(noisy.astype(int))
    assert set(steps.tolist()) <= {0, 1}
    both = Augmenter(augment, (ramp,), RATE).vary(CLIP, "k", 3)
    assert np.abs(both.astype(int) - noisy - CLIP).max() <= 1


def test_without_noise_none_is_added() -> None:
    """However often it is asked for."""
    augment = section(background_frequency=1.0, background_volume=1.0)
    np.testing.assert_array_equal(Augmenter(augment, (), RATE).vary(CLIP, "k", 0), CLIP)


def test_splits_hear_other_parts_of_a_recording() -> None:
    """No noise of a test was trained on."""
    recording = np.arange(20_000, dtype=np.int16)
    parts = {split: noise_of([recording], 1000, split)[0] for split in Split}
    assert [len(parts[split]) for split in Split] == [14_000, 3000, 3000]
    whole = np.concatenate([parts[split] for split in Split])
    np.testing.assert_array_equal(whole, recording)
    assert set(NOISE_PARTS) == set(Split)


def test_noise_without_a_split_is_whole() -> None:
    """For scoring a folder of one's own."""
    np.testing.assert_array_equal(noise_of([CLIP], 100, None)[0], CLIP)


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([*Split, None]))
def test_part_of_any_recording_is_at_least_a_clip(
    length: int, n_samples: int, split: Split | None
) -> None:
    """A short one is repeated."""
    (part,) = noise_of([np.arange(length, dtype=np.int16)], n_samples, split)
    assert len(part) >= n_samples
    assert cut_silence([part], "k", 0, n_samples).shape == (n_samples,)


def test_silence_is_noise_at_any_volume() -> None:
    """From nothing to full; a pure function of key and number."""
    cuts = np.stack([cut_silence(NOISE[:1], f"{i}", 0, N) for i in range(300)])
    volumes = cuts[:, 0] / 10_000
    assert 0 <= volumes.min() < 0.05
    assert 0.95 < volumes.max() <= 1
    np.testing.assert_array_equal(cut_silence(NOISE, "a", 2, N), cut_silence(NOISE, "a", 2, N))
    assert len({cut_silence(NOISE, "a", i, N).tobytes() for i in range(8)}) == 8


def test_short_noise_is_for_training_alone() -> None:
    """Splits never share a sample of noise, however short a recording is."""
    short, long = np.arange(1, 3_000, dtype=np.int16), np.arange(10_000, 20_000, dtype=np.int16)
    heard = {split: noise_of([short, long], 1000, split) for split in Split}
    samples = {split: set(np.concatenate(parts).tolist()) for split, parts in heard.items()}
    assert samples[Split.TRAINING] >= set(short.tolist())
    assert not samples[Split.TRAINING] & samples[Split.TESTING]
    assert not samples[Split.TRAINING] & samples[Split.VALIDATION]
    assert not samples[Split.VALIDATION] & samples[Split.TESTING]


def clip_of(word: Any, speaker: Any) -> Clip:
    """A training clip; the waveform that `Babble` read for it tells which one it is."""
    return Clip(Path(), f"{word}/{speaker}", word, speaker, Split.TRAINING)


CLIPS = [clip_of(word, speaker) for word in ("up", "tree", "dog", "cat") for speaker in "abcd"]


def talkers(
    clips: list[Clip] | tuple[Any, ...] = CLIPS, keywords: tuple[str, ...] = ("up",)
) -> Babble:
    """Each clip has one level throughout: 100 for the first, 200 for the second, and so on."""
    return Babble(clips, keywords, lambda clip: np.full(N, 100 * (1 + CLIPS.index(clip)), np.int16))


def behind(
    clip: Clip, n: int = 300, augment: AugmentSection | None = None, **keys: Any
) -> list[np.ndarray | None]:
    """Who is heard behind n variants of a clip."""
    augment = augment or section(babble_frequency=1.0, babble_volume=1.0)
    return [talkers(**keys).behind(clip, variant, augment) for variant in range(n)]


def heard_with(clip: Clip) -> set[Clip]:
    """The clips that are read to be heard behind it."""
    found: set[Clip] = set()

    def read(other: Any) -> Any:
        found.add(other)
        return CLIP

    augment = section(babble_frequency=1.0)
    babble = Babble(CLIPS, ("up",), read)
    for variant in range(300):
        babble.behind(clip, variant, augment)
    return found


class TestBabble:
    """Others heard behind a clip: never a keyword, never the clip's own word or speaker."""

    @pytest.mark.parametrize("clip", [CLIPS[0], CLIPS[5]], ids=lambda clip: clip.key)
    def test_others_say_other_words(self, clip: Any) -> None:
        """All who may be heard are."""
        expected = {
            other
            for other in CLIPS
            if other.word not in ("up", clip.word) and other.speaker != clip.speaker
        }
        assert heard_with(clip) == expected

    @pytest.mark.parametrize(
        "keys", [{"clips": ()}, {"keywords": ("up", "tree", "dog", "cat")}, {"clips": CLIPS[4:5]}]
    )
    def test_where_nobody_fits_nobody_is_heard(self, keys: Any) -> None:
        """No clip, none but keywords, none but the same word by the same speaker."""
        assert behind(CLIPS[4], **keys) == [None] * 300

    def test_share_of_variants_has_a_talker_of_at_most_the_volume(self) -> None:
        """0.3 of them, at 0.2 of what was recorded at most."""
        found = behind(CLIPS[0], n=1000, augment=section(babble_frequency=0.3, babble_volume=0.2))
        heard = [one for one in found if one is not None]
        assert 0.26 <= len(heard) / 1000 <= 0.34
        loudest = max(float(one.max()) for one in heard)
        assert 0.1 * 1600 / 32768 < loudest <= 0.2 * 1600 / 32768
        assert all(one.dtype == np.float32 and one.shape == (N,) for one in heard)

    def test_talker_begins_earlier_or_later(self) -> None:
        """By up to half a clip, either way; the rest is silence."""
        found = [one for one in behind(CLIPS[0]) if one is not None]
        starts = {int(np.flatnonzero(one)[0]) for one in found if one[0] == 0}
        ends = {int(np.flatnonzero(one)[-1]) for one in found if one[-1] == 0}
        assert 0.4 * N < max(starts) <= N // 2
        assert N // 2 - 1 <= min(ends) < 0.6 * N

    def test_variant_is_a_pure_function_of_key_and_number(self) -> None:
        """Asked anew, or in another order."""
        augment = section(babble_frequency=0.5, babble_volume=1.0)
        first = [talkers().behind(CLIPS[0], variant, augment) for variant in range(40)]
        again = [talkers().behind(CLIPS[0], variant, augment) for variant in reversed(range(40))]
        for one, other in zip(first, reversed(again), strict=True):
            np.testing.assert_array_equal(one, other)
        assert len({one.tobytes() for one in first if one is not None}) > 10

    def test_talker_is_added_to_the_variant(self) -> None:
        """Which is otherwise what it is without."""
        augment = section(time_shift_ms=20, background_frequency=1.0)
        babble = np.full(N, 512 / 32768, np.float32)
        alone = Augmenter(augment, NOISE, RATE).vary(CLIP, "k", 3)
        both = Augmenter(augment, NOISE, RATE).vary(CLIP, "k", 3, babble)
        assert np.abs(both.astype(int) - alone - 512).max() <= 1


class TestTalk:
    """Others heard behind whole scenes: such words one after another."""

    def talk(self, n: int = 200, n_samples: int = 3 * N, **keys: Any) -> list[Any]:
        """Who talks behind n scenes of a clip."""
        augment = section(babble_frequency=0.5)
        return list(talkers(**keys).talk(CLIPS[4], n, augment, n_samples))

    def test_share_of_scenes_has_talkers_throughout(self) -> None:
        """From the first sample to the last, as loud as recorded, and never a keyword."""
        found = self.talk()
        heard = [one for one in found if one is not None]
        assert 0.4 < len(heard) / len(found) < 0.6
        assert all(one.dtype == np.float32 and one.shape == (3 * N,) for one in heard)
        levels = {float(level) for one in heard for level in np.unique(one)}
        said = {CLIPS[int(level / 100) - 1] for level in levels}
        assert 1 < len(said) <= N_TALKERS
        assert all(one.word in ("dog", "cat") and one.speaker != CLIPS[4].speaker for one in said)
        assert max(len(np.unique(one)) for one in heard) > 1

    def test_talkers_are_a_pure_function_of_key_and_number(self) -> None:
        """Whatever the length of the ladder; scenes differ."""
        few, many = self.talk(n=30), self.talk(n=60)
        for one, other in zip(few, many[:30], strict=True):
            np.testing.assert_array_equal(one, other)
        assert len({one.tobytes() for one in many if one is not None}) > 15

    @pytest.mark.parametrize("keys", [{"clips": ()}, {"keywords": ("up", "tree", "dog", "cat")}])
    def test_where_nobody_fits_nobody_talks(self, keys: Any) -> None:
        """No clip, none but keywords."""
        assert self.talk(n=40, **keys) == [None] * 40

    def test_long_scenes_hear_them_again(self) -> None:
        """However long the context is."""
        found = [one for one in self.talk(n_samples=40 * N, n=20) if one is not None]
        assert all(one.shape == (40 * N,) and one.all() for one in found)
