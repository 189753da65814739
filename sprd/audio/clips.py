"""Audio files in, 16-bit mono waveforms out. Knows nothing of words, speakers or splits."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sprd.errors import DataError

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff")
"""Files of other suffixes are no clips."""

MAX_FILE_BYTES = 512_000_000
"""Larger files are refused: a mistake in a folder must not fill the memory."""

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000
"""Sample rates outside are damaged headers, not audio."""

_FULL_SCALE = 32768.0
_STREAMED = (0, 0xFFFFFFFF)
"""Sizes that a writer to a pipe leaves in a WAV header: the sound goes on to the end of the file.

Source: ffmpeg and sox, when they cannot seek back.
"""


def read_clip(path: Path, sample_rate_hz: int) -> NDArray[np.int16]:
    """Reads an audio file as mono at the given rate.

    16-bit mono files of that rate come back bit by bit; else channels are averaged and the
    sound is resampled (soxr, HQ).

    Args:
        path: A file of any rate, channel count and bit depth that libsndfile reads.
        sample_rate_hz: Rate of the result.

    Returns:
        (n_samples,), int16.

    Raises:
        DataError: The file is missing, empty, truncated or no audio.
    """
    samples, rate = decode(path)
    if rate == sample_rate_hz:
        return samples
    resampled = soxr.resample(samples / _FULL_SCALE, rate, sample_rate_hz, "HQ")
    return to_int16(resampled)


def decode(path: Path) -> tuple[NDArray[np.int16], int]:
    """Reads an audio file as mono at its own rate.

    Returns:
        (n_samples,), int16, and the rate in Hz.

    Raises:
        DataError: The file is missing, empty, truncated or no audio.
    """
    content = read_content(path)
    problem = problem_of(content)
    if problem is not None:
        raise DataError.at(shown(path), f"{problem}. Remove the file or record it again.")
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        if file.channels == 1 and file.subtype == "PCM_16":
            samples: NDArray[np.int16] = file.read(dtype="int16")
            return samples, file.samplerate
        wave: NDArray[np.float64] = file.read(dtype="float64", always_2d=True).mean(axis=1)
        if not np.isfinite(wave).all():
            raise DataError.at(
                shown(path),
                "samples must be finite, got NaN or infinity. Remove the file or record it again.",
            )
        return to_int16(wave), file.samplerate


def fit_length(samples: NDArray[np.int16], n_samples: int) -> NDArray[np.int16]:
    """Cuts the end off, or pads it with zeros.

    Source: `decode_wav(desired_samples)` of TensorFlow, as SPRD's trainer calls it.

    Args:
        samples: (any,), int16.
        n_samples: Length of the result.

    Returns:
        (n_samples,), int16.
    """
    missing = n_samples - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples[:n_samples]


def to_int16(wave: NDArray[np.floating]) -> NDArray[np.int16]:
    """Rounds samples of -1 .. 1 to 16 bits; louder ones are clipped, not wrapped."""
    rounded: NDArray[np.int16] = np.clip(np.rint(wave * _FULL_SCALE), -32768, 32767).astype(
        np.int16
    )
    return rounded


def read_content(path: Path) -> bytes:
    """Reads the bytes of a file.

    Raises:
        DataError: It cannot be read, or is larger than any clip.
    """
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_FILE_BYTES:
            raise DataError.at(
                shown(path),
                f"must have at most {MAX_FILE_BYTES:,} bytes, got {n_bytes:,}. Cut it into clips.",
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError.at(
            shown(path),
            f"must be a readable file: {error.strerror or error}."
            " Check the path and its permissions.",
        ) from error


def problem_of(content: bytes) -> str | None:
    """Returns the rule that the bytes of an audio file break, or None.

    libsndfile reads truncated files without a word, so lengths are checked here. Uncompressed
    formats are judged by their header; compressed ones, which are small, are decoded.
    """
    if not content:
        return "must hold audio, got an empty file"
    if (missing := _missing_bytes(content)) > 0:
        return f"must hold all the sound its header names, got {missing:,} bytes less"
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.frames == 0:
                return "must hold sound, got no sample"
            if not MIN_RATE_HZ <= file.samplerate <= MAX_RATE_HZ:
                return (
                    f"sample rate must be {MIN_RATE_HZ} .. {MAX_RATE_HZ} Hz, got {file.samplerate}"
                )
            if content[:4] in (b"RIFF", b"FORM"):
                return None
            n_read = len(file.read(dtype="int16", always_2d=True))
            if n_read < file.frames:
                return f"must hold the {file.frames:,} samples of its header, got {n_read:,}"
    except soundfile.LibsndfileError as error:
        return f"must be audio that libsndfile reads: {error.error_string.rstrip('.')}"
    return None


def _missing_bytes(content: bytes) -> int:
    """Returns how many bytes of sound a WAV or AIFF file names but lacks."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        order: Literal["little", "big"] = "little"
        name = b"data"
    elif content[:4] == b"FORM" and content[8:12] in (b"AIFF", b"AIFC"):
        order, name = "big", b"SSND"
    else:
        return 0
    at = 12
    while at + 8 <= len(content):
        n_bytes = int.from_bytes(content[at + 4 : at + 8], order)
        if content[at : at + 4] == name:
            streamed = name == b"data" and n_bytes in _STREAMED
            return 0 if streamed else at + 8 + n_bytes - len(content)
        at += 8 + n_bytes + n_bytes % 2
    return 0


def shown(path: Path | str) -> str:
    """Returns a path for a message of one line: quoted where it holds line breaks and the like."""
    text = str(path)
    return text if text.isprintable() else repr(text)
