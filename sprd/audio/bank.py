"""Recordings of noise in, their samples mapped from one decoded copy a machine out.

Every process that mixes noise in reads the same pages: an hour of it takes 115 MB of disk, and the
memory of what is heard.
"""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from sprd.audio.augment import Waveform, noise_of
from sprd.audio.corpus import Corpus, read_noise
from sprd.audio.noises import NoiseRecording
from sprd.audio.running import read_recording
from sprd.audio.split import Split
from sprd.disk.atomic import unwritable
from sprd.disk.cache import keep, read_kept

KIND = "noises"
"""Folder of the cache."""

FORMAT = 1
"""Part of every copy's name: raise it when the same recordings are decoded to other samples."""

MAX_S = 3600
"""Of a longer recording the first hour is heard."""

SHORTEST_S = 1.0
"""A recording of which some split would hear less is for training alone."""

_N_THREADS = 4


def open_noise(
    corpus: Corpus, split: Split | None, sample_rate_hz: int, n_samples: int
) -> tuple[Waveform, ...]:
    """Returns the noise that a split hears: whole recordings, those that are dealt to it.

    Where it has none, see `noise_parts`.

    Args:
        corpus: Says which recordings there are, and whose they are.
        split: None: all of them.
        sample_rate_hz: Of the samples.
        n_samples: Recordings shorter than that are repeated.

    Returns:
        One (at least n_samples,), int16, for each recording; read-only.

    Raises:
        DataError: A recording cannot be read.
        OutputError: The cache cannot be written.
    """
    recordings, own = corpus.noises, noises_in(corpus, split)
    if not own:
        return noise_parts(corpus, split, sample_rate_hz, n_samples)
    found = read_kept(partial(_keep, corpus, sample_rate_hz), partial(_open, recordings))
    return tuple(
        samples if len(samples) >= n_samples else np.resize(samples, n_samples)
        for one, samples in zip(recordings, found, strict=True)
        if one in own
    )


def noises_in(corpus: Corpus, split: Split | None) -> tuple[NoiseRecording, ...]:
    """Returns the recordings that a split hears whole, and no other; None: all that are dealt."""
    dealt = (one for one in corpus.noises if one.split is not None)
    return tuple(one for one in dealt if split in (None, one.split))


def noise_parts(
    corpus: Corpus, split: Split | None, sample_rate_hz: int, n_samples: int
) -> tuple[Waveform, ...]:
    """Returns the noise of a split to which no recording is dealt; see `noise_of`.

    That is a part of each that was not dealt, however long the scenes are; where there is none, of
    noise that is made. Never of one that is dealt to another split, which hears all of it.
    """
    parted = tuple(one.path for one in corpus.noises if one.split is None)
    recordings = read_noise(replace(corpus, noise=parted), sample_rate_hz)
    parts = noise_of(recordings, int(SHORTEST_S * sample_rate_hz), split)
    return tuple(np.resize(one, max(len(one), n_samples)) for one in parts)


def _keep(corpus: Corpus, sample_rate_hz: int) -> Path:
    recordings = corpus.noises
    what = [FORMAT, corpus.fingerprint, sample_rate_hz, [one.key for one in recordings]]
    name = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
    n_bytes = sum(2 * sample_rate_hz * min(one.seconds, MAX_S) for one in recordings)
    return keep(KIND, name, int(n_bytes), partial(_decode, recordings, sample_rate_hz))


def _decode(recordings: Sequence[NoiseRecording], sample_rate_hz: int, folder: Path) -> None:
    """Decodes all recordings, some at a time: the decoder lets other threads run."""
    with ThreadPoolExecutor(_N_THREADS) as pool:
        numbers = range(len(recordings))
        list(pool.map(partial(_decode_one, sample_rate_hz, folder), numbers, recordings))


def _decode_one(sample_rate_hz: int, folder: Path, number: int, recording: NoiseRecording) -> None:
    """Writes the samples of a recording, as many as are heard."""
    path, left = _path(folder, number), MAX_S * sample_rate_hz
    with path.open("wb") as file:
        for block in read_recording(recording, sample_rate_hz):
            try:
                file.write(block[:left].tobytes())
            except OSError as error:
                raise unwritable(path, error) from error
            left -= len(block)
            if left <= 0:
                return


def _open(recordings: Sequence[NoiseRecording], folder: Path) -> list[Waveform]:
    paths = (_path(folder, number) for number in range(len(recordings)))
    return [np.memmap(path, np.int16, mode="r") for path in paths]


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number}.int16"
