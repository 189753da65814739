"""The weights of a model as numbers, and how far those of two models are apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sprd.device.weights import distance, weights_of
from sprd.errors import ModelFileError


@pytest.fixture
def scaled(tiny_conv: bytes, edit_model: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that multiplies the scales of the weights of tiny_conv."""

    def scale(factor: Any) -> Any:
        def change(model: Any) -> None:
            for tensor in model.subgraphs[0].tensors:
                if tensor.name in (b"MatMul", b"Conv2D"):
                    tensor.quantization.scale = factor * np.asarray(tensor.quantization.scale)

        return edit_model(tiny_conv, change)

    return scale


def test_weights_have_the_scales_of_their_channels(tiny_conv: bytes) -> None:
    """Those of SPRD's model: one scale a filter, so each filter reaches 127 times its own."""
    fully_connected, convolution = weights_of(tiny_conv)
    assert fully_connected.shape == (4, 4000) and convolution.shape == (8, 10, 8, 1)
    largest = np.abs(convolution).max(axis=(1, 2, 3))
    assert len(set(largest.round(9))) == 8


def test_distance_is_a_share_of_the_first(tiny_conv: bytes, scaled: Callable[..., Any]) -> None:
    """None between a model and itself, half as much again where all weights are."""
    assert distance(tiny_conv, tiny_conv) == 0
    assert distance(tiny_conv, scaled(1.5)) == pytest.approx(0.5, rel=1e-6)
    assert distance(scaled(1.5), tiny_conv) == pytest.approx(1 / 3, rel=1e-6)


def test_other_shapes_have_no_distance(tiny_conv: bytes, shared: Path) -> None:
    """Another architecture has weights of other shapes."""
    other = (shared / "models/mlperf_tiny_kws_ds_cnn.tflite").read_bytes()
    assert distance(tiny_conv, other) is None
    assert distance(tiny_conv, tiny_conv) == 0


def test_scales_that_do_not_belong_to_the_weights(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """Three scales for eight filters: one line."""

    def change(model: Any) -> None:
        model.subgraphs[0].tensors[6].quantization.scale = [0.1, 0.2, 0.3]

    with pytest.raises(ModelFileError, match="scales of tensor 'Conv2D'"):
        weights_of(edit_model(tiny_conv, change))
