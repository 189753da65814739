"""Times looking at many clips, cold and warm, beside another checkout of sprd.

    git worktree add /tmp/before 8c5f83d
    python benchmarks/index_clips.py --other /tmp/before [--clips 100000] [--rounds 3]

Clips are WAV files of one second, 16 kHz, 16 bit, each another noise, 1,000 a word. Cold: every
file is read and none is known; the system has them in memory. Warm: all are known. Each look is a
process of its own with an own cache, import left out; the two checkouts take turns, and the fastest
round of each counts. This checkout is timed with its findings, too: what `sprd data check` and a
training do more than the other's index.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).parents[1]
CLIPS_A_WORD = 1000

LOOK = """
import sys, time
from pathlib import Path
from sprd.config.trial import DataSection, FeaturesSection
try:
    from sprd.audio.corpus import look_into
except ImportError:
    from sprd.audio.corpus import index_folder as look_into
data = DataSection(keywords=("w000",))
since = time.perf_counter()
look_into(Path(sys.argv[1]), data)
print(time.perf_counter() - since)
"""

FIND = """
import sys, time
from pathlib import Path
from sprd.config.trial import DataSection, FeaturesSection
from sprd.audio.corpus import look_into
from sprd.audio.findings import find
data = DataSection(keywords=("w000",))
since = time.perf_counter()
find(look_into(Path(sys.argv[1]), data), data, FeaturesSection(), is_trained=False)
print(time.perf_counter() - since)
"""


def main() -> None:
    """Prints the seconds of each look and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    looks = {"other": (args.other, LOOK), "index": (ROOT, LOOK), "findings": (ROOT, FIND)}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_clips(folder / "clips", args.clips)
        seconds: dict[tuple[str, str], list[float]] = {}
        for _ in range(args.rounds):
            for name, (checkout, code) in looks.items():
                shutil.rmtree(folder / "cache", ignore_errors=True)
                for state in ("cold", "warm"):
                    took = look(checkout, code, folder)
                    seconds.setdefault((name, state), []).append(took)
    for (name, state), rounds in seconds.items():
        ratio = min(rounds) / min(seconds["other", state])
        told = ", ".join(f"{one:.2f}" for one in rounds)
        print(f"{args.clips:,} clips, {state}, {name}: {told} s, {ratio:.2f} times the other")


def write_clips(folder: Path, n_clips: int) -> None:
    """Writes clips that are old enough to be known the next time."""
    rng = np.random.default_rng(0)
    for number in range(n_clips):
        word = folder / f"w{number // CLIPS_A_WORD:03d}"
        word.mkdir(parents=True, exist_ok=True)
        path = word / f"p{number % 500:03d}_nohash_{number}.wav"
        samples = rng.integers(-3000, 3000, 16_000, np.int16)
        soundfile.write(path, samples, 16_000, "PCM_16")
        os.utime(path, (1_600_000_000, 1_600_000_000))


def look(checkout: Path, code: str, folder: Path) -> float:
    """Returns the seconds that a checkout takes for the clips."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(folder / "clips")],
        env={**os.environ, "PYTHONPATH": str(checkout), "SPRD_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


if __name__ == "__main__":
    main()
