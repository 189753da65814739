"""A plan in, clips in a folder of words out, with a report of all that was found.

A recording as long as a clip is one; a longer one is cut, by its labels or by what stands out of
the room. What was imported before is passed over, nothing is overwritten.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from sprd.audio.clips import shown
from sprd.audio.importing.cutting import Cut, Dropped, Stretch, cut_at_labels, cut_words
from sprd.audio.importing.journal import Entry, Journal, clip_names, only_import
from sprd.audio.importing.label_files import Label
from sprd.audio.importing.names import checked_word, word_name
from sprd.audio.importing.plan import Item
from sprd.audio.importing.recordings import Recording, read_recording, sha256_of
from sprd.audio.importing.splits import write_lists
from sprd.audio.sound import SHORT_S, TOLERANCE_S, sound_of
from sprd.config.labels import BACKGROUND_NOISE_FOLDER
from sprd.disk.process import Progress
from sprd.errors import DataError


@dataclass(frozen=True)
class Settings:
    """How long a clip is, and the highest rate that it keeps."""

    window_ms: int = 1000
    max_rate_hz: int = 16_000


@dataclass(frozen=True)
class Imported:
    """What an import did.

    `new` are its recordings and `sources` all of the folder, each as in `import.json`; `problems`
    says in sentences what could not be read, `notes` what else there is to know.
    """

    new: tuple[Mapping[str, Any], ...]
    sources: tuple[Mapping[str, Any], ...]
    n_known: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def import_recordings(
    items: Sequence[Item],
    out: Path,
    settings: Settings,
    labels: Mapping[Path, Sequence[Label]],
    progress: Progress,
) -> Imported:
    """Imports recordings into a folder; the same again adds only what is new.

    Args:
        items: What each file is.
        out: Folder of `<word>/<speaker>_nohash_<n>.wav`; made if it is not there.
        settings: Of the clips.
        labels: Of the files that have some.
        progress: Is told how many recordings are done.

    Raises:
        DataError: A recording was imported as something else before, or no word was found.
    """
    hashes = [sha256_of(item.path) for item in items]
    with only_import(out):
        journal = Journal(out)
        fresh = _fresh(items, hashes, journal.entries, settings, labels)
        new: list[Entry] = []
        problems: list[str] = []
        for number, (item, about) in enumerate(fresh):
            progress("importing", number, len(fresh))
            try:
                new.append(_import_one(journal, item, about, settings, labels.get(item.path)))
            except DataError as error:
                problems.append(str(error))
        progress("importing", len(fresh), len(fresh))
        if fresh and not any(entry["clips"] for entry in new):
            raise DataError(problems[0] if problems else _nothing_found(new))
        for entry in new:
            if not entry["clips"]:
                journal.add(entry)
        notes = write_lists(out, journal.entries)
        sources = tuple(journal.write_report()["sources"])
    return Imported(tuple(new), sources, len(items) - len(fresh), tuple(problems), notes)


def _fresh(
    items: Sequence[Item],
    hashes: Sequence[str],
    entries: Iterable[Entry],
    settings: Settings,
    labels: Mapping[Path, Sequence[Label]],
) -> list[tuple[Item, Entry]]:
    """Returns the recordings that are not in the folder, and what their entries begin with.

    Raises:
        DataError: One is in it, or comes twice, as another word, speaker or cut.
    """
    known = {entry["sha256"]: entry for entry in entries}
    fresh = []
    for item, sha256 in zip(items, hashes, strict=True):
        said = [[one.start_s, one.end_s, one.text] for one in labels.get(item.path, ())]
        about: Entry = {
            "sha256": sha256,
            "file": str(item.path.absolute()),
            "word": item.word,
            "speaker": item.speaker,
            "split": item.split,
            "settings": {**asdict(settings), "labels": said or None},
        }
        before = known.setdefault(sha256, about)
        if before is about:
            fresh.append((item, about))
        elif any(before[key] != about[key] for key in ("word", "speaker", "settings")):
            if before.get("clips") != []:
                raise DataError(_told_otherwise(about, before))
            fresh.append((item, about))  # no word was found: it may be told now where they are
    return fresh


def _told_otherwise(about: Entry, before: Entry) -> str:
    one, other = (f"{e['word']!r} by {e['speaker']!r}" for e in (about, before))
    if one == other:
        one, other = "other clips or labels", f"those of {before['settings']}"[:200]
    return (
        f"{shown(about['file'])}: the same sound must be imported once, got {one}, and before"
        f" {other} (from {shown(before['file'])}). Leave the file out, or choose another --out."
    )


def _import_one(
    journal: Journal, item: Item, about: Entry, settings: Settings, labels: Sequence[Label] | None
) -> Entry:
    """Writes the clips of a recording; one without any is not remembered yet."""
    recording = read_recording(item.path, settings.max_rate_hz)
    clips, dropped = _clips_of(item, recording, settings.window_ms / 1000, labels)
    told: list[dict[str, object]] = []
    names: dict[str, Iterator[str]] = {}
    for word, cut in clips:
        if word not in names:
            names[word] = _names(journal, word, item)
        name = next(names[word])
        start = round(cut.start_s * recording.rate_hz)
        n_samples = round((cut.end_s - cut.start_s) * recording.rate_hz)
        part = recording.samples[start : start + n_samples]
        journal.write_clip(name, _wav(part, recording.rate_hz))
        told.append(_told(name, cut))
    entry = about | {
        "duration_s": round(recording.duration_s, 3),
        "sample_rate_hz": recording.file_rate_hz,
        "clips": told,
        "dropped": [asdict(one) for one in dropped],
    }
    if told:
        journal.add(entry)
    return entry


def _clips_of(
    item: Item, recording: Recording, window_s: float, labels: Sequence[Label] | None
) -> tuple[list[tuple[str, Cut]], list[Dropped]]:
    """Returns the clips of a recording, each with its word, and what was dropped."""
    wave, rate_hz, duration_s = recording.samples, recording.rate_hz, recording.duration_s
    whole = Cut(0.0, duration_s, Stretch(0.0, duration_s, 0.0))
    if item.word == BACKGROUND_NOISE_FOLDER:
        return [(item.word, whole)], []
    if labels is not None:
        return _labelled(item, recording, window_s, labels)
    if not item.word:
        return [], [Dropped(0.0, duration_s, "without a label")]
    if duration_s > window_s + TOLERANCE_S:
        cuts, dropped = cut_words(wave, rate_hz, window_s)
        return [(item.word, cut) for cut in cuts], dropped
    if duration_s < SHORT_S:
        return [], [Dropped(0.0, duration_s, "too short")]
    if sound_of(wave, rate_hz).is_silent:
        return [], [Dropped(0.0, duration_s, "silent")]
    return [(item.word, whole)], []


def _labelled(
    item: Item, recording: Recording, window_s: float, labels: Sequence[Label]
) -> tuple[list[tuple[str, Cut]], list[Dropped]]:
    """Cuts a recording where its labels say; those of other words than the file's are dropped.

    Raises:
        DataError: A label lies behind the end, or says no word.
    """
    for label in labels:
        if label.end_s > recording.duration_s + 0.1:
            raise DataError(
                f"{shown(item.path)}: its labels must lie within {recording.duration_s:.2f} s, got"
                f" {label.end_s:.2f} s in line {label.line}. Are they of another recording?"
            )
    spans = [(label.start_s, label.end_s) for label in labels]
    cuts = cut_at_labels(recording.samples, recording.rate_hz, spans, window_s)
    clips, dropped = [], []
    for label, cut in zip(labels, cuts, strict=True):
        word = word_name(label.text) or item.word
        if item.word and word.lower() != item.word.lower():
            reason = f"labelled {label.text!r}"
            dropped.append(Dropped(label.start_s, label.end_s, reason))
        else:
            where = f"{shown(item.path)}, label in line {label.line}"
            clips.append((item.word or checked_word(word, where), cut))
    return clips, dropped


def _names(journal: Journal, word: str, item: Item) -> Iterator[str]:
    """Yields names for the clips of a recording; a room's keeps its own."""
    if word != BACKGROUND_NOISE_FOLDER:
        return clip_names(journal.folder, journal.entries, word, item.speaker)
    stems = (f"{item.path.stem}{'' if n == 1 else f'_{n}'}" for n in count(1))
    names = (f"{word}/{stem}.wav" for stem in stems)
    return (name for name in names if not (journal.folder / name).exists())


def _told(name: str, cut: Cut) -> dict[str, object]:
    """Returns the entry of a clip: times in seconds of the recording."""
    return {
        "clip": name,
        "start_s": round(cut.start_s, 3),
        "end_s": round(cut.end_s, 3),
        "word_start_s": round(cut.word.start_s, 3),
        "word_end_s": round(cut.word.end_s, 3),
        "above_room_db": cut.word.level_db,
        "doubts": list(cut.doubts),
    }


def _wav(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _nothing_found(entries: Sequence[Entry]) -> str:
    first = entries[0]
    reasons = sorted({one["reason"] for entry in entries for one in entry["dropped"]})
    why = f"only what is {', '.join(reasons)}" if reasons else "nothing"
    return (
        f"{shown(first['file'])}: a word must stand out of its room, got {why} in"
        f" {len(entries):,} recording{'s' if len(entries) > 1 else ''}. Record nearer to the"
        " microphone, or say with --labels where the words are."
    )
