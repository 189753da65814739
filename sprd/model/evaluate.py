"""Probabilities and labels in, scores with intervals out; the source of both does not matter.

The first labels are `NOT_KEYWORDS`; the others are keywords. Clips of silence are cut from noise:
nobody speaks in them, so they count for no speaker.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sprd.config.labels import NOT_KEYWORDS, SILENCE_INDEX
from sprd.model.exact import TAIL, Interval, exact_interval, mean_interval

N_BOOTSTRAP = 1000

MIN_SPEAKERS = 10
"""Of fewer a bootstrap over speakers says too little of how people differ.

Source: percentile intervals of few clusters are too narrow: Cameron, Gelbach and Miller,
"Bootstrap-based improvements for inference with clustered errors", 2008.
"""

FEW_CLIPS = 30
"""Of fewer clips in which somebody speaks an interval holds almost anything."""

IntervalKind = Literal["exact", "wider"]


@dataclass(frozen=True)
class Scores:
    """Scores of one model on one set of clips; None is a rate that no clip decides.

    `n_clips` counts all clips, `n_silence` those of silence among them, `n_speakers` people.
    `intervals` holds (low, high) of each known rate, 95 %: a percentile bootstrap over speakers and
    cuts of silence, but for the rates in `interval_kinds`. There "exact" is that of clips: one
    speaker decides, or the bootstrap has no width; "wider" reaches as far as either, for fewer than
    `MIN_SPEAKERS` people.
    """

    labels: tuple[str, ...]
    n_clips: int
    n_silence: int
    n_speakers: int
    confusion: tuple[tuple[int, ...], ...]
    rates: dict[str, float | None]
    recall: dict[str, float | None]
    intervals: dict[str, Interval]
    interval_kinds: dict[str, IntervalKind] = field(default_factory=dict)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the recalls of the labels that occur; some label does."""
        return self.rates["balanced_accuracy"] or 0.0

    def as_dict(self) -> dict[str, object]:
        """Returns what a record keeps."""
        return {
            "labels": list(self.labels),
            "n_clips": self.n_clips,
            "n_silence": self.n_silence,
            "n_speakers": self.n_speakers,
            **self.rates,
            "recall": dict(self.recall),
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "interval_kinds": dict(self.interval_kinds),
            "confusion": [list(row) for row in self.confusion],
        }

    def as_metrics(self) -> dict[str, object]:
        """Returns what a row keeps; how many clips and people there were only where that is few."""
        found = self.as_dict()
        is_few = self.n_speakers < MIN_SPEAKERS or self.n_clips - self.n_silence < FEW_CLIPS
        counts = ("n_clips", "n_silence", "n_speakers") if is_few else ()
        return {key: found[key] for key in (*self.rates, "recall", "intervals", *counts)}


def score(
    probabilities: NDArray[np.float32],
    truth: NDArray[np.int64],
    speakers: Sequence[str],
    labels: Sequence[str],
) -> Scores:
    """Scores predictions.

    Args:
        probabilities: (n, n_labels).
        truth: (n,), indices into `labels`.
        speakers: n names; clips of one speaker are drawn together by the bootstrap. A cut of
            silence has one of its own.
        labels: Names of the outputs, in order.
    """
    return score_predicted(probabilities.argmax(1), truth, speakers, labels)


def score_predicted(
    predicted: NDArray[np.int64],
    truth: NDArray[np.int64],
    speakers: Sequence[str],
    labels: Sequence[str],
) -> Scores:
    """Scores predicted labels: (n,), indices into `labels`; the rest as for `score`."""
    by_speaker = _confusions(predicted, truth, speakers, len(labels))
    confusion = by_speaker.sum(0)
    names, rows = _rates(confusion[None])
    point = {
        _name(name, labels): round(float(value), 6) if np.isfinite(value) else None
        for name, value in zip(names, rows[:, 0], strict=True)
    }
    intervals, kinds = _intervals(by_speaker, labels)
    return Scores(
        labels=tuple(labels),
        n_clips=len(truth),
        n_silence=int(confusion[SILENCE_INDEX].sum()),
        n_speakers=_n_with(by_speaker, np.arange(len(labels)) != SILENCE_INDEX),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        rates={name: value for name, value in point.items() if not name.startswith("recall ")},
        recall={label: point[f"recall {label}"] for label in labels},
        intervals=intervals,
        interval_kinds=kinds,
    )


def paired_difference(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    truth: NDArray[np.int64],
    speakers: Sequence[str],
    n_labels: int,
) -> tuple[float, float, float]:
    """Compares two models on the same clips, for benchmarks that publish a difference.

    Returns:
        (difference, low, high) of the balanced accuracy, first minus second, with its 95 %
        interval: both are resampled with the same speakers.
    """
    firsts = _confusions(first.argmax(1), truth, speakers, n_labels)
    seconds = _confusions(second.argmax(1), truth, speakers, n_labels)
    point = _balanced(firsts.sum(0)[None]) - _balanced(seconds.sum(0)[None])
    samples = _balanced(_resample(firsts)) - _balanced(_resample(seconds))
    low, high = np.nanpercentile(samples, [100 * TAIL, 100 - 100 * TAIL])
    return float(point[0]), float(low), float(high)


def balanced_accuracy(predicted: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Returns the mean of the recalls of the labels that occur."""
    recalls = [float((predicted[truth == label] == label).mean()) for label in np.unique(truth)]
    return float(np.mean(recalls))


def _intervals(
    by_speaker: NDArray[np.int64], labels: Sequence[str]
) -> tuple[dict[str, Interval], dict[str, IntervalKind]]:
    """Those of each rate that some clip decides, and the kinds of those that are no bootstrap."""
    found = _bootstrapped(by_speaker, labels)
    kinds: dict[str, IntervalKind] = {}
    for name, (low, high) in found.items():
        n = _n_deciding(by_speaker, name, labels)
        if n == 1 or low == high:
            kinds[name] = "exact"
        elif n < MIN_SPEAKERS:
            kinds[name] = "wider"
    exact = _exact_intervals(by_speaker.sum(0), labels) if kinds else {}
    for name, kind in kinds.items():
        ends = exact[name] if kind == "exact" else (*exact[name], *found[name])
        found[name] = round(min(ends), 6), round(max(ends), 6)
    return found, kinds


def _bootstrapped(by_speaker: NDArray[np.int64], labels: Sequence[str]) -> dict[str, Interval]:
    """The percentile interval of each rate that some clip decides."""
    names, point = _rates(by_speaker.sum(0)[None])
    known = [i for i, value in enumerate(point[:, 0]) if np.isfinite(value)]
    _, samples = _rates(_resample(by_speaker))
    bounds = np.nanpercentile(samples[known], [100 * TAIL, 100 - 100 * TAIL], axis=1)
    return {
        _name(names[i], labels): (round(float(low), 6), round(float(high), 6))
        for i, low, high in zip(known, *bounds, strict=True)
    }


def _exact_intervals(confusion: NDArray[np.int64], labels: Sequence[str]) -> dict[str, Interval]:
    """Those of clips, of each rate that some clip decides."""
    k = len(NOT_KEYWORDS)
    totals, right = confusion.sum(1), confusion.diagonal()
    counts = {
        "accuracy": (right.sum(), totals.sum()),
        "false_accept_rate": (confusion[:k, k:].sum(), totals[:k].sum()),
        "false_reject_rate": (confusion[k:, :k].sum(), totals[k:].sum()),
        **{
            f"recall {label}": (n_right, n)
            for label, n_right, n in zip(labels, right, totals, strict=True)
        },
    }
    found = {name: exact_interval(int(hits), int(n)) for name, (hits, n) in counts.items() if n}
    recalls = [
        (counts[name][0] / counts[name][1], *bounds)
        for name, bounds in found.items()
        if name.startswith("recall ")
    ]
    return {"balanced_accuracy": mean_interval(recalls), **found}


def _n_deciding(by_speaker: NDArray[np.int64], name: str, labels: Sequence[str]) -> int:
    """How many people have a clip that a rate is of; cuts of silence where nobody has."""
    k = len(NOT_KEYWORDS)
    rows = {"false_accept_rate": slice(k), "false_reject_rate": slice(k, None)}.get(name)
    if rows is None and name.startswith("recall "):
        label = labels.index(name.removeprefix("recall "))
        rows = slice(label, label + 1)
    decides = np.zeros(len(labels), bool)
    decides[rows or slice(None)] = True
    spoken = decides & (np.arange(len(labels)) != SILENCE_INDEX)
    return _n_with(by_speaker, spoken) or _n_with(by_speaker, decides)


def _n_with(by_speaker: NDArray[np.int64], labels: NDArray[np.bool_]) -> int:
    """How many speakers have a clip of some of the labels, (n_labels,)."""
    return int(by_speaker[:, labels].any((1, 2)).sum())


def _name(name: str, labels: Sequence[str]) -> str:
    kind, _, index = name.partition(" ")
    return f"recall {labels[int(index)]}" if kind == "recall" else name


def _confusions(
    predicted: NDArray[np.int64], truth: NDArray[np.int64], speakers: Sequence[str], n_labels: int
) -> NDArray[np.int64]:
    """(n_speakers, n_labels, n_labels): what each speaker adds to the confusion matrix."""
    _, speaker = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    counts = np.zeros((int(speaker.max()) + 1, n_labels, n_labels), np.int64)
    np.add.at(counts, (speaker, truth, predicted), 1)
    return counts


def _resample(by_speaker: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N_BOOTSTRAP, n_labels, n_labels): confusion matrices of resampled speakers, seeded."""
    rng = np.random.default_rng(0)
    n = len(by_speaker)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=N_BOOTSTRAP)
    flat = weights @ by_speaker.reshape(n, -1)
    return flat.reshape(N_BOOTSTRAP, *by_speaker.shape[1:])


def _rates(confusions: NDArray[np.int64]) -> tuple[list[str], NDArray[np.float64]]:
    """Names of rates, and (n_rates, n) their values; nan where no clip decides."""
    k = len(NOT_KEYWORDS)
    totals = confusions.sum(2).astype(float)
    diagonal = np.einsum("nii->ni", confusions)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "balanced_accuracy": _balanced(confusions),
            "accuracy": diagonal.sum(1) / totals.sum(1),
            "false_accept_rate": confusions[:, :k, k:].sum((1, 2)) / totals[:, :k].sum(1),
            "false_reject_rate": confusions[:, k:, :k].sum((1, 2)) / totals[:, k:].sum(1),
        }
        for label in range(confusions.shape[1]):
            values[f"recall {label}"] = diagonal[:, label] / totals[:, label]
    return list(values), np.array(list(values.values()))


def _balanced(confusions: NDArray[np.int64]) -> NDArray[np.float64]:
    totals = confusions.sum(2)
    diagonal = np.einsum("nii->ni", confusions)
    occurs = totals > 0
    recalls = np.where(occurs, diagonal / np.maximum(totals, 1), 0.0)
    balanced: NDArray[np.float64] = recalls.sum(1) / np.maximum(occurs.sum(1), 1)
    return balanced
