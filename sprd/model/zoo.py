"""Architectures: features in, logits out. A plain dict of functions.

Every model takes (batch, frames * channels) float32 and gives (batch, n_labels) logits. Once
converted it holds only CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, ADD, AVERAGE_POOL_2D,
MAX_POOL_2D, RESHAPE, PAD and SOFTMAX: what CMSIS-NN is fast at. What their parameters mean and
may be is in `sprd.model.params`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers

from sprd.config import ModelSection
from sprd.parameters import Scalar

Tensor = Any
"""A symbolic Keras tensor."""

Params = Mapping[str, Any]
Build = Callable[[Tensor, int, int, Params], Tensor]


def build_model(section: ModelSection, shape: tuple[int, int], n_labels: int) -> keras.Model:
    """Builds an untrained model with random weights; seed Keras first.

    Args:
        section: The architecture and its parameters.
        shape: (frames, channels) of the features.
        n_labels: Number of outputs.

    Raises:
        ValueError: A kernel or stride does not fit the shape.
    """
    frames, channels = shape
    inputs = keras.Input((frames * channels,), name="features")
    hidden = ARCHITECTURES[section.architecture](inputs, frames, channels, section.params)
    logits = layers.Dense(n_labels, name="logits")(hidden)
    return keras.Model(inputs, logits, name=section.architecture)


def _pair(value: Scalar) -> tuple[int, int]:
    first, second = str(value).split("x")
    return int(first), int(second)


def _integers(value: Scalar) -> list[int]:
    return [int(part) for part in str(value).split("-")]


def _as_image(x: Tensor, frames: int, channels: int) -> Tensor:
    return layers.Reshape((frames, channels, 1))(x)


def _flat_dropout(x: Tensor, params: Params) -> Tensor:
    return layers.Flatten()(layers.Dropout(params["dropout"])(x))


def _normalized(x: Tensor) -> Tensor:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-3)(x))


def _global_average(x: Tensor) -> Tensor:
    _, height, width, _ = x.shape
    return layers.Flatten()(layers.AveragePooling2D((height, width))(x))


def single_fc(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """One fully connected layer: the logits."""
    return x


def conv(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """Two convolutions with a pooling between. Source: cnn-trad-fpool3, Sainath and Parada 2015."""
    x = _as_image(x, frames, channels)
    x = layers.Conv2D(
        params["first_filters"], _pair(params["first_kernel"]), padding="same", activation="relu"
    )(x)
    x = layers.Dropout(params["dropout"])(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(
        params["second_filters"], _pair(params["second_kernel"]), padding="same", activation="relu"
    )(x)
    return _flat_dropout(x, params)


def low_latency_conv(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """One convolution over all frames, two layers. Source: cnn-one-fstride4, the same paper."""
    x = _as_image(x, frames, channels)
    width = min(params["kernel_channels"], channels)
    x = layers.Conv2D(params["filters"], (frames, width), activation="relu")(x)
    x = _flat_dropout(x, params)
    x = layers.Dropout(params["dropout"])(layers.Dense(params["first_units"])(x))
    return layers.Dropout(params["dropout"])(layers.Dense(params["second_units"])(x))


def low_latency_svdf(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """A layer of rank-limited filters over the whole clip, two layers.

    The seed's SVDF over a whole clip is a filter over channels, then one over time, summed over
    the rank. Here: CONV_2D, DEPTHWISE_CONV_2D and the mean over the rank, which differs from the
    sum by a factor that the weights take up. Source: Nakkiran et al. 2015.
    """
    units, rank = params["units"], params["rank"]
    x = layers.Reshape((frames, 1, channels))(x)
    x = layers.Conv2D(units * rank, 1, use_bias=False)(x)
    x = layers.DepthwiseConv2D((frames, 1))(x)
    x = layers.Reshape((units, rank, 1))(x)
    x = layers.ReLU()(layers.AveragePooling2D((1, rank))(x))
    x = _flat_dropout(x, params)
    x = layers.Dropout(params["dropout"])(layers.Dense(params["first_units"])(x))
    return layers.Dropout(params["dropout"])(layers.Dense(params["second_units"])(x))


def tiny_conv(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """One strided convolution: the model that the seed ships."""
    x = _as_image(x, frames, channels)
    x = layers.Conv2D(
        params["filters"],
        _pair(params["kernel"]),
        strides=_pair(params["stride"]),
        padding="same",
        activation="relu",
    )(x)
    return _flat_dropout(x, params)


def tiny_embedding_conv(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """Two strided convolutions, small enough for a DSP."""
    x = _as_image(x, frames, channels)
    for which in ("first", "second"):
        x = layers.Conv2D(
            params[f"{which}_filters"],
            _pair(params[f"{which}_kernel"]),
            strides=_pair(params[f"{which}_stride"]),
            padding="same",
            activation="relu",
        )(x)
        x = layers.Dropout(params["dropout"])(x)
    return layers.Flatten()(x)


def ds_cnn(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """Depthwise separable convolutions. Source: Zhang et al., Hello Edge, arXiv:1711.07128."""
    filters = params["filters"]
    x = _as_image(x, frames, channels)
    x = layers.Conv2D(
        filters,
        _pair(params["first_kernel"]),
        strides=_pair(params["first_stride"]),
        padding="same",
        use_bias=False,
    )(x)
    x = _normalized(x)
    for _ in range(params["n_blocks"]):
        x = layers.DepthwiseConv2D(_pair(params["kernel"]), padding="same", use_bias=False)(x)
        x = _normalized(x)
        x = _normalized(layers.Conv2D(filters, 1, use_bias=False)(x))
    x = _global_average(x)
    return layers.Dropout(params["dropout"])(x)


def temporal_conv(x: Tensor, frames: int, channels: int, params: Params) -> Tensor:
    """Convolutions over time with the channels as depth. Source: TC-ResNet, arXiv:1904.03814."""
    x = layers.Reshape((frames, 1, channels))(x)
    strides = _integers(params["layer_strides"])
    for i, filters in enumerate(_integers(params["layer_filters"])):
        x = layers.Conv2D(
            filters,
            (params["kernel_frames"], 1),
            strides=(strides[i % len(strides)], 1),
            padding="same",
            use_bias=False,
        )(x)
        x = _normalized(x)
    x = _global_average(x)
    return layers.Dropout(params["dropout"])(x)


ARCHITECTURES: dict[str, Build] = {
    "single_fc": single_fc,
    "conv": conv,
    "low_latency_conv": low_latency_conv,
    "low_latency_svdf": low_latency_svdf,
    "tiny_conv": tiny_conv,
    "tiny_embedding_conv": tiny_embedding_conv,
    "ds_cnn": ds_cnn,
    "temporal_conv": temporal_conv,
}
