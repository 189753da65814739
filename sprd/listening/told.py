"""Streams that a model heard and its recogniser in, numbers by their keys and a record out.

The record of a split has `metrics`, the numbers; `intervals` of some; of each material without
keywords how many false accepts there were in how many hours, with exact limits. In speech of
synthetic voices they are counted, and no rate is told: it would flatter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sprd.audio.streams import Stream
from sprd.listening.matching import HeardStream, Matched
from sprd.listening.measures import (
    QUIET,
    RATES_PER_HOUR,
    Curve,
    Recall,
    delay_ms,
    false_accepts,
    match_all,
    recall_at,
    recall_curve,
    recall_of,
    recall_streaming,
    worst_tenth,
)
from sprd.listening.rates import LEAST_EVENTS, Rate
from sprd.listening.recognizers import Recognizer

CONDITIONS = (QUIET, "20db", "10db", "5db")

TOLD_RATES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""False accepts an hour at which a record tells the recall."""

N_TOLD = 20
"""False accepts of a material that a record names."""

Metrics = dict[str, float | None]
Came = Sequence[tuple[Stream, Matched]]


def metrics_of(
    heard: Sequence[HeardStream], recognizer: Recognizer, keywords: Sequence[str]
) -> tuple[Metrics, dict[str, Any]]:
    """Returns the numbers of a model on streams, and their record.

    Args:
        heard: Of speakers in no training, one or several seeds.
        recognizer: As a device has it.
        keywords: The labels of the model from the third on.
    """
    curve = recall_curve(heard, recognizer, keywords)
    came = match_all(heard, recognizer, keywords)
    synthetic = {one.stream.material for one in heard if one.stream.is_synthetic}
    rates = false_accepts(came)
    told = {name: rate for name, rate in rates.items() if name not in synthetic}
    recalls = _recalls(curve, came)
    numbers: Metrics = {
        **{key: one.value if one else None for key, one in recalls.items()},
        "worst_tenth_recall": worst_tenth(curve),
        "false_accepts_per_hour": _per_hour(told.get("speech")),
        "false_accepts_per_hour_words": _per_hour(told.get("words")),
        "detection_delay_ms": delay_ms(came),
        "detection_delay_p95_ms": delay_ms(came, 95.0),
    }
    metrics = {key: None if one is None else round(one, 6) for key, one in numbers.items()}
    return metrics, {
        "metrics": metrics,
        **_of_recalls(recalls),
        "recall_at_rate": {condition: _at_rates(curve, condition) for condition in CONDITIONS},
        "false_accepts": {name: _told(rate, came, name) for name, rate in told.items()},
        "counted_only": {
            n: {"n": r.n, "hours": r.hours} for n, r in rates.items() if n not in told
        },
        "n_confusions": sum(one.n_confusions for _, one in came),
        "is_synthetic": "speech" in synthetic,
        "recognizer": asdict(recognizer) | {"thresholds": list(recognizer.thresholds)},
        "streams": streams_record([one.stream for one in heard]),
    }


def streams_record(streams: Sequence[Stream]) -> dict[str, Any]:
    """Returns of each material how long it is, who is heard, and the seeds."""
    found: dict[str, Any] = {}
    for material in dict.fromkeys(stream.material for stream in streams):
        some = list({one.key: one for one in streams if one.material == material}.values())
        found[material] = {
            "hours": round(sum(one.hours for one in some), 4),
            "n_groups": len({piece.group for one in some for piece in one.pieces}),
            "n_said": sum(len(one.said) for one in some),
            "seeds": sorted({one.seed for one in some}),
            "is_synthetic": any(one.is_synthetic for one in some),
        }
    return found


def _recalls(curve: Curve, came: Came) -> dict[str, Recall | None]:
    found: dict[str, Recall | None] = {}
    for condition in CONDITIONS:
        suffix = "" if condition == QUIET else f"_{condition}"
        found[f"recall_streaming{suffix}"] = recall_streaming(curve, condition)
        found[f"recall_at_threshold{suffix}"] = recall_of(came, condition)
    return found


def _per_hour(rate: Rate | None) -> float | None:
    """None where not even the highest of the rates would be carried."""
    if rate is None or rate.hours * RATES_PER_HOUR[-1] < LEAST_EVENTS:
        return None
    return rate.per_hour


def _of_recalls(recalls: Mapping[str, Recall | None]) -> dict[str, Any]:
    found = {key: one for key, one in recalls.items() if one}
    return {
        "intervals": {key: [round(end, 6) for end in one.interval] for key, one in found.items()},
        "n_words": max((one.n_words for one in found.values()), default=0),
        "n_speakers": max((one.n_speakers for one in found.values()), default=0),
    }


def _at_rates(curve: Curve, condition: str) -> dict[str, float | None]:
    found = ((rate, recall_at(curve, condition, rate)) for rate in TOLD_RATES)
    return {f"{rate:g}": None if recall is None else round(recall, 4) for rate, recall in found}


def _told(rate: Rate, came: Came, material: str) -> dict[str, Any]:
    first = [one for stream, matched in came for one in _named(stream, matched, material)]
    return rate.as_dict() | {"first": first[:N_TOLD]}


def _named(stream: Stream, matched: Matched, material: str) -> Iterable[dict[str, Any]]:
    """Names the false accepts of a stream: what was heard, in which recording, at which second."""
    if stream.material != material:
        return
    for one in matched.false_accepts:
        start_s = one.piece.start_s - one.piece.offset_s if one.piece else 0.0
        yield {
            "heard": one.word,
            "recording": one.piece and one.piece.key,
            "second": round(one.time_ms / 1000 - start_s, 2),
            "score": one.score,
        }
