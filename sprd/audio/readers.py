"""Names of recordings of running speech in, who reads out; and a split for each reader.

Readers lie in one split each, as speakers of clips do. Hours are scarce: the splits have a third
of the readers each, whatever the shares of the speakers.
"""

import re
from collections.abc import Collection, Mapping

from sprd.audio.split import Split, digest_of, names_speaker, place_of, speaker_of
from sprd.config.trial import DataSection

ORDER = (Split.VALIDATION, Split.TESTING, Split.TRAINING)
"""Thirds of the hash; and who comes first where readers are few: by the first a model is chosen."""

NAMELESS = Split.VALIDATION
"""Where recordings lie whose names tell no reader: nobody may be heard in two splits."""

_NAME = re.compile(r"([^\W_]+)-\d+-\d{4,}")
"""LibriSpeech's: reader, chapter, number."""


def reader_of(name: str) -> str | None:
    """Returns who reads in a file of this name: what stands before `-<chapter>-<number>`.

    Or before `_nohash_`, as in the names of clips. None where the name does not tell.
    """
    if names_speaker(name):
        return speaker_of(name)
    match = _NAME.fullmatch(name.rpartition(".")[0])
    return match[1] if match else None


def split_readers(
    readers: Collection[str],
    speakers: Mapping[str, Split],
    has_nameless: bool,
    data: DataSection,
    moved: Mapping[str, str] | None = None,
) -> dict[str, Split]:
    """Deals readers to the splits by salted hash.

    Only where that leaves a split without running speech are they dealt by the rank of their
    hashes, the splits that have none first.

    Args:
        readers: Of all folders.
        speakers: The split of each speaker of clips: who reads as well lies in the same.
        has_nameless: Whether there are recordings of unknown readers.
        data: The salt.
        moved: Those who were in another split than their hash says: see `moved_readers`. None:
            they are dealt anew.
    """
    hashed = {reader: _third(reader, data.split_salt) for reader in readers}
    fixed = {reader: speakers[reader] for reader in readers if reader in speakers}
    if moved is not None:
        told = {reader: moved.get(digest_of(reader, data)) for reader in readers}
        return {**hashed, **fixed, **{name: Split(one) for name, one in told.items() if one}}
    splits = {**hashed, **fixed}
    if {*splits.values(), *([NAMELESS] if has_nameless else [])} == set(Split):
        return splits
    filled = {*fixed.values(), *([NAMELESS] if has_nameless else [])}
    order = sorted(ORDER, key=lambda split: (split in filled, ORDER.index(split)))
    free = sorted(
        (reader for reader in readers if reader not in fixed),
        key=lambda reader: (place_of(reader, data.split_salt), reader),
    )
    return {**fixed, **{reader: order[i % len(order)] for i, reader in enumerate(free)}}


def moved_readers(splits: Mapping[str, Split], data: DataSection) -> dict[str, str]:
    """Returns the splits of readers who are in another one than their hash says, by a digest."""
    return {
        digest_of(reader, data): splits[reader].value
        for reader in sorted(splits)
        if splits[reader] is not _third(reader, data.split_salt)
    }


def _third(reader: str, salt: str) -> Split:
    return ORDER[min(2, int(3 * place_of(reader, salt)))]
