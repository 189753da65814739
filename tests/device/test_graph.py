"""The reader finds what is there, and meets hostile bytes with ModelFileError alone."""

import random
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from sprd.device.graph import (
    MAX_MODEL_BYTES,
    macs_of,
    read_graph,
    weight_bytes_of,
)
from sprd.device.int8 import check_int8
from sprd.errors import ModelFileError

MACS = {
    "sprd_tiny_conv_up_down": 336_000,
    "mlperf_tiny_kws_ds_cnn": 2_656_768,
    "mlperf_tiny_ic_resnet8": 12_501_632,
    "mlperf_tiny_vww_mobilenet": 7_489_664,
    "mlperf_tiny_ad_autoencoder": 264_192,
}


@pytest.mark.parametrize("name", MACS)
def test_macs_of_published_models(shared: Path, name: str) -> None:
    """Multiply-accumulates of the published models are the published ones."""
    graph = read_graph((shared / "models" / f"{name}.tflite").read_bytes())
    assert sum(macs_of(graph, operator) for operator in graph.operators) == MACS[name]


def test_graph_of_tiny_conv(tiny_conv: bytes) -> None:
    """SPRD's model has its published operators, options and shapes."""
    graph = read_graph(tiny_conv)
    assert graph.ops == ("RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SOFTMAX")
    convolution = graph.operators[1]
    assert graph.shape(convolution.inputs[1]) == (8, 10, 8, 1)
    assert convolution.options["stride_w"] == 2
    assert weight_bytes_of(graph, convolution) == 8 * 10 * 8 + 8 * 4
    assert graph.shape(graph.inputs[0]) == (1, 1960)
    check_int8(graph)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "TFL3"),
        (b"hello, this is no model", "TFL3"),
        (b"\x08\0\0\0TFL3" + bytes(8), "TensorFlow Lite|intact|schema version"),
        (bytes(MAX_MODEL_BYTES + 1), "at most 16,777,216 B"),
    ],
)
def test_what_is_no_model_is_refused(content: bytes, rule: str) -> None:
    """Bytes that are no .tflite are refused with the rule they break."""
    with pytest.raises(ModelFileError, match=rule):
        read_graph(content, "x.tflite")


def test_float_input_is_named(tiny_conv: bytes, edit_model: Callable[..., Any]) -> None:
    """A float input is named with its type, and the cure is told."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.inputs[0]].type = 0

    graph = read_graph(edit_model(tiny_conv, change), "x.tflite")
    with pytest.raises(ModelFileError, match=r"int8 model.*input '.+' of type float32.*again with"):
        check_int8(graph)


def test_hybrid_model_is_refused(tiny_conv: bytes, edit_model: Callable[..., Any]) -> None:
    """A float tensor inside a model with int8 ends is found."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.operators[1].outputs[0]].type = 0

    with pytest.raises(ModelFileError, match=r"tensor '.+' of type float32"):
        check_int8(read_graph(edit_model(tiny_conv, change)))


def test_weights_of_another_type_are_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """A convolution whose weights are no int8 is refused, though every type is a known one."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.operators[3].inputs[1]].type = 6

    with pytest.raises(ModelFileError, match=r"FULLY_CONNECTED operand '.+' of type bool"):
        check_int8(read_graph(edit_model(tiny_conv, change)))


@pytest.mark.parametrize("shape", [[1, -1], [1, 2**31 - 1], [2**20, 2**20]])
def test_dynamic_and_huge_shapes_are_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any], shape: list[int]
) -> None:
    """A shape that is open, or larger than any microcontroller's memory, is refused."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.inputs[0]].shape = shape

    with pytest.raises(ModelFileError, match=r"static shapes|must take at most"):
        read_graph(edit_model(tiny_conv, change))


def test_open_dimension_of_the_signature_is_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """An open batch is what Keras writes; any other open dimension is refused."""

    def open_batch(tree: Any) -> None:
        tree.subgraphs[0].tensors[tree.subgraphs[0].inputs[0]].shapeSignature = [-1, 1960]

    def open_length(tree: Any) -> None:
        tree.subgraphs[0].tensors[tree.subgraphs[0].inputs[0]].shapeSignature = [1, -1]

    assert read_graph(edit_model(tiny_conv, open_batch)).ops
    with pytest.raises(ModelFileError, match="static shapes"):
        read_graph(edit_model(tiny_conv, open_length))


@pytest.mark.parametrize("index", [-2, 1000])
def test_tensor_index_out_of_range_is_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any], index: int
) -> None:
    """An operator that reads a tensor that is not there is refused."""

    def change(tree: Any) -> None:
        tree.subgraphs[0].operators[1].inputs = [index, 1, 2]

    with pytest.raises(ModelFileError, match=r"tensor indices must lie in -1 .. "):
        read_graph(edit_model(tiny_conv, change))


def test_operator_without_its_inputs_is_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """A convolution without weights is refused before anything is computed from it."""

    def change(tree: Any) -> None:
        tree.subgraphs[0].operators[1].inputs = [0]

    with pytest.raises(ModelFileError, match="CONV_2D must have 2 inputs"):
        read_graph(edit_model(tiny_conv, change))


def test_constants_shorter_than_their_shape_are_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """TFLM would read beyond such a constant."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        tree.buffers[graph.tensors[graph.operators[3].inputs[1]].buffer].data = [1, 2, 3]

    with pytest.raises(ModelFileError, match="must hold 16,000 B of data, got 3 B"):
        read_graph(edit_model(tiny_conv, change))


def mutations(model: bytes, seed: int) -> bytes:
    """Returns a damaged copy: cut off, or with some bytes or words overwritten."""
    draw = random.Random(seed)
    if seed % 5 == 0:
        return model[: draw.randrange(len(model))]
    damaged = bytearray(model)
    for _ in range(draw.randint(1, 12)):
        # Tables and offsets lie in the last 3 kB and the first 100 B of this file.
        near_end = draw.random() < 0.7
        at = len(model) - 1 - draw.randrange(3000) if near_end else draw.randrange(len(model))
        word = draw.choice(
            [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0", b"\x7f"]
        )
        damaged[at : at + len(word)] = word[: len(model) - at]
    return bytes(damaged)


@pytest.mark.parametrize("chunk", range(8))
def test_damaged_models_end_in_a_graph_or_one_error(tiny_conv: bytes, chunk: int) -> None:
    """Of 160 damaged files each is read, or refused by ModelFileError in one line."""
    for seed in range(20 * chunk, 20 * (chunk + 1)):
        try:
            graph = read_graph(mutations(tiny_conv, seed), "x.tflite")
            check_int8(graph)
            macs = sum(macs_of(graph, operator) for operator in graph.operators)
            assert 0 <= macs < inf
        except ModelFileError as error:
            assert str(error).startswith("x.tflite: ")
            assert "\n" not in str(error)


def test_model_of_too_many_tensors_is_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """Counts are bounded before anything is read of them."""

    def change(tree: Any) -> None:
        tree.subgraphs[0].tensors *= 400

    with pytest.raises(ModelFileError, match="at most 4,096 tensors"):
        read_graph(edit_model(tiny_conv, change))


def test_names_are_cut_and_need_not_be_text(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """A hostile tensor name cannot flood or break a message."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.inputs[0]].name = b"\xff\n" * 5000
        graph.tensors[graph.inputs[0]].type = 0

    with pytest.raises(ModelFileError) as caught:
        check_int8(read_graph(edit_model(tiny_conv, change)))
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_path_of_reference_models_exists(shared: Path) -> None:
    """The reference models are there at all."""
    assert len(list((shared / "models").glob("*.tflite"))) >= len(MACS)
