"""One configuration, trained and scored once a fold of speakers; then one summary. No Ray.

TensorFlow is loaded by `run_fold` alone: the driver summarizes without it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sprd.audio.folds import open_fold
from sprd.disk.jsonl import Lines, read_lines
from sprd.model.evaluate import score_predicted

if TYPE_CHECKING:
    from sprd.audio.corpus import Corpus
    from sprd.config.trial import Config
    from sprd.model.train import Report


def run_fold(
    config: "Config",
    corpus: "Corpus",
    fold: int,
    n_folds: int,
    report: "Report" = lambda metrics, save: None,
    restore: Path | None = None,
) -> dict[str, Any]:
    """Trains on the other folds and scores the int8 model, in TFLM, on the one held out.

    The weights are those of the last step: no held-out clip chooses a checkpoint. That makes the
    figure honest and a little pessimistic, for the trial of a sweep keeps its best evaluation. It
    is honest about one configuration given beforehand: where a sweep chose it by its validation
    speakers, they are held out here too, and the choice still flatters the figure a little.

    Threads and determinism are the caller's: see `sprd.model.start`.

    Args:
        config: The trial.
        corpus: Its audio.
        fold: Which is held out, from 0.
        n_folds: How many there are.
        report: Called while it trains, see `sprd.model.train.fit`.
        restore: A checkpoint of this very fold to go on from.

    Returns:
        What JSON can hold: fold, n_folds, predicted and truth (indices into the labels), speakers,
        scores, model_bytes, seconds.

    Raises:
        DataError: The corpus is too small for so many folds.
        TrainingError: The loss is not finite.
    """
    from sprd.device.tflm import Runner
    from sprd.model.train import fit
    from sprd.sweep.trial.train import quantize_trained

    start = time.perf_counter()
    training, held_out = open_fold(corpus, config, fold, n_folds)
    trained = fit(config, training, None, report, restore, keep="last")
    model, _, _ = quantize_trained(config, trained, training)
    predicted = Runner(model).predict(held_out.scaled()).argmax(1)
    truth = held_out.labels(config.labels)
    return {
        "fold": fold,
        "n_folds": n_folds,
        "predicted": [int(label) for label in predicted],
        "truth": [int(label) for label in truth],
        "speakers": list(held_out.speakers),
        "scores": score_predicted(predicted, truth, held_out.speakers, config.labels).as_dict(),
        "model_bytes": len(model),
        "seconds": round(time.perf_counter() - start, 4),
    }


@dataclass(frozen=True)
class FoldScores:
    """Scores of one configuration over all folds.

    `balanced_accuracy` is the mean of the folds' (`per_fold`), `std` their standard deviation
    (n - 1). All else is of the pooled held-out clips, each scored once, by the model that did not
    learn its speaker: `pooled_balanced_accuracy`, the rates, `recall` of each label. `intervals`
    holds (low, high) of each by the names of `Scores`: 95 %, percentile bootstrap over speakers.
    """

    n_folds: int
    n_clips: int
    n_speakers: int
    balanced_accuracy: float
    std: float
    per_fold: tuple[float, ...]
    pooled_balanced_accuracy: float
    false_accept_rate: float
    false_reject_rate: float
    recall: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]

    @property
    def interval(self) -> tuple[float, float]:
        """Of the balanced accuracy."""
        return self.intervals["balanced_accuracy"]

    def as_dict(self) -> dict[str, Any]:
        """Returns what a record keeps."""
        lists = {"per_fold": list(self.per_fold)}
        return asdict(self) | lists | {"intervals": {k: list(v) for k, v in self.intervals.items()}}


def summarize(folds: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> FoldScores:
    """Summarizes the results of all folds, in any order.

    Args:
        folds: What `run_fold` returned.
        labels: Names of the outputs, in order.

    Raises:
        ValueError: A fold is missing, or is there twice.
    """
    ordered = sorted(folds, key=lambda result: int(result["fold"]))
    found = [result["fold"] for result in ordered]
    if len(found) < 2 or any(found != list(range(one["n_folds"])) for one in ordered):
        raise ValueError(f"folds: must be all folds of one cross-validation, got {found}")
    predicted, truth = (
        np.concatenate([np.array(one[key], np.int64) for one in ordered])
        for key in ("predicted", "truth")
    )
    speakers = [speaker for one in ordered for speaker in one["speakers"]]
    pooled = score_predicted(predicted, truth, speakers, labels)
    per_fold = tuple(float(one["scores"]["balanced_accuracy"]) for one in ordered)
    return FoldScores(
        n_folds=len(ordered),
        n_clips=pooled.n_clips,
        n_speakers=pooled.n_speakers,
        balanced_accuracy=round(float(np.mean(per_fold)), 6),
        std=round(float(np.std(per_fold, ddof=1)), 6),
        per_fold=per_fold,
        pooled_balanced_accuracy=pooled.balanced_accuracy,
        false_accept_rate=pooled.rates["false_accept_rate"],
        false_reject_rate=pooled.rates["false_reject_rate"],
        recall=pooled.recall,
        intervals=pooled.intervals,
    )


class FoldTable:
    """`folds.jsonl` of a run: one object a fold that ended, so that the others can follow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._results: list[dict[str, Any]] = _read(path) if path.exists() else []
        self._lines = Lines(path)

    def append(self, trial: int, result: Mapping[str, Any]) -> None:
        """Adds the result of a fold of a trial; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full; the file is as it was before.
        """
        fields = {"trial": trial, **result}
        self._lines.append(fields)
        self._results.append(fields)

    def done(self, trial: int, n_folds: int) -> dict[int, dict[str, Any]]:
        """Returns what ended of a cross-validation of a trial, by fold."""
        wanted = (trial, n_folds)
        return {
            one["fold"]: one for one in self._results if (one["trial"], one["n_folds"]) == wanted
        }


def _read(path: Path) -> list[dict[str, Any]]:
    advice = "Restore the file, or delete it: its folds are then trained again."
    return read_lines(path, _result, "the result of a fold", advice)


def _result(fields: Any) -> dict[str, Any]:
    """Checks what is read of a result later."""
    numbers = [fields[key] for key in ("trial", "fold", "n_folds")]
    lists = [fields[key] for key in ("predicted", "truth", "speakers")]
    if not all(isinstance(one, int) for one in numbers) or not 0 <= numbers[1] < numbers[2]:
        raise TypeError(numbers)
    if not all(isinstance(one, list) for one in lists) or len({len(one) for one in lists}) != 1:
        raise TypeError("lists differ in length")
    float(fields["scores"]["balanced_accuracy"])
    result: dict[str, Any] = fields
    return result
