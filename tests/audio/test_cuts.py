"""Cuts of running speech and halves of keywords: what lies between words is no keyword."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from sprd.audio.cuts import HALF, N_SPEECH_WORDS, PartialWords, SpeechCuts
from sprd.audio.running import Recording
from sprd.audio.scene import Stage, Takes, layout_of, set_stage
from sprd.audio.split import Clip, Split
from sprd.config.trial import AugmentSection, FeaturesSection

RATE = 16_000
N_CONTEXT, N_SEEN = 16_000, 15_840
NOISE = (np.zeros(3 * RATE, np.int16),)


def stage(**changes: Any) -> Stage:
    """A second of context, no noise."""
    none = {"background_frequency": 0.0, "context_ms": 1000, "placement": "window"}
    augment = AugmentSection(**{**none, **changes})
    return set_stage(augment, layout_of(FeaturesSection(), augment.context_ms), NOISE)


def recordings(folder: Path, *seconds: int) -> list[Recording]:
    """Each a ramp: a sample tells where it lies, in steps of 4 samples."""
    found = []
    for number, length in enumerate(seconds):
        path = folder / f"{number}.wav"
        soundfile.write(path, (1000 + np.arange(length * RATE) // 8).astype(np.int16), RATE)
        speaker = None if number == 0 else f"reader {number}"
        found.append(Recording(path, path.name, speaker, Split.TRAINING, float(length), None))
    return found


class TestSpeechCuts:
    """A window of running speech, and what was said before it."""

    def test_items_lie_evenly_in_all_speech(self, tmp_path: Path) -> None:
        """A recording three times as long has three times as many; one without a reader its own."""
        cuts = SpeechCuts(recordings(tmp_path, 3, 9), 40)
        speakers = [cuts.name(item)[1] for item in range(40)]
        assert speakers.count("0.wav") == 10
        assert speakers.count("reader 1") == 30
        assert {cuts.name(item)[0] for item in range(40)} == {
            f"speech {number}" for number in range(N_SPEECH_WORDS)
        }

    def test_context_is_what_was_said_before(self, tmp_path: Path) -> None:
        """The scene is one piece of the recording; variants are pieces of their own."""
        cuts = SpeechCuts(recordings(tmp_path, 14), 1)
        scenes = cuts.variants(0, stage(), 12)
        starts = set()
        for scene in scenes:
            assert scene.shape == (2 * RATE,)
            heard = scene[np.flatnonzero(scene)].astype(int)
            assert len(heard) >= RATE
            assert set(np.diff(heard).tolist()) <= {0, 1}
            starts.add(int(scene[N_CONTEXT]))
        assert len(starts) == 12
        again = cuts.variants(0, stage(), 12)
        np.testing.assert_array_equal(np.stack(scenes), np.stack(again))

    def test_recording_shorter_than_a_window_is_heard(self, tmp_path: Path) -> None:
        """From the start of the window on."""
        folder = tmp_path
        (one,) = recordings(folder, 1)
        soundfile.write(one.path, np.full(RATE // 2, 5000, np.int16), RATE)
        (scene,) = SpeechCuts([one], 1).variants(0, stage(), 1)
        assert (scene[N_CONTEXT : N_CONTEXT + RATE // 2] == 5000).all()
        assert not scene[:N_CONTEXT].any()

    def test_pauses_are_passed_over(self, tmp_path: Path) -> None:
        """A window of silence would be named a word."""
        (one,) = recordings(tmp_path, 12)
        wave = np.zeros(12 * RATE, np.int16)
        wave[: 6 * RATE] = np.random.default_rng(0).integers(-5000, 5000, 6 * RATE)
        soundfile.write(one.path, wave, RATE)
        scenes = SpeechCuts([one], 1).variants(0, stage(), 60)
        silent = [not np.abs(scene[N_CONTEXT:].astype(int)).max() > 1000 for scene in scenes]
        assert np.mean(silent) < 0.15


def clip_of(word: str, number: int) -> Clip:
    """A training clip."""
    return Clip(Path(), f"{word}/{number}", word, f"s{number}", Split.TRAINING)


def tone(ms: int = 400) -> NDArray[np.int16]:
    """A second with a word in it: its first half is loud, its second half louder."""
    wave = np.zeros(RATE)
    n_samples = RATE * ms // 1000
    wave[4000 : 4000 + n_samples] = np.sin(np.arange(n_samples) * 0.5)
    wave[4000 : 4000 + n_samples // 2] *= 4000
    wave[4000 + n_samples // 2 : 4000 + n_samples] *= 8000
    return wave.astype(np.int16)


class TestPartialWords:
    """Halves of keywords, alone or cut by the edge of the window."""

    HALVES = PartialWords([clip_of(w, n) for w in ("up", "dog") for n in range(5)], ("up",))

    def test_every_clip_of_a_keyword_has_its_share(self) -> None:
        """Of no other word; items name their speakers."""
        clips = [self.HALVES.clip(item) for item in range(12)]
        assert {clip.word for clip in clips} == {"up"}
        counts = [clips.count(clip) for clip in set(clips)]
        assert (len(counts), min(counts), max(counts)) == (5, 2, 3)
        assert self.HALVES.name(3) == ("half of up", clips[3].speaker)

    def test_at_most_half_of_the_word_lies_in_the_window(self) -> None:
        """Its beginning or its end; alone, or with the rest before or after the window."""
        scenes = np.stack(self.HALVES.variants(0, Takes(tone(), RATE, 0.0), stage(), 200))
        loud = np.abs(scenes.astype(int)) > 500
        lengths = loud[:, N_CONTEXT : N_CONTEXT + N_SEEN].sum(1) / loud.sum(1).max()
        assert 0.8 * HALF[0] < lengths.min()
        assert lengths.max() < 1.1 * HALF[1]
        comes = loud[:, N_CONTEXT + N_SEEN - 8 : N_CONTEXT + N_SEEN].any(1) & loud[:, -100:].any(1)
        leaves = loud[:, N_CONTEXT - 8 : N_CONTEXT].any(1)
        assert 0.17 < comes.mean() < 0.33
        assert 0.17 < leaves.mean() < 0.33
        is_loud = (np.abs(scenes.astype(int)) > 5000).any(1)
        alone = ~comes & ~leaves
        assert 0.35 < is_loud[alone].mean() < 0.65

    def test_half_is_a_pure_function_of_its_number(self) -> None:
        """Made anew it is the same; variants and items differ."""
        takes = Takes(tone(), RATE, 10.0)
        first = self.HALVES.variants(0, takes, stage(speed_percent=10.0), 8)
        again = self.HALVES.variants(0, takes, stage(speed_percent=10.0), 8)
        np.testing.assert_array_equal(np.stack(first), np.stack(again))
        others = self.HALVES.variants(5, takes, stage(speed_percent=10.0), 8)
        assert len({one.tobytes() for one in (*first, *others)}) == 16
