"""The bytes of a phone's or browser's recording in, a mono waveform out.

Read by FFmpeg, which PyAV ships in its wheel: the extra `media`, loaded when it is needed. Knows
nothing of what libsndfile reads.
"""

import io
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (
    *(".m4a", ".m4b", ".mp4", ".m4v", ".mov", ".3gp", ".3gpp", ".3g2"),
    *(".webm", ".weba", ".mka", ".mkv", ".amr", ".awb", ".aac", ".wma", ".asf", ".ac3", ".spx"),
)

CONVERT = "convert: ffmpeg -i in.m4a out.wav"
INSTALL = f"Install what reads them: pip install 'sprd[media]'; or {CONVERT}"

_OPTIONS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,amr,amrnb,amrwb,aac,asf,ac3,eac3,ogg"
    ",wav,flac,mp3",
    "protocol_whitelist": "none",
}
"""Of FFmpeg: a playlist in a file's place must open no other file, and no address."""

_TRUNCATED_SHARE, _TRUNCATED_S = 0.95, 0.2
"""A track that ends before this share of what its header tells, and by so much, is cut off."""


def is_installed() -> bool:
    """Tells whether such files can be read here."""
    return find_spec("av") is not None


def decode_media(content: bytes, max_samples: int) -> tuple[NDArray[np.float32], int] | str:
    """Decodes the best audio track; channels are averaged.

    Args:
        content: Of the file.
        max_samples: Of one channel: a hostile file must not fill the memory.

    Returns:
        (n_samples,), -1 .. 1, and the rate in Hz; or the rule that the bytes break.
    """
    parts: list[NDArray[np.float32]] = []
    n_samples = rate_hz = 0
    for block in media_blocks(io.BytesIO(content)):
        if isinstance(block, str):
            return block
        samples, rate_hz = block
        parts.append(samples)
        n_samples += len(samples)
        if n_samples > max_samples:
            return f"must have at most {max_samples:,} samples of a channel, got more"
    return np.concatenate(parts), rate_hz


def media_blocks(file: BinaryIO) -> Iterator[tuple[NDArray[np.float32], int] | str]:
    """Decodes the best audio track, a few thousand samples at a time; channels are averaged.

    Args:
        file: Its content, whatever its length; at its start.

    Yields:
        (n,), -1 .. 1, and the rate in Hz; last, if the bytes break a rule, that rule.
    """
    if not is_installed():
        yield f"must be read by FFmpeg, got no PyAV. {INSTALL}"
        return
    import av

    try:
        with av.open(file, options=dict(_OPTIONS)) as container:
            track = container.streams.best("audio")
            if track is None:
                yield "must hold a track of sound, got none"
                return
            yield from _blocks(container, track)
    except (av.error.FFmpegError, ValueError, OverflowError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        yield f"must be audio that FFmpeg reads: {reason.rstrip('.')}"


def _blocks(container: Any, track: Any) -> Iterator[tuple[NDArray[np.float32], int] | str]:
    import av

    rate_hz = int(track.rate)
    planes = av.AudioResampler(format="fltp", layout=track.layout, rate=rate_hz)
    n_samples = 0
    for packet in container.demux(track):
        for frame in packet.decode():
            for plane in planes.resample(frame):
                block = plane.to_ndarray().mean(axis=0, dtype=np.float32)
                n_samples += len(block)
                yield block, rate_hz
    if n_samples == 0:
        yield "must hold sound, got no sample"
    elif _is_cut_off(container, track, n_samples / rate_hz):
        yield "must hold all the sound its header names, got less"


def _is_cut_off(container: Any, track: Any, seconds: float) -> bool:
    """Whether a track ends before its time; other containers than these only guess it."""
    names, told_s = set(container.format.name.split(",")), 0.0
    if "mov" in names and track.duration:
        told_s = float(track.duration * track.time_base)
    elif {"matroska", "asf"} & names and len(container.streams) == 1 and container.duration:
        told_s = container.duration / 1_000_000
    return seconds < min(told_s * _TRUNCATED_SHARE, told_s - _TRUNCATED_S)
