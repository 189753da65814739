"""Small folders of made-up running speech."""

from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 16_000


def say(folder: Path, name: str, seed: int = 0, seconds: float = 0.1) -> Path:
    """Writes a recording; another one for each seed."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE_HZ))
    soundfile.write(path, noise, RATE_HZ)
    return path


def library(folder: Path, n_readers: int = 12, said: str = "NOTHING OF NOTE") -> Path:
    """Writes a chapter of each reader, two recordings long, in LibriSpeech's form."""
    for reader in range(n_readers):
        chapter = folder / str(reader) / "7"
        lines = []
        for number in range(2):
            name = f"{reader}-7-{number:04d}"
            say(chapter, f"{name}.flac", seed=10 * reader + number)
            lines.append(f"{name} {said}\n")
        (chapter / f"{reader}-7.trans.txt").write_text("".join(lines))
    return folder
