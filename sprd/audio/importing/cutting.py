"""A recording in, the stretches in which a word is said and the windows to cut out.

By energy: what stands out of the room's own level (`loudness.py`) falls into two groups, the room's
stirrings and the words, and the line between them is drawn where both have room. What is above it
and sounds of no voice (`speech.py`) is dropped. Knows no files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sprd.audio.importing.loudness import FRAMES_PER_S, Levels, loudness_of
from sprd.audio.importing.speech import are_words, voice_db

MIN_WORD_S = 0.08
"""Shorter sounds are clicks."""

MAX_GAP_S = 0.25
"""A pause within a word: the closure of stop, eight, right."""

MIN_APART_DB = 8.0
"""Between the room's stirrings and the words: with less there are no words."""

_LINE_DB = 6.0
"""At least as far above the room is a word."""

_LOWEST, _HIGHEST = 0.3, 0.6
"""The line lies within this part of the way from the room's stirrings to a middle word."""

_CROWD_DB, _STRAY = 1.0, 3.0
"""It lies where few sounds are as loud, within 1 dB; three of them outweigh the whole way."""

_EDGE_DB = 28.0
"""Below its loudest, a word has ended."""

_MARGIN_S = 0.05
"""Room that is left around a word where its neighbours allow."""

_TOUCHING_S = 0.02
_REACH_S = 0.5
"""A label that is set by hand lies at most as far from its word."""

_PEAK_FRAMES = 30
_BLOCK_FRAMES = 25
_MIN_CLIPPED = 3

LONGER = "longer than the window"
NEAR = "another sound is near"
QUIET = "quieter than the others"
CLIPPED = "clipped"
EDGE = "at the edge of the recording"
CLICK = "a click"
NO_VOICE = "no voice in it"
UNHEARD = "nothing stands out at the label"


@dataclass(frozen=True)
class Stretch:
    """A part of a recording, in seconds; `level_db` is how far it stands above the room."""

    start_s: float
    end_s: float
    level_db: float


@dataclass(frozen=True)
class Cut:
    """A clip to be: from where to where it goes, the word in it, and what is doubtful about it."""

    start_s: float
    end_s: float
    word: Stretch
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """What stood out of the room but is no clip, and why."""

    start_s: float
    end_s: float
    reason: str


def cut_words(
    wave: NDArray[np.int16], sample_rate_hz: int, window_s: float
) -> tuple[list[Cut], list[Dropped]]:
    """Finds the words of a recording, each in the middle of its window.

    Args:
        wave: (n_samples,), int16.
        sample_rate_hz: Its rate.
        window_s: Length of a clip; the recording should be longer.

    Returns:
        The clips and what was dropped, in the order of time.
    """
    words, dropped = find_words(wave, sample_rate_hz)
    cuts = place_windows(words, len(wave) / sample_rate_hz, window_s)
    return [_with_clipping(cut, wave, sample_rate_hz) for cut in cuts], dropped


def cut_at_labels(
    wave: NDArray[np.int16],
    sample_rate_hz: int,
    labels: Sequence[tuple[float, float]],
    window_s: float,
) -> list[Cut]:
    """Cuts where labels say, in the order of the labels.

    A point is set while somebody listens, so the sound that is next to it is meant.

    Args:
        wave: (n_samples,), int16.
        sample_rate_hz: Its rate.
        labels: Start and end in seconds, in the order of time; a point if both are the same.
        window_s: Length of a clip.
    """
    has_points = any(start == end for start, end in labels)
    heard = [word for word, _ in find_words(wave, sample_rate_hz)[0]] if has_points else []
    words = []
    for start, end in labels:
        near = [one for one in heard if one.start_s - _REACH_S <= start <= one.end_s + _REACH_S]
        is_heard = start < end or bool(near)
        nearest = min(near, key=lambda one: abs(one.start_s - start), default=None)
        point = nearest if start == end else None
        words.append((point or Stretch(start, end, 0.0), is_heard))
    cuts = place_windows([(word, False) for word, _ in words], len(wave) / sample_rate_hz, window_s)
    for number, (_, is_heard) in enumerate(words):
        if not is_heard:
            doubts = (*cuts[number].doubts, UNHEARD)
            cuts[number] = replace(cuts[number], doubts=doubts)
    return [_with_clipping(cut, wave, sample_rate_hz) for cut in cuts]


def find_words(
    wave: NDArray[np.int16], sample_rate_hz: int
) -> tuple[list[tuple[Stretch, bool]], list[Dropped]]:
    """Finds where words are said.

    Returns:
        Each stretch and whether it is much quieter than the others; and what was dropped.
    """
    loudness = loudness_of(wave, sample_rate_hz)
    peaks = _peaks(loudness.core)
    room_db, line_db, typical_db = _line(loudness.core, peaks)
    words: list[tuple[Stretch, bool]] = []
    dropped: list[Dropped] = []
    sounds: list[Stretch] = []
    for first, last, peak in _regions(loudness.edge, loudness.core, peaks, room_db, line_db):
        start, end, level_db = first / FRAMES_PER_S, (last + 1) / FRAMES_PER_S, loudness.core[peak]
        if level_db < line_db or end - start < MIN_WORD_S:
            dropped.append(Dropped(start, end, QUIET if level_db < line_db else CLICK))
        else:
            sounds.append(Stretch(start, end, round(float(level_db), 1)))
    voices = [voice_db(wave, sample_rate_hz, loudness, one.start_s, one.end_s) for one in sounds]
    quiet_db = (line_db + typical_db) / 2 - 3
    for sound, is_word in zip(sounds, are_words([s.level_db for s in sounds], voices), strict=True):
        if is_word:
            words.append((sound, sound.level_db < quiet_db))
        else:
            dropped.append(Dropped(sound.start_s, sound.end_s, NO_VOICE))
    return words, sorted(dropped, key=lambda one: one.start_s)


def _peaks(core: Levels) -> NDArray[np.int64]:
    """Returns the frames that are the loudest of the 300 ms on each side."""
    n = _PEAK_FRAMES
    padded = np.pad(core, n, constant_values=-1)
    loudest = np.lib.stride_tricks.sliding_window_view(padded, 2 * n + 1).max(axis=1)
    peaks = np.flatnonzero(core >= loudest)
    apart = np.diff(peaks, prepend=-n) >= n  # of a plateau, the first
    return peaks[apart]


def _line(core: Levels, peaks: NDArray[np.int64]) -> tuple[float, float, float]:
    """Draws the line between the room's stirrings and words.

    Returns:
        The level of the room's stirrings, the line, and the middle level of words, in dB.
    """
    n = max(1, len(core) // _BLOCK_FRAMES)
    blocks = np.array([part.max() for part in np.array_split(core, n)])
    between = _between_groups(blocks)
    room, words = blocks[blocks <= between], core[peaks][core[peaks] > between]
    if not len(words):
        return between, np.inf, np.inf
    middle, high = np.quantile(room, (0.5, 0.95))
    low, typical = np.quantile(words, (0.05, 0.5))
    apart = typical - middle
    if apart < MIN_APART_DB:
        return float(middle), np.inf, np.inf
    spread, other = max(1.0, high - middle), max(1.0, typical - low)
    likely = middle + apart * spread / (spread + other)
    levels = (
        np.arange(max(_LOWEST * apart, min(_LINE_DB, apart / 2)), _HIGHEST * apart, 0.25) + middle
    )
    crowd = np.exp(-0.5 * np.square((levels[:, None] - core[peaks]) / _CROWD_DB)).sum(axis=1)
    line = levels[np.argmin(crowd + _STRAY * np.abs(levels - likely) / apart)]
    return float(high), float(line), float(typical)


def _between_groups(values: NDArray[np.floating]) -> float:
    """Returns the number that parts values into two groups with least variance in each (Otsu)."""
    ordered = np.sort(values.astype(np.float64))
    if len(ordered) < 2:
        return float(ordered[0])
    n = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    below, above = sums[:-1] / n, (sums[-1] - sums[:-1]) / (len(ordered) - n)
    best = int(np.argmax(n * (len(ordered) - n) * np.square(above - below)))
    return float((ordered[best] + ordered[best + 1]) / 2)


def _regions(
    edge: Levels, core: Levels, peaks: NDArray[np.int64], room_db: float, line_db: float
) -> Iterator[tuple[int, int, int]]:
    """Yields first frame, last frame and peak of each sound that is worth a word about.

    Sounds that overlap are one; those below the line are told where they come near it.
    """
    least = room_db + 0.7 * (line_db - room_db)
    regions: list[tuple[int, int, int]] = []
    for peak in peaks[core[peaks] >= least]:
        first, last = _extent(edge, int(peak), room_db)
        if regions and first <= regions[-1][1]:
            before = regions[-1]
            loudest = max(before[2], int(peak), key=lambda frame: core[frame])
            regions[-1] = (min(before[0], first), max(before[1], last), loudest)
        else:
            regions.append((first, last, int(peak)))
    yield from regions


def _extent(edge: Levels, peak: int, room_db: float) -> tuple[int, int]:
    """Returns the first and last frame of the sound around a peak, short pauses included."""
    near = slice(max(0, peak - 6), peak + 7)
    line = max(room_db + 1, float(edge[near].max()) - _EDGE_DB)
    gap = round(MAX_GAP_S * FRAMES_PER_S)
    ends = []
    for side in (edge[peak::-1], edge[peak:]):
        loud = np.flatnonzero(side > line)
        if not len(loud):
            ends.append(0)
            continue
        pauses = np.flatnonzero(np.diff(loud) > gap)
        ends.append(int(loud[pauses[0]] if len(pauses) else loud[-1]))
    return peak - ends[0], peak + ends[1]


def place_windows(
    words: Sequence[tuple[Stretch, bool]], duration_s: float, window_s: float
) -> list[Cut]:
    """Puts a window around each word: in the middle, or aside where a neighbour would be in it.

    Windows stay within the recording.
    """
    ends = [-np.inf, *(word.end_s for word, _ in words)]
    starts = [*(word.start_s for word, _ in words), np.inf]
    cuts = []
    for number, (word, is_quiet) in enumerate(words):
        before, after = ends[number], starts[number + 1]
        start = _window_start(word, before, after, window_s)
        start = max(0.0, min(start, duration_s - window_s))
        end = min(start + window_s, duration_s)
        doubts = []
        if is_quiet:
            doubts.append(QUIET)
        if word.end_s - word.start_s > window_s:
            doubts.append(LONGER)
        if before > start or after < end:
            doubts.append(NEAR)
        if word.start_s < _TOUCHING_S or word.end_s > duration_s - _TOUCHING_S:
            doubts.append(EDGE)
        cuts.append(Cut(start, end, word, tuple(doubts)))
    return cuts


def _window_start(word: Stretch, before: float, after: float, window_s: float) -> float:
    """Returns where a window begins: moved off neighbours as far as the word stays whole."""
    centred = (word.start_s + word.end_s - window_s) / 2
    if word.end_s - word.start_s > window_s:
        return centred
    earliest = word.end_s + min(_MARGIN_S, window_s) - window_s
    latest = word.start_s - _MARGIN_S
    if earliest > latest:
        return centred
    wanted = centred
    if after < centred + window_s:
        wanted = min(wanted, after - window_s)
    if before > wanted:
        wanted = before if after >= before + window_s else (before + after - window_s) / 2
    return float(min(max(wanted, earliest), latest))


def _with_clipping(cut: Cut, wave: NDArray[np.int16], rate_hz: int) -> Cut:
    """Adds the doubt that the word was too loud for the recorder."""
    part = wave[round(cut.word.start_s * rate_hz) : round(cut.word.end_s * rate_hz)]
    full = np.flatnonzero((part >= 32700) | (part <= -32700))
    runs = sum(1 for one, other in pairwise(full) if other - one == 1)
    return replace(cut, doubts=(*cut.doubts, CLIPPED)) if runs >= _MIN_CLIPPED else cut
