"""One configuration, trained and scored once a fold of speakers; then one summary. No Ray.

The weights are those of the last step: no held-out clip chooses a checkpoint. That makes the figure
honest and a little pessimistic, for the trial of a sweep keeps its best evaluation. It is honest
about one configuration given beforehand: where a sweep chose it by its validation speakers, they
are held out here too, and the choice still flatters the figure a little.

TensorFlow is loaded by `run_fold` alone: the driver summarizes without it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sprd.audio.folds import open_fold
from sprd.model.evaluate import score_predicted
from sprd.sweep.rows.row import FoldResult

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
) -> FoldResult:
    """Trains on the other folds and scores the int8 model, in TFLM, on the one held out.

    Threads and determinism are the caller's: see `sprd.model.start`.

    Args:
        config: The trial.
        corpus: Its audio.
        fold: Which is held out, from 0.
        n_folds: How many there are.
        report: Called while it trains, see `sprd.model.train.fit`.
        restore: A checkpoint of this very fold to go on from.

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
    return FoldResult(
        fold=fold,
        n_folds=n_folds,
        predicted=[int(label) for label in predicted],
        truth=[int(label) for label in truth],
        speakers=list(held_out.speakers),
        scores=score_predicted(predicted, truth, held_out.speakers, config.labels).as_dict(),
        model_bytes=len(model),
        seconds=round(time.perf_counter() - start, 4),
    )


@dataclass(frozen=True)
class FoldScores:
    """Scores of one configuration over all folds.

    `balanced_accuracy` is the mean of the folds' (`per_fold`), `std` their standard deviation
    (n - 1). All else is of the pooled held-out clips, each scored once, by the model that did not
    learn its speaker: `pooled_balanced_accuracy`, the rates, `recall` of each label. `intervals`
    holds (low, high) of each by the names of `Scores`, which tells how they are made.
    """

    n_folds: int
    n_clips: int
    n_silence: int
    n_speakers: int
    balanced_accuracy: float
    std: float
    per_fold: tuple[float, ...]
    pooled_balanced_accuracy: float
    false_accept_rate: float | None
    false_reject_rate: float | None
    recall: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float]]

    @property
    def interval(self) -> tuple[float, float]:
        """Of the balanced accuracy."""
        return self.intervals["balanced_accuracy"]

    def as_dict(self) -> dict[str, Any]:
        """Returns what a record keeps."""
        lists = {"per_fold": list(self.per_fold)}
        return asdict(self) | lists | {"intervals": {k: list(v) for k, v in self.intervals.items()}}


def summarize(folds: Sequence[FoldResult], labels: Sequence[str]) -> FoldScores:
    """Summarizes the results of all folds, in any order.

    Args:
        folds: What `run_fold` returned.
        labels: Names of the outputs, in order.

    Raises:
        ValueError: A fold is missing, or is there twice.
    """
    ordered = sorted(folds, key=lambda fold: fold.fold)
    found = [fold.fold for fold in ordered]
    if len(found) < 2 or any(found != list(range(fold.n_folds)) for fold in ordered):
        raise ValueError(f"folds: must be all folds of one cross-validation, got {found}")
    predicted = np.concatenate([np.array(fold.predicted, np.int64) for fold in ordered])
    truth = np.concatenate([np.array(fold.truth, np.int64) for fold in ordered])
    speakers = [speaker for fold in ordered for speaker in fold.speakers]
    pooled = score_predicted(predicted, truth, speakers, labels)
    per_fold = tuple(float(fold.scores["balanced_accuracy"]) for fold in ordered)
    return FoldScores(
        n_folds=len(ordered),
        n_clips=pooled.n_clips,
        n_silence=pooled.n_silence,
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
