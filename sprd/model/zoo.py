"""Architectures: features in, logits out. A plain dict of functions.

Every model takes (batch, frames * channels) float32 and gives (batch, n_labels) logits. Once
converted it holds only CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, ADD, AVERAGE_POOL_2D,
MAX_POOL_2D, RESHAPE, PAD and SOFTMAX: what CMSIS-NN is fast at. What their parameters mean and
may be is in `sprd.model.params`.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import cycle
from typing import Any

import keras
from keras import layers

from sprd.config.trial import ModelSection
from sprd.model.layers import BatchNormalization, Conv2D, Dropout
from sprd.model.params import ARCHITECTURES as PARAMS
from sprd.model.params import (
    BlocksParams,
    BottleneckParams,
    ConvParams,
    DsCnnParams,
    LowLatencyConvParams,
    LowLatencySvdfParams,
    SingleFcParams,
    TcResnetParams,
    TemporalConvParams,
    TinyConvParams,
    TinyEmbeddingConvParams,
)

Tensor = Any
"""A symbolic Keras tensor."""

Build = Callable[[Tensor, int, int, Any], Tensor]
"""Features as (batch, frames * channels), frames, channels, the parameters: features before the
logits."""


def build_model(section: ModelSection, shape: tuple[int, int], n_labels: int) -> keras.Model:
    """Builds an untrained model with random weights; seed Keras first.

    Args:
        section: The architecture and its parameters.
        shape: (frames, channels) of the features.
        n_labels: Number of outputs.

    Raises:
        ValueError: A kernel or stride does not fit the shape, or a parameter breaks its rule.
    """
    frames, channels = shape
    params = PARAMS[section.architecture].model_validate(section.params)
    inputs = keras.Input((frames * channels,), name="features")
    hidden = ARCHITECTURES[section.architecture](inputs, frames, channels, params)
    logits = layers.Dense(n_labels, name="logits")(hidden)
    return keras.Model(inputs, logits, name=section.architecture)


def _as_image(x: Tensor, frames: int, channels: int) -> Tensor:
    return layers.Reshape((frames, channels, 1))(x)


def _flat_dropout(x: Tensor, rate: float) -> Tensor:
    return layers.Flatten()(Dropout(rate)(x))


def _linear(x: Tensor) -> Tensor:
    return BatchNormalization(momentum=0.9, epsilon=1e-3)(x)


def _normalized(x: Tensor) -> Tensor:
    return layers.ReLU()(_linear(x))


def _global_average(x: Tensor) -> Tensor:
    _, height, width, _ = x.shape
    return layers.Flatten()(layers.AveragePooling2D((height, width))(x))


def single_fc(x: Tensor, frames: int, channels: int, params: SingleFcParams) -> Tensor:
    """One fully connected layer: the logits."""
    return x


def conv(x: Tensor, frames: int, channels: int, params: ConvParams) -> Tensor:
    """Two convolutions with a pooling between. Source: cnn-trad-fpool3, Sainath and Parada 2015."""
    x = _as_image(x, frames, channels)
    first = params.first_filters, params.first_kernel
    second = params.second_filters, params.second_kernel
    x = layers.Conv2D(*first, padding="same", activation="relu")(x)
    x = Dropout(params.dropout)(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(*second, padding="same", activation="relu")(x)
    return _flat_dropout(x, params.dropout)


def low_latency_conv(x: Tensor, frames: int, channels: int, params: LowLatencyConvParams) -> Tensor:
    """One convolution over all frames, two layers. Source: cnn-one-fstride4, the same paper."""
    x = _as_image(x, frames, channels)
    width = min(params.kernel_channels, channels)
    x = layers.Conv2D(params.filters, (frames, width), activation="relu")(x)
    x = _flat_dropout(x, params.dropout)
    x = Dropout(params.dropout)(layers.Dense(params.first_units)(x))
    return Dropout(params.dropout)(layers.Dense(params.second_units)(x))


def low_latency_svdf(x: Tensor, frames: int, channels: int, params: LowLatencySvdfParams) -> Tensor:
    """A layer of rank-limited filters over the whole clip, two layers.

    In SPRD's trainer it is a filter over channels, then one over time, summed over the rank. Here:
    CONV_2D, DEPTHWISE_CONV_2D and the mean over the rank, which differs from the sum by a factor
    that the weights take up. Source: Nakkiran et al. 2015.
    """
    units, rank = params.units, params.rank
    x = layers.Reshape((frames, 1, channels))(x)
    x = layers.Conv2D(units * rank, 1, use_bias=False)(x)
    x = layers.DepthwiseConv2D((frames, 1))(x)
    x = layers.Reshape((units, rank, 1))(x)
    x = layers.ReLU()(layers.AveragePooling2D((1, rank))(x))
    x = _flat_dropout(x, params.dropout)
    x = Dropout(params.dropout)(layers.Dense(params.first_units)(x))
    return Dropout(params.dropout)(layers.Dense(params.second_units)(x))


def tiny_conv(x: Tensor, frames: int, channels: int, params: TinyConvParams) -> Tensor:
    """One strided convolution: the model that SPRD ships."""
    x = _as_image(x, frames, channels)
    x = layers.Conv2D(
        params.filters,
        params.kernel,
        strides=params.stride,
        padding="same",
        activation="relu",
    )(x)
    return _flat_dropout(x, params.dropout)


def tiny_embedding_conv(
    x: Tensor, frames: int, channels: int, params: TinyEmbeddingConvParams
) -> Tensor:
    """Two strided convolutions, small enough for a DSP."""
    x = _as_image(x, frames, channels)
    convolutions = (
        (params.first_filters, params.first_kernel, params.first_stride),
        (params.second_filters, params.second_kernel, params.second_stride),
    )
    for filters, kernel, stride in convolutions:
        x = layers.Conv2D(filters, kernel, strides=stride, padding="same", activation="relu")(x)
        x = Dropout(params.dropout)(x)
    return layers.Flatten()(x)


def ds_cnn(x: Tensor, frames: int, channels: int, params: DsCnnParams) -> Tensor:
    """Depthwise separable convolutions. Source: Zhang et al., Hello Edge, arXiv:1711.07128."""
    filters = params.filters
    x = _as_image(x, frames, channels)
    x = layers.Conv2D(
        filters,
        params.first_kernel,
        strides=params.first_stride,
        padding="same",
        use_bias=False,
    )(x)
    x = _normalized(x)
    for _ in range(params.n_blocks):
        x = layers.DepthwiseConv2D(params.kernel, padding="same", use_bias=False)(x)
        x = _normalized(x)
        x = _normalized(layers.Conv2D(filters, 1, use_bias=False)(x))
    x = _global_average(x)
    return Dropout(params.dropout)(x)


def _with_strides(filters: Iterable[int], strides: Iterable[int]) -> Iterable[tuple[int, int]]:
    """Filters and stride of each layer; the strides repeat if they are fewer."""
    return zip(filters, cycle(strides), strict=False)


def _over_time(x: Tensor, filters: int, kernel_frames: int, stride: int = 1) -> Tensor:
    """A convolution over time: (batch, frames, 1, depth), no bias and no activation."""
    return Conv2D(filters, (kernel_frames, 1), strides=(stride, 1), padding="same", use_bias=False)(
        x
    )


def _depthwise_over_time(x: Tensor, kernel_frames: int, stride: int = 1) -> Tensor:
    """A filter over time for each channel, no bias and no activation."""
    # TensorFlow takes equal strides only; across the one column the second has no effect.
    return layers.DepthwiseConv2D(
        (kernel_frames, 1), strides=stride, padding="same", use_bias=False
    )(x)


def _convolution(x: Tensor, filters: int, kernel_frames: int, stride: int) -> Tensor:
    return _normalized(_over_time(x, filters, kernel_frames, stride))


def _separable(x: Tensor, filters: int, kernel_frames: int, stride: int) -> Tensor:
    """A depthwise filter over time, then a pointwise convolution. Source: arXiv:1711.07128."""
    x = _normalized(_depthwise_over_time(x, kernel_frames, stride))
    return _normalized(_over_time(x, filters, 1))


def _residual(x: Tensor, filters: int, kernel_frames: int, stride: int) -> Tensor:
    """Two convolutions and a shortcut, a pointwise convolution where the shape changes."""
    y = _convolution(x, filters, kernel_frames, stride)
    y = _linear(_over_time(y, filters, kernel_frames))
    if stride > 1 or x.shape[3] != filters:
        x = _linear(_over_time(x, filters, 1, stride))
    return layers.ReLU()(layers.Add()([x, y]))


def _inverted_residual(
    x: Tensor, filters: int, kernel_frames: int, stride: int, expansion: int
) -> Tensor:
    """Expand, filter each channel over time, project; a shortcut where the shape stays."""
    y = x
    if expansion > 1:
        y = _normalized(_over_time(y, expansion * x.shape[3], 1))
    y = _normalized(_depthwise_over_time(y, kernel_frames, stride))
    y = _linear(_over_time(y, filters, 1))
    return y if stride > 1 or x.shape[3] != filters else layers.Add()([x, y])


_BLOCKS: Mapping[str, Callable[[Tensor, int, int, int], Tensor]] = {
    "conv": _convolution,
    "separable": _separable,
    "residual": _residual,
}


def _block(name: str) -> tuple[Callable[[Tensor, int, int, int], Tensor], int]:
    """Splits a name such as "separable9" into what builds the block and the frames it spans."""
    kind = name.rstrip("0123456789")
    return _BLOCKS[kind], int(name.removeprefix(kind))


def temporal_conv(x: Tensor, frames: int, channels: int, params: TemporalConvParams) -> Tensor:
    """Convolutions over time with the channels as depth. Source: TC-ResNet, arXiv:1904.03814."""
    x = layers.Reshape((frames, 1, channels))(x)
    for filters, stride in _with_strides(params.layer_filters, params.layer_strides):
        x = _normalized(_over_time(x, filters, params.kernel_frames, stride))
    x = _global_average(x)
    return Dropout(params.dropout)(x)


def tc_resnet(x: Tensor, frames: int, channels: int, params: TcResnetParams) -> Tensor:
    """Residual blocks over time. Source: Choi et al., TC-ResNet, arXiv:1904.03814."""
    x = layers.Reshape((frames, 1, channels))(x)
    x = _normalized(_over_time(x, params.first_filters, 3))
    for filters, stride in _with_strides(params.layer_filters, params.layer_strides):
        x = _residual(x, filters, params.kernel_frames, stride)
    x = _global_average(x)
    return Dropout(params.dropout)(x)


def bottleneck(x: Tensor, frames: int, channels: int, params: BottleneckParams) -> Tensor:
    """Inverted residuals over time. Source: Sandler et al., MobileNetV2, arXiv:1801.04381."""
    x = layers.Reshape((frames, 1, channels))(x)
    x = _normalized(_over_time(x, params.first_filters, 3, params.first_stride))
    for filters, stride in _with_strides(params.layer_filters, params.layer_strides):
        x = _inverted_residual(x, filters, params.kernel_frames, stride, params.expansion)
    x = _global_average(x)
    return Dropout(params.dropout)(x)


def blocks(x: Tensor, frames: int, channels: int, params: BlocksParams) -> Tensor:
    """Up to six blocks over time, each of a kind of its own: an architecture to be searched."""
    x = layers.Reshape((frames, 1, channels))(x)
    for block, filters, stride in params.filled():
        kind, kernel_frames = _block(block)
        x = kind(x, filters, kernel_frames, stride)
    x = _global_average(x)
    return Dropout(params.dropout)(x)


ARCHITECTURES: dict[str, Build] = {
    "single_fc": single_fc,
    "conv": conv,
    "low_latency_conv": low_latency_conv,
    "low_latency_svdf": low_latency_svdf,
    "tiny_conv": tiny_conv,
    "tiny_embedding_conv": tiny_embedding_conv,
    "ds_cnn": ds_cnn,
    "temporal_conv": temporal_conv,
    "tc_resnet": tc_resnet,
    "bottleneck": bottleneck,
    "blocks": blocks,
}
