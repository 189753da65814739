"""A folder in; its audio files, their SHA-256 and what is wrong with them out. Kept in a cache.

Knows nothing of keywords or splits.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sprd.audio.clips import decode_content, read_content, readable_suffixes, shown
from sprd.disk.atomic import cache_folder, write_atomically
from sprd.disk.process import Progress
from sprd.errors import DataError, OutputError

FORMAT = 1
"""Part of the cache: raise it when the checks change."""

SETTLED_NS = 2_000_000_000
"""Files changed later than this before the look are read again: a clock may tick in such steps."""

Known = Mapping[str, tuple[int, int, str, str | None]]
"""Key -> size, mtime_ns, SHA-256, problem."""


@dataclass(frozen=True)
class AudioFile:
    """An audio file at `<folder>/<word>/<name>`; `key` is `<word>/<name>`."""

    path: Path
    key: str
    word: str
    n_bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Checked:
    """A file and what its bytes say: `problem` is the rule they break, None if they are audio."""

    file: AudioFile
    sha256: str
    problem: str | None


def list_audio(folder: Path) -> list[AudioFile]:
    """Lists the audio files of the word folders, sorted by key.

    Hidden files and folders and files of other suffixes are no recordings. Only one level is
    looked at, so that links in circles do no harm; links to nowhere are no files.

    Raises:
        DataError: The folder or one in it cannot be read.
    """
    files, suffixes = [], readable_suffixes()
    try:
        for word in _entries(folder):
            if not os.path.isdir(word.path):
                continue
            for entry in _entries(Path(word.path)):
                if os.path.splitext(entry.name)[1].lower() in suffixes and os.path.isfile(
                    entry.path
                ):
                    status = entry.stat()
                    path, key = Path(entry.path), f"{word.name}/{entry.name}"
                    files.append(
                        AudioFile(path, key, word.name, status.st_size, status.st_mtime_ns)
                    )
    except OSError as error:
        raise DataError(
            f"{shown(folder)}: must be a readable folder of recordings: "
            f"{error.strerror or error}. Check the path and its permissions."
        ) from error
    return sorted(files, key=lambda file: file.key)


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def check_audio(folder: Path, progress: Progress | None = None) -> list[Checked]:
    """Lists the audio files of a folder and reads each once; known ones are not read again.

    Args:
        folder: Holds a folder of recordings for each word.
        progress: Called with ("reading", files done, files in all).
    """
    looked_at_ns = time.time_ns()
    files = list_audio(folder)
    cache = _cache_file(folder)
    known = _load(cache)
    fresh = [
        file for file in files if known.get(file.key, (0, 0))[:2] != (file.n_bytes, file.mtime_ns)
    ]
    checks: dict[str, tuple[str, str | None]] = {}
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 1)) as pool:
        results = zip(fresh, pool.map(_check, fresh), strict=True)
        for n_done, (file, check) in enumerate(results, 1):
            checks[file.key] = check
            if progress is not None:
                progress("reading", n_done, len(fresh))
    checked = [
        Checked(file, *(checks[file.key] if file.key in checks else known[file.key][2:]))
        for file in files
    ]
    if fresh or len(files) != len(known):
        settled = [
            entry
            for entry in checked
            if entry.file.mtime_ns < looked_at_ns - SETTLED_NS and entry.sha256
        ]
        # A cache that cannot be written costs time, no result.
        with suppress(OutputError):
            write_atomically(cache, _dump(settled))
    return checked


def _check(file: AudioFile) -> tuple[str, str | None]:
    """Returns the SHA-256 of a file ("" if it cannot be read) and the rule that it breaks."""
    if not file.key.isascii():
        try:
            file.key.encode()
        except UnicodeEncodeError:
            return "", "its name must be UTF-8. Rename it"
    try:
        content = read_content(file.path)
    except DataError as error:
        return "", error.rule.rstrip(".")
    found = decode_content(content, file.path.suffix)
    return hashlib.sha256(content).hexdigest(), found if isinstance(found, str) else None


def _cache_file(folder: Path) -> Path:
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
    return cache_folder() / "corpus" / f"{name}.json"


def _load(cache: Path) -> Known:
    """Reads the cache; a damaged one, or one of another format, is none."""
    try:
        content = json.loads(cache.read_bytes())
        if content["format"] != FORMAT:
            return {}
        return {key: _entry(*entry) for key, entry in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _entry(
    n_bytes: object, mtime_ns: object, sha256: object, problem: object
) -> tuple[int, int, str, str | None]:
    if (
        isinstance(n_bytes, int)
        and isinstance(mtime_ns, int)
        and isinstance(sha256, str)
        and len(sha256) == 64
        and isinstance(problem, str | None)
    ):
        return n_bytes, mtime_ns, sha256, problem
    raise ValueError("not an entry")


def _dump(checked: Iterable[Checked]) -> str:
    files = {
        entry.file.key: (entry.file.n_bytes, entry.file.mtime_ns, entry.sha256, entry.problem)
        for entry in checked
    }
    return json.dumps({"format": FORMAT, "files": files}, separators=(",", ":"))
