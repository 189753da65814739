"""Forms that train faster give the numbers of the ordinary ones."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from sprd.model.layers import BatchNormalization

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPES = [(100, 25, 1, 24), (16, 13, 10, 8), (7, 5, 1, 3), (1, 4, 4, 1)]


def pair(channels):
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


def step(layer, x, upstream):
    """Outputs, gradients of the inputs and of both weights, moving statistics after a step."""

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.relu(layer(x, training=True))
        gradients = tape.gradient(y, [x, *layer.trainable_variables], upstream)
        return [y, *gradients]

    return [value.numpy() for value in run()] + [w.numpy() for w in layer.non_trainable_variables]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_a_step_of_training_is_that_of_keras(shape, offset):
    """Outputs, gradients and moving statistics; also where the mean is far from 0."""
    rng = np.random.default_rng(1)
    x = tf.constant(rng.normal(offset, 1.5, shape).astype(np.float32))
    upstream = tf.constant(rng.normal(size=shape).astype(np.float32))
    ours, theirs = (step(layer, x, upstream) for layer in pair(shape[-1]))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-4 * max(1.0, float(np.abs(b).max())))


def test_inference_is_that_of_keras():
    """Bit for bit: it is what is converted."""
    x = np.random.default_rng(2).normal(size=(9, 5, 1, 6)).astype(np.float32)
    ours, theirs = pair(6)
    np.testing.assert_array_equal(ours(x, training=False), theirs(x, training=False))


def test_constant_channel_has_no_variance():
    """What rounding leaves of it is not below 0."""
    x = tf.fill((64, 5, 1, 2), 26.3)
    layer = pair(2)[0]
    found = step(layer, x, tf.ones_like(x))
    assert all(np.isfinite(value).all() for value in found)


ALONE = """
import sys; sys.path.insert(0, sys.argv[1])
import test_layers as t
t.test_a_step_of_training_is_that_of_keras((16, 13, 10, 8), 0.0)
print("same")
"""


def test_other_kernels_give_the_same():
    """TensorFlow has two sets for a CPU; the gradient takes the variance in both."""
    folder = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, folder],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("same\n"), done.stderr[-500:]
