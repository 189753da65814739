"""What a model heard in streams in, the figures that a command tells of it out.

A condition is the loudness of words over noise, a material what no keyword is said in; materials
are told apart, never pooled. What is not known is None.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sprd.audio.streams import Stream
from sprd.listening.matching import (
    CONFUSION,
    FALSE_ACCEPT,
    HeardStream,
    Matched,
    pieces_at,
    starts_of,
)
from sprd.listening.measures import (
    Curve,
    Recall,
    condition_of,
    delay_ms,
    false_accepts,
    recall_at,
    recall_curve,
    recall_of,
    recall_streaming,
    worst_tenth,
)
from sprd.listening.rates import bootstrap_rate
from sprd.listening.recognizers import Detections, Recognizer
from sprd.listening.told import metrics_of

CURVE_RATES = tuple(round(float(rate), 4) for rate in np.geomspace(0.25, 64, 65))
"""False accepts an hour at which a curve is drawn, as far as the hours carry it."""

_NO_RATE = {"per_hour": None, "interval": None, "text": "-", "interval_of_groups": None}
Heard = Sequence[tuple[Stream, Matched]]


@dataclass(frozen=True)
class Fooled:
    """A keyword that was heard and not said.

    `at_s` is in the stream, `recording_at_s` in the recording `key` whose `group` speaks; these
    are None between recordings. `said` is what was said there, as far as anybody wrote it down.
    """

    stream: Stream
    at_s: float
    heard: str
    score: int
    kind: str
    key: str | None
    group: str | None
    recording_at_s: float | None
    said: str | None

    def as_dict(self) -> dict[str, Any]:
        """Returns what `--json` tells."""
        return {
            "material": self.stream.material,
            "condition": condition_of(self.stream) if self.stream.said else None,
            "kind": self.kind,
            "heard": self.heard,
            "score": self.score,
            "said": self.said,
            "recording": self.key,
            "recording_at_s": self.recording_at_s,
            "group": self.group,
            "stream": self.stream.name,
            "at_s": self.at_s,
        }


def fooled_by(
    matched: Heard,
    found: Sequence[Detections],
    labels: Sequence[str],
    transcripts: Mapping[str, str],
) -> tuple[Fooled, ...]:
    """Returns each false accept and each keyword that was heard as another, the surest first.

    Args:
        matched: What came of each stream.
        found: The detections that it came of, in the same order.
        labels: Of the model, in order.
        transcripts: What is said in recordings, by their keys.
    """
    kinds = {FALSE_ACCEPT: "false accept", CONFUSION: "confusion"}
    fooled = []
    for (stream, one), each in zip(matched, found, strict=True):
        wheres = pieces_at(each.times_ms, starts_of(stream.pieces))
        for number in np.flatnonzero(np.isin(one.kinds, list(kinds))):
            at_s = int(each.times_ms[number]) / 1000
            piece = stream.pieces[wheres[number]] if wheres[number] >= 0 else None
            fooled.append(
                Fooled(
                    stream=stream,
                    at_s=at_s,
                    heard=labels[int(each.labels[number])],
                    score=int(each.scores[number]),
                    kind=kinds[int(one.kinds[number])],
                    key=piece.key if piece else None,
                    group=piece.group if piece else None,
                    recording_at_s=round(at_s - piece.start_s + piece.offset_s, 3)
                    if piece
                    else None,
                    said=_said(stream, piece.key, transcripts) if piece else None,
                )
            )
    return tuple(sorted(fooled, key=lambda one: (-one.score, one.stream.name, one.at_s)))


def _said(stream: Stream, key: str, transcripts: Mapping[str, str]) -> str | None:
    """What is said in a recording: of a clip of another word its folder's name."""
    keywords = {one.key: one.word for one in stream.said}
    if stream.material == "words":
        return key.split("/")[-2]
    return keywords.get(key) or transcripts.get(key)


def stream_table(
    heard: Sequence[HeardStream],
    matched: Heard,
    recognizer: Recognizer,
    keywords: Sequence[str],
    fooled: Sequence[Fooled],
) -> dict[str, Any]:
    """Returns all that is told: totals under the keys of numbers, conditions, materials, mistakes.

    Args:
        heard: Streams and scores.
        matched: What the recogniser made of each, in the same order.
        recognizer: At whose thresholds; a curve moves them all together.
        keywords: The labels of the model from the third on.
        fooled: See `fooled_by`.
    """
    curve = recall_curve(heard, recognizer, keywords)
    names = list(dict.fromkeys(condition_of(stream) for stream, _ in matched if stream.said))
    return {
        **metrics_of(heard, recognizer, keywords)[0],
        "hours_of_speech": round(curve.hours, 6),
        "conditions": [_condition(matched, curve, name) for name in names],
        "materials": _materials(matched),
        "false_accepts": [one.as_dict() for one in fooled],
    }


def _condition(matched: Heard, curve: Curve, name: str) -> dict[str, Any]:
    mine = [(s, m) for s, m in matched if s.said and condition_of(s) == name]
    points = [(rate, recall_at(curve, name, rate)) for rate in CURVE_RATES]
    recall, mean = recall_of(matched, name), recall_streaming(curve, name)
    return {
        "condition": name,
        "n_words": sum(len(stream.said) for stream, _ in mine),
        "n_heard": sum(int(one.is_hit.sum()) for _, one in mine),
        "n_confused": sum(one.n_confusions for _, one in mine),
        "n_speakers": recall.n_speakers if recall else 0,
        "recall": _value(recall),
        "interval": _ends(recall),
        "recall_streaming": _value(mean),
        "recall_streaming_interval": _ends(mean),
        "worst_tenth_recall": _rounded(worst_tenth(curve, name)),
        "delay_ms": _rounded(delay_ms(matched, 50, name)),
        "delay_p95_ms": _rounded(delay_ms(matched, 95, name)),
        "curve": [[rate, round(value, 6)] for rate, value in points if value is not None],
    }


def _materials(matched: Heard) -> list[dict[str, Any]]:
    """Each material with its rate, exact limits, and how much readers differ.

    Of synthetic voices they are counted, and no rate is told: it would flatter.
    """
    found = []
    for name, rate in false_accepts(matched).items():
        streams = [stream for stream, _ in matched if stream.material == name]
        found.append(
            {
                "material": name,
                "is_synthetic": any(stream.is_synthetic for stream in streams),
                **rate.as_dict(),
                "text": rate.text,
                "interval_of_groups": _of_groups([p for p in matched if p[0].material == name]),
            }
        )
        if found[-1]["is_synthetic"]:
            found[-1] |= _NO_RATE
    return found


def _of_groups(pairs: Heard) -> list[float] | None:
    """The rate's 95 % interval as readers are drawn; None of fewer than two."""
    hours: dict[str, float] = defaultdict(float)
    n: dict[str, float] = defaultdict(float)
    for stream, one in pairs:
        ends = [*(piece.start_s for piece in stream.pieces[1:]), stream.hours * 3600]
        for piece, end_s in zip(stream.pieces, ends, strict=False):
            hours[piece.group] += (end_s - piece.start_s) / 3600  # the pause after it, too
        for accept in one.false_accepts:
            if accept.piece is not None:
                n[accept.piece.group] += 1
    if len(hours) < 2:
        return None
    low, high = bootstrap_rate([n[group] for group in hours], list(hours.values()))
    return [round(low, 4), round(high, 4)]


def _value(recall: Recall | None) -> float | None:
    return _rounded(None if recall is None else recall.value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _ends(recall: Recall | None) -> list[float] | None:
    return None if recall is None else [round(end, 6) for end in recall.interval]
