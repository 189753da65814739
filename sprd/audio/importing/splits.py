"""What came from folders of splits in; the lists of validation and testing clips out.

The lists are those that Speech Commands ships, which a sweep reads: `<word>/<file>`, one a line.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sprd.audio.importing.journal import Entry
from sprd.audio.split import TESTING_LIST, VALIDATION_LIST
from sprd.config.labels import BACKGROUND_NOISE_FOLDER
from sprd.disk.atomic import write_atomically

_ORDER = ("training", "validation", "testing")
_NOISE = BACKGROUND_NOISE_FOLDER
_DRAWN_SHARE = 0.15
"""Of the training speakers, where a data set has no folder for validation or for testing."""


def write_lists(folder: Path, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Writes the lists of a folder if any of its recordings came with a split.

    A speaker lies in one split: testing goes before validation, and that before training.

    Returns:
        Sentences on what the user should know.
    """
    said = [
        (one["speaker"], one["split"]) for one in entries if one["split"] and one["word"] != _NOISE
    ]
    if not said:
        return ()
    split_of: dict[str, str] = {}
    for split in _ORDER:
        split_of |= {speaker: split for speaker, of in said if of == split}
    notes = ["the splits of the source's folders are kept, in lists."]
    if n := len(set(said)) - len(split_of):
        notes.append(f"{n:,} speakers are in several of these folders: the later split has them.")
    for split in _ORDER[1:]:
        if split not in split_of.values():
            training = sorted((s for s, of in split_of.items() if of == _ORDER[0]), key=_hash)
            drawn = training[: max(1, round(_DRAWN_SHARE * len(training)))]
            split_of |= dict.fromkeys(drawn, split)
            notes.append(f"no folder for {split}: {len(drawn)} training speakers are taken for it.")
    for name, split in ((VALIDATION_LIST, "validation"), (TESTING_LIST, "testing")):
        lines = _lines(folder / name)
        lines += [
            clip["clip"]
            for entry in entries
            for clip in entry["clips"]
            if split_of.get(entry["speaker"]) == split
        ]
        write_atomically(folder / name, "".join(f"{line}\n" for line in dict.fromkeys(lines)))
    return tuple(notes)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _hash(speaker: str) -> str:
    return hashlib.sha256(speaker.encode()).hexdigest()
