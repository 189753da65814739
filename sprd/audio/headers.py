"""The bytes of an audio file in; what its header alone tells out. Decodes nothing."""

from mmap import mmap
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_STREAMED = (0, 0xFFFFFFFF)
"""Sizes that a writer to a pipe leaves in a header: the sound goes on to the end of the file.

Source: ffmpeg and sox, when they cannot seek back.
"""

_PLAIN = (b"RIFF", b"WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00")
"""A WAV of integers in one channel, and its first chunk the shortest that tells a format."""


def missing_bytes(content: bytes | mmap) -> int:
    """Returns how many bytes of sound a WAV, RF64, W64, AIFF or AU file names but lacks.

    libsndfile reads such files without a word.
    """
    magic, kind = content[:4], content[8:12]
    if magic == b"RIFF" and kind == b"WAVE":
        return _missing_of_chunks(content, b"data", "little")
    if magic == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return _missing_of_chunks(content, b"SSND", "big")
    if magic == b"RF64" and content[12:16] == b"ds64":
        n_bytes, at = int.from_bytes(content[28:36], "little"), content.find(b"data", 48)
        return at + 8 + n_bytes - len(content) if at >= 0 else 0
    if magic == b"riff" and content[24:28] == b"wave":
        return _missing_of_w64(content)
    if magic == b".snd":
        start, n_bytes = (int.from_bytes(content[at : at + 4], "big") for at in (4, 8))
        return 0 if n_bytes in _STREAMED else start + n_bytes - len(content)
    return 0


def plain_samples(content: bytes) -> tuple[NDArray[np.int16], int] | None:
    """Returns the samples, (n,) int16, and the rate in Hz of a plain WAV file; None of any other.

    Plain: 16-bit mono PCM whose sound ends the file, as most corpora are. libsndfile gives the
    same, in twenty times the time.
    """
    if content[:4] != _PLAIN[0] or content[8:24] != _PLAIN[1] or content[32:36] != b"\x02\0\x10\0":
        return None
    at = 36
    while content[at : at + 4] != b"data":
        n_bytes = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + n_bytes + n_bytes % 2
        if at + 8 > len(content):
            return None
    n_bytes = int.from_bytes(content[at + 4 : at + 8], "little")
    if n_bytes == 0 or n_bytes % 2 or at + 8 + n_bytes != len(content):
        return None
    samples = np.frombuffer(content, "<i2", n_bytes // 2, at + 8)
    return samples.astype(np.int16, copy=False), int.from_bytes(content[24:28], "little")


def _missing_of_chunks(content: bytes | mmap, name: bytes, order: Literal["little", "big"]) -> int:
    at = 12
    while at + 8 <= len(content):
        n_bytes = int.from_bytes(content[at + 4 : at + 8], order)
        if content[at : at + 4] == name:
            streamed = name == b"data" and n_bytes in _STREAMED
            return 0 if streamed else at + 8 + n_bytes - len(content)
        at += 8 + n_bytes + n_bytes % 2
    return 0


def _missing_of_w64(content: bytes | mmap) -> int:
    """Chunks have names of 16 bytes, sizes of 8 that count themselves, and start at eights."""
    at = 40
    while at + 24 <= len(content):
        n_bytes = int.from_bytes(content[at + 16 : at + 24], "little")
        if content[at : at + 4] == b"data":
            return at + n_bytes - len(content)
        at += max(24, n_bytes + -n_bytes % 8)
    return 0
