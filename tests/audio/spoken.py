"""A small corpus of made-up clips, noise and running speech, for streams."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sprd.audio.corpus import Corpus
from sprd.audio.noises import NoiseRecording
from sprd.audio.running import Recording
from sprd.audio.split import Clip, Split
from sprd.config.trial import DataSection
from tests.audio.recorded import RATE_HZ, word, write

DATA = DataSection(keywords=("up", "down"))


def tone(seconds: float, level: float = 2000.0, seed: int = 0) -> np.ndarray:
    """Noise, (n,) int16, as loud all along."""
    samples = np.random.default_rng(seed).normal(0, level, int(seconds * RATE_HZ))
    return np.clip(samples, -32768, 32767).astype(np.int16)


def clip(folder: Path, name: str, speaker: str, split: Split = Split.VALIDATION) -> Clip:
    """Writes one clip of a word."""
    key = f"{name}/{speaker}_nohash_0.wav"
    write(folder / key, word(sum(key.encode())))
    return Clip(folder / key, key, name, speaker, split)


def recording(folder: Path, key: str, seconds: float, speaker: str | None = "reader") -> Recording:
    """Writes one recording of running speech."""
    write(folder / key, tone(seconds, seed=len(key)))
    return Recording(folder / key, key, speaker, Split.VALIDATION, seconds, None)


def noise(folder: Path, key: str, split: Split | None = Split.VALIDATION) -> NoiseRecording:
    """Writes one recording of noise of 5 s."""
    write(folder / key, tone(5.0, 500.0, seed=7))
    return NoiseRecording(folder / key, key, split, -36.3, 5.0)


def corpus(folder: Path, n_speakers: int = 3, fingerprint: str = "made") -> Corpus:
    """Speakers who say up, down and cat once each; two readers, a folder without, noise."""
    clips = [
        clip(folder, name, f"s{number}")
        for name in ("cat", "down", "up")
        for number in range(n_speakers)
    ]
    trained = clip(folder, "up", "other", Split.TRAINING)
    speech = (
        recording(folder, "talk/a-0.wav", 4.0, "a"),
        recording(folder, "talk/b-0.wav", 3.0, "b"),
        recording(folder, "talk/c.wav", 2.0, None),
    )
    noises = (noise(folder, "n/heard.wav"), noise(folder, "n/trained.wav", Split.TRAINING))
    return Corpus(
        clips=(*clips, trained),
        noise=tuple(one.path for one in noises),
        fingerprint=fingerprint,
        source="made up",
        is_synthetic=False,
        n_skipped=0,
        skipped=(),
        speech=speech,
        noises=noises,
    )


def corpus_of_all_splits(folder: Path) -> Corpus:
    """The same speakers and recordings under other names in each split."""
    of = corpus(folder)
    own = [one for one in of.clips if one.split is Split.VALIDATION]
    return replace(
        of,
        clips=tuple(
            replace(one, key=f"{split}/{one.key}", speaker=f"{split}{one.speaker}", split=split)
            for split in Split
            for one in own
        ),
        speech=tuple(
            replace(one, key=f"{split}/{one.key}", split=split)
            for split in Split
            for one in of.speech
        ),
        noises=tuple(
            replace(of.noises[0], key=f"{split}/{of.noises[0].key}", split=split) for split in Split
        ),
    )
