"""An export of Edge Impulse in, what each of its files says out.

`info.labels` lists the files, each with its category (a split) and label. Who speaks it does not
say: the parts of one recording stay together as one person. Names alone are read, too:
`jump.3k2l1m.s01.wav`.
"""

import json
from pathlib import Path, PurePosixPath
from typing import Any

from sprd.audio.clips import readable_suffixes, shown
from sprd.audio.folders import SPLITS
from sprd.audio.importing.tables import Row, Table, missing_note
from sprd.errors import DataError

LABELS_FILE = "info.labels"


def read_listing(folder: Path) -> Table | None:
    """Returns what the listing of an export says of its recordings; None if it has none.

    Raises:
        DataError: The listing cannot be read, or names no recording that is there with one label.
    """
    path = folder / LABELS_FILE
    if not path.is_file():
        return None
    rows, missing, unlabelled, others = [], [], [], []
    for name, label, category in _listed(path):
        file = folder / name
        if not file.is_file():
            missing.append(name)
        elif file.suffix.lower() not in readable_suffixes():
            others.append(name)
        elif not label:
            unlabelled.append(name)
        else:
            split = SPLITS.get(category.lower())
            rows.append(Row(file, label, recording_of(file.stem, label), split, False))
    notes = [missing_note(folder, missing)] if missing else []
    if others:
        notes.append(f"left out: {len(others):,} samples that are no audio (first {others[0]!r}).")
    if unlabelled:
        told = f"{len(unlabelled):,} without one label (first {unlabelled[0]!r})"
        notes.append(f"left out: {told}.")
    if not rows:
        raise DataError(
            f"{shown(path)}: must list audio that is there, with a label, got none."
            f" {' '.join(notes)} Export the data set anew, as WAV."
        )
    return Table(tuple(rows), frozenset(folder / name for name in unlabelled), tuple(notes))


def recording_of(stem: str, label: str) -> str:
    """Returns which recording a file is of: what its name says but the label and its part."""
    ids = stem.split(".")
    ids = ids[1:] if ids[0] == label else ids
    kept = [one for one in ids if one.lower() not in ("wav", "json") and not _is_part(one)]
    return ".".join(kept) or stem


def _is_part(one: str) -> bool:
    """Whether a part of a name counts the parts of a recording, or says which server took it."""
    return one.startswith("ingestion") or (one[:1] == "s" and one[1:].isdigit())


def _listed(path: Path) -> list[tuple[str, str, str]]:
    """Returns path, label ("" if there is not one) and category of each file of a listing."""
    try:
        return [_file(one) for one in json.loads(path.read_text(encoding="utf-8-sig"))["files"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{shown(path)}: must be a listing of Edge Impulse, got {type(error).__name__}:"
            f" {error}. Export the data set anew."
        ) from error


def _file(one: dict[str, Any]) -> tuple[str, str, str]:
    name = PurePosixPath(one["path"])
    if name.is_absolute() or ".." in name.parts:
        raise ValueError(f"a path that leaves the folder: {one['path']!r}")
    label = one["label"]
    told = label.get("label") if label["type"] == "label" else ""
    return str(name), str(told or "").strip(), str(one.get("category") or "")
