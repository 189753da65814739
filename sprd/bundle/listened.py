"""What a model heard on streams in, the README's words about it and its thresholds out.

Of each split, "validation" and "test", a record of `sprd.listening` holds `metrics`, numbers by
their keys, `intervals` of some of them, and of each material without keywords in `false_accepts`
how many there were, `n`, in how many `hours`, with the rate and its exact `interval`. "unseen" is
such a rate over all speech that no training heard.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sprd.bundle.cpp_sources import Thresholds
from sprd.config.number import AN_HOUR
from sprd.config.numbers import number_of
from sprd.config.recognizer import RecognizerSection

_SPLITS = ("test", "validation")
_KEYS = (
    "recall_streaming",
    "recall_streaming_20db",
    "recall_streaming_10db",
    "recall_streaming_5db",
    "recall_at_threshold",
    "recall_at_threshold_20db",
    "recall_at_threshold_10db",
    "recall_at_threshold_5db",
    "worst_tenth_recall",
    "detection_delay_ms",
    "detection_delay_p95_ms",
)
_NOT_LISTENED = (
    "**Nobody measured how it listens**: the scores above are of single clips, and say neither how"
    " often it is\nheard nor what fools it while it listens without a pause."
)
_WHERE = (
    "Ranges are 95 % intervals, those of false accepts exact; validation speakers chose the"
    " thresholds, which\nflatters them. What the hours do not carry is unknown."
)
_SYNTHETIC = "**Its running speech is of synthetic voices: it ranks models, and tells no rate.**"


def streams_text(streams: Mapping[str, Any]) -> str:
    """Returns the table of the scores on streams, or that there are none."""
    found = {split: streams[split] for split in _SPLITS if streams.get(split)}
    if not found:
        return _NOT_LISTENED
    rows = [_row(number_of(key).title, [_score(one, key) for one in found.values()])
            for key in _KEYS]  # fmt: skip
    materials = dict.fromkeys(m for one in found.values() for m in one.get("false_accepts", {}))
    rows += [
        _row(f"False accepts an hour, {name}", [_rate(one, name) for one in found.values()])
        for name in materials
    ]
    known = [
        f"{split}: {one['n_speakers']:,}" for split, one in found.items() if "n_speakers" in one
    ]
    head = [f"| | {' | '.join(found)} |", "| --- |" + " --- |" * len(found)]
    notes = [_WHERE, f"Speakers of keywords, {', '.join(known)}." if known else ""]
    if unseen := streams.get("unseen"):
        notes.append(
            "Over all running speech that no training heard, each hour by a recognizer that was"
            f" fitted to the others:\n{_told(unseen)} false accepts an hour."
        )
    if any(one.get("is_synthetic") for one in found.values()):
        notes.append(_SYNTHETIC)
    return "\n".join([*head, *filter(None, rows), "", *filter(None, notes)])


def basis_of(section: RecognizerSection, streams: Mapping[str, Any]) -> str:
    """Returns where the settings of a recognizer come from, and how far they keep their limit."""
    heard = streams.get("validation") or {}
    fit = heard.get("fit") or {}
    shortfall = fit.get("shortfall")
    if shortfall and "speech" not in fit.get("seen", {}):
        return str(shortfall)
    of_voices = "That speech is of synthetic voices: a device will hear more."
    basis = section.basis(fit.get("limits", ("speech", "words")))
    parts = (basis, shortfall, of_voices if heard.get("is_synthetic") else None)
    return " ".join(filter(None, parts))


def thresholds_text(thresholds: Thresholds, keywords: Sequence[str]) -> str:
    """Returns with which settings a device hears the keywords, and where they come from."""
    own = thresholds.detection_thresholds or (thresholds.detection_threshold,) * len(keywords)
    each = ", ".join(f'"{word}" {one}' for word, one in zip(keywords, own, strict=True))
    rate = f", one inference each {thresholds.interval_ms:,} ms" if thresholds.interval_ms else ""
    return (
        f"Thresholds, of 255: {each}; averaged over {thresholds.average_window_ms:,} ms, at least"
        f" {thresholds.minimum_count} inferences{rate}; the\nsame word is not heard again for"
        f" {thresholds.suppression_ms:,} ms. {thresholds.basis}"
    )


def recognizer_step(thresholds: Thresholds) -> str:
    """Returns the step that makes the recognizer of the sketch as this one."""
    if thresholds.kind != "recognize_commands":
        return (
            "The thresholds are of microWakeWord's sliding mean, which the sketch has not: replace"
            ' its\n   `RecognizeCommands`, or set `kind = "recognize_commands"` and sweep again.'
        )
    step = (
        "Where the recognizer is made, pass the thresholds:\n   `RecognizeCommands("
        "kAverageWindowDurationMs, kDetectionThreshold, kSuppressionMs, kMinimumCount)`."
    )
    if len(set(thresholds.detection_thresholds)) > 1:
        step += (
            "\n   Each keyword has its own: in `recognize_commands.cpp` compare the top score with"
            "\n   `kDetectionThresholds[current_top_index]` in place of `detection_threshold_`."
        )
    if thresholds.interval_ms:
        step += (
            f"\n   They hold for one inference each {thresholds.interval_ms:,} ms"
            " (`kInferenceIntervalMs`)."
        )
    return step


def _row(title: str, cells: Sequence[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |" if any(cells) else ""


def _score(record: Mapping[str, Any], key: str) -> str:
    metrics = record.get("metrics", {})
    if key not in metrics:
        return ""
    return number_of(key).text(metrics[key], record.get("intervals", {}).get(key))


def _rate(record: Mapping[str, Any], material: str) -> str:
    found = record.get("false_accepts", {}).get(material)
    return _told(found) if found else ""


def _told(found: Mapping[str, Any]) -> str:
    """`1.20 (0.33 .. 3.07) in 3.28 h`; of none the rate that it is below."""
    low, high = (f"{end:{AN_HOUR.digits}}" for end in found["interval"])
    rate = (
        f"{found['per_hour']:{AN_HOUR.digits}} ({low} .. {high})" if found["n"] else f"below {high}"
    )
    return f"{rate} in {found['hours']:,.2f} h"
