"""Whether a model is int8 throughout; of another, how it was quantized and what to change.

A graph in, nothing or an error out.
"""

from sprd.device.graph import TYPE_BYTES, Graph, Tensor, not_intact
from sprd.errors import ModelFileError

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_ENDS = "inference_input_type = inference_output_type = tf.int8"
_FULLY = (
    "Convert with full integer quantization: optimizations = [tf.lite.Optimize.DEFAULT], a"
    " representative_dataset, supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8],"
    f" {_ENDS}."
)


def check_int8(graph: Graph) -> None:
    """Checks that the model is int8 throughout.

    Raises:
        ModelFileError: An input or output is not int8, or a tensor has a type such as float32. It
            says how the model was quantized, and how to convert it.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ModelFileError(
            f"{graph.name}: a model must have one input and one output, "
            f"got {len(graph.inputs)} and {len(graph.outputs)}."
        )
    ends = {"input": graph.tensors[graph.inputs[0]], "output": graph.tensors[graph.outputs[0]]}
    other = {role: tensor for role, tensor in ends.items() if tensor.type != "INT8"}
    if other:
        what = " and ".join(f"{role} {tensor.name!r}" for role, tensor in other.items())
        raise _not_int8(graph, what, {tensor.type for tensor in other.values()})
    for role, tensor in ends.items():
        if not tensor.is_activation:
            raise not_intact(graph.name, f"its {role} {tensor.name!r} must not be a constant")
    for tensor in graph.tensors:
        if tensor.type not in TYPE_BYTES:
            kind = "weights" if tensor.data_bytes else "tensor"
            raise _not_int8(graph, f"{kind} {tensor.name!r}", {tensor.type})
    for op, operands in _operands(graph):
        for tensor in operands:
            if tensor.type != "INT8":
                raise _not_int8(graph, f"{op} operand {tensor.name!r}", {tensor.type})


def _not_int8(graph: Graph, what: str, types: set[str]) -> ModelFileError:
    found = " and ".join(sorted(types)).lower()
    return ModelFileError(
        f"{graph.name}: must be an int8 model (int8 input, output and weights), got {what} of type"
        f" {found}. {_remedy(graph)}"
    )


def _operands(graph: Graph) -> list[tuple[str, list[Tensor]]]:
    """Returns what goes into each operator with weights, and its weights."""
    return [
        (operator.op, [graph.tensors[index] for index in operator.inputs[:2]])
        for operator in graph.operators
        if operator.op in _WEIGHTED
    ]


def _remedy(graph: Graph) -> str:
    """Says how a model was quantized instead, and what to change where it is converted."""
    operands = [pair for _, pair in _operands(graph)]
    values = {pair[0].type for pair in operands}
    weights = {pair[1].type for pair in operands}
    stored = {tensor.type for tensor in graph.tensors if tensor.data_bytes}
    ends = {graph.tensors[index].type for index in (*graph.inputs, *graph.outputs)}
    if values == weights == {"INT8"} and ends != {"INT8"}:
        return f"Inside it is int8: convert it again with {_ENDS}."
    if "UINT8" in weights:
        return f"Its weights are uint8, as TensorFlow 1 quantized. {_FULLY}"
    if "INT16" in values:
        return (
            "Its activations are int16: convert it again with supported_ops ="
            " [tf.lite.OpsSet.TFLITE_BUILTINS_INT8], without"
            f" EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8, and {_ENDS}."
        )
    if "INT4" in weights:
        return f"Its weights are int4. {_FULLY}"
    if "INT8" in values:
        return f"A part of it stayed in float, where a layer has no int8 kernel. {_FULLY}"
    if "INT8" in stored:
        return f"Only its weights are int8 (dynamic range quantization). {_FULLY}"
    if "FLOAT16" in stored:
        return f"Its weights are float16. {_FULLY}"
    return f"It is a float model. {_FULLY}" if "FLOAT32" in stored else _FULLY
