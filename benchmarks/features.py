"""Times the feature store: clips a second against the bare op, cores, and many clips.

    python benchmarks/features.py --data DIR [--clips 10000,100000]

Clips are hard links to those of DIR under names of more speakers, all of them for training, one
unvaried variant. The bare op is TensorFlow's micro front end, called clip by clip on waveforms in
memory, one thread. Rates are taken between the first and the last chunk: processes take seconds to
start. Memory is the peak of this process and its children together (PSS). Linux.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sprd.audio import build
from sprd.audio.corpus import open_corpus
from sprd.audio.split import Split
from sprd.audio.store import make_stores, store_spec
from sprd.config.reader import load_sweep
from sprd.config.trial import AugmentSection, Config
from sprd.sweep.run import VOCABULARY

ROOT = Path(__file__).parents[1]

BARE = """
import os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op as op
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
from sprd.audio.clips import read_clip
from pathlib import Path
clips = [read_clip(path, 16000) for path in sorted(Path(sys.argv[1]).glob("[a-z]*/*.wav"))[:2000]]
clips = [tf.constant(np.resize(clip, 16000)) for clip in clips]
one = tf.function(lambda clip: op.audio_microfrontend(
    clip, sample_rate=16000, window_size=30, window_step=20, num_channels=40, out_type=tf.uint16))
one(clips[0])
since = time.perf_counter()
for clip in clips:
    one(clip)
print(len(clips) / (time.perf_counter() - since))
"""


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clips", default="10000,100000")
    args = parser.parse_args()
    few, many = (int(n) for n in args.clips.split(","))
    config = plain_config()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SPRD_CACHE"] = f"{folder}/cache"
        small = linked(args.data, Path(folder) / "few", few)
        done = subprocess.run(
            [sys.executable, "-c", BARE, str(args.data)], capture_output=True, text=True
        )
        bare = float(done.stdout)
        print(f"bare op: {bare:,.0f} clips a second")
        rates = {}
        for n in (1, build.n_cores()):
            with patch.object(build, "n_cores", return_value=n):
                rates[n] = built(config, small, f"{few:,} clips, {n} cores")["rate"]
            shutil.rmtree(f"{folder}/cache/features")
        cores = max(rates)
        print(f"{cores} cores: {rates[cores] / rates[1]:.2f} times one core")
        print(f"one core: {rates[1] / bare:.2f} times the bare op")
        fresh = linked(args.data, Path(folder) / "fresh", few)
        first = built(config, fresh, f"{few:,} clips")
        second = built(config, linked(args.data, Path(folder) / "many", many), f"{many:,} clips")
        for key in ("index", "again", "seconds", "bytes"):
            print(
                f"{key}: {second[key] / first[key]:.1f} times for {many / few:.1f} times the clips"
            )


def plain_config() -> Config:
    """Returns a configuration that trains on every clip as it is."""
    config = load_sweep(ROOT / "sweeps/up_down_nano33ble.toml", VOCABULARY).default
    data = config.data.model_copy(
        update={"validation_percentage": 1.0, "testing_percentage": 1.0, "split": "hash"}
    )
    augment = AugmentSection(n_variants=1, time_shift_ms=0, gain_db=0.0, background_frequency=0.0)
    return config.model_copy(update={"data": data, "augment": augment})


def linked(data: Path, folder: Path, n_clips: int) -> Path:
    """Fills a folder with links to the clips of another, again and again, by other speakers."""
    clips = sorted(path for path in data.glob("*/*.wav") if not path.parent.name.startswith("_"))
    shutil.copytree(data / "_background_noise_", folder / "_background_noise_")
    for number in range(n_clips):
        clip, again = clips[number % len(clips)], number // len(clips)
        copy = folder / clip.parent.name / f"{again:02}x{clip.name}"
        copy.parent.mkdir(exist_ok=True)
        try:
            os.link(clip, copy)
        except OSError:  # another file system
            shutil.copyfile(clip, copy)
    return folder


def built(config: Config, folder: Path, what: str) -> dict[str, float]:
    """Indexes a folder and makes its store; prints and returns the figures."""
    peak = Peak()
    since = time.perf_counter()
    corpus = open_corpus(config.data, (folder,))
    index = time.perf_counter() - since
    since = time.perf_counter()
    open_corpus(config.data, (folder,))
    again = time.perf_counter() - since
    moments: list[tuple[float, int]] = []

    def moved(_what: str, done: int, _total: int) -> None:
        moments.append((time.perf_counter(), done))

    since = time.perf_counter()
    (store,) = make_stores([store_spec(corpus, config, Split.TRAINING)], moved)
    seconds = time.perf_counter() - since
    (start, n_first), (end, n_last) = moments[0], moments[-1]
    rate = (n_last - n_first) / (end - start)
    n_bytes = sum(path.stat().st_size for path in store.iterdir())
    print(
        f"{what}: index {index:.1f} s, again {again:.2f} s; features {seconds:.1f} s,"
        f" {rate:,.0f} clips a second, {n_bytes / 1e6:,.0f} MB, peak memory {peak.end():,.0f} MB",
        flush=True,
    )
    found = {"rate": rate, "index": index, "again": again, "seconds": seconds}
    return {**found, "bytes": float(n_bytes)}


class Peak:
    """The most memory of this process and its children, looked at four times a second."""

    def __init__(self) -> None:
        self._peak, self._is_over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Returns megabytes."""
        self._is_over.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._is_over.wait(0.25):
            self._peak = max(self._peak, sum(map(pss_megabytes, family())))


def family() -> list[int]:
    """Returns this process and its children."""
    me = os.getpid()
    found: list[Any] = [me]
    for task in Path(f"/proc/{me}/task").iterdir():
        try:
            found += (task / "children").read_text().split()
        except OSError:
            continue
    return [int(pid) for pid in found]


def pss_megabytes(pid: int) -> float:
    """Returns the proportional memory of a process; 0 if it has gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    match = re.search(r"^Pss: *(\d+) kB", text, re.M)
    return int(match[1]) / 1000 if match else 0.0


if __name__ == "__main__":
    main()
