"""Batches in, a model some steps further: the compiled training loop. Knows no validation."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sprd.config.trial import Config, TrainSection
from sprd.errors import TrainingError
from sprd.model.batches import Batches
from sprd.model.losses import Extra, Loss, mixed

STEPS_PER_CALL = 20
"""Steps of one graph call: Python's share of a step becomes small."""

_LOGITS_BATCH = 512


class TrainingLoop:
    """The compiled training loop of one model."""

    def __init__(self, model: keras.Model, config: Config, scale: float) -> None:
        self._model, self._train = model, config.train
        self._scale, self._shape = scale, config.features.shape
        self._with_masks = bool(
            config.augment.time_mask_frames or config.augment.channel_mask_channels
        )
        self.optimizer = _optimizer(config.train)
        self.optimizer.build(model.trainable_variables)
        self.average = Average(model, config.train.average_decay)
        self._loss = Loss(config.train)
        self._call = tf.function(self._many, reduce_retracing=True)

    def run(
        self, batches: Batches, start: int, stop: int, stopwatch: "Stopwatch | None" = None
    ) -> tuple[float, float]:
        """Trains steps start .. stop; returns the mean accuracy and loss.

        Raises:
            TrainingError: The loss is not finite.
        """
        correct = total = 0.0
        for first in range(start, stop, STEPS_PER_CALL):
            last = min(first + STEPS_PER_CALL, stop)
            rates = learning_rates(self._train, first, last)
            n_correct, loss = self._call(*batches.gather(first, last), rates)
            check_finite(float(loss), last)
            correct, total = correct + float(n_correct), total + float(loss)
            if stopwatch:
                stopwatch.start(last)
        n_steps = stop - start
        return correct / (n_steps * self._train.batch_size), total / n_steps

    def _many(
        self,
        features: tf.Tensor,
        labels: tf.Tensor,
        masks: tf.Tensor,
        extra: Extra,
        rates: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        correct, total = tf.constant(0.0), tf.constant(0.0)
        for i in tf.range(tf.shape(features)[0]):
            more = {name: values[i] for name, values in extra.items()}
            n, loss = self._one(features[i], labels[i], masks[i], more, rates[i])
            correct, total = correct + n, total + loss
        return correct, total

    def _one(
        self,
        features: tf.Tensor,
        labels: tf.Tensor,
        masks: tf.Tensor,
        extra: Extra,
        rate: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.cast(features, tf.float32) * self._scale
        if self._with_masks:
            x = self.masked(x, masks)
        x = mixed(x, extra)
        with tf.GradientTape() as tape:
            logits = self._model(x, training=True)
            loss = self._loss(labels, logits, extra)
        self.optimizer.learning_rate.assign(rate)
        variables = self._model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self.average.follow(self.optimizer.iterations)
        hits = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), labels)
        return tf.reduce_sum(tf.cast(hits, tf.float32)), loss

    def masked(self, x: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        """Blanks out (size, 4) stretches of frames and channels of (size, frames * channels)."""
        frames, channels = self._shape
        frame, channel = tf.range(frames)[None], tf.range(channels)[None]
        over_time = (frame >= masks[:, 0:1]) & (frame < masks[:, 1:2])
        over_channels = (channel >= masks[:, 2:3]) & (channel < masks[:, 3:4])
        keep = ~(over_time[:, :, None] | over_channels[:, None, :])
        return x * tf.cast(tf.reshape(keep, (-1, frames * channels)), tf.float32)


class Average:
    """A moving average of a model's weights and statistics, or none where the decay is 0.

    It follows step by step: each moves it by 1 - decay towards the weights, the first steps by
    more, so that what a model started with is soon forgotten. Source: Polyak and Juditsky, 1992;
    the early rule is that of TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, model: keras.Model, decay: float) -> None:
        self._decay = decay
        self._weights = list(model.weights) if decay else []
        self.variables = [tf.Variable(tf.convert_to_tensor(w)) for w in self._weights]

    def follow(self, n_steps: tf.Tensor) -> None:
        """Moves the average after a step; `n_steps` have been made."""
        if not self._weights:
            return
        done = tf.cast(n_steps, tf.float32)
        rate = 1.0 - tf.minimum(self._decay, (1.0 + done) / (10.0 + done))
        for variable, weight in zip(self.variables, self._weights, strict=True):
            variable.assign_add(rate * (tf.convert_to_tensor(weight) - variable))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Gives the model the average inside, and its own weights again afterwards."""
        own = [weight.numpy() for weight in self._weights]
        self.apply()
        try:
            yield
        finally:
            for weight, value in zip(self._weights, own, strict=True):
                weight.assign(value)

    def apply(self) -> None:
        """Gives the model the average for good."""
        for weight, variable in zip(self._weights, self.variables, strict=True):
            weight.assign(variable)


class Stopwatch:
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


def learning_rates(train: TrainSection, start: int, stop: int) -> NDArray[np.float32]:
    """Returns the learning rate of each step in start .. stop."""
    steps = np.arange(start, stop)
    if train.schedule == "cosine":
        ((n_steps, rate),) = train.phases
        return (rate * 0.5 * (1 + np.cos(np.pi * steps / n_steps))).astype(np.float32)
    ends = np.cumsum([n for n, _ in train.phases])
    rates = np.array([rate for _, rate in train.phases])
    return rates[np.searchsorted(ends, steps, side="right")].astype(np.float32)


def logits_of(model: keras.Model, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns (n, n_labels) logits of (n, frames * channels) features."""
    batches = range(0, len(features), _LOGITS_BATCH)
    logits = [model(features[i : i + _LOGITS_BATCH], training=False).numpy() for i in batches]
    return np.concatenate(logits)


def check_finite(loss: float, step: int) -> None:
    """Ends a training that has gone astray.

    Raises:
        TrainingError: The loss is not finite.
    """
    if not math.isfinite(loss):
        raise TrainingError(
            f"training: the loss must be finite, got {loss} by step {step}."
            " Lower train.learning_rate."
        )


def _optimizer(train: TrainSection) -> keras.optimizers.Optimizer:
    if train.optimizer == "adam":
        return keras.optimizers.Adam()
    return keras.optimizers.SGD(momentum=train.momentum if train.optimizer == "momentum" else 0.0)
