"""Layers in a form that trains faster on a CPU; what is converted is the ordinary form.

On a CPU a training step of a small convolutional model is mostly passes over memory, and most of
these are batch normalisation's. See docs/performance.md for what each form costs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import ops


@contextmanager
def released_gradient_graphs() -> Iterator[None]:
    """Lets go of the graphs of what is trained inside: TensorFlow keeps their gradients for ever.

    Each graph with a gradient of its own adds it to a registry that nothing is ever taken out of,
    and it holds the graph, about 10 MB. Afterwards such a graph still runs; it is not
    differentiated any more.
    """
    registry = ops.gradient_registry._registry
    before = set(registry)
    try:
        yield
    finally:
        for name in set(registry) - before:
            if name.startswith("CustomGradient"):
                del registry[name]


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation over the last axis of (batch, height, width, channels).

    Trains in fewer passes than Keras' own, to the same numbers but for rounding: the variance is
    E[x^2] - E[x]^2, scale and offset are one depthwise convolution that a bias and a ReLU are
    fused into, the gradient is one kernel. Inference is Keras' own.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalises with the statistics of the batch where it trains, else with the moving."""
        if not training or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        gamma, beta = (tf.convert_to_tensor(weight) for weight in (self.gamma, self.beta))
        if tf.config.list_physical_devices("GPU"):
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, gamma, beta, epsilon=self.epsilon, is_training=True
            )
        else:
            outputs, mean, variance = _normalize(inputs, gamma, beta, self.epsilon)
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + found * (1.0 - self.momentum))
        return outputs


class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """A convolution without bias or activation; over time alone, it trains along the other axis.

    A CPU's kernels are faster along the last axis but one. Of (batch, frames, 1, depth) the
    numbers lie in memory as those of (batch, 1, frames, depth), so nothing is moved. Inference is
    Keras' own.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Convolves (batch, height, width, depth)."""
        _, height, width, depth = inputs.shape
        if not training or width != 1 or self.kernel_size[1] != 1 or self.use_bias:
            return super().call(inputs)
        kernel = tf.convert_to_tensor(self.kernel)
        outputs = tf.nn.conv2d(
            tf.reshape(inputs, [-1, 1, height, depth]),
            tf.reshape(kernel, [1, self.kernel_size[0], depth, self.filters]),
            [1, self.strides[0]],
            self.padding.upper(),
        )
        return tf.reshape(outputs, [-1, outputs.shape[2], 1, self.filters])


class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """Dropout that draws a byte a value instead of a float: in half the time of Keras' own.

    The rate is taken to the nearest 1/256; what is kept is scaled accordingly.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drops values where it trains, each by itself; else gives the inputs."""
        n_dropped = round(self.rate * 256)
        if not training or n_dropped == 0:
            return inputs
        shape = tf.shape(inputs)
        n_values = tf.reduce_prod(shape)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        words = tf.random.stateless_uniform(
            [(n_values + 3) // 4], seed, minval=None, maxval=None, dtype=tf.int32
        )
        drawn = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:n_values]
        kept = tf.cast(drawn >= tf.constant(n_dropped, tf.uint8), tf.float32)
        return inputs * (tf.reshape(kept, shape) * (256.0 / (256 - n_dropped)))


def _normalize(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns x normalised, and the mean and variance (biased) of each channel."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def normalize(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> Any:
        mean = tf.reduce_mean(x, [0, 1, 2])
        variance = tf.maximum(tf.reduce_mean(tf.square(x), [0, 1, 2]) - tf.square(mean), 0.0)
        scale = gamma * tf.math.rsqrt(variance + epsilon)
        scaled = tf.nn.depthwise_conv2d(x, scale[None, None, :, None], [1, 1, 1, 1], "VALID")

        def gradient(upstream: tf.Tensor, *_: tf.Tensor) -> Any:
            found = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=upstream,
                x=x,
                scale=gamma,
                reserve_space_1=mean,
                reserve_space_2=variance,  # on a CPU; on a GPU it would be its inverse root
                reserve_space_3=[0.0],
                epsilon=epsilon,
                is_training=True,
            )
            return found[:3]

        outputs = tf.nn.bias_add(scaled, beta - mean * scale)
        return (outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)), gradient

    outputs, mean, variance = normalize(x, gamma, beta)
    return outputs, mean, variance
