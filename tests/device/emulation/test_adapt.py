"""Any legal arrangement of the operators runs on the emulated core, or is refused by name."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sprd.device.emulation.adapt import adapt
from sprd.device.emulation.emulate import Emulation, emulate
from sprd.device.tflm import Runner
from sprd.errors import EmulationError, ModelFileError
from tests.device.emulation.layer_by_layer import Model

Build = Callable[[Model], object]
BOTH = (3, 3), (2, 2)


def dense_between(model: Model) -> None:
    """A layer that keeps its rank, between two others that need it."""
    model.pool("AVERAGE_POOL_2D", (9, 6), (9, 6))
    first = model.fully_connected(4, keep_dims=True, activation="relu")
    model.convolution(4, (1, 1))
    model.sum(first)


def every_padding(model: Model) -> None:
    """Even and uneven SAME padding, and a PAD of its own."""
    model.convolution(5, (4, 3), (2, 2))
    model.pad((1, 0), (0, 2))
    model.convolution(4, (3, 2), same=False, activation="relu6")
    model.convolution(2, (2, 2), depthwise=True)
    model.pool("MAX_POOL_2D", (2, 2), (1, 1), same=True)
    model.pool("AVERAGE_POOL_2D", (2, 2), (2, 1), activation="relu")


def no_bias(model: Model) -> None:
    """Layers without a bias, with one scale and with one a channel."""
    model.convolution(5, bias=False)
    model.convolution(1, depthwise=True, bias=False)
    model.fully_connected(6, bias=False)
    model.fully_connected(4, bias=False, per_channel=True)


def residuals(model: Model) -> None:
    """ADD of what two layers need, of a tensor with itself, and of two branches."""
    start = model.last
    left = model.convolution(3, *BOTH)
    model.last = start
    model.convolution(3, *BOTH)
    both = model.sum(left, "relu")
    model.sum(both)
    model.convolution(3, (1, 1))
    model.sum(both, "relu6")


def reshapes(model: Model) -> None:
    """RESHAPE at the start, in a row and at the end."""
    model.reshape(1, 162)
    model.reshape(1, 9, 18, 1)
    model.convolution(4)
    model.reshape(1, 9, 72)
    model.reshape(1, 648)
    model.fully_connected(4, per_channel=True)
    model.reshape(1, 2, 2)


def softmax_last(model: Model) -> None:
    """A SOFTMAX of rank four and a RESHAPE behind it."""
    model.convolution(4)
    model.pool("AVERAGE_POOL_2D", (9, 6), (9, 6))
    model.softmax()
    model.reshape(1, 4)


RUNS: tuple[Build, ...] = (
    dense_between,
    every_padding,
    no_bias,
    residuals,
    reshapes,
    softmax_last,
)


def small(build: Build) -> bytes:
    """A model over 9 x 6 values of 3 channels."""
    model = Model(1, 9, 6, 3)
    build(model)
    return model.pack()


def emulated(model: bytes) -> Emulation:
    """Eight random inputs on a Cortex-M4."""
    return emulate(model, "cortex-m4", n_inputs=8)


@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize("build", RUNS, ids=lambda build: build.__name__)
def test_arrangement_runs_as_in_tflm(build: Build) -> None:
    """Every byte is TFLM's, and the layers are those of the model, in its order."""
    model = small(build)
    found = emulated(model)
    assert found.outputs_equal
    graph = Runner(model).graph
    assert [layer.op for layer in found.layers] == [operator.op for operator in graph.operators]
    total = sum(layer.instructions for layer in found.layers)
    assert total == pytest.approx(found.instructions, abs=40 * (len(found.layers) + 2))
    for layer in found.layers:
        is_view = layer.op in ("RESHAPE", "SOFTMAX")
        assert (layer.kernel is None) == (layer.instructions == 0) == is_view


@pytest.mark.parametrize("build", RUNS, ids=lambda build: build.__name__)
def test_rewritten_model_and_the_rest_are_the_model(build: Build) -> None:
    """In TFLM both give the same bytes; what was left out is a model from the logits on."""
    model = small(build)
    adapted = adapt(model)
    rows = np.random.default_rng(1).integers(-128, 128, (20, 162), dtype=np.int8)
    outputs = Runner(adapted.model).run(rows)
    assert (adapted.rest is not None) == (build is softmax_last)
    if adapted.rest is not None:
        outputs = Runner(adapted.rest).run(outputs)
    assert (outputs == Runner(model).run(rows)).all()
    assert len(np.unique(outputs)) > 5


def test_bias_gets_the_scale_that_tflm_takes(edit_model: Callable[..., Any]) -> None:
    """A scale off by a rounding, which the generator would refuse, changes nothing in TFLM."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        quantization = graph.tensors[graph.operators[0].inputs[2]].quantization
        quantization.scale = [scale * 1.0001 for scale in quantization.scale]

    model = edit_model(small(lambda model: model.convolution(4)), change)
    rows = np.random.default_rng(1).integers(-128, 128, (20, 162), dtype=np.int8)
    adapted = adapt(model)
    assert (Runner(adapted.model).run(rows) == Runner(model).run(rows)).all()
    tree: dict[str, Any] = {}
    edit_model(adapted.model, lambda found: tree.update(graph=found.subgraphs[0]))
    source, weights, bias = (
        np.float32(tree["graph"].tensors[index].quantization.scale)
        for index in tree["graph"].operators[0].inputs
    )
    assert (bias == source * weights).all()


def softmax_between(model: Model) -> None:
    model.fully_connected(4)
    model.softmax()
    model.fully_connected(3)


def dense_over_time(model: Model) -> None:
    model.reshape(1, 9, 18)
    model.fully_connected(4, keep_dims=True)


def odd_activation(model: Model) -> None:
    model.convolution(4, activation="relu_n1_to_1")


REFUSED = (
    (softmax_between, "got SOFTMAX before the end"),
    (dense_over_time, "model: FULLY_CONNECTED must take all 162 values at once, got rows of 18"),
    (odd_activation, "the activation of CONV_2D must be one of none, RELU, RELU6, got number 2"),
)


@pytest.mark.parametrize(
    ("build", "message"), REFUSED, ids=lambda case: getattr(case, "__name__", "")
)
def test_arrangement_that_cannot_run_is_named(build: Build, message: str) -> None:
    """The message says which operator and what could run."""
    with pytest.raises(EmulationError, match=re.escape(message)):
        adapt(small(build))


@pytest.mark.usefixtures("toolchain")
def test_what_the_generator_refuses_is_named() -> None:
    """A layer whose output nobody takes, which TFLM runs for nothing."""

    def dead_end(model: Model) -> None:
        first = model.convolution(3)
        model.convolution(5, depthwise=True)
        model.last = first

    with pytest.raises(EmulationError, match=r"model: DEPTHWISE_CONV_2D: .*dead"):
        emulated(small(dead_end))


@pytest.mark.usefixtures("toolchain")
def test_smallest_weight_is_told() -> None:
    """The generator takes weights from -127 on, as the converter writes them."""

    def build(model: Model) -> None:
        model.convolution(4)
        model.convolution(4)
        model.tree.buffers[3].data[0] = 128

    with pytest.raises(EmulationError, match=r"model: CONV_2D: .*-128"):
        emulated(small(build))


def test_float_model_is_refused(edit_model: Callable[..., Any]) -> None:
    """It is refused for what it is, before anything is rewritten."""

    def change(tree: Any) -> None:
        tree.subgraphs[0].tensors[0].type = 0

    with pytest.raises(ModelFileError, match="must be an int8 model"):
        adapt(edit_model(small(lambda model: model.convolution(4)), change))
