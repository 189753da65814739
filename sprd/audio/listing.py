"""A folder in; its audio files, their SHA-256, what they sound like and what is wrong out.

What is no clip is told with its reason. Knows nothing of keywords or splits.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias

from sprd.audio.clips import decode_content, read_content, readable_suffixes, shown
from sprd.audio.media import SUFFIXES as MEDIA_SUFFIXES
from sprd.audio.seen import SETTLED_NS, Entry, load_seen, write_seen
from sprd.audio.sound import Sound, sound_of
from sprd.disk.process import Progress
from sprd.errors import DataError, OutputError

MAX_DEPTH, MAX_ENTRIES = 8, 200_000
"""How far folders inside those of words are looked into, only to count what lies there."""

DOCUMENTS = (
    *(".txt", ".md", ".rst", ".html", ".pdf", ".json", ".csv", ".tsv", ".toml", ".yaml", ".yml"),
    *(".py", ".ini", ".db", ".lab", ".textgrid", ".xml", ".license"),
)
"""What comes with recordings and is none: nobody asks why it is not heard."""

_DOCUMENT_NAMES = ("readme", "license", "licence", "notice", "changelog", "makefile")


class Why(StrEnum):
    """Why a file is no clip."""

    SUFFIX = "suffix"
    """Of a kind that is not read."""
    MEDIA = "needs PyAV"
    """Of a kind that is read with the extra `media`, which is not installed."""
    TOP = "in no word's folder"
    DEEPER = "a folder too deep"
    DOCUMENT = "document"
    NO_FILE = "a link to nowhere"
    """Or a device: nothing that can be read lies there."""
    EMPTY = "an empty folder"


@dataclass(frozen=True)
class LeftOut:
    """A file that is no clip: its path in the folder, and why."""

    name: str
    why: Why

    @property
    def suffix(self) -> str:
        """Of its name, in small letters; empty where it has none."""
        return os.path.splitext(self.name)[1].lower()


class AudioFile(NamedTuple):
    """An audio file at `<folder>/<word>/<name>`; `key` is `<word>/<name>`."""

    path: Path
    key: str
    word: str
    n_bytes: int
    mtime_ns: int


Found: TypeAlias = "tuple[str, str | None, Sound | None]"
"""SHA-256, "" of a file that cannot be read, and problem or sound."""

NO_UTF8 = "its name must be UTF-8. Rename it"


class Checked(NamedTuple):
    """A file and what its bytes say: `problem` is the rule they break, None if they are audio.

    One of the two is None: there is no sound where there is a problem.
    """

    file: AudioFile
    sha256: str
    problem: str | None
    sound: Sound | None


@dataclass(frozen=True)
class Contents:
    """What is in a folder: audio files sorted by key, and the others sorted by name."""

    checked: tuple[Checked, ...]
    left_out: tuple[LeftOut, ...]


def list_audio(folder: Path) -> tuple[list[AudioFile], list[LeftOut]]:
    """Lists the audio files of the word folders, sorted by key, and what is none.

    Hidden files and folders are passed over. Files beside the folders of words, of other suffixes,
    or in deeper folders are left out, and links to nowhere.

    Raises:
        DataError: The folder or one in it cannot be read.
    """
    files: list[AudioFile] = []
    left_out: list[LeftOut] = []
    inner: list[tuple[str, str]] = []
    suffixes = readable_suffixes()
    try:
        for word in visible(folder):
            if not os.path.isdir(word.path):
                beside = why_no_clip(word.name, suffixes) or Why.TOP
                left_out.append(
                    LeftOut(word.name, beside if os.path.isfile(word.path) else Why.NO_FILE)
                )
                continue
            if not (inside := visible(word.path)):
                left_out.append(LeftOut(f"{word.name}/", Why.EMPTY))
            for entry in inside:
                key = f"{word.name}/{entry.name}"
                if not is_file(entry):
                    if os.path.isdir(entry.path):
                        inner.append((entry.path, key))
                    else:
                        left_out.append(LeftOut(key, Why.NO_FILE))
                elif why := why_no_clip(entry.name, suffixes):
                    left_out.append(LeftOut(key, why))
                else:
                    status = entry.stat()
                    n_bytes, mtime_ns = status.st_size, status.st_mtime_ns
                    files.append(AudioFile(Path(entry.path), key, word.name, n_bytes, mtime_ns))
    except OSError as error:
        raise DataError(
            f"{shown(folder)}: must be a readable folder of recordings: "
            f"{error.strerror or error}. Check the path and its permissions."
        ) from error
    left_out += _deeper(folder, inner)
    return sorted(files, key=attrgetter("key")), sorted(left_out, key=attrgetter("name"))


def check_audio(folder: Path, progress: Progress | None = None) -> Contents:
    """Lists the audio files of a folder and reads each once; known ones are not read again.

    Args:
        folder: Holds a folder of recordings for each word.
        progress: Called with ("reading", files done, files in all).
    """
    looked_at_ns = time.time_ns()
    files, left_out = list_audio(folder)
    checked = check_files(folder, files, _check, looked_at_ns, "corpus", progress)
    return Contents(checked, tuple(left_out))


def check_files(
    folder: Path,
    files: Sequence[AudioFile],
    check: Callable[[AudioFile], Found],
    looked_at_ns: int,
    kind: str,
    progress: Progress | None,
) -> tuple[Checked, ...]:
    """Checks each file once; what was found is kept in the cache.

    Args:
        folder: Where the files lie.
        files: Of the folder.
        check: Reads a file.
        looked_at_ns: When the files were listed: one that changed just before is not kept.
        kind: Folder of the cache: what is checked for.
        progress: Called with ("reading", files done, files in all).
    """
    known = load_seen(folder, kind)
    fresh = [file for file in files if not _is_known(file, known.get(file.key))]
    read: dict[str, Found] = {}
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 1)) as pool:
        results = zip(fresh, pool.map(check, fresh), strict=True)
        for n_done, (file, found) in enumerate(results, 1):
            read[file.key] = found
            if progress is not None:
                progress("reading", n_done, len(fresh))
    checked = tuple(
        Checked(file, *(read[file.key] if file.key in read else known[file.key][2:]))
        for file in files
    )
    if fresh or len(files) != len(known):
        # A cache that cannot be written costs time, no result.
        with suppress(OutputError):
            write_seen(folder, _settled(checked, looked_at_ns), kind)
    return checked


def _settled(checked: Iterable[Checked], looked_at_ns: int) -> dict[str, Entry]:
    """Returns what may be kept: files that did not change just before they were listed."""
    return {
        one.file.key: (one.file.n_bytes, one.file.mtime_ns, one.sha256, one.problem, one.sound)
        for one in checked
        if one.file.mtime_ns < looked_at_ns - SETTLED_NS and one.sha256
    }


def is_utf8(name: str) -> bool:
    """Whether a file's name can be written down."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def visible(folder: Path | str) -> list[os.DirEntry[str]]:
    """Returns what lies in a folder and is not hidden."""
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def why_no_clip(name: str, suffixes: frozenset[str]) -> Why | None:
    """Returns why a file of this name cannot be a clip; None if it can."""
    stem, suffix = os.path.splitext(name)
    suffix = suffix.lower()
    if suffix in suffixes:
        return None
    if suffix in MEDIA_SUFFIXES:
        return Why.MEDIA
    is_document = suffix in DOCUMENTS or stem.lower() in _DOCUMENT_NAMES
    return Why.DOCUMENT if is_document else Why.SUFFIX


def is_file(entry: os.DirEntry[str]) -> bool:
    """Whether there is a file that can be read, be it through a link."""
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _deeper(folder: Path, inner: list[tuple[str, str]]) -> list[LeftOut]:
    """Returns the recordings in folders inside those of words; links in circles do no harm."""
    if not inner:
        return []
    found: list[LeftOut] = []
    kinds = readable_suffixes() | set(MEDIA_SUFFIXES)
    words = [one.path for one in visible(folder) if os.path.isdir(one.path)]
    visited = {place_of(folder), *map(place_of, words)}
    waiting, n_entries = [(path, name, 1) for path, name in sorted(inner, reverse=True)], 0
    while waiting and n_entries < MAX_ENTRIES:
        path, name, depth = waiting.pop()
        with suppress(OSError):  # one that cannot be read is only counted less
            if place_of(path) in visited or depth > MAX_DEPTH:
                continue
            visited.add(place_of(path))
            for entry in sorted(visible(path), key=lambda one: one.name, reverse=True):
                n_entries += 1
                inside = f"{name}/{entry.name}"
                if os.path.isdir(entry.path):
                    waiting.append((entry.path, inside, depth + 1))
                elif os.path.splitext(entry.name)[1].lower() in kinds and is_file(entry):
                    found.append(LeftOut(inside, Why.DEEPER))
    return found


def place_of(path: Path | str) -> tuple[int, int]:
    """Returns what tells a folder, whatever links lead to it."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _is_known(file: AudioFile, entry: Entry | None) -> bool:
    return entry is not None and entry[:2] == (file.n_bytes, file.mtime_ns)


def _check(file: AudioFile) -> Found:
    """Returns the SHA-256 of a file ("" if it cannot be read), and its problem or its sound."""
    if not is_utf8(file.key):
        return "", NO_UTF8, None
    try:
        content = read_content(file.path)
    except DataError as error:
        return "", error.rule.rstrip("."), None
    sha256, found = hashlib.sha256(content).hexdigest(), decode_content(content, file.path.suffix)
    if isinstance(found, str):
        return sha256, found, None
    return sha256, None, sound_of(*found)
