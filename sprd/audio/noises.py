"""Recordings of noise in, each in a split of its own out: none is heard in two.

A part of a recording that was heard in training is no unseen noise, so whole recordings are dealt.
Knows nothing of clips; where noise is mixed in by volume, it is parted by time, see `augment.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sprd.audio.split import Split, place_of

SHARES = {Split.VALIDATION: 0.25, Split.TESTING: 0.25, Split.TRAINING: 0.5}
"""Of the recordings; in the order of ranks."""


@dataclass(frozen=True)
class NoiseRecording:
    """One recording of noise; `key` is its name, unique in the corpus and on every machine."""

    path: Path
    key: str
    split: Split
    rms_db: float
    """Its mean level in dB of full scale."""
    seconds: float


def split_noises(digests: Iterable[str], salt: str) -> dict[str, Split]:
    """Deals recordings of noise to the splits by salted hash of what is in them.

    Whatever they are called and in which folder they lie, so the same recording is always in the
    same split. Only where that leaves a split without one are they dealt by the rank of their
    hashes; of two, one is for training and one for validation.

    Args:
        digests: SHA-256 of each file.
        salt: `data.split_salt`.

    Returns:
        The split of each digest.
    """
    places = {digest: place_of(f"noise:{digest}", salt) for digest in digests}
    ranked = sorted(places, key=lambda digest: (places[digest], digest))
    hashed = {digest: _of_place(places[digest]) for digest in ranked}
    if set(hashed.values()) == set(Split):
        return hashed
    dealt = dict.fromkeys(ranked, Split.TRAINING)
    start = 0
    for split in (Split.VALIDATION, Split.TESTING):
        n_more = min(max(1, round(SHARES[split] * len(ranked))), max(0, len(ranked) - 1 - start))
        dealt |= dict.fromkeys(ranked[start : start + n_more], split)
        start += n_more
    return dealt


def _of_place(place: float) -> Split:
    """Returns the split that a number of 0 .. 1 stands for."""
    for split, share in SHARES.items():
        if place < share:
            return split
        place -= share
    return Split.TRAINING
