"""A folder of running speech in; its recordings, how long each is and what is wrong with it out.

However deep they lie: LibriSpeech has `<reader>/<chapter>/<reader>-<chapter>-<number>.flac`. What
is said and by whom, `running.py` tells.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from sprd.audio.blocks import length_of
from sprd.audio.clips import readable_suffixes, shown
from sprd.audio.listing import (
    MAX_DEPTH,
    NO_UTF8,
    AudioFile,
    Checked,
    Found,
    LeftOut,
    Why,
    check_files,
    is_file,
    is_utf8,
    place_of,
    visible,
    why_no_clip,
)
from sprd.audio.sound import Sound
from sprd.audio.transcripts import SUFFIX
from sprd.disk.process import Progress
from sprd.errors import DataError


@dataclass(frozen=True)
class SpeechContents:
    """What is in a folder of running speech, each sorted by key: the path inside the folder.

    Of the sound of a recording only rate and length are known: it is not decoded. `word` is empty.
    """

    checked: tuple[Checked, ...]
    transcripts: tuple[tuple[str, Path], ...]
    left_out: tuple[LeftOut, ...]


def check_speech(folder: Path, progress: Progress | None = None) -> SpeechContents:
    """Lists the recordings of a folder and looks at each once; known ones are not read again.

    Args:
        folder: Holds recordings, in folders or not.
        progress: Called with ("reading", files done, files in all).

    Raises:
        DataError: The folder or one in it cannot be read, or there is no recording.
    """
    looked_at_ns = time.time_ns()
    files: list[AudioFile] = []
    transcripts: list[tuple[str, Path]] = []
    left_out: list[LeftOut] = []
    suffixes = readable_suffixes()
    try:
        for entry, key in _walk(folder):
            if key.endswith(SUFFIX) and is_file(entry):
                transcripts.append((key, Path(entry.path)))
            elif why := why_no_clip(entry.name, suffixes):
                left_out.append(LeftOut(key, why))
            elif not is_file(entry):
                left_out.append(LeftOut(key, Why.NO_FILE))
            else:
                status = entry.stat()
                n_bytes, mtime_ns = status.st_size, status.st_mtime_ns
                files.append(AudioFile(Path(entry.path), key, "", n_bytes, mtime_ns))
    except OSError as error:
        raise DataError(
            f"{shown(folder)}: must be a readable folder of running speech: "
            f"{error.strerror or error}. Check the path and its permissions."
        ) from error
    if not files:
        raise DataError(_nothing(folder, left_out))
    files.sort(key=attrgetter("key"))
    left_out.sort(key=attrgetter("name"))
    checked = check_files(folder, files, _check, looked_at_ns, "speech", progress)
    return SpeechContents(checked, tuple(sorted(transcripts)), tuple(left_out))


def _walk(folder: Path) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yields all that is no folder, and its key; links in circles do no harm."""
    waiting, visited = [(str(folder), "", 0)], set()
    while waiting:
        path, prefix, depth = waiting.pop()
        if (place := place_of(path)) in visited or depth > MAX_DEPTH:
            continue
        visited.add(place)
        for entry in visible(path):
            if not is_file(entry) and os.path.isdir(entry.path):
                waiting.append((entry.path, f"{prefix}{entry.name}/", depth + 1))
            else:
                yield entry, prefix + entry.name


def _nothing(folder: Path, left_out: list[LeftOut]) -> str:
    media = [one for one in left_out if one.why is Why.MEDIA]
    if media:
        return (
            f"{shown(folder)}: must hold recordings of running speech that can be read, got"
            f" {len(media):,} like {media[0].name!r}. Install what reads them: pip install"
            " 'sprd[media]'."
        )
    return (
        f"{shown(folder)}: must hold recordings of running speech, got no audio file. Put"
        " recordings there in which people talk and say no keyword."
    )


def _check(file: AudioFile) -> Found:
    """Returns the SHA-256 of a file ("" if it cannot be read), and its problem or its length."""
    if not is_utf8(file.key):
        return "", NO_UTF8, None
    try:
        with file.path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        found = length_of(file.path)
    except OSError as error:
        return "", f"must be a readable file: {error.strerror or error}", None
    if isinstance(found, str):
        return sha256, found, None
    n_samples, rate_hz = found
    return sha256, None, Sound(rate_hz, n_samples, 0, 0, False)
