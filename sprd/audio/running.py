"""Folders of running speech in; recordings in which no keyword is said, each of a split, out.

On them a model must stay silent. What is left out is told with its reason.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sprd.audio.blocks import read_blocks
from sprd.audio.noises import NoiseRecording
from sprd.audio.readers import NAMELESS, moved_readers, reader_of, split_readers
from sprd.audio.speech_files import SpeechContents
from sprd.audio.split import Split
from sprd.audio.transcripts import read_transcripts, spotter
from sprd.config.labels import RESERVED_WORDS
from sprd.config.trial import DataSection


@dataclass(frozen=True)
class Recording:
    """One recording of running speech; `key` is unique in the corpus and on every machine.

    `transcript` is what is said in it, without a keyword; None where nobody wrote it down: then a
    keyword may be said in it. `speaker` is None where the file does not name one.
    """

    path: Path
    key: str
    speaker: str | None
    split: Split
    seconds: float
    transcript: str | None


@dataclass(frozen=True)
class SpeechFolder:
    """What is wrong with a folder of running speech, and what of it is left out, by key.

    The keys of its recordings start with `prefix`.
    """

    folder: Path
    prefix: str
    has_transcripts: bool
    with_keyword: Mapping[str, tuple[str, ...]]
    """The keywords that are said in each; a folder that is named as one says it, too."""
    untold: tuple[str, ...]
    """Those without a line in a transcript, where the folder has transcripts."""
    twice: tuple[str, ...]
    """Those whose content lies elsewhere too, as speech or as a clip."""
    unreadable: Mapping[str, str]
    bad_transcripts: Mapping[str, str]


@dataclass(frozen=True)
class Speech:
    """All running speech: what is used, sorted by key, and what is in each folder."""

    recordings: tuple[Recording, ...] = ()
    folders: tuple[SpeechFolder, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Of each recording that is used, by key."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """See `moved_readers`."""


class _Used(NamedTuple):
    """A recording that is used, before it has a split."""

    path: Path
    key: str
    reader: str | None
    seconds: float
    transcript: str | None
    sha256: str


def read_recording(
    recording: Recording | NoiseRecording, sample_rate_hz: int
) -> Iterator[NDArray[np.int16]]:
    """Reads a recording as mono at the given rate, in blocks: it may last ten hours.

    Yields:
        (n,) int16 with n > 0; all together are what `read_clip` would give.

    Raises:
        DataError: The file is missing, empty, no audio, or damaged somewhere.
    """
    return read_blocks(recording.path, sample_rate_hz)


def index_speech(
    folders: Sequence[tuple[Path, SpeechContents]],
    data: DataSection,
    clips: Collection[str],
    speakers: Mapping[str, Split],
    moved: Mapping[str, str] | None = None,
) -> Speech:
    """Sorts out in which recordings no keyword is said, and deals them to the splits.

    Args:
        folders: Each with what is in it; no content counts twice.
        data: Keywords and salt.
        clips: SHA-256 of the files that are clips or noise.
        speakers: The split of each speaker of clips.
        moved: Of an earlier look, see `moved_readers`; None: readers are dealt anew.
    """
    keywords = [word for word in data.keywords if word not in RESERVED_WORDS]
    seen = set(clips)
    used: list[_Used] = []
    found = []
    for number, (folder, contents) in enumerate(folders, 1):
        prefix = "speech/" if number == 1 else f"speech{number}/"
        more, one = _sort_out(folder, prefix, contents, keywords, seen)
        used += more
        found.append(one)
    readers = {one.reader for one in used if one.reader is not None}
    has_nameless = any(one.reader is None for one in used)
    splits = split_readers(readers, speakers, has_nameless, data, moved)
    used.sort(key=lambda one: one.key)
    return Speech(
        recordings=tuple(
            Recording(path, key, reader, splits[reader] if reader else NAMELESS, seconds, text)
            for path, key, reader, seconds, text, _ in used
        ),
        folders=tuple(found),
        sha256={one.key: one.sha256 for one in used},
        moved=moved_readers(splits, data),
    )


def _sort_out(
    folder: Path,
    prefix: str,
    contents: SpeechContents,
    keywords: Sequence[str],
    seen: set[str],
) -> tuple[list[_Used], SpeechFolder]:
    """Returns the recordings of a folder that are used, and what is not; adds them to `seen`."""
    spot = spotter(keywords)
    said, bad_transcripts = read_transcripts(contents.transcripts)
    used: list[_Used] = []
    with_keyword: dict[str, tuple[str, ...]] = {}
    untold, twice, unreadable = [], [], {}
    for file, sha256, problem, sound in contents.checked:
        key, text = prefix + file.key, said.get(file.key.rpartition(".")[0])
        *parts, name = file.key.split("/")
        words = spot(text) if text else tuple(word for word in keywords if word in parts)
        if problem is not None or sound is None:
            unreadable[key] = str(problem)
        elif sha256 in seen:
            twice.append(key)
        elif words:
            with_keyword[key] = words
        elif text is None and contents.transcripts:
            untold.append(key)
        else:
            used.append(_Used(file.path, key, reader_of(name), sound.seconds, text, sha256))
        seen.add(sha256)
    found = SpeechFolder(
        *(folder, prefix, bool(contents.transcripts), with_keyword),
        *(tuple(untold), tuple(twice), unreadable, bad_transcripts),
    )
    return used, found
