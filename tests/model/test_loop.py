"""The compiled training loop: rates, masks, and a step that does nothing unasked."""

import math
from typing import Any, Literal

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from sprd.audio.store import Features
from sprd.config.trial import Config, TrainSection
from sprd.model.batches import Batches
from sprd.model.loop import TrainingLoop, learning_rates
from sprd.model.zoo import build_model
from tests.model.trainings import make_config

pytestmark = pytest.mark.usefixtures("one_thread")


class TestLearningRates:
    """The rate of each step, from the file alone."""

    def test_phases_follow_each_other(self) -> None:
        """SPRD's two: the first step of the second phase has its rate."""
        train = TrainSection(steps=(12000, 3000), learning_rate=(0.001, 0.0001))
        np.testing.assert_allclose(learning_rates(train, 11998, 12002), [1e-3, 1e-3, 1e-4, 1e-4])
        np.testing.assert_allclose(learning_rates(train, 0, 15000)[[0, -1]], [1e-3, 1e-4])

    def test_one_number_is_one_phase(self) -> None:
        """Constant to the end."""
        train = TrainSection(steps=10, learning_rate=0.5)
        assert learning_rates(train, 0, 10).tolist() == [0.5] * 10

    def test_one_rate_may_serve_all_phases(self) -> None:
        """Steps as a list, the rate as a number."""
        train = TrainSection(steps=(3, 2), learning_rate=0.5)
        assert learning_rates(train, 0, 5).tolist() == [0.5] * 5

    def test_cosine_falls_from_the_rate_to_zero(self) -> None:
        """Half of it half way."""
        train = TrainSection(steps=1000, learning_rate=0.4, schedule="cosine")
        rates = learning_rates(train, 0, 1000)
        assert rates[0] == pytest.approx(0.4)
        assert rates[500] == pytest.approx(0.2)
        assert rates[-1] == pytest.approx(0.4 * 0.5 * (1 + math.cos(math.pi * 0.999)), rel=1e-3)
        assert (np.diff(rates) < 0).all()

    @given(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["constant", "cosine"]))
    def test_rates_do_not_depend_on_where_a_call_starts(
        self, first: int, second: int, schedule: Literal["constant", "cosine"]
    ) -> None:
        """A continued training gets the same ones."""
        start, stop = sorted((first, second))
        train = TrainSection(steps=40, learning_rate=0.1, schedule=schedule)
        np.testing.assert_array_equal(
            learning_rates(train, start, stop), learning_rates(train, 0, 40)[start:stop]
        )


def test_masked_frames_and_channels_are_blank(training: Features) -> None:
    """And only they."""
    config = make_config(augment={"time_mask_frames": 9, "channel_mask_channels": 9})
    steps = TrainingLoop(build_model(config.model, (25, 20), 4), config, 1.0)
    stretches = np.array([[2, 5, 0, 0], [0, 0, 18, 20], [0, 25, 3, 4], [7, 7, 9, 9]], np.int32)
    masked = steps.masked(np.ones((4, 500), np.float32), stretches).numpy().reshape(4, 25, 20)
    expected = np.ones((4, 25, 20))
    expected[0, 2:5] = expected[1, :, 18:] = expected[2] = 0
    np.testing.assert_array_equal(masked, expected)


def test_average_follows_the_weights_step_by_step(training: Features) -> None:
    """After two steps it lies where the rule puts it, in whatever calls they were made."""
    config = make_config(train={"steps": 2, "optimizer": "momentum", "average_decay": 0.5})
    keras.utils.set_random_seed(0)
    model = build_model(config.model, config.features.shape, len(config.labels))
    loop, batches = TrainingLoop(model, config, training.scale), Batches(config, training)
    expected = [weight.numpy() for weight in model.weights]
    for step, decay in enumerate((2 / 11, 3 / 12)):
        loop.run(batches, step, step + 1)
        for i, weight in enumerate(model.weights):
            expected[i] += (1 - decay) * (weight.numpy() - expected[i])
    own = [weight.numpy() for weight in model.weights]
    with loop.average.applied():
        for weight, value in zip(model.weights, expected, strict=True):
            np.testing.assert_allclose(weight.numpy(), value, rtol=1e-4, atol=1e-6)
    for weight, value in zip(model.weights, own, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


class PlainSteps:
    """The training loop as it was before the switches."""

    def __init__(self, model: Any, config: Config, scale: float) -> None:
        self.model, self.scale = model, scale
        self.optimizer = keras.optimizers.SGD(momentum=config.train.momentum)
        self.optimizer.build(model.trainable_variables)
        self.optimizer.learning_rate.assign(config.train.learning_rate)
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def run(self, batches: Batches, start: int, stop: int) -> None:
        step = tf.function(self.step)
        features, labels, _, _ = batches.gather(start, stop)
        for i in range(stop - start):
            step(tf.constant(features[i]), tf.constant(labels[i]))

    def step(self, features: Any, labels: Any) -> None:
        with tf.GradientTape() as tape:
            logits = self.model(tf.cast(features, tf.float32) * self.scale, training=True)
            loss = self.loss(labels, logits)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)


def test_weights_are_those_of_a_plain_step(training: Features) -> None:
    """Bit for bit: cross entropy, gradients, update, and nothing else."""
    config = make_config(train={"steps": 12, "optimizer": "momentum"})
    weights = []
    for run in (TrainingLoop, PlainSteps):
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        model = build_model(config.model, config.features.shape, len(config.labels))
        run(model, config, training.scale).run(Batches(config, training), 0, 12)
        weights.append([weight.numpy() for weight in model.weights])
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
