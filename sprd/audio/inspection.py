"""A folder of recordings in, a report of what is in it and what is wrong with it out.

Changes nothing and knows no keywords: what a sweep demands of its words, `corpus.py` checks.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sprd.audio.clips import decode, shown
from sprd.audio.listing import Checked, check_audio
from sprd.audio.split import speaker_of
from sprd.config.labels import BACKGROUND_NOISE_FOLDER, SILENCE_LABEL
from sprd.errors import DataError

CLIP_S = 1.0
TOLERANCE_S = 0.01
"""Recorders miss the second by as much."""

MIN_SPEAKERS = 10
"""With fewer, a tenth of the speakers is nobody."""

SILENT_DBFS = -60.0
MIN_CLIPPED = 3
"""Samples in a row at full scale from which a clip counts as clipped: one may be a true peak."""


@dataclass(frozen=True)
class WordReport:
    """One word: its recordings that can be read, and who made them."""

    word: str
    n_clips: int
    n_speakers: int
    duration_s: float


@dataclass(frozen=True)
class FolderReport:
    """What is in a folder of recordings. Files are named by their keys, `<word>/<file>`.

    `duration_s` is of all clips, without noise; `sample_rates_hz` counts clips a rate;
    `duplicates` are groups of files with the same bytes; `problems` says in sentences what is
    worth doing something about.
    """

    folder: str
    words: tuple[WordReport, ...]
    n_clips: int
    n_speakers: int
    duration_s: float
    shortest_s: float
    longest_s: float
    sample_rates_hz: Mapping[int, int]
    unreadable: Mapping[str, str]
    shorter: tuple[str, ...]
    longer: tuple[str, ...]
    silent: tuple[str, ...]
    clipped: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    without_speaker: tuple[str, ...]
    few_speakers: tuple[str, ...]
    noise: Mapping[str, float]
    """Seconds of each recording of noise."""
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Returns the report for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Sound:
    rate_hz: int
    duration_s: float
    is_silent: bool
    is_clipped: bool


def inspect_folder(folder: Path) -> FolderReport:
    """Reads every recording of a folder.

    Raises:
        DataError: The folder is missing or holds no recordings.
    """
    checked = check_audio(folder)
    if not checked:
        raise DataError(
            f"{shown(folder)}: must hold a folder of recordings for each word, got no audio file."
            " Put them into <word>/<speaker>_nohash_<n>.wav."
        )
    unreadable = {clip.file.key: clip.problem for clip in checked if clip.problem is not None}
    good = [clip for clip in checked if clip.problem is None]
    sounds: dict[str, _Sound] = {}
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 1)) as pool:
        for clip, sound in zip(good, pool.map(_listen, good), strict=True):
            if isinstance(sound, str):
                unreadable[clip.file.key] = sound
            else:
                sounds[clip.file.key] = sound
    return _report(folder, [clip for clip in good if clip.file.key in sounds], sounds, unreadable)


def _listen(clip: Checked) -> _Sound | str:
    """Returns what a file sounds like, or why it cannot be read after all."""
    try:
        samples, rate_hz = decode(clip.file.path)
    except DataError as error:
        return error.rule
    loudness = np.abs(samples.astype(np.int32))
    full = np.concatenate(([0], loudness >= 32767, [0])).astype(np.int8)
    starts, ends = (np.flatnonzero(np.diff(full) == step) for step in (1, -1))
    return _Sound(
        rate_hz=rate_hz,
        duration_s=len(samples) / rate_hz,
        is_silent=bool(loudness.max(initial=0) < 32768 * 10 ** (SILENT_DBFS / 20)),
        is_clipped=bool((ends - starts >= MIN_CLIPPED).any()),
    )


def _report(
    folder: Path,
    good: list[Checked],
    sounds: Mapping[str, _Sound],
    unreadable: Mapping[str, str],
) -> FolderReport:
    noise = {k: s.duration_s for k, s in sounds.items() if k.startswith(BACKGROUND_NOISE_FOLDER)}
    clips = [clip for clip in good if clip.file.key not in noise]
    heard = {clip.file.key: sounds[clip.file.key] for clip in clips}
    words = _words(clips, heard)
    durations = [sound.duration_s for sound in heard.values()]
    names = {clip.file.key: clip.file.path.name for clip in clips}
    parts: dict[str, tuple[str, ...]] = {
        "shorter": _keys(heard, lambda sound: sound.duration_s < CLIP_S - TOLERANCE_S),
        "longer": _keys(heard, lambda sound: sound.duration_s > CLIP_S + TOLERANCE_S),
        "silent": _keys(heard, lambda sound: sound.is_silent),
        "clipped": _keys(heard, lambda sound: sound.is_clipped),
        "without_speaker": tuple(k for k, name in names.items() if "_nohash_" not in name),
        "few_speakers": tuple(word.word for word in words if word.n_speakers < MIN_SPEAKERS),
    }
    duplicates = _duplicates(clips)
    rates = Counter(sound.rate_hz for sound in heard.values())
    return FolderReport(
        folder=str(folder),
        words=words,
        n_clips=len(clips),
        n_speakers=len({speaker_of(name) for name in names.values()}),
        duration_s=sum(durations),
        shortest_s=min(durations, default=0.0),
        longest_s=max(durations, default=0.0),
        sample_rates_hz=dict(sorted(rates.items())),
        unreadable=dict(unreadable),
        duplicates=duplicates,
        noise=noise,
        problems=_problems(words, unreadable, duplicates, noise, parts),
        **parts,
    )


def _words(clips: Iterable[Checked], sounds: Mapping[str, _Sound]) -> tuple[WordReport, ...]:
    by_word: dict[str, list[Checked]] = defaultdict(list)
    for clip in clips:
        by_word[clip.file.word].append(clip)
    return tuple(
        WordReport(
            word=word,
            n_clips=len(files),
            n_speakers=len({speaker_of(clip.file.path.name) for clip in files}),
            duration_s=sum(sounds[clip.file.key].duration_s for clip in files),
        )
        for word, files in sorted(by_word.items())
    )


def _keys(sounds: Mapping[str, _Sound], is_so: Callable[[_Sound], bool]) -> tuple[str, ...]:
    return tuple(key for key, sound in sounds.items() if is_so(sound))


def _duplicates(clips: Iterable[Checked]) -> tuple[tuple[str, ...], ...]:
    by_content: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        by_content[clip.sha256].append(clip.file.key)
    return tuple(tuple(keys) for keys in by_content.values() if len(keys) > 1)


def _problems(
    words: tuple[WordReport, ...],
    unreadable: Mapping[str, str],
    duplicates: tuple[tuple[str, ...], ...],
    noise: Mapping[str, float],
    parts: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """Returns a sentence on each thing that is worth doing something about."""
    copies = tuple(key for keys in duplicates for key in keys[1:])
    found = (
        (tuple(unreadable), "cannot be read: remove them or record them again"),
        (parts["longer"], f"are longer than {CLIP_S:g} s: only their start is heard"),
        (parts["silent"], f"are silent (below {SILENT_DBFS:g} dBFS): remove them"),
        (parts["clipped"], "are clipped: record them again, less loud"),
        (copies, "are copies of others, which may lie in another split: remove them"),
        (parts["without_speaker"], "name no speaker: call them <speaker>_nohash_<n>"),
    )
    problems = [
        f"{len(keys):,} file{'s' if len(keys) > 1 else ''} {text} (first {keys[0]!r})."
        for keys, text in found
        if keys
    ]
    for word in words:
        if word.n_speakers < MIN_SPEAKERS:
            problems.append(
                f"{word.word!r} has {word.n_speakers} speaker{'s' if word.n_speakers > 1 else ''}"
                f": from {MIN_SPEAKERS} on, each split is likely to get one."
            )
    if any(word.word == SILENCE_LABEL for word in words):
        problems.append(f"{SILENCE_LABEL} is no word: move its files to {BACKGROUND_NOISE_FOLDER}.")
    if not noise:
        problems.append(f"no {BACKGROUND_NOISE_FOLDER}: noise is made, yours would be better.")
    return tuple(problems)
