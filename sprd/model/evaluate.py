"""Probabilities and labels in, scores with intervals out; the source of both does not matter.

The first labels are `NOT_KEYWORDS`; the others are keywords.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.config.labels import NOT_KEYWORDS

N_BOOTSTRAP = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Scores:
    """Scores of one model on one set of clips.

    `intervals` holds (low, high) of each rate: 95 %, percentile bootstrap over speakers.
    """

    labels: tuple[str, ...]
    n_clips: int
    n_speakers: int
    confusion: tuple[tuple[int, ...], ...]
    rates: dict[str, float]
    recall: dict[str, float]
    intervals: dict[str, tuple[float, float]]

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the recalls of the labels that occur."""
        return self.rates["balanced_accuracy"]

    def as_dict(self) -> dict[str, object]:
        """Returns what a record keeps."""
        return {
            "labels": list(self.labels),
            "n_clips": self.n_clips,
            "n_speakers": self.n_speakers,
            **self.rates,
            "recall": dict(self.recall),
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "confusion": [list(row) for row in self.confusion],
        }


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
        speakers: n names; clips of one speaker are drawn together by the bootstrap.
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
    point = dict(zip(names, rows[:, 0], strict=True))
    known = [i for i, name in enumerate(names) if np.isfinite(point[name])]
    _, samples = _rates(_resample(by_speaker))
    tail = (1 - CONFIDENCE) / 2 * 100
    bounds = np.nanpercentile(samples[known], [tail, 100 - tail], axis=1)
    intervals = {
        _name(names[i], labels): (round(float(low), 6), round(float(high), 6))
        for i, low, high in zip(known, *bounds, strict=True)
    }
    recall = {
        labels[int(name.split()[1])]: round(float(value), 6)
        for name, value in point.items()
        if name.startswith("recall") and np.isfinite(value)
    }
    return Scores(
        labels=tuple(labels),
        n_clips=len(truth),
        n_speakers=len(by_speaker),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        rates={
            name: round(float(value), 6) if np.isfinite(value) else 0.0
            for name, value in point.items()
            if not name.startswith("recall")
        },
        recall=recall,
        intervals=intervals,
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
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.nanpercentile(samples, [tail, 100 - tail])
    return float(point[0]), float(low), float(high)


def balanced_accuracy(predicted: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Returns the mean of the recalls of the labels that occur."""
    recalls = [float((predicted[truth == label] == label).mean()) for label in np.unique(truth)]
    return float(np.mean(recalls))


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
