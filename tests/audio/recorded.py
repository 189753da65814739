"""Small folders of made-up clips, for what is found wrong with them."""

from pathlib import Path

import numpy as np
import soundfile

from sprd.audio.corpus import Index, look_into
from sprd.audio.finding import Finding
from sprd.audio.findings import find
from sprd.config.trial import DataSection, FeaturesSection

RATE_HZ = 16_000


def word(seed: int, seconds: float = 1.0, at_s: float = 0.3, level: float = 5000.0) -> np.ndarray:
    """A burst of noise of 0.3 s in a quiet room: another one for each seed."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 30, int(seconds * RATE_HZ))
    start = int(at_s * RATE_HZ)
    sound[start : start + 4800] += rng.normal(0, level, 4800)
    return np.clip(sound, -32768, 32767).astype(np.int16)


def write(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz)


def record(folder: Path, name: str, n: int = 12, seed: int = 0, **how: float) -> None:
    """Writes clips of a word, each by another speaker."""
    for i in range(n):
        path = folder / name / f"p{i:02d}_nohash_{seed}.wav"
        write(path, word(1000 * seed + hash_of(name) + i, **how))


def hash_of(name: str) -> int:
    """A number that is the same in every process."""
    return int.from_bytes(name.encode()[:4], "big") % 100_000 * 100


def section(**values: object) -> DataSection:
    """Keywords up and down; every speaker trains, so that splits are no topic."""
    return DataSection.model_validate({"keywords": ("up", "down"), **values})


def looked(folder: Path, **values: object) -> Index:
    return look_into(folder, section(**values))


def found(folder: Path, is_trained: bool = False, **values: object) -> dict[str, Finding]:
    """What is found in a folder, by name, but for the noise that none of these has."""
    index = looked(folder, **values)
    findings = find(index, section(**values), FeaturesSection(), is_trained)
    return {one.name: one for one in findings if one.name != "no_noise"}
