"""The parameters of each architecture: what a sweep file may name. No TensorFlow."""

from collections.abc import Mapping

from sprd.config.params import Param, Scalar

Params = Mapping[str, Param]

_DROPOUT = Param(0.5, "float", "Share of activations dropped in training.", low=0, high=0.9)
_LIGHT_DROPOUT = Param(0.1, "float", "Share of activations dropped in training.", low=0, high=0.9)


def _filters(default: int, which: str = "the") -> Param:
    return Param(default, "int", f"Filters of {which} convolution.")


def _kernel(default: str, which: str = "the") -> Param:
    return Param(default, "pair", f"Kernel of {which} convolution, frames x channels.", high=100)


def _stride(default: str, which: str = "the") -> Param:
    return Param(default, "pair", f"Stride of {which} convolution, frames x channels.", high=16)


def _units(default: int, which: str) -> Param:
    return Param(default, "int", f"Units of the {which} fully connected layer.", high=4096)


def _layer_filters(default: str, which: str) -> Param:
    return Param(default, "ints", f"Filters of each {which}, in order.")


def _kernel_frames(default: int, which: str) -> Param:
    return Param(default, "int", f"Frames that a {which} spans.", high=31)


def _layer_strides(default: str, which: str) -> Param:
    doc = f"Stride of each {which}; repeats if shorter."
    return Param(default, "ints", doc, high=4)


N_POSITIONS = 6
"""Blocks of the architecture `blocks`, at most."""

BLOCK_KINDS = (
    *("conv3", "conv5", "conv7"),
    *("separable3", "separable5", "separable9"),
    *("residual3", "residual5"),
)
"""What may stand at a position of `blocks`: a kind, and the frames that its filters span."""


def _blocks(*defaults: tuple[str, int, int]) -> Params:
    """Block, filters and stride of each position; from the second on a block may be "none"."""
    params: dict[str, Param] = {}
    for i, (block, filters, stride) in enumerate(defaults, 1):
        choices = BLOCK_KINDS if i == 1 else ("none", *BLOCK_KINDS)
        doc = f"Block {i}: its kind, and the frames that it spans."
        params[f"block_{i}"] = Param(block, "choice", doc, choices=choices)
        params[f"filters_{i}"] = Param(filters, "int", f"Filters of block {i}.")
        params[f"stride_{i}"] = Param(stride, "int", f"Stride of block {i}, in frames.", high=2)
    return params


ARCHITECTURES: dict[str, Params] = {
    # The six of the seed, with its constants as defaults (TensorFlow's speech_commands trainer).
    "single_fc": {},
    "conv": {
        "first_filters": _filters(64, "the first"),
        "first_kernel": _kernel("20x8", "the first"),
        "second_filters": _filters(64, "the second"),
        "second_kernel": _kernel("10x4", "the second"),
        "dropout": _DROPOUT,
    },
    "low_latency_conv": {
        "filters": _filters(186),
        "kernel_channels": Param(8, "int", "Channels that a filter spans; it spans all frames."),
        "first_units": _units(128, "first"),
        "second_units": _units(128, "second"),
        "dropout": _DROPOUT,
    },
    "low_latency_svdf": {
        "units": Param(1280, "int", "Nodes of the SVDF layer.", high=4096),
        "rank": Param(2, "int", "Filters of one node.", high=8),
        "first_units": _units(256, "first"),
        "second_units": _units(256, "second"),
        "dropout": _DROPOUT,
    },
    "tiny_conv": {
        "filters": _filters(8),
        "kernel": _kernel("10x8"),
        "stride": _stride("2x2"),
        "dropout": _DROPOUT,
    },
    "tiny_embedding_conv": {
        "first_filters": _filters(8, "the first"),
        "first_kernel": _kernel("10x8", "the first"),
        "first_stride": _stride("2x2", "the first"),
        "second_filters": _filters(8, "the second"),
        "second_kernel": _kernel("10x8", "the second"),
        "second_stride": _stride("8x8", "the second"),
        "dropout": _DROPOUT,
    },
    # Zhang et al., Hello Edge (arXiv:1711.07128): depthwise separable blocks.
    "ds_cnn": {
        "filters": _filters(24, "each"),
        "n_blocks": Param(3, "int", "Depthwise separable blocks.", low=0, high=8),
        "first_kernel": _kernel("10x4", "the first"),
        "first_stride": _stride("2x2", "the first"),
        "kernel": _kernel("3x3", "each depthwise"),
        "dropout": _LIGHT_DROPOUT,
    },
    # Convolutions over time with the channels as depth: no slow one-channel first layer.
    "temporal_conv": {
        "layer_filters": _layer_filters("16-16-24-32", "convolution"),
        "kernel_frames": _kernel_frames(5, "filter"),
        "layer_strides": _layer_strides("1-2-1-2", "convolution"),
        "dropout": _LIGHT_DROPOUT,
    },
    # Choi et al., TC-ResNet (arXiv:1904.03814): residual blocks of two convolutions over time.
    "tc_resnet": {
        "first_filters": _filters(16, "the first"),
        "layer_filters": _layer_filters("16-24", "residual block"),
        "kernel_frames": _kernel_frames(5, "filter of a block"),
        "layer_strides": _layer_strides("2", "residual block"),
        "dropout": _LIGHT_DROPOUT,
    },
    # Sandler et al., MobileNetV2 (arXiv:1801.04381), over time.
    "bottleneck": {
        "first_filters": _filters(24, "the first"),
        "first_stride": Param(2, "int", "Stride of the first convolution, in frames.", high=4),
        "layer_filters": _layer_filters("24-32", "block"),
        "expansion": Param(2, "int", "Channels inside a block, in times those before it.", high=6),
        "kernel_frames": _kernel_frames(9, "depthwise filter"),
        "layer_strides": _layer_strides("1-2", "block"),
        "dropout": _LIGHT_DROPOUT,
    },
    # A search over what stands where: convolutions, separable ones, residual blocks.
    "blocks": {
        **_blocks(
            ("conv3", 16, 1),
            ("conv5", 16, 2),
            ("conv5", 24, 1),
            ("separable9", 32, 2),
            ("none", 32, 1),
            ("none", 32, 1),
        ),
        "dropout": _LIGHT_DROPOUT,
    },
}


def active_params(architecture: str, params: Mapping[str, Scalar]) -> frozenset[str]:
    """Returns the names of the parameters that have an effect at a point.

    Of `blocks`, a position that is "none" has neither filters nor stride; elsewhere every
    parameter has an effect.

    Args:
        architecture: A name of `ARCHITECTURES`.
        params: The point; what it does not name has its default.
    """
    known = ARCHITECTURES[architecture]
    if architecture != "blocks":
        return frozenset(known)
    unused: set[str] = set()
    for i in range(1, N_POSITIONS + 1):
        if params.get(f"block_{i}", known[f"block_{i}"].default) == "none":
            unused |= {f"filters_{i}", f"stride_{i}"}
    return frozenset(known) - unused
