"""Streams as a model hears them, made up: words said at known times, scores that are drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sprd.audio.streams import Piece, Said, Stream
from sprd.listening.matching import HeardStream
from sprd.listening.recognizers import Detections

KEYWORDS = ("up", "down")
INTERVAL_MS = 40
RATE_HZ = 100
"""Nobody listens to these samples: they say how long a stream is."""


def said(word: str, onset_s: float, speaker: str = "ann", seconds: float = 0.5) -> Said:
    """A word, half a second long."""
    return Said(word, speaker, f"{word}/{speaker}/{onset_s}", onset_s, onset_s + seconds)


def detected(*found: tuple[float, str]) -> Detections:
    """Keywords heard at seconds."""
    times = np.array([round(1000 * second) for second, _ in found], np.int64)
    labels = np.array([2 + KEYWORDS.index(word) for _, word in found], np.int64)
    return Detections(times, labels, np.full(len(found), 210))


def stream(
    material: Any,
    seconds: float,
    said: Sequence[Said] = (),
    pieces: Sequence[Piece] = (),
    snr_db: float | None = None,
    seed: int = 0,
) -> Stream:
    """A stream without a sound."""
    name = material if snr_db is None else f"{material} {snr_db:g} dB"
    return Stream(
        name=name,
        material=material,
        snr_db=snr_db,
        rate_hz=RATE_HZ,
        samples=np.zeros(round(seconds * RATE_HZ), np.int16),
        said=tuple(said),
        pieces=tuple(pieces),
        seed=seed,
        key=f"{name} {seed} {seconds} {[piece.key for piece in pieces]}",
    )


def heard(
    of: Stream,
    bumps: Sequence[tuple[float, str, float]],
    width_s: float = 0.8,
    interval_ms: int = INTERVAL_MS,
) -> HeardStream:
    """What a model answers that is sure of nothing but bumps: (second of the middle, word, height).

    A bump is a stretch of `width_s` in which the keyword has so much of 255, and unknown the rest.
    """
    times = np.arange(1, int(of.hours * 3_600_000 / interval_ms) + 1) * interval_ms
    shares: NDArray[np.float64] = np.zeros((len(times), 2 + len(KEYWORDS)))
    for middle_s, word, height in bumps:
        ends = (1000 * (middle_s - width_s / 2), 1000 * (middle_s + width_s / 2))
        first, stop = np.searchsorted(times, ends[0]), np.searchsorted(times, ends[1], "right")
        shares[first:stop, 2 + KEYWORDS.index(word)] = height
    shares[:, 1] = 255 - shares[:, 2:].sum(1)
    scores = np.clip(np.rint(shares) - 128, -128, 127).astype(np.int8)
    return HeardStream(of, scores, times)
