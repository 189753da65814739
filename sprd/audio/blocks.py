"""An audio file of any length in, its 16-bit mono samples out, a block at a time.

What takes minutes or hours is never held as a whole: the memory is the same for a recording of a
second and of a day. Knows nothing of words or splits; a clip is read as a whole by `clips.py`.
"""

import mmap
import os
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sprd.audio import media
from sprd.audio.clips import MAX_RATE_HZ, MIN_RATE_HZ, shown, to_int16, unread
from sprd.audio.headers import missing_bytes
from sprd.audio.sound import FULL_SCALE
from sprd.errors import DataError

BLOCK = 1 << 20
"""Samples of all channels that are decoded at once."""

N_LAST = 400
"""Samples that are read at the end of a file, to see whether it is all there."""

MAX_SAMPLES = 1 << 40
"""Of a channel; a header that names more names none."""


def read_blocks(path: Path, sample_rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """Reads an audio file as mono at the given rate, whatever its length.

    All blocks together are what `read_clip` gives: 16-bit mono files of that rate come back bit by
    bit; else channels are averaged and the sound is resampled (soxr, HQ).

    Args:
        path: A file of any rate, channel count and bit depth that libsndfile or FFmpeg reads.
        sample_rate_hz: Rate of the result.

    Yields:
        (n,) int16 with n > 0, at most about a million samples of the file each.

    Raises:
        DataError: The file is missing, empty, no audio, or damaged somewhere; what was read before
            the damage has been yielded.
    """
    resampler: soxr.ResampleStream | None = None
    with closing(_decoded(path)) as blocks:
        for block, rate_hz in blocks:
            if rate_hz == sample_rate_hz:
                yield block
                continue
            if resampler is None:
                resampler = soxr.ResampleStream(rate_hz, sample_rate_hz, 1, "float64", "HQ")
            resampled = to_int16(resampler.resample_chunk(block / FULL_SCALE))
            if len(resampled):
                yield resampled
    if resampler is not None:
        rest = to_int16(resampler.resample_chunk(np.zeros(0), last=True))
        if len(rest):
            yield rest


def length_of(path: Path) -> tuple[int, int] | str:
    """Tells how long an audio file is, from its header and its end: what lies between is not read.

    What FFmpeg reads is decoded as a whole, a block at a time: its headers tell no length to rely
    on.

    Returns:
        Samples of a channel and their rate in Hz, or the rule that the file breaks.

    Raises:
        OSError: It cannot be read.
    """
    if path.suffix.lower() in media.SUFFIXES:
        return _counted(path)
    with path.open("rb") as raw:
        if (n_bytes := os.fstat(raw.fileno()).st_size) == 0:
            return "must hold audio, got an empty file"
        with mmap.mmap(raw.fileno(), n_bytes, access=mmap.ACCESS_READ) as content:
            if (missing := missing_bytes(content)) > 0:
                return f"must hold all the sound its header names, got {missing:,} bytes less"
        try:
            with soundfile.SoundFile(raw) as file:
                return _length(file)
        except soundfile.LibsndfileError as error:
            raw.seek(0)
            return unread(raw.read(64), error)


def _length(file: soundfile.SoundFile) -> tuple[int, int] | str:
    """Reads the last samples: a file that was cut off has none where its header says so."""
    n_samples, rate_hz = file.frames, file.samplerate
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        return f"sample rate must be {MIN_RATE_HZ} .. {MAX_RATE_HZ} Hz, got {rate_hz}"
    if n_samples == 0:
        return "must hold sound, got no sample"
    if n_samples > MAX_SAMPLES:
        return "must tell its length in its header, got none"
    n_last, n_read = min(n_samples, N_LAST), 0
    with suppress(soundfile.LibsndfileError):
        file.seek(n_samples - n_last)
        n_read = len(file.read(n_last, "int16"))
    if n_read < n_last:
        return f"must hold the {n_samples:,} samples of its header, got less"
    return n_samples, rate_hz


def _counted(path: Path) -> tuple[int, int] | str:
    n_samples = rate_hz = 0
    with path.open("rb") as raw:
        for block in media.media_blocks(raw):
            if isinstance(block, str):
                return block
            n_samples, rate_hz = n_samples + len(block[0]), block[1]
    return n_samples, rate_hz


def _decoded(path: Path) -> Generator[tuple[NDArray[np.int16], int], None, None]:
    """Yields the samples of a file at its own rate, and that rate."""
    is_media = path.suffix.lower() in media.SUFFIXES
    n_samples = 0
    try:
        for block, rate_hz in _of_media(path) if is_media else _of_libsndfile(path):
            n_samples += len(block)
            yield block, rate_hz
    except OSError as error:
        raise _damaged(path, f"must be a readable file: {error.strerror or error}") from error
    if n_samples == 0:
        raise _damaged(path, "must hold sound, got no sample")


def _of_libsndfile(path: Path) -> Iterator[tuple[NDArray[np.int16], int]]:
    with path.open("rb") as raw:
        try:
            with soundfile.SoundFile(raw) as file:
                yield from _read(path, file)
        except soundfile.LibsndfileError as error:
            raw.seek(0)
            raise _damaged(path, unread(raw.read(64), error)) from error


def _read(path: Path, file: soundfile.SoundFile) -> Iterator[tuple[NDArray[np.int16], int]]:
    if not MIN_RATE_HZ <= file.samplerate <= MAX_RATE_HZ:
        told = f"{MIN_RATE_HZ} .. {MAX_RATE_HZ} Hz, got {file.samplerate}"
        raise _damaged(path, f"sample rate must be {told}")
    is_plain = file.channels == 1 and file.subtype == "PCM_16"
    size, dtype = max(1, BLOCK // file.channels), "int16" if is_plain else "float64"
    while len(block := file.read(size, dtype, always_2d=not is_plain)):
        wave = block if is_plain else block.mean(axis=1)
        if not np.isfinite(wave).all():
            raise _damaged(path, "samples must be finite, got NaN or infinity")
        yield (wave if is_plain else to_int16(wave)), file.samplerate


def _of_media(path: Path) -> Iterator[tuple[NDArray[np.int16], int]]:
    with path.open("rb") as raw:
        for block in media.media_blocks(raw):
            if isinstance(block, str):
                raise _damaged(path, block)
            yield to_int16(block[0]), block[1]


def _damaged(path: Path, rule: str) -> DataError:
    return DataError.at(shown(path), f"{rule}. Remove the file or record it again.")
