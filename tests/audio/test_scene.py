"""What a device heard up to the end of its window: words in rooms, the same on every machine."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sprd.audio.extent import word_extent
from sprd.audio.scene import (
    N_SPEEDS,
    QUIET_DB,
    ROOM_DB,
    SILENCE_DBFS,
    Stage,
    Takes,
    layout_of,
    makes_scenes,
    set_stage,
)
from sprd.config.trial import AugmentSection, FeaturesSection

RATE = 16_000
FEATURES = FeaturesSection()
N_CONTEXT, N_SEEN = 16_000, 15_840
RNG = np.random.default_rng(0)
NOISE = tuple((s * RNG.standard_normal(3 * RATE)).astype(np.int16) for s in (100, 1000, 3000))
WORD_MS = 300


def clip(ms: int = WORD_MS, start_ms: int = 350, level: float = 8000) -> NDArray[np.int16]:
    """A second in which a tone is the word."""
    wave = np.zeros(RATE)
    start, n_samples = RATE * start_ms // 1000, RATE * ms // 1000
    wave[start : start + n_samples] = level * np.sin(np.arange(n_samples) * 0.5)
    return wave.astype(np.int16)


def section(**changes: Any) -> AugmentSection:
    """A second of context and nothing else, but for the changes."""
    none = {"time_shift_ms": 0, "background_frequency": 0.0, "context_ms": 1000}
    return AugmentSection(**{**none, **changes})


def stage(noise: Any = NOISE, **changes: Any) -> Stage:
    """Of a section with changes."""
    augment = section(**changes)
    return set_stage(augment, layout_of(FEATURES, augment.context_ms), noise)


def scenes(samples: NDArray[np.int16], n: int = 200, **changes: Any) -> NDArray[np.float64]:
    """(n, n_samples): variants of a clip."""
    made = stage(**changes)
    takes = Takes(samples, RATE, made.augment.speed_percent)
    return np.stack([made.vary(takes, "up/a", v) for v in range(n)]).astype(np.float64)


def onsets(found: NDArray[np.float64]) -> NDArray[np.int64]:
    """First samples that are louder than any room here."""
    return (np.abs(found) > 3000).argmax(1)


def rms(samples: NDArray[Any]) -> float:
    """Of samples of any type."""
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float64)))))


def ratios(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decibels from the room, told by the first half of the context, to the word of `clip`."""
    word = word_extent(clip(), RATE).rms
    return np.array([20 * np.log10(word / rms(one[: N_CONTEXT // 2])) for one in found])


@pytest.mark.parametrize(
    ("features", "context_ms", "n_context", "n_seen"),
    [
        ({}, 1000, 16_000, 15_840),
        ({}, 1001, 16_320, 15_840),
        ({"window_stride_ms": 30}, 1000, 16_320, 15_840),
        ({"window_size_ms": 40, "window_stride_ms": 40}, 0, 0, 16_000),
    ],
)
def test_context_is_whole_strides(
    features: dict[str, Any], context_ms: int, n_context: int, n_seen: int
) -> None:
    """So that the last frames of a scene are those of its window, which may not see all of it."""
    settings = FeaturesSection(**features)
    layout = layout_of(settings, context_ms)
    assert (layout.n_context, layout.n_seen) == (n_context, n_seen)
    assert layout.n_samples == n_context + settings.n_samples
    n_frames = 1 + (layout.n_samples - settings.window_samples) // settings.stride_samples
    assert n_frames == settings.n_frames + n_context // settings.stride_samples


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"context_ms": 0}, False),
        ({"context_ms": 0, "gain_db": 6.0, "babble_frequency": 1.0}, False),
        ({"context_ms": 20}, True),
        ({"context_ms": 0, "placement": "window"}, True),
        ({"context_ms": 0, "speed_percent": 1.0}, True),
        ({"context_ms": 0, "reverb_frequency": 0.1}, True),
        ({"context_ms": 0, "snr_low_db": 0.0, "snr_high_db": 0.0}, True),
    ],
)
def test_any_new_setting_asks_for_scenes(changes: dict[str, Any], expected: bool) -> None:
    """Without one, clips are varied as they always were."""
    assert makes_scenes(section(**changes)) is expected


class TestPlacement:
    """Where in the window a word lies."""

    def test_whole_word_lies_anywhere_in_what_the_frames_cover(self) -> None:
        """Each place is as likely; the first and the last are reached."""
        found = onsets(scenes(clip(), n=600, placement="window")) - N_CONTEXT
        room = N_SEEN - RATE * WORD_MS // 1000
        assert -200 < found.min() < 0.02 * room
        assert 0.98 * room < found.max() <= room + 200
        shares = np.histogram(found, bins=4, range=(-200, room + 200))[0] / len(found)
        assert (abs(shares - 0.25) < 0.06).all()

    def test_place_in_the_clip_does_not_matter(self) -> None:
        """A word at the edge of its clip is as free as one in the middle."""
        first, last = (
            onsets(scenes(clip(start_ms=start), n=50, placement="window")) for start in (0, 690)
        )
        assert abs(first - last).max() <= 320

    def test_word_longer_than_the_window_fills_it(self) -> None:
        """Whatever part of it."""
        found = scenes(clip(ms=1000, start_ms=0), n=50, placement="window")[:, N_CONTEXT:]
        assert min(rms(one[-600:-160]) for one in found) > 4000
        assert min(rms(one[:440]) for one in found) > 4000

    def test_shift_moves_the_clip_from_where_it_was_recorded(self) -> None:
        """By up to the file's milliseconds, either way; into the context too."""
        found = onsets(scenes(clip(start_ms=0), time_shift_ms=50)) - N_CONTEXT
        assert -801 <= found.min() < -700
        assert 700 < found.max() <= 802
        still = onsets(scenes(clip(start_ms=0), n=20)) - N_CONTEXT
        assert set(still.tolist()) == {still[0]}


class TestNoise:
    """Noise lies below the word by a ratio, and under all of the scene."""

    def test_ratio_is_drawn_between_its_bounds(self) -> None:
        """However loud the recording is; evenly in decibels."""
        drawn = ratios(scenes(clip(), background_frequency=1.0, snr_low_db=0.0, snr_high_db=20.0))
        assert -1 < drawn.min() < 1.5
        assert 18.5 < drawn.max() < 21
        assert 8.5 < drawn.mean() < 11.5

    def test_others_are_said_in_a_quiet_room(self) -> None:
        """The share of `background_frequency` gets noise, the rest 30 dB or more below the word."""
        changes: dict[str, Any] = {"snr_low_db": 5.0, "snr_high_db": 5.0}
        drawn = ratios(scenes(clip(), n=500, background_frequency=0.7, **changes))
        assert 0.64 < (drawn < 10).mean() < 0.76
        quiet = drawn[drawn > 10]
        low, high = QUIET_DB
        assert low - 1 < quiet.min() < low + 3
        assert high - 25 < quiet.max()

    def test_noise_lies_under_the_word_too(self) -> None:
        """It is added, sample by sample, to a scene that is the same without."""
        settings: dict[str, Any] = {"placement": "window", "background_frequency": 1.0}
        loud = scenes(clip(), n=8, snr_low_db=0.0, snr_high_db=0.0, **settings)
        soft = scenes(clip(), n=8, snr_low_db=60.0, snr_high_db=60.0, **settings)
        for one in loud - soft:
            assert rms(one[N_CONTEXT:]) == pytest.approx(rms(one[:N_CONTEXT]), rel=0.05)

    def test_without_a_ratio_noise_has_a_volume(self) -> None:
        """As loud as `background_volume` of the recording, at most."""
        found = scenes(clip(), noise=NOISE[2:], background_frequency=1.0, background_volume=0.5)
        drawn = np.array([rms(one[: N_CONTEXT // 2]) for one in found]) / 3000
        assert drawn.min() < 0.05
        assert 0.45 < drawn.max() < 0.52

    def test_level_moves_word_and_noise_together(self) -> None:
        """By up to `gain_db`, and the ratio stays."""
        noisy: dict[str, Any] = {"background_frequency": 1.0, "snr_low_db": 9.0, "snr_high_db": 9.0}
        plain, moved = (
            scenes(clip(level=2000), **noisy),
            scenes(clip(level=2000), gain_db=9.0, **noisy),
        )
        gains = [20 * np.log10(rms(m) / rms(p)) for p, m in zip(plain, moved, strict=True)]
        assert -9.1 < min(gains) < -7.5
        assert 7.5 < max(gains) < 9.1
        np.testing.assert_allclose(moved[0] / rms(moved[0]), plain[0] / rms(plain[0]), atol=0.01)


class TestTalk:
    """Who talks behind a word: at a ratio too, or at a volume where there is none."""

    TALK = (500 * np.sin(np.arange(2 * RATE) * 0.3)).astype(np.float32)

    def talk(self, n: int = 100, **changes: Any) -> NDArray[np.float64]:
        """Levels of what is added to variants of a silent clip's scene."""
        made = stage(noise=NOISE[:1], background_frequency=0.0, **changes)
        takes = Takes(clip(), RATE, 0.0)
        pairs = [
            [made.vary(takes, "up/a", v, talk).astype(np.float64) for talk in (self.TALK, None)]
            for v in range(n)
        ]
        return np.array([rms(both - alone) for both, alone in pairs])

    def test_ratio_is_that_of_noise(self) -> None:
        """Drawn on its own, however loud the talker was recorded."""
        levels = self.talk(snr_low_db=0.0, snr_high_db=20.0)
        below = 20 * np.log10(word_extent(clip(), RATE).rms / levels)
        assert -0.5 < below.min() < 2
        assert 18 < below.max() < 20.5

    def test_without_a_ratio_there_is_a_volume(self) -> None:
        """Up to `babble_volume` of what was recorded."""
        levels = self.talk(babble_volume=0.5) / rms(self.TALK)
        assert levels.min() < 0.1
        assert 0.42 < levels.max() < 0.52


class TestRooms:
    """A share of the variants is said in a simulated room."""

    def test_share_of_variants_has_reverberation(self) -> None:
        """Sound goes on where the dry word has ended; where it begins does not change."""
        found = scenes(clip(), n=300, reverb_frequency=0.4)
        after = np.array([rms(one[N_CONTEXT + 10_500 : N_CONTEXT + 11_500]) for one in found])
        dry = np.array([rms(one[N_CONTEXT - 1000 : N_CONTEXT]) for one in found])
        assert 0.33 < (after > 2 * dry).mean() < 0.47
        assert np.ptp(onsets(found)) < 20

    def test_other_draws_are_the_same_without(self) -> None:
        """What is compared differs in the rooms alone."""
        settings: dict[str, Any] = {"placement": "window", "gain_db": 6.0}
        dry = scenes(clip(), n=40, **settings)
        far = scenes(clip(), n=40, reverb_frequency=0.5, **settings)
        same = (dry == far).all(1)
        assert 10 < same.sum() < 30
        np.testing.assert_allclose(onsets(dry), onsets(far), atol=60)


class TestTakes:
    """One clip at several speeds."""

    def test_its_own_speed_leaves_it_as_it_is(self) -> None:
        """The middle one; all are its own where speed is not varied."""
        np.testing.assert_array_equal(Takes(clip(), RATE, 20.0).at(N_SPEEDS // 2)[0], clip())
        for number in range(N_SPEEDS):
            np.testing.assert_array_equal(Takes(clip(), RATE, 0.0).at(number)[0], clip())

    @pytest.mark.parametrize(("number", "speed"), [(0, 0.8), (1, 0.8667), (N_SPEEDS - 1, 1.2)])
    def test_faster_words_are_shorter(self, number: int, speed: float) -> None:
        """And as loud as before."""
        said, word = Takes(clip(), RATE, 20.0).at(number)
        assert len(said) == pytest.approx(RATE / speed, abs=2)
        assert word.n_samples / RATE == pytest.approx(WORD_MS / 1000 / speed, abs=0.045)
        assert word.rms == pytest.approx(word_extent(clip(), RATE).rms, rel=0.05)

    def test_all_speeds_occur_in_scenes(self) -> None:
        """Each as often as another."""
        found = scenes(clip(), n=300, speed_percent=30.0)
        lengths = [np.count_nonzero(np.abs(one) > 6000) for one in found]
        assert min(lengths) * 1.7 < max(lengths)
        assert len({round(length / 50) for length in lengths}) >= N_SPEEDS


class TestStage:
    """Scenes of validation and test, silence, and what holds for all of them."""

    def test_recorded_clip_lies_in_the_window_in_a_quiet_room(self) -> None:
        """The same each time, whatever is set for training."""
        settings: dict[str, Any] = {"gain_db": 9.0, "placement": "window", "speed_percent": 20.0}
        found = stage(**settings).recorded(clip(), "up/a")
        assert found.dtype == np.int16
        np.testing.assert_array_equal(found, stage().recorded(clip(), "up/a"))
        assert (found != stage().recorded(clip(), "up/b")).any()
        word = word_extent(clip(), RATE).rms
        assert 20 * np.log10(word / rms(found[:N_CONTEXT])) == pytest.approx(ROOM_DB, abs=0.5)
        assert np.abs(found[N_CONTEXT:] - clip().astype(int)).max() < 5 * word / 10**1.5

    def test_silence_is_noise_of_many_levels(self) -> None:
        """Evenly in decibels, whatever the level of the recordings."""
        levels = [20 * np.log10(rms(stage().silence("k", v)) / 32768) for v in range(200)]
        low, high = SILENCE_DBFS
        assert low - 1.5 < min(levels) < low + 4
        assert high - 4 < max(levels) < high + 1
        assert (low + high) / 2 - 5 < np.mean(levels) < (low + high) / 2 + 5

    def test_variant_is_a_pure_function_of_key_and_number(self) -> None:
        """In any order, by any stage; others differ."""
        settings: dict[str, Any] = {
            "placement": "window",
            "speed_percent": 10.0,
            "gain_db": 6.0,
            "background_frequency": 0.5,
            "snr_low_db": 0.0,
            "snr_high_db": 30.0,
        }
        made = scenes(clip(), n=20, **settings)
        one = stage(**settings)
        again = [one.vary(Takes(clip(), RATE, 10.0), "up/a", v) for v in reversed(range(20))]
        np.testing.assert_array_equal(made, np.stack(again[::-1]))
        assert len({variant.tobytes() for variant in made}) == 20
        assert (one.vary(Takes(clip(), RATE, 10.0), "up/b", 0) != made[0]).any()

    @pytest.mark.parametrize("level", [0, 1, 32767])
    def test_loudest_and_silent_clips_have_scenes(self, level: int) -> None:
        """Clipped, not wrapped; a silent word in a silent room."""
        wave = np.full(RATE, level, np.int16)
        silent = (np.zeros(3 * RATE, np.int16),)
        for noise in (NOISE, silent):
            found = scenes(wave, n=5, noise=noise, gain_db=30.0, placement="window")
            assert np.abs(found).max() <= 32768
            assert (found[:, N_CONTEXT + 8000] >= 0).all() or level < 2
            assert stage(noise=noise).silence("k", 0).shape == (2 * RATE,)
