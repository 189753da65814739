"""A stream in, its features out: the front end's state goes on from its first sample to its last.

Kept once a stream and front end; frame i ends at sample `window + i * stride`.
"""

import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.build import n_cores, start_process
from sprd.audio.streams import Stream
from sprd.config.trial import FeaturesSection
from sprd.disk.cache import keep, kept_folder, read_kept
from sprd.disk.child import interrupts_held
from sprd.disk.process import Progress
from sprd.errors import SprdError

KIND = "stream_features"
"""Folder of the cache."""

FORMAT = 1
"""Part of every entry's name: raise it when the same settings give other numbers."""

WORTH_PROCESSES_H = 0.75
"""Hours of audio from which on processes pay: each takes seconds to load TensorFlow."""

_FILE = "features.npy"

_KILLED = (
    "features of streams: the processes that compute them must stay alive, but one was killed,"
    " perhaps for memory. Run the command again."
)

StreamFeatures = NDArray[np.uint16] | NDArray[np.float32]


def open_stream_features(stream: Stream, features: FeaturesSection) -> StreamFeatures:
    """Returns the features of a stream, computing them if they are not on this machine yet.

    Returns:
        (n_frames, n_channels), uint16 for `micro`, else float32; mapped from disk.

    Raises:
        OutputError: The cache cannot be written.
    """
    return read_kept(partial(_keep, stream, features), _open)


def n_missing(streams: Sequence[Stream], features: FeaturesSection) -> int:
    """Returns how many streams have no features yet on this machine."""
    return sum(not kept_folder(KIND, _name(stream, features)).exists() for stream in streams)


def make_stream_features(
    streams: Sequence[Stream], front_ends: Sequence[FeaturesSection], progress: Progress | None
) -> None:
    """Computes what is not on this machine yet, on all cores.

    Args:
        streams: To compute the features of.
        front_ends: For each of them.
        progress: Called with ("stream features", streams done, streams in all).

    Raises:
        SprdError: A process was killed.
        OutputError: The cache cannot be written.
    """
    jobs = {
        _name(stream, features): (stream, features)
        for features in front_ends
        for stream in streams
        if not kept_folder(KIND, _name(stream, features)).exists()
    }
    if not jobs:
        return
    hours = sum(stream.hours for stream, _ in jobs.values())
    n_processes = max(1, min(n_cores(), len(jobs), int(hours / WORTH_PROCESSES_H)))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, spawn, start_process) as pool:
        with interrupts_held():  # with the first job the processes start
            running = [pool.submit(_keep, *job) for job in jobs.values()]
        try:
            for n_done, job in enumerate(as_completed(running), 1):
                job.result()
                if progress:
                    progress("stream features", n_done, len(jobs))
        except BrokenProcessPool as error:
            raise SprdError(_KILLED) from error
        finally:
            for job in running:
                job.cancel()


def _keep(stream: Stream, features: FeaturesSection) -> Path:
    n_frames = len(stream.samples) // features.stride_samples
    n_bytes = 4 * n_frames * features.shape[1]
    return keep(KIND, _name(stream, features), n_bytes, partial(_write, stream, features))


def _write(stream: Stream, features: FeaturesSection, folder: Path) -> None:
    from sprd.audio.frontend import FrontEnd

    np.save(folder / _FILE, FrontEnd(features).compute_stream(_samples_of(stream)))


def _samples_of(stream: Stream) -> NDArray[np.int16]:
    """Reads samples past their map: pages of it that were touched count as memory as long as it."""
    samples = stream.samples
    if isinstance(samples, np.memmap) and samples.filename is not None:
        with suppress(FileNotFoundError):  # deleted from the cache: the map goes on
            return np.fromfile(samples.filename, "<i2")
    return np.array(samples)


def _open(folder: Path) -> StreamFeatures:
    found: StreamFeatures = np.load(folder / _FILE, mmap_mode="r")
    return found


def _name(stream: Stream, features: FeaturesSection) -> str:
    what = {"format": FORMAT, "stream": stream.key, "features": _front_end(features)}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _front_end(features: FeaturesSection) -> dict[str, object]:
    """Returns what the numbers of a frame depend on: not how many the model takes at once."""
    return features.model_dump(exclude={"clip_duration_ms"})
