"""Features in, a trained model out.

Batches and masks are pure functions of (seed, step), and a checkpoint holds every variable, so a
training that is continued ends in the same bytes as one that was never interrupted.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sprd.audio.store import Features
from sprd.config import AugmentSection, Config, DataSection, TrainSection
from sprd.errors import TrainingError
from sprd.model.evaluate import balanced_accuracy
from sprd.model.zoo import build_model

STEPS_PER_CALL = 20
"""Steps of one graph call: Python's share of a step becomes small."""

_EVALUATION_BATCH = 512

Report = Callable[[dict[str, float], Callable[[Path], None]], None]
"""Called after each evaluation with the metrics and a function that writes a checkpoint."""


@dataclass(frozen=True)
class Trained:
    """A model with the weights of its best evaluation."""

    model: keras.Model
    best_step: int
    val_balanced_accuracy: float
    ms_per_step: float | None
    """Milliseconds a step, gathering and evaluation included, without the first graph call."""


def fit(
    config: Config,
    training: Features,
    validation: Features,
    report: Report,
    restore: Path | None = None,
) -> Trained:
    """Trains the configured model.

    Args:
        config: The trial.
        training: Features with all their variants.
        validation: Features of validation speakers; they choose the best checkpoint.
        report: Called at each evaluation: step, accuracy, loss, val_accuracy, val_loss,
            val_balanced_accuracy.
        restore: A checkpoint to go on from.

    Raises:
        TrainingError: The loss is not finite.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(config.seed)
    labels = config.labels
    model = build_model(config.model, config.features.shape, len(labels))
    training_steps = _Steps(model, config, training.scale)
    state = _State(model, training_steps.optimizer)
    if restore is not None:
        state.load(restore)
    truth = validation.labels(labels)
    val_features = validation.scaled()
    batches = _Batches(config, training)
    stopwatch = _Stopwatch()
    for stop in _evaluation_steps(config.train, state.step):
        accuracy, loss = training_steps.run(batches, state.step, stop, stopwatch)
        state.step = stop
        metrics = _evaluate(model, val_features, truth)
        _check_finite(metrics["val_loss"], stop)
        state.keep_if_best(metrics)
        report({"step": stop, "accuracy": accuracy, "loss": loss, **metrics}, state.save)
    ms_per_step = stopwatch.ms_per_step(config.train.n_steps)
    state.restore_best()
    return Trained(model, state.best_step, state.best, ms_per_step)


def predict(model: keras.Model, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns (n, n_labels) probabilities of (n, frames * channels) features."""
    batches = range(0, len(features), _EVALUATION_BATCH)
    logits = [model(features[i : i + _EVALUATION_BATCH], training=False).numpy() for i in batches]
    probabilities: NDArray[np.float32] = tf.nn.softmax(np.concatenate(logits)).numpy()
    return probabilities


def _check_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"training: the loss must be finite, got {loss} by step {step}."
            " Lower train.learning_rate."
        )


def learning_rates(train: TrainSection, start: int, stop: int) -> NDArray[np.float32]:
    """Returns the learning rate of each step in start .. stop."""
    steps = np.arange(start, stop)
    if train.schedule == "cosine":
        ((n_steps, rate),) = train.phases
        return (rate * 0.5 * (1 + np.cos(np.pi * steps / n_steps))).astype(np.float32)
    ends = np.cumsum([n for n, _ in train.phases])
    rates = np.array([rate for _, rate in train.phases])
    return rates[np.searchsorted(ends, steps, side="right")].astype(np.float32)


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


class _Batches:
    """Draws batches; what step s gets depends on the seed and s alone."""

    def __init__(self, config: Config, training: Features) -> None:
        n, n_variants, frames, channels = training.raw.shape
        self._rows = training.raw.reshape(n * n_variants, frames * channels)
        self._n_variants = n_variants
        self._truth = training.labels(config.labels).astype(np.int32)
        self._groups, self._shares = _groups(self._truth, config.data)
        self._size, self._seed = config.train.batch_size, config.seed
        self._augment, self._shape = config.augment, (frames, channels)

    def draw(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """Returns rows, labels, and (size, 4) masks: first and end frame, first and end channel."""
        rng = np.random.default_rng([self._seed, 2, step])
        group = np.searchsorted(self._shares, rng.random(self._size), side="right")
        where = rng.random(self._size)
        clips = np.empty(self._size, np.int64)
        for i, members in enumerate(self._groups):
            chosen = group == i
            clips[chosen] = members[(where[chosen] * len(members)).astype(np.int64)]
        rows = clips * self._n_variants + rng.integers(self._n_variants, size=self._size)
        return rows, self._truth[clips], _masks(rng, self._size, self._shape, self._augment)

    def gather(self, start: int, stop: int) -> tuple[NDArray[Any], ...]:
        """Returns (steps, size, ...) features as stored, labels and masks."""
        rows, labels, masks = zip(*(self.draw(step) for step in range(start, stop)), strict=True)
        features = self._rows[np.concatenate(rows)].reshape(stop - start, self._size, -1)
        return features, np.stack(labels), np.stack(masks)


def _groups(
    truth: NDArray[np.int32], data: DataSection
) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """Keyword, silence and unknown clips, and the upper ends of their shares of a batch."""
    members = [np.flatnonzero(truth > 1), np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)]
    percent = [100.0, data.silence_percentage, data.unknown_percentage]
    kept = [(m, p) for m, p in zip(members, percent, strict=True) if len(m) and p > 0]
    shares = np.cumsum([p for _, p in kept])
    shares = shares / shares[-1]
    shares[-1] = 1.0
    return [m for m, _ in kept], shares


def _masks(
    rng: np.random.Generator, size: int, shape: tuple[int, int], augment: AugmentSection
) -> NDArray[np.int32]:
    masks = np.zeros((size, 4), np.int32)
    for column, widest, length in (
        (0, augment.time_mask_frames, shape[0]),
        (2, augment.channel_mask_channels, shape[1]),
    ):
        widths = rng.integers(0, min(widest, length) + 1, size=size)
        starts = (rng.random(size) * (length - widths + 1)).astype(np.int64)
        masks[:, column], masks[:, column + 1] = starts, starts + widths
    return masks


class _Steps:
    """The compiled training loop of one model."""

    def __init__(self, model: keras.Model, config: Config, scale: float) -> None:
        self._model, self._train = model, config.train
        self._scale, self._shape = scale, config.features.shape
        self._with_masks = bool(
            config.augment.time_mask_frames or config.augment.channel_mask_channels
        )
        self.optimizer = _optimizer(config.train)
        self.optimizer.build(model.trainable_variables)
        self._loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._call = tf.function(self._many, reduce_retracing=True)

    def run(
        self, batches: _Batches, start: int, stop: int, stopwatch: "_Stopwatch"
    ) -> tuple[float, float]:
        """Trains steps start .. stop; returns the mean accuracy and loss."""
        correct = total = 0.0
        for first in range(start, stop, STEPS_PER_CALL):
            last = min(first + STEPS_PER_CALL, stop)
            rates = learning_rates(self._train, first, last)
            n_correct, loss = self._call(*batches.gather(first, last), rates)
            _check_finite(float(loss), last)
            correct, total = correct + float(n_correct), total + float(loss)
            stopwatch.start(last)
        n_steps = stop - start
        return correct / (n_steps * self._train.batch_size), total / n_steps

    def _many(
        self, features: tf.Tensor, labels: tf.Tensor, masks: tf.Tensor, rates: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        correct, total = tf.constant(0.0), tf.constant(0.0)
        for i in tf.range(tf.shape(features)[0]):
            n, loss = self._one(features[i], labels[i], masks[i], rates[i])
            correct, total = correct + n, total + loss
        return correct, total

    def _one(
        self, features: tf.Tensor, labels: tf.Tensor, masks: tf.Tensor, rate: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.cast(features, tf.float32) * self._scale
        if self._with_masks:
            x = self._masked(x, masks)
        with tf.GradientTape() as tape:
            logits = self._model(x, training=True)
            loss = self._loss(labels, logits)
        self.optimizer.learning_rate.assign(rate)
        variables = self._model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        hits = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), labels)
        return tf.reduce_sum(tf.cast(hits, tf.float32)), loss

    def _masked(self, x: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        frames, channels = self._shape
        frame, channel = tf.range(frames)[None], tf.range(channels)[None]
        over_time = (frame >= masks[:, 0:1]) & (frame < masks[:, 1:2])
        over_channels = (channel >= masks[:, 2:3]) & (channel < masks[:, 3:4])
        keep = ~(over_time[:, :, None] | over_channels[:, None, :])
        return x * tf.cast(tf.reshape(keep, (-1, frames * channels)), tf.float32)


class _Stopwatch:
    """Times steps from the end of the first graph call on: what comes before is start-up."""

    def __init__(self) -> None:
        self._started: tuple[int, float] | None = None

    def start(self, step: int) -> None:
        """Starts at the first call; later ones change nothing."""
        self._started = self._started or (step, time.perf_counter())

    def ms_per_step(self, stop: int) -> float | None:
        """Returns milliseconds a step until now, or None if there were none to time."""
        if self._started is None or self._started[0] >= stop:
            return None
        step, since = self._started
        return (time.perf_counter() - since) * 1000 / (stop - step)


def _optimizer(train: TrainSection) -> keras.optimizers.Optimizer:
    if train.optimizer == "adam":
        return keras.optimizers.Adam()
    return keras.optimizers.SGD(momentum=train.momentum if train.optimizer == "momentum" else 0.0)


class _State:
    """All that a training has come to: what a checkpoint holds."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
        self._variables = [*model.variables, *optimizer.variables]
        self._weights = list(model.weights)
        self.step, self.best, self.best_step = 0, -1.0, 0
        self._best_loss = math.inf
        self._best_weights = [w.numpy() for w in self._weights]

    def keep_if_best(self, metrics: dict[str, float]) -> None:
        """Keeps the weights if they score higher, or as high at a lower loss."""
        found = metrics["val_balanced_accuracy"], -metrics["val_loss"]
        if found > (self.best, -self._best_loss):
            self.best, self._best_loss = found[0], metrics["val_loss"]
            self.best_step = self.step
            self._best_weights = [w.numpy() for w in self._weights]

    def restore_best(self) -> None:
        """Gives the model the weights of its best evaluation."""
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
