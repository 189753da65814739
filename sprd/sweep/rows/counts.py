"""Scores in, words for how much they are of out: clips, people, cuts of silence."""

from collections.abc import Mapping
from typing import Any


def told_clips(scores: Mapping[str, Any]) -> str:
    """Words how much was scored: `36 clips of 1 speaker, 80 cuts of silence`.

    A record of an older version counts each cut of silence as a speaker; those are taken off.
    """
    n_silence, n_speakers = scores.get("n_silence"), scores.get("n_speakers")
    if n_silence is None:
        n_silence = sum(next(iter(scores.get("confusion") or ()), ()))
        n_speakers = None if n_speakers is None else n_speakers - n_silence
    told = counted(scores["n_clips"] - n_silence, "clip")
    if n_speakers is not None:
        told += f" of {counted(n_speakers, 'speaker')}"
    return f"{told}, {counted(n_silence, 'cut')} of silence" if n_silence else told


def counted(n: int, what: str) -> str:
    """Returns a number and what it counts: `1 clip`, `2 clips`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
