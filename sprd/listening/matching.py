"""What was said in a stream and what was heard in, hits and false accepts out.

A word counts as heard from 100 ms after its onset until 1,500 ms after its end: before, a model
would have guessed; later, nobody waits. Knows no scores and no recogniser.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.audio.streams import Piece, Said, Stream
from sprd.config.labels import NOT_KEYWORDS
from sprd.listening.recognizers import Detections

AFTER_ONSET_MS, AFTER_END_MS = 100, 1500
"""Between these ends a detection is of the word. Source: notes/streaming.md, as it was measured."""

HIT, REPEAT, CONFUSION, FALSE_ACCEPT = range(4)
"""What a detection is: the first of the right word, a later one, of another keyword while one was
said, or of a keyword where none was."""

_FIRST_KEYWORD = len(NOT_KEYWORDS)


@dataclass(frozen=True)
class HeardStream:
    """A stream, and what a model answered to it.

    `scores` is (T, n_labels), int8; `times_ms`, (T,), int64, when the audio of each ended.
    """

    stream: Stream
    scores: NDArray[np.int8]
    times_ms: NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """The keywords of a stream as arrays by onset, one place a word: labels, and milliseconds.

    `places` has those of each label that occurs.
    """

    labels: NDArray[np.int64]
    places: dict[int, NDArray[np.int64]]
    from_ms: NDArray[np.float64]
    until_ms: NDArray[np.float64]
    end_ms: NDArray[np.float64]


@dataclass(frozen=True)
class FalseAccept:
    """A keyword that was heard and not said, `piece` being the recording that it was heard in."""

    time_ms: int
    word: str
    score: int
    piece: Piece | None


@dataclass(frozen=True)
class Matched:
    """What came of a stream.

    `is_hit` and `delays_ms` have one place for each word said, (n_said,): the latter counts from
    the end of the word, and is nan where it was missed. `kinds`, (n_detections,), has HIT, REPEAT,
    CONFUSION or FALSE_ACCEPT of each detection.
    """

    is_hit: NDArray[np.bool_]
    delays_ms: NDArray[np.float64]
    kinds: NDArray[np.int64]
    false_accepts: tuple[FalseAccept, ...]

    @property
    def n_confusions(self) -> int:
        """Words at which another keyword was heard, each time."""
        return int((self.kinds == CONFUSION).sum())


def match(
    said: Sequence[Said],
    found: Detections,
    keywords: Sequence[str],
    pieces: Sequence[Piece] = (),
) -> Matched:
    """Matches what was said with what was heard.

    A word has one hit, and a detection is the hit of one word at most.

    Args:
        said: Keywords, sorted by onset; none where the stream holds none.
        found: What a recogniser made of the stream.
        keywords: The labels of the model from the third on.
        pieces: Which recording lies where, sorted by time.
    """
    words = words_of(said, keywords)
    hit_by = hits(words, found)
    is_hit = hit_by >= 0
    delays = np.full(len(said), np.nan)
    delays[is_hit] = found.times_ms[hit_by[is_hit]] - words.end_ms[is_hit]
    kinds = _kinds(words, found, hit_by[is_hit])
    false = np.flatnonzero(kinds == FALSE_ACCEPT)
    wheres = pieces_at(found.times_ms[false], starts_of(pieces))
    false_accepts = tuple(
        FalseAccept(
            time_ms=int(found.times_ms[at]),
            word=keywords[int(found.labels[at]) - _FIRST_KEYWORD],
            score=int(found.scores[at]),
            piece=pieces[where] if where >= 0 else None,
        )
        for at, where in zip(false, wheres, strict=True)
    )
    return Matched(is_hit, delays, kinds, false_accepts)


def words_of(said: Sequence[Said], keywords: Sequence[str]) -> Words:
    """Returns the words of a stream with the times between which each may be heard."""
    ends_ms = np.array([each.end_s for each in said], np.float64) * 1000
    labels = np.array([_FIRST_KEYWORD + keywords.index(s.word) for s in said], np.int64)
    return Words(
        labels=labels,
        places={int(label): np.flatnonzero(labels == label) for label in np.unique(labels)},
        from_ms=np.array([each.onset_s for each in said], np.float64) * 1000 + AFTER_ONSET_MS,
        until_ms=ends_ms + AFTER_END_MS,
        end_ms=ends_ms,
    )


def hits(words: Words, found: Detections) -> NDArray[np.int64]:
    """Returns which detection heard each word, (n_said,); -1 where none did."""
    hit_by = np.full(len(words.labels), -1)
    for label, at in words.places.items():
        mine = np.flatnonzero(found.labels == label)
        times = found.times_ms[mine]
        first = times.searchsorted(words.from_ms[at])
        stop = times.searchsorted(words.until_ms[at], side="right")
        is_hit = first < stop
        taken = first[is_hit]
        if (taken[1:] == taken[:-1]).any():
            first, is_hit = _one_each(first, stop)
        hit_by[at[is_hit]] = mine[first[is_hit]]
    return hit_by


def starts_of(pieces: Sequence[Piece]) -> NDArray[np.float64]:
    """Returns when each piece starts, in milliseconds."""
    return np.array([piece.start_s for piece in pieces], np.float64) * 1000


def pieces_at(times_ms: NDArray[np.int64], starts_ms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the place of the piece that was played last at each time; -1 before any."""
    return np.searchsorted(starts_ms, times_ms, side="right") - 1


def _one_each(
    first: NDArray[np.intp], stop: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The earliest detection in [first, stop) of each word that is no earlier word's."""
    taken, is_hit = first.copy(), np.zeros(len(first), bool)
    free = 0
    for word, (start, end) in enumerate(zip(first.tolist(), stop.tolist(), strict=True)):
        at = max(start, free)
        if at < end:
            taken[word], is_hit[word] = at, True
            free = at + 1
    return taken, is_hit


def _kinds(words: Words, found: Detections, hit_by: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_detections,): what each is."""
    times = found.times_ms[:, None]
    is_near = (words.from_ms <= times) & (times <= words.until_ms)
    is_right = is_near & (words.labels == found.labels[:, None])
    kinds = np.where(is_near.any(1), CONFUSION, FALSE_ACCEPT)
    kinds[is_right.any(1)] = REPEAT
    kinds[hit_by] = HIT
    return kinds
