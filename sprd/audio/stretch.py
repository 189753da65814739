"""A recording of any length in, the samples of a stretch of it out: of ten hours, ten seconds."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sprd.audio import media
from sprd.audio.blocks import read_blocks
from sprd.audio.clips import shown, to_int16, unread
from sprd.errors import DataError


def read_stretch(
    path: Path, start_s: float, seconds: float, sample_rate_hz: int
) -> NDArray[np.int16]:
    """Reads a stretch of a recording as mono at the given rate.

    Args:
        path: Of a recording; one that FFmpeg reads is decoded from its start on.
        start_s: Where the stretch begins.
        seconds: Its length; less is returned where the recording ends before.
        sample_rate_hz: Of the result.

    Returns:
        (n,), int16, at least one sample.

    Raises:
        DataError: It cannot be read, or ends before the stretch.
    """
    read = _skipped if path.suffix.lower() in media.SUFFIXES else _sought
    found = read(path, start_s, seconds, sample_rate_hz)
    if not len(found):
        rule = f"must hold sound at {start_s:.1f} s, got its end. Record it again, or remove it."
        raise DataError.at(shown(path), rule)
    return found


def _sought(path: Path, start_s: float, seconds: float, rate_hz: int) -> NDArray[np.int16]:
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(min(int(start_s * file.samplerate), file.frames))
            samples = file.read(int(seconds * file.samplerate), "float32", always_2d=True)
            own_hz = file.samplerate
    except soundfile.LibsndfileError as error:
        raise DataError.at(shown(path), f"{unread(b'', error)}. Record it again.") from error
    mono = samples.mean(axis=1)
    return to_int16(mono if own_hz == rate_hz else soxr.resample(mono, own_hz, rate_hz, "HQ"))


def _skipped(path: Path, start_s: float, seconds: float, rate_hz: int) -> NDArray[np.int16]:
    """Reads on until the stretch ends: FFmpeg's containers find no sample by its number."""
    start, n_samples = int(start_s * rate_hz), int(seconds * rate_hz)
    parts, at = [np.zeros(0, np.int16)], 0
    for block in read_blocks(path, rate_hz):
        parts.append(block[max(0, start - at) : max(0, start + n_samples - at)])
        at += len(block)
        if at >= start + n_samples:
            break
    return np.concatenate(parts)
