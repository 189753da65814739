"""The parameters of each architecture: what a sweep file may name. No TensorFlow.

A type each. `sprd.config` takes their names, bounds, defaults and texts from it, the rules of a
search space among them; `sprd.model.zoo` builds from its values.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from sprd.config.params import Joined, Params

Filters = Annotated[int, Field(ge=1, le=1024)]
Units = Annotated[int, Field(ge=1, le=4096)]
KernelFrames = Annotated[int, Field(ge=1, le=31)]
Kernel = Annotated[tuple[int, int], Joined("x", high=100)]
Stride = Annotated[tuple[int, int], Joined("x", high=16)]
LayerFilters = Annotated[tuple[int, ...], Joined("-", high=1024)]
LayerStrides = Annotated[tuple[int, ...], Joined("-", high=4)]
Dropout = Annotated[
    float, Field(ge=0, le=0.9, description="Share of activations dropped in training.")
]


def _filters(default: int, which: str = "the") -> int:
    return Field(default, description=f"Filters of {which} convolution.")


def _kernel(default: tuple[int, int], which: str = "the") -> tuple[int, int]:
    return Field(default, description=f"Kernel of {which} convolution, frames x channels.")


def _stride(default: tuple[int, int], which: str = "the") -> tuple[int, int]:
    return Field(default, description=f"Stride of {which} convolution, frames x channels.")


def _units(default: int, which: str) -> int:
    return Field(default, description=f"Units of the {which} fully connected layer.")


def _layer_filters(default: tuple[int, ...], which: str) -> tuple[int, ...]:
    return Field(default, description=f"Filters of each {which}, in order.")


def _kernel_frames(default: int, which: str) -> int:
    return Field(default, description=f"Frames that a {which} spans.")


def _layer_strides(default: tuple[int, ...], which: str) -> tuple[int, ...]:
    return Field(default, description=f"Stride of each {which}; repeats if shorter.")


class SingleFcParams(Params):
    """Of one fully connected layer: none."""


class ConvParams(Params):
    """Of the first convolutional model of SPRD's trainer."""

    first_filters: Filters = _filters(64, "the first")
    first_kernel: Kernel = _kernel((20, 8), "the first")
    second_filters: Filters = _filters(64, "the second")
    second_kernel: Kernel = _kernel((10, 4), "the second")
    dropout: Dropout = 0.5


class LowLatencyConvParams(Params):
    """Of one convolution over all frames."""

    filters: Filters = _filters(186)
    kernel_channels: int = Field(
        8, ge=1, le=1024, description="Channels that a filter spans; it spans all frames."
    )
    first_units: Units = _units(128, "first")
    second_units: Units = _units(128, "second")
    dropout: Dropout = 0.5


class LowLatencySvdfParams(Params):
    """Of a layer of rank-limited filters."""

    units: Units = Field(1280, description="Nodes of the SVDF layer.")
    rank: int = Field(2, ge=1, le=8, description="Filters of one node.")
    first_units: Units = _units(256, "first")
    second_units: Units = _units(256, "second")
    dropout: Dropout = 0.5


class TinyConvParams(Params):
    """Of one strided convolution."""

    filters: Filters = _filters(8)
    kernel: Kernel = _kernel((10, 8))
    stride: Stride = _stride((2, 2))
    dropout: Dropout = 0.5


class TinyEmbeddingConvParams(Params):
    """Of two strided convolutions."""

    first_filters: Filters = _filters(8, "the first")
    first_kernel: Kernel = _kernel((10, 8), "the first")
    first_stride: Stride = _stride((2, 2), "the first")
    second_filters: Filters = _filters(8, "the second")
    second_kernel: Kernel = _kernel((10, 8), "the second")
    second_stride: Stride = _stride((8, 8), "the second")
    dropout: Dropout = 0.5


class DsCnnParams(Params):
    """Of depthwise separable blocks. Source: Zhang et al., Hello Edge, arXiv:1711.07128."""

    filters: Filters = _filters(24, "each")
    n_blocks: int = Field(3, ge=0, le=8, description="Depthwise separable blocks.")
    first_kernel: Kernel = _kernel((10, 4), "the first")
    first_stride: Stride = _stride((2, 2), "the first")
    kernel: Kernel = _kernel((3, 3), "each depthwise")
    dropout: Dropout = 0.1


class TemporalConvParams(Params):
    """Of convolutions over time with the channels as depth: no slow one-channel first layer."""

    layer_filters: LayerFilters = _layer_filters((16, 16, 24, 32), "convolution")
    kernel_frames: KernelFrames = _kernel_frames(5, "filter")
    layer_strides: LayerStrides = _layer_strides((1, 2, 1, 2), "convolution")
    dropout: Dropout = 0.1


class TcResnetParams(Params):
    """Of residual blocks of two convolutions over time. Source: Choi et al., arXiv:1904.03814."""

    first_filters: Filters = _filters(16, "the first")
    layer_filters: LayerFilters = _layer_filters((16, 24), "residual block")
    kernel_frames: KernelFrames = _kernel_frames(5, "filter of a block")
    layer_strides: LayerStrides = _layer_strides((2,), "residual block")
    dropout: Dropout = 0.1


class BottleneckParams(Params):
    """Of MobileNetV2's blocks over time. Source: Sandler et al., arXiv:1801.04381."""

    first_filters: Filters = _filters(24, "the first")
    first_stride: int = Field(
        2, ge=1, le=4, description="Stride of the first convolution, in frames."
    )
    layer_filters: LayerFilters = _layer_filters((24, 32), "block")
    expansion: int = Field(
        2, ge=1, le=6, description="Channels inside a block, in times those before it."
    )
    kernel_frames: KernelFrames = _kernel_frames(9, "depthwise filter")
    layer_strides: LayerStrides = _layer_strides((1, 2), "block")
    dropout: Dropout = 0.1


BlockKind = Literal[
    "conv3",
    "conv5",
    "conv7",
    "separable3",
    "separable5",
    "separable9",
    "residual3",
    "residual5",
]
"""What may stand at a position of `blocks`: a kind, and the frames that its filters span."""

BLOCK_KINDS: tuple[str, ...] = get_args(BlockKind)
N_POSITIONS = 6
"""Blocks of the architecture `blocks`, at most."""

Block = Literal["none", BlockKind]
BlockStride = Annotated[int, Field(ge=1, le=2)]


def _block(position: int, default: str) -> Any:
    doc = f"Block {position}: its kind, and the frames that it spans."
    return Field(default, description=doc)


def _block_filters(position: int, default: int) -> int:
    return Field(default, description=f"Filters of block {position}.")


def _block_stride(position: int, default: int) -> int:
    return Field(default, description=f"Stride of block {position}, in frames.")


class BlocksParams(Params):
    """Of a search over what stands where; only the first position must hold a block."""

    block_1: BlockKind = _block(1, "conv3")
    filters_1: Filters = _block_filters(1, 16)
    stride_1: BlockStride = _block_stride(1, 1)
    block_2: Block = _block(2, "conv5")
    filters_2: Filters = _block_filters(2, 16)
    stride_2: BlockStride = _block_stride(2, 2)
    block_3: Block = _block(3, "conv5")
    filters_3: Filters = _block_filters(3, 24)
    stride_3: BlockStride = _block_stride(3, 1)
    block_4: Block = _block(4, "separable9")
    filters_4: Filters = _block_filters(4, 32)
    stride_4: BlockStride = _block_stride(4, 2)
    block_5: Block = _block(5, "none")
    filters_5: Filters = _block_filters(5, 32)
    stride_5: BlockStride = _block_stride(5, 1)
    block_6: Block = _block(6, "none")
    filters_6: Filters = _block_filters(6, 32)
    stride_6: BlockStride = _block_stride(6, 1)
    dropout: Dropout = 0.1

    @classmethod
    def active(cls, point: Mapping[str, object]) -> frozenset[str]:
        """Returns the parameters that have an effect: an empty position has a block only."""
        fields = cls.model_fields
        return frozenset(fields) - {
            f"{key}_{i}"
            for i in range(1, N_POSITIONS + 1)
            if point.get(f"block_{i}", fields[f"block_{i}"].default) == "none"
            for key in ("filters", "stride")
        }

    def filled(self) -> tuple[tuple[BlockKind, int, int], ...]:
        """Returns (kind, filters, stride) of each position that is not empty, in order."""
        positions = (
            (self.block_1, self.filters_1, self.stride_1),
            (self.block_2, self.filters_2, self.stride_2),
            (self.block_3, self.filters_3, self.stride_3),
            (self.block_4, self.filters_4, self.stride_4),
            (self.block_5, self.filters_5, self.stride_5),
            (self.block_6, self.filters_6, self.stride_6),
        )
        return tuple((kind, filters, s) for kind, filters, s in positions if kind != "none")


ARCHITECTURES: Mapping[str, type[Params]] = {
    # The six of SPRD's trainer, with its constants as defaults (TensorFlow's speech_commands).
    "single_fc": SingleFcParams,
    "conv": ConvParams,
    "low_latency_conv": LowLatencyConvParams,
    "low_latency_svdf": LowLatencySvdfParams,
    "tiny_conv": TinyConvParams,
    "tiny_embedding_conv": TinyEmbeddingConvParams,
    # From papers, and for searches.
    "ds_cnn": DsCnnParams,
    "temporal_conv": TemporalConvParams,
    "tc_resnet": TcResnetParams,
    "bottleneck": BottleneckParams,
    "blocks": BlocksParams,
}
