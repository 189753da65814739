"""Streams that a model heard and a recogniser in, curve, recalls, delays and false accepts out.

A condition is a loudness of the words over the noise: "quiet", "20db", "10db", "5db". Materials
without keywords are told apart, never pooled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from sprd.audio.streams import Stream
from sprd.listening.matching import FALSE_ACCEPT, HeardStream, Matched, hits, match, words_of
from sprd.listening.rates import LEAST_EVENTS, Rate, bootstrap_mean, hours_of, rate_of
from sprd.listening.rates import poisson_interval as poisson_interval
from sprd.listening.recognizers import Recognizer, detections, prepare, recognize
from sprd.model.evaluate import MIN_SPEAKERS
from sprd.model.exact import Interval, exact_interval

QUIET = "quiet"
"""The condition without noise."""

RATES_PER_HOUR = tuple(float(rate) for rate in np.geomspace(1, 20, 25))
"""False accepts an hour at which recall is averaged."""

LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 40, 254
"""Between these a curve moves thresholds; above the latter nothing is ever heard."""

NEVER = 255
"""A threshold that no average exceeds."""


@dataclass(frozen=True)
class Curve:
    """What a recogniser hears as its thresholds move together: (L,) levels, from low to high.

    `n_false` has the false accepts in running speech at each level, over `hours_heard`, of which
    `hours` are different audio. `hits` has, a condition, (L, n_words) whether each word was heard,
    `speakers` who said it, and `clips` which recording it is, once a seed. At the last level
    nothing is heard.
    """

    thresholds: tuple[tuple[int, ...], ...]
    n_false: NDArray[np.int64]
    hours_heard: float
    hours: float
    hits: dict[str, NDArray[np.bool_]]
    speakers: dict[str, tuple[str, ...]]
    clips: dict[str, tuple[str, ...]]

    @property
    def false_accepts_per_hour(self) -> NDArray[np.float64]:
        """(L,): at each level, or at the highest level above it with more; nan without speech."""
        if not self.hours_heard:
            return np.full(len(self.n_false), np.nan)
        highest = np.maximum.accumulate(self.n_false[::-1])[::-1]
        rates: NDArray[np.float64] = highest / self.hours_heard
        return rates

    @property
    def rates_carried(self) -> list[float]:
        """Those of `RATES_PER_HOUR` that the hours say something of."""
        return [rate for rate in RATES_PER_HOUR if rate * self.hours >= LEAST_EVENTS]


@dataclass(frozen=True)
class Recall:
    """A recall with its 95 % interval: of a bootstrap over speakers, exact where they are few.

    `n_words` are different recordings: what is heard with several seeds counts once.
    """

    value: float
    interval: Interval
    n_words: int
    n_speakers: int

    def as_dict(self) -> dict[str, object]:
        """Returns what a record keeps."""
        return {
            "value": round(self.value, 6),
            "interval": [round(end, 6) for end in self.interval],
            "n_words": self.n_words,
            "n_speakers": self.n_speakers,
        }


def condition_of(stream: Stream) -> str:
    """Returns the name of how loud the words of a stream are over the noise."""
    return QUIET if stream.snr_db is None else f"{stream.snr_db:g}db"


def levels_of(recognizer: Recognizer) -> list[Recognizer]:
    """Returns a recogniser with all its thresholds moved together, from low to high."""
    lowest = LOWEST_THRESHOLD - max(recognizer.thresholds)
    highest = HIGHEST_THRESHOLD - min(recognizer.thresholds)
    moved = [
        tuple(
            min(max(threshold + by, LOWEST_THRESHOLD), HIGHEST_THRESHOLD)
            for threshold in recognizer.thresholds
        )
        for by in range(lowest, highest + 1)
    ]
    never = (NEVER,) * len(recognizer.thresholds)
    return [replace(recognizer, thresholds=thresholds) for thresholds in (*moved, never)]


def recall_curve(
    heard: Sequence[HeardStream], recognizer: Recognizer, keywords: Sequence[str]
) -> Curve:
    """Returns what is heard as the thresholds of a recogniser move together."""
    levels = levels_of(recognizer)
    n_false = np.zeros(len(levels), np.int64)
    parts: dict[str, list[NDArray[np.bool_]]] = {}
    speakers: dict[str, tuple[str, ...]] = {}
    clips: dict[str, tuple[str, ...]] = {}
    for one in heard:
        if one.stream.material not in ("speech", "keywords"):
            continue
        prepared = prepare(one.scores, one.times_ms, recognizer)
        found = [recognize(prepared, level) for level in levels]
        if one.stream.material == "speech":
            n_false += [len(each) for each in found]
            continue
        words, condition = words_of(one.stream.said, keywords), condition_of(one.stream)
        is_hit = np.array([hits(words, each) >= 0 for each in found])
        parts.setdefault(condition, []).append(is_hit)
        names = tuple(said.speaker for said in one.stream.said)
        speakers[condition] = speakers.get(condition, ()) + names
        keys = tuple(said.key for said in one.stream.said)
        clips[condition] = clips.get(condition, ()) + keys
    speech = [one.stream for one in heard if one.stream.material == "speech"]
    return Curve(
        thresholds=tuple(level.thresholds for level in levels),
        n_false=n_false,
        hours_heard=sum(stream.hours for stream in speech),
        hours=hours_of(speech),
        hits={condition: np.concatenate(each, axis=1) for condition, each in parts.items()},
        speakers=speakers,
        clips=clips,
    )


def level_at(curve: Curve, per_hour: float) -> int:
    """Returns the lowest level from which on false accepts an hour are at most `per_hour`."""
    return int(np.argmax(curve.false_accepts_per_hour <= per_hour))


def recall_at(curve: Curve, condition: str, per_hour: float) -> float | None:
    """Returns the recall at so many false accepts an hour; None where nothing carries it."""
    is_hit = curve.hits.get(condition)
    if is_hit is None or not is_hit.size or per_hour * curve.hours < LEAST_EVENTS:
        return None
    return float(is_hit[level_at(curve, per_hour)].mean())


def recall_streaming(curve: Curve, condition: str = QUIET) -> Recall | None:
    """Returns the mean recall over `RATES_PER_HOUR`, as far as the hours carry it.

    None where they carry nothing, or nothing is said in this condition.
    """
    shares = _heard_shares(curve, condition)
    if shares is None:
        return None
    return _recall_of(shares, curve.speakers[condition], len(set(curve.clips[condition])))


def worst_tenth(curve: Curve, condition: str = QUIET) -> float | None:
    """Returns the mean recall of the tenth of the speakers that is heard worst.

    The recall of each is that of `recall_streaming`. None where that is, or of few speakers.
    """
    shares = _heard_shares(curve, condition)
    if shares is None:
        return None
    _, speaker = np.unique(np.asarray(curve.speakers[condition]), return_inverse=True)
    recalls = np.sort(np.bincount(speaker, shares) / np.bincount(speaker))
    if len(recalls) < MIN_SPEAKERS:
        return None
    return float(recalls[: ceil(len(recalls) / 10)].mean())


def match_all(
    heard: Sequence[HeardStream], recognizer: Recognizer, keywords: Sequence[str]
) -> list[tuple[Stream, Matched]]:
    """Returns what came of each stream with a recogniser as it is."""
    return [
        (
            one.stream,
            match(
                one.stream.said,
                detections(one.scores, one.times_ms, recognizer),
                keywords,
                one.stream.pieces,
            ),
        )
        for one in heard
    ]


def recall_of(matched: Sequence[tuple[Stream, Matched]], condition: str = QUIET) -> Recall | None:
    """Returns the recall of the words of a condition; None without any."""
    mine = [pair for pair in matched if _is_of(pair[0], condition)]
    speakers = [said.speaker for stream, _ in mine for said in stream.said]
    if not speakers:
        return None
    is_hit = np.concatenate([one.is_hit for _, one in mine])
    n_words = len({said.key for stream, _ in mine for said in stream.said})
    return _recall_of(is_hit.astype(np.float64), speakers, n_words)


def delay_ms(
    matched: Sequence[tuple[Stream, Matched]], percentile: float = 50.0, condition: str = QUIET
) -> float | None:
    """Returns a percentile of the time from the end of a word to its hit; None without a hit."""
    delays = [one.delays_ms[one.is_hit] for stream, one in matched if _is_of(stream, condition)]
    found = np.concatenate(delays) if delays else np.zeros(0)
    return float(np.percentile(found, percentile)) if len(found) else None


def false_accepts(matched: Sequence[tuple[Stream, Matched]]) -> dict[str, Rate]:
    """Returns the rate of each material without keywords that is there.

    Between keywords too little time is left for one, and four loudnesses would be added up.
    """
    found: dict[str, list[tuple[Stream, Matched]]] = {}
    for stream, one in matched:
        if stream.material != "keywords":
            found.setdefault(stream.material, []).append((stream, one))
    return {name: _rate([s for s, _ in pairs], pairs) for name, pairs in found.items()}


def _rate(streams: Sequence[Stream], pairs: Sequence[tuple[Stream, Matched]]) -> Rate:
    hours = hours_of(streams)
    n_times = sum(stream.hours for stream in streams) / hours
    n = sum(int((one.kinds == FALSE_ACCEPT).sum()) for _, one in pairs)
    return rate_of(round(n / n_times, 6), hours)


def _is_of(stream: Stream, condition: str) -> bool:
    return stream.material == "keywords" and condition_of(stream) == condition


def _heard_shares(curve: Curve, condition: str) -> NDArray[np.float64] | None:
    """(n_words,): at how many of the rates carried each word is heard, as a share."""
    is_hit, rates = curve.hits.get(condition), curve.rates_carried
    if is_hit is None or not is_hit.size or not rates:
        return None
    shares: NDArray[np.float64] = is_hit[[level_at(curve, rate) for rate in rates]].mean(0)
    return shares


def _recall_of(shares: NDArray[np.float64], speakers: Sequence[str], n_words: int) -> Recall:
    n_speakers = len(set(speakers))
    interval = bootstrap_mean(shares, speakers)
    if n_speakers < MIN_SPEAKERS or interval[0] == interval[1]:
        exact = exact_interval(round(float(shares.mean()) * n_words), n_words)
        interval = min(exact[0], interval[0]), max(exact[1], interval[1])
    return Recall(float(shares.mean()), interval, n_words, n_speakers)
