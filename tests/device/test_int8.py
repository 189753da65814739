"""A model that is not int8 throughout is told how it was quantized, and what to change."""

from collections.abc import Callable
from typing import Any

import pytest

from sprd.device.graph import read_graph
from sprd.device.int8 import check_int8
from sprd.errors import ModelFileError

FLOAT32, FLOAT16, UINT8, INT16, INT8 = 0, 1, 3, 7, 9

EditModel = Callable[[bytes, Callable[[Any], None]], bytes]


def refusal(model: bytes) -> str:
    """The message about a model."""
    with pytest.raises(ModelFileError) as caught:
        check_int8(read_graph(model, "x.tflite"))
    return str(caught.value)


def with_types(
    edit_model: EditModel, model: bytes, change: Callable[[Any, bool], int | None]
) -> bytes:
    """A model whose tensors have another type: `change` is told each, and whether it is stored."""

    def edit(tree: Any) -> None:
        for tensor in tree.subgraphs[0].tensors:
            data = tree.buffers[tensor.buffer].data
            is_stored = data is not None and len(data) > 0
            kind = change(tensor, is_stored)
            if kind is not None:
                tensor.type = kind
                if is_stored:
                    tensor.shape = [len(data) // {FLOAT32: 4, FLOAT16: 2}.get(kind, 1)]

    return edit_model(model, edit)


@pytest.mark.parametrize("kind", [FLOAT32, UINT8])
def test_other_ends_of_an_int8_model(tiny_conv: bytes, edit_model: EditModel, kind: int) -> None:
    """Two settings of the converter are named, and no more."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        for index in (graph.inputs[0], graph.outputs[0]):
            graph.tensors[index].type = kind

    told = refusal(edit_model(tiny_conv, change))
    assert "got input '" in told and "' and output '" in told
    assert told.endswith(
        "Inside it is int8: convert it again with"
        " inference_input_type = inference_output_type = tf.int8."
    )


def test_float_output_alone_is_named(tiny_conv: bytes, edit_model: EditModel) -> None:
    """The input is right and not mentioned."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.outputs[0]].type = FLOAT32

    told = refusal(edit_model(tiny_conv, change))
    assert "got output '" in told and "Inside it is int8" in told


@pytest.mark.parametrize(
    ("stored", "computed", "what"),
    [
        (FLOAT32, FLOAT32, "It is a float model."),
        (FLOAT16, FLOAT32, "Its weights are float16."),
        (INT8, FLOAT32, "Only its weights are int8 (dynamic range quantization)."),
        (UINT8, UINT8, "Its weights are uint8, as TensorFlow 1 quantized."),
    ],
)
def test_other_quantizations_are_named(
    tiny_conv: bytes, edit_model: EditModel, stored: int, computed: int, what: str
) -> None:
    """Each with the settings that make it int8."""
    told = refusal(
        with_types(edit_model, tiny_conv, lambda _, is_stored: stored if is_stored else computed)
    )
    assert f". {what} Convert with full integer quantization: optimizations = [" in told
    assert told.endswith("inference_input_type = inference_output_type = tf.int8.")


def test_int16_activations_are_named(tiny_conv: bytes, edit_model: EditModel) -> None:
    """They come of one setting, which is told."""
    told = refusal(
        with_types(edit_model, tiny_conv, lambda _, is_stored: None if is_stored else INT16)
    )
    assert "Its activations are int16: convert it again with supported_ops = [" in told


def test_layer_in_float_is_told_apart(tiny_conv: bytes, edit_model: EditModel) -> None:
    """The ends of such a model are right, so nothing is said of them."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.operators[1].outputs[0]].type = FLOAT32

    assert "A part of it stayed in float" in refusal(edit_model(tiny_conv, change))
