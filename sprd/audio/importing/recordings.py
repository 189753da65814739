"""A recording of any length in, a mono waveform out, in little more memory than that takes."""

import hashlib
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sprd.audio import media
from sprd.audio.clips import MAX_RATE_HZ, MIN_RATE_HZ, decode, shown, to_int16, unread
from sprd.audio.headers import missing_bytes
from sprd.errors import DataError

MAX_HOURS = 12
"""Of one recording: what is longer is no session of a person saying words."""

_BLOCK = 1 << 20
_ADVICE = "Remove the file or record it again."


@dataclass(frozen=True)
class Recording:
    """A mono waveform, (n_samples,) int16, at `rate_hz`; the file has `file_rate_hz`."""

    samples: NDArray[np.int16]
    rate_hz: int
    file_rate_hz: int

    @property
    def duration_s(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate_hz


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_recording(path: Path, max_rate_hz: int) -> Recording:
    """Reads a recording: channels are averaged, a higher rate is brought down (soxr, HQ).

    A lower rate stays: what was never recorded cannot be made.

    Raises:
        DataError: The file is missing, empty, truncated, too long or no audio.
    """
    if path.suffix.lower() in media.SUFFIXES:
        wave, rate_hz = decode(path)
        return _brought_down(iter(_parts(wave)), rate_hz, max_rate_hz)
    _check_length(path)
    try:
        with soundfile.SoundFile(path) as file:
            where = shown(path)
            if not MIN_RATE_HZ <= file.samplerate <= MAX_RATE_HZ:
                rule = f"sample rate must be {MIN_RATE_HZ} .. {MAX_RATE_HZ} Hz"
                raise DataError.at(where, f"{rule}, got {file.samplerate}. {_ADVICE}")
            if not 0 < file.frames <= MAX_HOURS * 3600 * file.samplerate:
                rule = f"must hold sound of at most {MAX_HOURS} hours"
                raise DataError.at(where, f"{rule}, got {file.frames:,} samples. {_ADVICE}")
            return _brought_down(_blocks(file, where), file.samplerate, max_rate_hz)
    except soundfile.LibsndfileError as error:
        with path.open("rb") as content:
            rule = unread(content.read(64), error)
        raise DataError.at(shown(path), f"{rule}. {_ADVICE}") from error


def _check_length(path: Path) -> None:
    """Checks that a file is as long as its header says: libsndfile reads others without a word."""
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise DataError.at(shown(path), f"must hold audio, got an empty file. {_ADVICE}")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                missing = missing_bytes(cast("bytes", mapped))
    except OSError as error:
        raise _unreadable(path, error) from error
    if missing > 0:
        rule = f"must hold all the sound its header names, got {missing:,} bytes less"
        raise DataError.at(shown(path), f"{rule}. {_ADVICE}")


def _parts(wave: NDArray[np.int16]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(wave), _BLOCK):
        yield wave[start : start + _BLOCK].astype(np.float32) / np.float32(32768)


def _blocks(file: soundfile.SoundFile, where: str) -> Iterator[NDArray[np.float32]]:
    """Yields a file's sound in blocks, channels averaged."""
    n_read = 0
    for block in file.blocks(max(1, _BLOCK // file.channels), dtype="float32", always_2d=True):
        wave: NDArray[np.float32] = np.asarray(block.mean(axis=1), np.float32)
        if not np.isfinite(wave).all():
            raise DataError.at(where, f"samples must be finite, got NaN or infinity. {_ADVICE}")
        n_read += len(wave)
        yield wave
    if n_read < file.frames:
        rule = f"must hold the {file.frames:,} samples of its header, got {n_read:,}"
        raise DataError.at(where, f"{rule}. {_ADVICE}")


def _brought_down(
    blocks: Iterator[NDArray[np.float32]], rate_hz: int, max_rate_hz: int
) -> Recording:
    if rate_hz <= max_rate_hz:
        samples = np.concatenate([to_int16(block) for block in blocks])
        return Recording(samples, rate_hz, rate_hz)
    stream = soxr.ResampleStream(rate_hz, max_rate_hz, 1, dtype="float32", quality="HQ")
    parts = [to_int16(stream.resample_chunk(block)) for block in blocks]
    parts.append(to_int16(stream.resample_chunk(np.zeros(0, np.float32), last=True)))
    return Recording(np.concatenate(parts), max_rate_hz, rate_hz)


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError.at(
        shown(path),
        f"must be a readable file: {error.strerror or error}. Check the path and its permissions.",
    )
