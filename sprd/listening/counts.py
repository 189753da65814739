"""Streams that a model heard in, what recognisers make of them out, by folds of readers.

Running speech is dealt into folds by reader; keywords and other words by speaker, who lies in one
fold with both. A folder whose readers are not known is one group: where it is too large for a fold,
it is dealt by recording, and a voice may lie in several folds.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.audio.streams import Piece, Stream
from sprd.config.labels import NOT_KEYWORDS
from sprd.listening.matching import HeardStream, Words, hits, pieces_at, starts_of, words_of
from sprd.listening.measures import QUIET, condition_of
from sprd.listening.rates import hours_of
from sprd.listening.recognizers import Detections, Peaks, Recognizer, Rings, prepare, recognize

CONDITIONS = (QUIET, "20db", "10db")
"""Loudness of the words whose recall counts."""

NEGATIVES = ("speech", "words")
"""Materials whose false accepts are limited; the first decides how many folds there are."""

LARGEST_SHARE = 1 / 3
"""Of all hours: a group with more is dealt by recording."""

_FIRST_KEYWORD = len(NOT_KEYWORDS)

Prepared = tuple[Peaks | Rings, ...]
"""What thresholds and suppression do not change of each stream."""


@dataclass(frozen=True)
class Counts:
    """What recognisers do: (n_recognizers, n_folds, n_keywords), float64.

    `false` has, a material, false accepts, the mean of the seeds; `hits` words that were heard,
    each weighing so much that all words of a condition weigh as much as those of another, and all
    together 1.
    """

    false: dict[str, NDArray[np.float64]]
    hits: NDArray[np.float64]

    def from_row(self, row: int) -> "Counts":
        """Returns those of a recogniser and the ones after it."""
        return Counts({name: false[row:] for name, false in self.false.items()}, self.hits[row:])


@dataclass(frozen=True)
class _Negative:
    """A stream without keywords, when its pieces start, the fold of each, and what one weighs."""

    heard: HeardStream
    starts_ms: NDArray[np.float64]
    folds: NDArray[np.int64]
    weight: float

    def add_false(self, found: Detections, false: NDArray[np.float64]) -> None:
        where = pieces_at(found.times_ms, self.starts_ms)
        at = self.folds[np.maximum(where, 0)], found.labels - _FIRST_KEYWORD
        np.add.at(false, at, self.weight)


@dataclass(frozen=True)
class _Spoken:
    """A stream of keywords, and the fold of each of its words, which weigh `weight` each."""

    heard: HeardStream
    words: Words
    folds: NDArray[np.int64]
    weight: float

    def add_hits(self, found: Detections, weights: NDArray[np.float64]) -> None:
        is_hit = hits(self.words, found) >= 0
        at = self.folds[is_hit], self.words.labels[is_hit] - _FIRST_KEYWORD
        np.add.at(weights, at, self.weight)


@dataclass(frozen=True)
class Scenes:
    """Streams in folds.

    `hours` has, a material of `NEGATIVES` that is there, those of different audio, (n_folds,);
    `weights`, (n_folds,), what the keywords of each fold weigh.
    """

    n_keywords: int
    hours: dict[str, NDArray[np.float64]]
    weights: NDArray[np.float64]
    negatives: tuple[_Negative, ...]
    spoken: tuple[_Spoken, ...]

    @property
    def n_folds(self) -> int:
        """As many as were asked for, or groups of running speech if they are fewer."""
        return len(self.weights)

    def prepare(self, recognizer: Recognizer) -> Prepared:
        """Prepares what `count` takes: for all thresholds and suppressions."""
        heard = [*(one.heard for one in self.negatives), *(one.heard for one in self.spoken)]
        return tuple(prepare(one.scores, one.times_ms, recognizer) for one in heard)

    def count(
        self,
        prepared: Prepared,
        recognizers: Sequence[Recognizer],
        most: Mapping[str, float] | None = None,
    ) -> Counts:
        """Counts what recognisers do that differ in thresholds and suppression alone.

        Where `most` is given they are looked at from the last on, until there are more false
        accepts of a material in whichever folds but one: of the others there is nothing in what
        comes back, whose last is the last.
        """
        shape = (len(recognizers), self.n_folds, self.n_keywords)
        counts = Counts({name: np.zeros(shape) for name in self.hours}, np.zeros(shape))
        negatives = list(zip(self.negatives, prepared, strict=False))
        spoken = list(zip(self.spoken, prepared[len(negatives) :], strict=True))
        for row in reversed(range(len(recognizers))):
            for one, peaks in negatives:
                false = counts.false[one.heard.stream.material][row]
                one.add_false(recognize(peaks, recognizers[row]), false)
            for each, peaks in spoken:
                each.add_hits(recognize(peaks, recognizers[row]), counts.hits[row])
            if any(_least_but_one(counts.false[name][row]) > n for name, n in (most or {}).items()):
                return counts.from_row(row)
        return counts


def _least_but_one(false: NDArray[np.float64]) -> float:
    """The fewest in all folds but one, of (n_folds, n_keywords): no fold bounds what others fit."""
    by_fold = false.sum(1)
    return float(by_fold.sum() - (by_fold.max() if len(by_fold) > 1 else 0))


def open_scenes(heard: Sequence[HeardStream], keywords: Sequence[str], n_folds: int) -> Scenes:
    """Deals streams into folds.

    Args:
        heard: Of `NEGATIVES`, and of keywords in `CONDITIONS`; others are left out.
        keywords: The labels of the model from the third on.
        n_folds: At most; as many as there are groups of running speech, if these are fewer.
    """
    by_material = {
        name: [one for one in heard if one.stream.material == name and one.stream.pieces]
        for name in NEGATIVES
    }
    groups = {name: _groups([o.stream for o in mine]) for name, mine in by_material.items()}
    n_folds = max(1, min(n_folds, len(set(groups[NEGATIVES[0]].values()))))
    shares = {name: _shares(mine, groups[name]) for name, mine in by_material.items()}
    speakers = [said.speaker for one in _of_keywords(heard) for said in one.stream.said]
    readers, others = (shares[name] for name in NEGATIVES)
    of_speakers = deal(_together(others, Counter(speakers)), n_folds)
    folds = dict(zip(NEGATIVES, (deal(readers, n_folds), of_speakers), strict=True))
    negatives: list[_Negative] = []
    hours: dict[str, NDArray[np.float64]] = {}
    for name, mine in by_material.items():
        if mine:
            hours[name] = np.zeros(n_folds)
            for group, share in shares[name].items():
                hours[name][folds[name][group]] += share
            hours[name] *= hours_of(one.stream for one in mine) / hours[name].sum()
            negatives += _negatives(mine, groups[name], folds[name])
    spoken = _spoken(_of_keywords(heard), keywords, of_speakers)
    weights = np.zeros(n_folds)
    for each in spoken:
        np.add.at(weights, each.folds, each.weight)
    return Scenes(len(keywords), hours, weights, tuple(negatives), spoken)


def deal(shares: Mapping[str, float], n_folds: int) -> dict[str, int]:
    """Returns the fold of each name, the largest first, so that all hold about as much."""
    held = [0.0] * n_folds
    folds: dict[str, int] = {}
    for name, share in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
        folds[name] = held.index(min(held))
        held[folds[name]] += share
    return folds


def _shares(heard: Sequence[HeardStream], group_of: Mapping[str, str]) -> dict[str, float]:
    """The seconds of each group."""
    shares: dict[str, float] = defaultdict(float)
    for one in heard:
        for piece in one.stream.pieces:
            shares[group_of[piece.key]] += piece.end_s - piece.start_s
    return shares


def _together(*every: Mapping[str, float]) -> dict[str, float]:
    """The share of each name in what all of these hold, each as much as the other."""
    names = dict.fromkeys(name for shares in every for name in shares)
    totals = [sum(shares.values()) or 1.0 for shares in every]
    return {
        name: sum(shares.get(name, 0) / total for shares, total in zip(every, totals, strict=True))
        for name in names
    }


def _negatives(
    heard: Sequence[HeardStream], group_of: Mapping[str, str], folds: Mapping[str, int]
) -> list[_Negative]:
    """Streams of one material in folds."""
    weight = hours_of(one.stream for one in heard) / sum(one.stream.hours for one in heard)
    return [
        _Negative(
            heard=one,
            starts_ms=starts_of(one.stream.pieces),
            folds=np.array([folds[group_of[p.key]] for p in one.stream.pieces], np.int64),
            weight=weight,
        )
        for one in heard
    ]


def _groups(streams: Sequence[Stream]) -> dict[str, str]:
    """The group of each recording: who reads, or itself where one group has too large a share."""
    pieces: list[Piece] = [piece for stream in streams for piece in stream.pieces]
    lengths: Counter[str] = Counter()
    for piece in pieces:
        lengths[piece.group] += round(1000 * (piece.end_s - piece.start_s))
    most = LARGEST_SHARE * lengths.total()
    return {
        piece.key: piece.key if lengths[piece.group] > most else piece.group for piece in pieces
    }


def _of_keywords(heard: Sequence[HeardStream]) -> list[HeardStream]:
    mine = [one for one in heard if one.stream.material == "keywords"]
    return [one for one in mine if condition_of(one.stream) in CONDITIONS and one.stream.said]


def _spoken(
    heard: Sequence[HeardStream], keywords: Sequence[str], folds: Mapping[str, int]
) -> tuple[_Spoken, ...]:
    n_words: Counter[str] = Counter()
    for one in heard:
        n_words[condition_of(one.stream)] += len(one.stream.said)
    return tuple(
        _Spoken(
            heard=one,
            words=words_of(one.stream.said, keywords),
            folds=np.array([folds[said.speaker] for said in one.stream.said], np.int64),
            weight=1 / (len(n_words) * n_words[condition_of(one.stream)]),
        )
        for one in heard
    )
