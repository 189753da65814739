"""Scores in, words for how much they are of out: clips, people, cuts of silence."""

from collections.abc import Mapping
from typing import Any


def told_clips(scores: Mapping[str, Any]) -> str:
    """Words how much was scored: `36 clips of 1 speaker, 80 cuts of silence`.

    A record of an older version counts each cut of silence as a speaker; those are taken off.
    """
    n_silence, n_speakers = n_silence_of(scores), scores.get("n_speakers")
    if n_speakers is not None and "n_silence" not in scores:
        n_speakers -= n_silence
    told = counted(scores["n_clips"] - n_silence, "clip")
    if n_speakers is not None:
        told += f" of {counted(n_speakers, 'speaker')}"
    return f"{told}, {counted(n_silence, 'cut')} of silence" if n_silence else told


def n_silence_of(scores: Mapping[str, Any]) -> int:
    """Returns how many clips are cuts of silence; in older records they are the first row."""
    told = scores.get("n_silence")
    return sum(next(iter(scores.get("confusion") or ()), ())) if told is None else told


def counted(n: int, what: str) -> str:
    """Returns a number and what it counts: `1 clip`, `2 clips`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
