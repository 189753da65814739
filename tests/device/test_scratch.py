"""Scratch follows the rules of the kernel libraries, a bound over versions or those of one."""

from pathlib import Path
from typing import Any

import pytest

from sprd.device.graph import Graph, Operator, Tensor, read_graph
from sprd.device.layouts import ESP_NN_C
from sprd.device.memory import arena_of
from sprd.device.scratch import library_of, scratch_bytes
from sprd.device.tflm import ArenaSplit

MODELS = ("sprd_tiny_conv_up_down", "mlperf_tiny_kws_ds_cnn", "mlperf_tiny_ic_resnet8")


@pytest.fixture(scope="module")
def graphs(shared: Path) -> dict[str, Graph]:
    """The reference models."""
    return {
        name: read_graph((shared / "models" / f"{name}.tflite").read_bytes()) for name in MODELS
    }


def test_esp_nn_asks_for_its_copies(graphs: dict[str, Graph]) -> None:
    """ESP-NN copies filters and padded inputs: its scratch holds at least the filter once."""
    graph = graphs["mlperf_tiny_ic_resnet8"]
    for operator in graph.operators:
        scratch = scratch_bytes(graph, operator, "esp-nn")
        if operator.op == "CONV_2D":
            assert scratch >= graph.tensors[operator.inputs[1]].n_bytes
            assert scratch >= graph.tensors[operator.inputs[0]].n_bytes
    assert scratch_bytes(graph, graph.operators[-1], "esp-nn") == 4 * 10


def test_esp_nn_in_c_copies_nothing(graphs: dict[str, Graph]) -> None:
    """An ESP32 has no assembly of it: its softmax alone keeps 4 B a class."""
    assert library_of("esp-nn", "xtensa-lx6") == ESP_NN_C
    assert library_of("esp-nn", "xtensa-lx7") == "esp-nn"
    assert library_of("reference", "xtensa-lx6") == "reference"
    for graph in graphs.values():
        *before, last = (scratch_bytes(graph, op, ESP_NN_C) for op in graph.operators)
        assert set(before) == {0} and last == 4 * graph.tensors[graph.outputs[0]].n_elements
    assert scratch_bytes(graph, Operator("CUMSUM", (0,), (0,)), ESP_NN_C) is None
    assert scratch_bytes(graph, Operator("LOGISTIC", (0,), (0,)), ESP_NN_C) == 256


def test_fully_connected_of_three_dimensions_keeps_multipliers_on_the_board() -> None:
    """CMSIS-NN runs it as a 1x1 convolution: scratch, and 8 B an output channel."""

    def graph_of(*shape: Any) -> Any:
        tensors = (
            Tensor("x", "INT8", (*shape[:-1], 16), False, 0),
            Tensor("w", "INT8", (shape[-1], 16), False, 16 * shape[-1]),
            Tensor("y", "INT8", shape, False, 0),
        )
        return Graph("m", tensors, (Operator("FULLY_CONNECTED", (0, 1), (2,)),), (0,), (2,))

    split = ArenaSplit(1_024, 1_000)
    flat, deep = graph_of(5, 8), graph_of(1, 5, 8)
    assert scratch_bytes(flat, flat.operators[0]) == 0
    assert scratch_bytes(deep, deep.operators[0]) == 4 * 16
    assert arena_of(flat, split).channel_bytes == 0
    assert arena_of(deep, split).channel_bytes == 2 * 4 * 8


def test_scratch_follows_cmsis_nn(graphs: dict[str, Graph]) -> None:
    """im2col takes two int16 columns; depthwise one; average pooling one int32 a channel."""
    graph = graphs["sprd_tiny_conv_up_down"]
    assert [scratch_bytes(graph, op) for op in graph.operators] == [0, 2 * 2 * 80, 0, 0, 0]
    graph = graphs["mlperf_tiny_kws_ds_cnn"]
    found = {op.op: scratch_bytes(graph, op) for op in reversed(graph.operators)}
    assert found["CONV_2D"] == 2 * 2 * 40
    assert found["DEPTHWISE_CONV_2D"] == 2 * 9 * 64
    assert found["AVERAGE_POOL_2D"] == 4 * 64


def convolution(op: str, taps: int, *, depth: int, channels: int, **options: int) -> Graph:
    """One convolution of 5x5 pixels, square filter of so many taps a side."""
    kernel = (
        (1, taps, taps, channels) if op == "DEPTHWISE_CONV_2D" else (channels, taps, taps, depth)
    )
    tensors = (
        Tensor("x", "INT8", (1, 5, 5, depth), False, 0),
        Tensor("w", "INT8", kernel, False, 1),
        Tensor("y", "INT8", (1, 5, 5, channels), False, 0),
    )
    return Graph("m", tensors, (Operator(op, (0, 1), (2,), options),), (0,), (2,))


@pytest.mark.parametrize(
    ("graph", "bound", "december", "august"),
    [
        (convolution("CONV_2D", 1, depth=8, channels=4), 32, 0, 0),
        (convolution("CONV_2D", 1, depth=6, channels=4), 32, 32, 32),
        (convolution("CONV_2D", 1, depth=8, channels=4, stride_h=2), 32, 32, 32),
        (convolution("CONV_2D", 3, depth=8, channels=4), 288, 288, 288),
        (convolution("DEPTHWISE_CONV_2D", 3, depth=8, channels=8), 144, 144, 0),
        (convolution("DEPTHWISE_CONV_2D", 5, depth=8, channels=8), 400, 400, 400),
        (convolution("DEPTHWISE_CONV_2D", 5, depth=1, channels=8), 400, 0, 0),
        (convolution("DEPTHWISE_CONV_2D", 5, depth=8, channels=8, dilation_w=2), 400, 0, 0),
    ],
)
def test_one_version_asks_for_no_more_than_the_bound(
    graph: Graph, bound: int, december: int, august: int
) -> None:
    """gcc's 1x1 convolution copies nothing, and depthwise 3x3 filters need no buffer since 2024."""
    found = [
        scratch_bytes(graph, graph.operators[0], "cmsis-nn", tflm)
        for tflm in ("any", "2023-12", "2026-08")
    ]
    assert found == [bound, december, august]
