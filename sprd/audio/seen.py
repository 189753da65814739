"""What was found in the files of a folder, kept in the cache so that none is read twice."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from sprd.audio.sound import Sound
from sprd.disk.atomic import cache_folder, write_atomically

FORMAT = 4
"""Part of the cache: raise it when the checks change."""

SETTLED_NS = 2_000_000_000
"""Files changed later than this before the look are read again: a clock may tick in such steps."""

Entry = tuple[int, int, str, str | None, Sound | None]
"""Size, mtime_ns, SHA-256, problem, sound."""


def load_seen(folder: Path, kind: str) -> Mapping[str, Entry]:
    """Returns what is known of a folder's files, by key; `kind` is what they were checked for.

    A damaged cache, or one of another format, is none.
    """
    try:
        content = json.loads(_cache_file(folder, kind).read_bytes())
        if content["format"] != FORMAT:
            return {}
        return {key: _entry(*entry) for key, entry in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def write_seen(folder: Path, entries: Mapping[str, Entry], kind: str) -> None:
    """Keeps what is known of a folder's files.

    Raises:
        OutputError: The cache cannot be written.
    """
    files = {
        key: (*entry, None)
        if sound is None
        else (*entry, sound.rate_hz, sound.n_samples, sound.peak, sound.energy, sound.is_clipped)
        for key, (*entry, sound) in entries.items()
    }
    text = json.dumps({"format": FORMAT, "files": files}, separators=(",", ":"))
    write_atomically(_cache_file(folder, kind), text)


def _cache_file(folder: Path, kind: str) -> Path:
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
    return cache_folder() / kind / f"{name}.json"


def _entry(
    n_bytes: object, mtime_ns: object, sha256: object, problem: object, *sound: object
) -> Entry:
    if (
        isinstance(n_bytes, int)
        and isinstance(mtime_ns, int)
        and isinstance(sha256, str)
        and len(sha256) == 64
    ):
        if isinstance(problem, str):
            return n_bytes, mtime_ns, sha256, problem, None
        rate_hz, n_samples, peak, energy, is_clipped = sound
        if (
            problem is None
            and isinstance(rate_hz, int)
            and isinstance(n_samples, int)
            and isinstance(peak, int)
            and isinstance(energy, int)
            and isinstance(is_clipped, bool)
            and rate_hz > 0
        ):
            sound_ = Sound(rate_hz, n_samples, peak, energy, is_clipped)
            return n_bytes, mtime_ns, sha256, None, sound_
    raise ValueError("not an entry")
