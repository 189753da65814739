"""A corpus in, which streams it gives out, and their samples on disk.

A set is written together: keywords in a silent room and at each ratio to noise, or one material
without keywords, cut into parts. Its key says all that its samples depend on.
"""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from sprd.audio.bank import noise_parts, noises_in
from sprd.audio.clips import read_clip, shown
from sprd.audio.corpus import Corpus
from sprd.audio.laying import APART_S, HISS, LEAD_S, Placed, lay_words, noise_behind, to_int16
from sprd.audio.noises import NoiseRecording
from sprd.audio.running import Recording, read_recording
from sprd.audio.split import Clip, Split
from sprd.audio.voices.synthetic import espeak_version
from sprd.audio.voices.talk import LINE_S, Line, lines_for, say
from sprd.config.seeds import generator_of
from sprd.config.trial import DataSection
from sprd.errors import DataError

Material = Literal["keywords", "speech", "words", "noise"]
Chosen = TypeVar("Chosen")

FORMAT = 1
"""Part of every set's key: raise it when the same recordings give other samples."""

SNRS_DB = (20.0, 10.0, 5.0)
"""Of keywords, beside a silent room."""

PART_S = 1200.0
"""Longest stream: its front end is computed in one call."""

MEAN_APART_S = sum(APART_S) / 2
PAUSE_S = 0.3
"""Between two recordings of a stream."""

N_NOISES, NOISE_S = 24, 120.0
"""Recordings that lie behind the words of a set, and the seconds of each that are read."""

CUT_S = 600.0
"""Longer recordings are taken a cut at a time."""


@dataclass(frozen=True)
class Said:
    """A keyword in a stream: `onset_s` and `end_s` are of the word, not of its recording."""

    word: str
    speaker: str
    key: str
    onset_s: float
    end_s: float


@dataclass(frozen=True)
class Piece:
    """A recording in a stream; `group` is who speaks, or its folder where that is unknown.

    It is heard from its second `offset_s` on.
    """

    key: str
    group: str
    start_s: float
    end_s: float
    offset_s: float = 0.0


@dataclass(frozen=True)
class Written:
    """A stream as it was written: `file` holds its samples, little-endian int16."""

    name: str
    file: str
    snr_db: float | None
    said: tuple[Said, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Lengths:
    """Seconds that are heard of each material at most; of keywords in each condition."""

    keywords_s: float
    speech_s: float
    words_s: float
    noise_s: float


WHOLE = Lengths(math.inf, math.inf, math.inf, math.inf)
"""All there is."""


@dataclass(frozen=True)
class Cut:
    """A part of a recording, in seconds."""

    recording: Recording | NoiseRecording
    start_s: float
    end_s: float


@dataclass(frozen=True)
class StreamSet:
    """What is written together.

    Clips, cuts of recordings, or lines for synthetic voices; the noise behind keywords is of
    `corpus`.
    """

    material: Material
    part: int
    rate_hz: int
    seed: int
    split: Split
    corpus: Corpus
    clips: tuple[Clip, ...] = ()
    cuts: tuple[Cut, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def is_synthetic(self) -> bool:
        """Whether voices of a synthesizer speak."""
        return bool(self.lines) or any(clip.is_synthetic for clip in self.clips)

    @property
    def key(self) -> str:
        """Names the samples."""
        what = {
            "format": FORMAT,
            "material": self.material,
            "rate_hz": self.rate_hz,
            "seed": self.seed,
            "split": self.split,
            "corpus": self.corpus.fingerprint,
            "clips": [clip.key for clip in self.clips],
            "cuts": [(*_file(cut.recording), cut.start_s, cut.end_s) for cut in self.cuts],
            "noise": _noise_keys(self.corpus, self.split),
            "lines": [(line.voice, line.text) for line in self.lines],
            "espeak": espeak_version() if self.lines else None,
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def seconds(self) -> float:
        """About how long all of it is."""
        n_conditions = 1 + len(SNRS_DB) if self.material == "keywords" else 1
        spoken = len(self.clips) * MEAN_APART_S + 2 * LEAD_S * bool(self.clips)
        recorded = sum(cut.end_s - cut.start_s + PAUSE_S for cut in self.cuts)
        return n_conditions * spoken + recorded + len(self.lines) * LINE_S

    @property
    def n_bytes(self) -> int:
        """About the size of its samples."""
        return int(2 * self.rate_hz * self.seconds)

    def write(self, folder: Path) -> list[Written]:
        """Writes the samples into a folder.

        Raises:
            DataError: A recording cannot be read.
        """
        if self.cuts or self.lines:
            return _write_talk(self, folder)
        return _write_words(self, folder)


def sets_of(
    corpus: Corpus, data: DataSection, split: Split, seed: int, rate_hz: int, lengths: Lengths
) -> tuple[StreamSet, ...]:
    """Returns the sets of a split; for the arguments see `sprd.audio.streams.open_streams`."""
    clips = corpus.of(split)
    keywords = [clip for clip in clips if clip.word in data.keywords]
    others = [clip for clip in clips if clip.word not in data.keywords]
    speech = [one for one in corpus.speech if one.split is split]
    spoken = [(_group(one), Cut(one, 0.0, one.seconds)) for one in speech]
    noise = [
        (one.key, Cut(one, 0.0, min(NOISE_S, one.seconds))) for one in noises_in(corpus, split)
    ]

    def of_clips(material: Material, chosen: Sequence[Clip]) -> Iterator[StreamSet]:
        size = int(PART_S / MEAN_APART_S) - 8
        for part, start in enumerate(range(0, len(chosen), size)):
            some = tuple(chosen[start : start + size])
            yield StreamSet(material, part, rate_hz, seed, split, corpus, clips=some)

    def of_cuts(material: Material, chosen: Sequence[Cut]) -> Iterator[StreamSet]:
        if chosen:
            yield StreamSet(material, 0, rate_hz, 0, split, corpus, cuts=tuple(chosen))
        elif material == "speech" and keywords and (lines := spoken_lines()):
            yield StreamSet(material, 0, rate_hz, 0, split, corpus, lines=lines)

    def spoken_lines() -> tuple[Line, ...]:
        return lines_for(corpus.clips, data.keywords, split, lengths.speech_s)

    return (
        *of_clips("keywords", _drawn(keywords, lengths.keywords_s, seed)),
        *of_cuts("speech", _evenly(spoken, lengths.speech_s)),
        *of_clips("words", _drawn(others, lengths.words_s, seed)),
        *of_cuts("noise", _evenly(noise, lengths.noise_s)),
    )


def _noise_keys(corpus: Corpus, split: Split) -> list[str]:
    """Names the noise behind words: whole recordings, parts of some, or made noise."""
    parts = [f"part of {one.key}" for one in corpus.noises if one.split is None]
    return [one.key for one in noises_in(corpus, split)] or parts or ["made"]


def _drawn(clips: Sequence[Clip], seconds: float, seed: int) -> list[Clip]:
    """Draws clips in turn from each word, then shuffles them: words are equally frequent."""
    random = generator_of("streams", seed)
    by_word: dict[str, list[Clip]] = defaultdict(list)
    for number in random.permutation(len(clips)):
        by_word[clips[number].word].append(clips[number])
    in_turn = _in_turn([by_word[word] for word in sorted(by_word)])
    chosen = in_turn[: int(min(len(clips), seconds / MEAN_APART_S))]
    return [chosen[number] for number in random.permutation(len(chosen))]


def _evenly(cuts: Iterable[tuple[str, Cut]], seconds: float) -> list[Cut]:
    """Takes cuts in turn from each group until there are as many seconds, in their order."""
    queues: dict[str, list[Cut]] = defaultdict(list)
    for group, whole in cuts:
        for start in np.arange(0.0, whole.end_s, CUT_S):
            end = min(whole.end_s, float(start) + CUT_S)
            queues[group].append(Cut(whole.recording, float(start), end))
    chosen, total = [], 0.0
    for cut in _in_turn(list(queues.values())):
        if total < seconds:
            chosen.append(cut)
            total += cut.end_s - cut.start_s
    return sorted(chosen, key=lambda cut: (cut.recording.key, cut.start_s))


def _in_turn(queues: Sequence[Sequence[Chosen]]) -> list[Chosen]:
    """Returns the first of each queue, then the second of each, and so on."""
    found = zip_longest(*queues)
    return [one for turn in found for one in turn if one is not None]


def _file(recording: Recording | NoiseRecording) -> tuple[str, int]:
    """Returns the name of a recording and its size: the fingerprint knows no running speech."""
    try:
        return recording.key, recording.path.stat().st_size
    except OSError as error:
        raise DataError.at(
            shown(recording.path), f"must be readable: {error.strerror}. Restore the file."
        ) from error


def _group(recording: Recording | NoiseRecording) -> str:
    if isinstance(recording, Recording):
        return recording.speaker or recording.key.rpartition("/")[0] or recording.key
    return recording.key


def _write_words(one: StreamSet, folder: Path) -> list[Written]:
    words = [(clip, read_clip(clip.path, one.rate_hz)) for clip in one.clips]
    random = generator_of("laid", one.seed, one.material, one.part)
    dry, placed = lay_words(words, one.rate_hz, random)
    conditions: list[tuple[float | None, NDArray[np.float32]]] = [(None, dry)]
    if one.material == "keywords":
        noises = _noise_waves(one, random)
        noise = noise_behind(placed, len(dry), noises, one.rate_hz, random)
        gains = {snr: np.float32(10 ** (-snr / 20)) for snr in SNRS_DB}
        conditions += [(snr, dry + noise * gain) for snr, gain in gains.items()]
    return [_write_laid(one, folder, snr, wave, placed) for snr, wave in conditions]


def _write_laid(
    one: StreamSet,
    folder: Path,
    snr_db: float | None,
    wave: NDArray[np.float32],
    placed: Sequence[Placed],
) -> Written:
    condition = "quiet" if snr_db is None else f"{snr_db:g} dB"
    name = f"{one.material} {condition}, part {one.part}"
    file = f"{condition.replace(' ', '')}.pcm"
    to_int16(wave).astype("<i2").tofile(folder / file)
    is_keyword = one.material == "keywords"
    said = [_said(word, one.rate_hz) for word in placed if is_keyword]
    pieces = [_piece(word, one.rate_hz) for word in placed]
    return Written(name, file, snr_db, tuple(said), tuple(pieces))


def _piece(word: Placed, rate_hz: int) -> Piece:
    start_s, end_s = word.start / rate_hz, word.stop / rate_hz
    return Piece(word.clip.key, word.clip.speaker, start_s, end_s, word.first / rate_hz)


def _said(word: Placed, rate_hz: int) -> Said:
    clip = word.clip
    return Said(clip.word, clip.speaker, clip.key, word.onset / rate_hz, word.end / rate_hz)


def _noise_waves(one: StreamSet, random: np.random.Generator) -> list[NDArray[np.int16]]:
    """Reads the recordings that lie behind words; where the split has none, see `noise_parts`."""
    found = noises_in(one.corpus, one.split)
    if not found:
        return list(noise_parts(one.corpus, one.split, one.rate_hz, one.rate_hz))
    drawn = random.permutation(len(found))[:N_NOISES]
    return [
        np.concatenate([each for _, each in _blocks([Cut(found[i], 0.0, NOISE_S)], one.rate_hz)])
        for i in sorted(drawn)
    ]


class _Parts:
    """Writes samples to one stream after the other, each at most `PART_S` long."""

    def __init__(self, one: StreamSet, folder: Path) -> None:
        self._set, self._folder = one, folder
        self._random = generator_of("pauses", one.material)
        self._n_samples = 0
        self._pieces: list[list[Piece]] = []

    def add(self, key: str, group: str, blocks: Iterable[tuple[int, NDArray[np.int16]]]) -> None:
        """Appends a recording and a pause; each block with its place in the recording."""
        rate = self._set.rate_hz
        for first, block in blocks:
            for start in range(0, len(block), rate):
                self._append(block[start : start + rate], key, group, first + start)
        hiss = self._random.standard_normal(int(PAUSE_S * rate)) * HISS
        self._append(np.rint(hiss).astype(np.int16), "", "")

    def written(self) -> list[Written]:
        """Returns what was written."""
        return [
            Written(f"{self._set.material}, part {part}", f"{part}.pcm", None, (), tuple(pieces))
            for part, pieces in enumerate(self._pieces)
        ]

    def _append(self, samples: NDArray[np.int16], key: str, group: str, first: int = 0) -> None:
        rate = self._set.rate_hz
        if not self._pieces or self._n_samples + len(samples) > PART_S * rate:
            self._pieces.append([])
            self._n_samples = 0
        with (self._folder / f"{len(self._pieces) - 1}.pcm").open("ab") as file:
            file.write(samples.astype("<i2").tobytes())
        start, end = self._n_samples / rate, (self._n_samples + len(samples)) / rate
        self._n_samples += len(samples)
        pieces, offset = self._pieces[-1], first / rate
        if key and pieces and _goes_on(pieces[-1], Piece(key, group, start, end, offset), rate):
            start, offset = pieces[-1].start_s, pieces.pop().offset_s
        if key:
            pieces.append(Piece(key, group, start, end, offset))


def _goes_on(last: Piece, following: Piece, rate_hz: int) -> bool:
    """Whether a piece is what comes next in the recording of the last one."""
    if last.key != following.key or last.end_s != following.start_s:
        return False
    return round((last.offset_s + last.end_s - last.start_s - following.offset_s) * rate_hz) == 0


def _write_talk(one: StreamSet, folder: Path) -> list[Written]:
    parts = _Parts(one, folder)
    for line, samples in say(one.lines, one.rate_hz):
        parts.add(line.key, line.speaker, [(0, samples)])
    for key, cuts in groupby(one.cuts, key=lambda cut: cut.recording.key):
        of_one = list(cuts)
        parts.add(key, _group(of_one[0].recording), _blocks(of_one, one.rate_hz))
    return parts.written()


def _blocks(cuts: Sequence[Cut], rate_hz: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Yields all cuts of one recording, which is read once, with their places in it, in samples."""
    at = 0
    recording, last = cuts[0].recording, round(cuts[-1].end_s * rate_hz)
    for block in read_recording(recording, rate_hz):
        for cut in cuts:
            first, end = round(cut.start_s * rate_hz) - at, round(cut.end_s * rate_hz) - at
            inside = block[max(0, first) : max(0, end)]
            if len(inside):
                yield at + max(0, first), inside
        at += len(block)
        if at >= last:
            return
