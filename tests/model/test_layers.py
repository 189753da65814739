"""Forms that train faster give the numbers of the ordinary ones."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from sprd.model.layers import BatchNormalization, Conv2D, Dropout, released_gradient_graphs

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPES = [(100, 25, 1, 24), (16, 13, 10, 8), (7, 5, 1, 3), (1, 4, 4, 1)]


def pair(channels: int) -> list[BatchNormalization | Any]:
    """Ours and Keras' own, with the same weights."""
    rng = np.random.default_rng(channels)
    weights = [rng.uniform(0.5, 2, channels).astype(np.float32) for _ in range(4)]
    found = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(momentum=0.9, epsilon=1e-3)
        layer.build((None, 1, 1, channels))
        layer.set_weights(weights)
        found.append(layer)
    return found


def step(layer: BatchNormalization | Any, x: Any, upstream: Any) -> list[NDArray[np.float32]]:
    """Outputs, gradients of the inputs and of both weights, moving statistics after a step."""

    @tf.function
    def run() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.relu(layer(x, training=True))
        gradients = tape.gradient(y, [x, *layer.trainable_variables], upstream)
        return [y, *gradients]

    return [value.numpy() for value in run()] + [w.numpy() for w in layer.non_trainable_variables]


def test_only_training_of_four_axes_leaves_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what is faster; inference and other shapes are Keras' own."""
    calls: list[tuple[int, ...]] = []

    def call(self: Any, inputs: Any, **settings: Any) -> Any:
        calls.append(inputs.shape)
        return inputs

    monkeypatch.setattr(keras.layers.BatchNormalization, "call", call)
    for shape, training in (((2, 4, 4, 3), True), ((2, 4, 4, 3), False), ((2, 3), True)):
        layer = BatchNormalization()
        layer.build((None, *shape[1:]))
        layer(tf.ones(shape), training=training)
    assert calls == [(2, 4, 4, 3), (2, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_a_step_of_training_is_that_of_keras(shape: tuple[int, ...], offset: float) -> None:
    """Outputs, gradients and moving statistics; also where the mean is far from 0."""
    rng = np.random.default_rng(1)
    x = tf.constant(rng.normal(offset, 1.5, shape).astype(np.float32))
    upstream = tf.constant(rng.normal(size=shape).astype(np.float32))
    ours, theirs = (step(layer, x, upstream) for layer in pair(shape[-1]))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-4 * max(1.0, float(np.abs(b).max())))


def test_inference_is_that_of_keras() -> None:
    """Bit for bit: it is what is converted."""
    x = np.random.default_rng(2).normal(size=(9, 5, 1, 6)).astype(np.float32)
    ours, theirs = pair(6)
    np.testing.assert_array_equal(ours(x, training=False), theirs(x, training=False))


def test_graphs_are_let_go() -> None:
    """A worker trains hundreds of models: none of their graphs stays."""
    found = []
    for _ in range(2):
        with released_gradient_graphs():
            layer, x = pair(4)[0], tf.ones((8, 5, 1, 4))

            @tf.function
            def run(x: Any = x, layer: Any = layer) -> Any:
                with tf.GradientTape() as tape:
                    y = layer(x, training=True)
                return tape.gradient(y, layer.gamma.value)

            found.append(weakref.ref(run.get_concrete_function().graph))
        del run, layer
    gc.collect()
    assert [graph() for graph in found] == [None, None]


def test_constant_channel_has_no_variance() -> None:
    """What rounding leaves of it is not below 0."""
    x = tf.fill((64, 5, 1, 2), 26.3)
    layer = pair(2)[0]
    found = step(layer, x, tf.ones_like(x))
    assert all(np.isfinite(value).all() for value in found)


@pytest.mark.parametrize(
    ("shape", "kernel", "stride"),
    [
        ((6, 49, 1, 5), (5, 1), (1, 1)),
        ((6, 49, 1, 5), (5, 1), (2, 1)),
        ((6, 24, 1, 3), (4, 1), (2, 1)),
        ((6, 24, 1, 3), (1, 1), (1, 1)),
        ((2, 9, 7, 3), (3, 1), (1, 1)),
        ((2, 9, 7, 3), (3, 3), (2, 2)),
    ],
    ids=str,
)
def test_a_convolution_over_time_is_that_of_keras(
    shape: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    """Outputs and gradients; where it is over more than time, it is Keras' own."""
    rng = np.random.default_rng(5)
    x = tf.constant(rng.normal(size=shape).astype(np.float32))
    weights = rng.normal(size=(*kernel, shape[-1], 4)).astype(np.float32)
    found = []
    for kind in (Conv2D, keras.layers.Conv2D):
        layer = kind(4, kernel, strides=stride, padding="same", use_bias=False)
        layer.build(shape)
        layer.set_weights([weights])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True) if kind is Conv2D else layer(x)
            score = tf.reduce_sum(tf.sin(y))
        found.append([y, *tape.gradient(score, [x, layer.kernel.value])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5])
def test_dropout_drops_its_share_and_scales_the_rest(rate: float) -> None:
    """Each value by itself; the gradient goes where the value went."""
    keras.utils.set_random_seed(3)
    layer, x = Dropout(rate), tf.ones((100, 25, 1, 41))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    found = y.numpy()
    share = round(rate * 256) / 256
    assert set(np.unique(found)) == {np.float32(0), np.float32(1 / (1 - share))}
    assert abs((found == 0).mean() - share) < 0.005
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), found)
    neighbours = (found[:, 1:] == 0) & (found[:, :-1] == 0)
    assert abs(neighbours.mean() - share**2) < 0.01


def test_dropout_draws_anew_each_time_and_the_same_from_the_same_seed() -> None:
    """A training that is continued draws what it would have drawn."""
    draws = []
    for _ in range(2):
        keras.utils.set_random_seed(4)
        layer = Dropout(0.5)
        draws.append([layer(tf.ones((8, 33)), training=True).numpy() for _ in range(3)])
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0][0], draws[0][1])


def test_dropout_leaves_inference_alone() -> None:
    """And training, where its rate is 0."""
    x = tf.ones((8, 33))
    np.testing.assert_array_equal(Dropout(0.5)(x, training=False), x)
    np.testing.assert_array_equal(Dropout(0.0)(x, training=True), x)


ALONE = """
import sys; sys.path.insert(0, sys.argv[1])
from tests.model import test_layers as t
t.test_a_step_of_training_is_that_of_keras((16, 13, 10, 8), 0.0)
print("same")
"""


def test_other_kernels_give_the_same() -> None:
    """TensorFlow has two sets for a CPU; the gradient takes the variance in both."""
    folder = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, folder],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("same\n"), done.stderr[-500:]
