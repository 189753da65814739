"""Features in, a trained model out.

Batches and masks are pure functions of (seed, step), and a checkpoint holds every variable, so a
training that is continued ends in the same bytes as one that was never interrupted.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sprd.audio.store import Features
from sprd.config.trial import Config, TrainSection
from sprd.model.batches import Batches
from sprd.model.evaluate import balanced_accuracy
from sprd.model.layers import released_gradient_graphs
from sprd.model.loop import Stopwatch, TrainingLoop, check_finite, logits_of
from sprd.model.teacher import teacher_logits
from sprd.model.zoo import build_model

Report = Callable[[dict[str, float], Callable[[Path], None]], None]
"""Called after each evaluation with the metrics and a function that writes a checkpoint.

Metrics: step, accuracy, loss and, where there is validation, val_accuracy, val_loss,
val_balanced_accuracy.
"""


@dataclass(frozen=True)
class Trained:
    """A model with the weights of its best evaluation, or of its last step."""

    model: keras.Model
    best_step: int
    """The step whose weights these are."""
    val_balanced_accuracy: float | None
    """Their score, or None where nothing was evaluated."""
    ms_per_step: float | None
    """Milliseconds a step, gathering and evaluation included, without the first graph call."""


@released_gradient_graphs()
def fit(
    config: Config,
    training: Features,
    validation: Features | None,
    report: Report,
    restore: Path | None = None,
    *,
    keep: Literal["best", "last"] = "best",
) -> Trained:
    """Trains the configured model, and its teacher before it if it has one.

    Args:
        config: The trial.
        training: Features with all their variants.
        validation: Features of validation speakers; they choose the best checkpoint. None only
            where the last one is kept: nothing is evaluated then.
        report: Called at each evaluation.
        restore: A checkpoint to go on from.
        keep: The weights of the best evaluation, or those of the last step: where the score of
            the validation clips is to be an estimate, they must not choose.

    Raises:
        TrainingError: The loss is not finite.
        ValueError: The best evaluation is to be kept and there is no validation.
    """
    if validation is None and keep == "best":
        raise ValueError("validation must be given where keep='best', got None. Keep the last.")
    teacher = teacher_logits(config, training) if config.train.teacher_weight else None
    run = _Training(config, training, teacher)
    if restore is not None:
        run.state.load(restore)
    held_out = (validation.scaled(), validation.labels(config.labels)) if validation else None
    for metrics in run.evaluations():
        if held_out:
            with run.average.applied():
                metrics |= _evaluate(run.model, *held_out)
                check_finite(metrics["val_loss"], run.state.step)
                run.state.keep(metrics, only_if_best=keep == "best")
        report(metrics, run.state.save)
    return run.trained(was_evaluated=held_out is not None)


class _Training:
    """One training on its way. Starts another Keras session: one model a process at a time."""

    def __init__(
        self, config: Config, training: Features, teacher: NDArray[np.float32] | None
    ) -> None:
        keras.backend.clear_session()
        keras.utils.set_random_seed(config.seed)
        self.model = build_model(config.model, config.features.shape, len(config.labels))
        self._loop = TrainingLoop(self.model, config, training.scale)
        self.average = self._loop.average
        self.state = _State(self.model, self._loop.optimizer, self.average.variables)
        self._batches, self._stopwatch = Batches(config, training, teacher), Stopwatch()
        self._train = config.train

    def evaluations(self) -> Iterator[dict[str, float]]:
        """Trains from one evaluation to the next; gives step, accuracy and loss at each."""
        for stop in _evaluation_steps(self._train, self.state.step):
            start = self.state.step
            accuracy, loss = self._loop.run(self._batches, start, stop, self._stopwatch)
            self.state.step = stop
            yield {"step": stop, "accuracy": accuracy, "loss": loss}

    def trained(self, was_evaluated: bool) -> Trained:
        """Returns the model with the weights that were kept, or its last where none were."""
        ms_per_step = self._stopwatch.ms_per_step(self._train.n_steps)
        if not was_evaluated:
            self.average.apply()
            return Trained(self.model, self.state.step, None, ms_per_step)
        self.state.restore_kept()
        return Trained(self.model, self.state.best_step, self.state.best, ms_per_step)


def predict(model: keras.Model, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns (n, n_labels) probabilities of (n, frames * channels) features."""
    probabilities: NDArray[np.float32] = tf.nn.softmax(logits_of(model, features)).numpy()
    return probabilities


def _evaluation_steps(train: TrainSection, start: int) -> Iterator[int]:
    """Steps at which to evaluate, the last step among them."""
    first = (start // train.eval_interval + 1) * train.eval_interval
    yield from range(first, train.n_steps, train.eval_interval)
    if start < train.n_steps:
        yield train.n_steps


def _evaluate(
    model: keras.Model, features: NDArray[np.float32], truth: NDArray[np.int64]
) -> dict[str, float]:
    probabilities = predict(model, features)
    predicted = probabilities.argmax(1)
    likelihood = probabilities[np.arange(len(truth)), truth]
    return {
        "val_accuracy": float((predicted == truth).mean()),
        "val_loss": float(-np.log(np.maximum(likelihood, 1e-12)).mean()),
        "val_balanced_accuracy": balanced_accuracy(predicted, truth),
    }


class _State:
    """All that a training has come to: what a checkpoint holds."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        average: Sequence[tf.Variable],
    ) -> None:
        self._variables = [*model.variables, *optimizer.variables, *average]
        self._weights = list(model.weights)
        self.step, self.best, self.best_step = 0, -1.0, 0
        self._best_loss = math.inf
        self._best_weights = [w.numpy() for w in self._weights]

    def keep(self, metrics: dict[str, float], only_if_best: bool) -> None:
        """Keeps the weights: always, or if they score higher, or as high at a lower loss."""
        score = metrics["val_balanced_accuracy"], -metrics["val_loss"]
        if not only_if_best or score > (self.best, -self._best_loss):
            self.best, self._best_loss = score[0], metrics["val_loss"]
            self.best_step = self.step
            self._best_weights = [w.numpy() for w in self._weights]

    def restore_kept(self) -> None:
        """Gives the model the weights that were kept."""
        for weight, value in zip(self._weights, self._best_weights, strict=True):
            weight.assign(value)

    def save(self, path: Path) -> None:
        """Writes a checkpoint: numbers only, nothing pickled."""
        numbers = [self.step, self.best, self.best_step, self._best_loss]
        arrays = {f"v{i}": v.numpy() for i, v in enumerate(self._variables)}
        arrays |= {f"b{i}": w for i, w in enumerate(self._best_weights)}
        with path.open("wb") as file:
            np.savez(file, numbers=np.array(numbers, np.float64), **arrays)

    def load(self, path: Path) -> None:
        """Reads a checkpoint."""
        with np.load(path, allow_pickle=False) as saved:
            step, self.best, best_step, self._best_loss = (float(n) for n in saved["numbers"])
            self.step, self.best_step = int(step), int(best_step)
            for i, variable in enumerate(self._variables):
                variable.assign(saved[f"v{i}"])
            self._best_weights = [saved[f"b{i}"] for i in range(len(self._weights))]
