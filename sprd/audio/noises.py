"""Recordings of noise in, each in a split of its own out: none is heard in two.

A part of a recording that was heard in training is no unseen noise, so whole recordings are dealt.
Knows nothing of clips; where noise is mixed in by volume, it is parted by time, see `augment.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sprd.audio.split import Split, digest_of, place_of
from sprd.config.trial import DataSection

SHARES = {Split.VALIDATION: 0.25, Split.TESTING: 0.25, Split.TRAINING: 0.5}
"""Of the recordings; in the order of ranks."""


@dataclass(frozen=True)
class NoiseRecording:
    """One recording of noise; `key` is its name, unique in the corpus and on every machine.

    `split` is None where there were too few to deal: each split hears a part of it, by time.
    """

    path: Path
    key: str
    split: Split | None
    rms_db: float
    """Its mean level in dB of full scale."""
    seconds: float


def split_noises(
    digests: Iterable[str], data: DataSection, moved: Mapping[str, str] | None = None
) -> dict[str, Split | None]:
    """Deals recordings of noise to the splits by salted hash of what is in them.

    Whatever they are called and in which folder they lie, so the same recording is always in the
    same split. Only where that leaves a split without one are they dealt by the rank of their
    hashes; of fewer than three, each split hears a part.

    Args:
        digests: SHA-256 of each file.
        data: The salt.
        moved: Those of an earlier look that lay elsewhere than their hash says: see
            `moved_noises`. None: they are dealt anew.

    Returns:
        The split of each digest; None: all hear a part.
    """
    places = {digest: place_of(_whole(digest), data.split_salt) for digest in digests}
    ranked = sorted(places, key=lambda digest: (places[digest], digest))
    hashed = {digest: _of_place(places[digest]) for digest in ranked}
    if moved is not None:
        return {digest: _told(digest, split, data, moved) for digest, split in hashed.items()}
    if set(hashed.values()) == set(Split):
        return {**hashed}
    if len(ranked) < len(Split):
        return dict.fromkeys(ranked)
    dealt: dict[str, Split | None] = dict.fromkeys(ranked, Split.TRAINING)
    start = 0
    for split in (Split.VALIDATION, Split.TESTING):
        n_more = max(1, round(SHARES[split] * len(ranked)))
        dealt |= dict.fromkeys(ranked[start : start + n_more], split)
        start += n_more
    return dealt


def moved_noises(splits: Mapping[str, Split | None], data: DataSection) -> dict[str, str]:
    """Returns, by a digest, what a later look must know: the splits of those that rank moved.

    One that was heard in parts stands under a digest of its own, as one that training heard.
    """
    found = {}
    for digest, split in sorted(splits.items()):
        if split is None:
            found[digest_of(_part(digest), data)] = Split.TRAINING.value
        elif split is not _of_place(place_of(_whole(digest), data.split_salt)):
            found[digest_of(_whole(digest), data)] = split.value
    return found


def _told(digest: str, hashed: Split, data: DataSection, moved: Mapping[str, str]) -> Split | None:
    """Returns where a recording lay in an earlier look."""
    if digest_of(_part(digest), data) in moved:
        return None
    return Split(moved.get(digest_of(_whole(digest), data), hashed))


def _whole(digest: str) -> str:
    return f"noise:{digest}"


def _part(digest: str) -> str:
    return f"part of noise:{digest}"


def _of_place(place: float) -> Split:
    """Returns the split that a number of 0 .. 1 stands for."""
    for split, share in SHARES.items():
        if place < share:
            return split
        place -= share
    return Split.TRAINING
