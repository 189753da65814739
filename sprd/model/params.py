"""The parameters of each architecture: what a sweep file may name. No TensorFlow."""

from collections.abc import Mapping

from sprd.parameters import Param

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
        "layer_filters": Param("16-16-24-32", "ints", "Filters of each convolution, in order."),
        "kernel_frames": Param(5, "int", "Frames that a filter spans.", high=31),
        "layer_strides": Param(
            "1-2-1-2", "ints", "Stride of each convolution; repeats if shorter.", high=4
        ),
        "dropout": _LIGHT_DROPOUT,
    },
}
