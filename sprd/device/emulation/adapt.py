"""Rewrites a model's graph into what the C generator imports; the arithmetic stays the same.

The generator (bakenn) takes static shapes, no SOFTMAX, fully connected layers of rank two with a
bias, and calls CMSIS-NN for even padding alone. Takes models that `sprd.device.graph` accepted.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import flatbuffers
import numpy as np

from sprd.device.graph import MALFORMED, Graph, read_graph
from sprd.errors import EmulationError

IMPORTED_OPS = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "AVERAGE_POOL_2D", "MAX_POOL_2D"}
    | {"RESHAPE", "PAD"}
)
"""What bakenn 1.0 imports. A SOFTMAX may end the model: it is left out."""

_VERSIONS: Mapping[str, int] = {
    "PAD": 2,
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "MAX_POOL_2D": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "RESHAPE": 1,
}
"""Versions of int8 operators as the generator knows them; the arithmetic is that of TFLM."""


@dataclass(frozen=True)
class Adapted:
    """A rewritten model.

    `origin` says for each operator of the rewritten graph which one of the model it belongs to.
    """

    model: bytes
    graph: Graph
    origin: tuple[int, ...]


def adapt(model: bytes, name: str = "model") -> Adapted:
    """Returns the model up to its logits, as the generator takes it.

    Raises:
        EmulationError: It holds an operator that is not imported, or is built in a way that is not.
    """
    graph = read_graph(model, name)
    _check(graph)
    try:
        rewriter = _Rewriter(model, graph)
        packed = rewriter.rewrite()
        return Adapted(packed, read_graph(packed, name), tuple(rewriter.origin))
    except MALFORMED as error:
        raise EmulationError(
            f"{name}: must be a graph that can be rewritten, got {type(error).__name__}: {error}."
        ) from error


def _check(graph: Graph) -> None:
    last = len(graph.operators) - 1
    for index, operator in enumerate(graph.operators):
        if operator.op not in IMPORTED_OPS and not (operator.op == "SOFTMAX" and index == last):
            where = " before the end" if operator.op == "SOFTMAX" else ""
            raise EmulationError(
                f"{graph.name}: operators must be among {', '.join(sorted(IMPORTED_OPS))}, with a"
                f" SOFTMAX at the end, got {operator.op}{where}. It cannot be emulated."
            )
        if max(operator.options.get("dilation_h", 1), operator.options.get("dilation_w", 1)) > 1:
            raise EmulationError(
                f"{graph.name}: {operator.op} must have dilation 1, got more."
                " It cannot be emulated."
            )
    if not set(graph.ops) - {"RESHAPE", "SOFTMAX"}:
        raise EmulationError(f"{graph.name}: must hold a layer that computes, got none.")


class _Rewriter:
    """One model on its way: the unpacked flatbuffer, and where each operator came from."""

    def __init__(self, model: bytes, graph: Graph) -> None:
        from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

        self._schema = schema
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
        self._tree = self._model.subgraphs[0]
        self._ops = [operator.op for operator in graph.operators]
        self._operators: list[Any] = []
        self.origin: list[int] = []
        self._codes: dict[str, int] = {}

    def rewrite(self) -> bytes:
        """Rewrites operator by operator and packs the result."""
        operators = list(self._tree.operators)
        if self._ops[-1] == "SOFTMAX":
            self._tree.outputs = [operators.pop().inputs[0]]
        self._model.signatureDefs, self._model.operatorCodes = None, []
        for tensor in self._tree.tensors:
            tensor.shapeSignature = None  # the batch is 1
            tensor.name = tensor.name or b"t"
        for i, tensor in enumerate(self._tree.tensors):
            tensor.name = b"t%d" % i
        for index, operator in enumerate(operators):
            op = self._ops[index]
            self._origin = index
            rule = _RULES.get(op)
            if rule is not None:
                rule(self, operator)
            self._append(op, operator)
        self._tree.operators = self._operators
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def reshape(self, operator: Any) -> None:
        """Fills in the options that the converter leaves out; the shape input goes."""
        operator.inputs = [operator.inputs[0]]
        self._reshape_options(operator, self._tree.tensors[operator.outputs[0]].shape)

    def pad_evenly(self, operator: Any) -> None:
        """Makes uneven SAME padding a PAD of its own: CMSIS-NN pads both sides alike."""
        options = operator.builtinOptions
        if options.padding != self._schema.Padding.SAME:
            return
        source, weights, result = (
            self._tree.tensors[index].shape
            for index in (operator.inputs[0], operator.inputs[1], operator.outputs[0])
        )
        totals = [
            max((int(result[axis]) - 1) * stride + int(weights[axis]) - int(source[axis]), 0)
            for axis, stride in ((1, options.strideH), (2, options.strideW))
        ]
        if not any(total % 2 for total in totals):
            return
        pads = [(0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)]
        shape = [int(n) + sum(pad) for n, pad in zip(source, pads, strict=True)]
        constant = self._constant(np.array(pads, np.int32))
        self._before(operator, "PAD", [operator.inputs[0], constant], shape)
        options.padding = self._schema.Padding.VALID

    def flatten(self, operator: Any) -> None:
        """Brings the input of a fully connected layer to rank two and gives it a bias."""
        tensors = self._tree.tensors
        weights = tensors[operator.inputs[1]]
        units, depth = (int(n) for n in weights.shape)
        shape = [int(n) for n in tensors[operator.inputs[0]].shape]
        if prod(shape) != depth:
            raise EmulationError(
                f"FULLY_CONNECTED: must take all {prod(shape)} values at once, got rows of {depth}."
            )
        if len(shape) != 2:
            self._before(operator, "RESHAPE", [operator.inputs[0]], [1, depth])
        tensors[operator.outputs[0]].shape = [1, units]
        operator.builtinOptions.keepNumDims = False
        inputs = list(operator.inputs)
        if len(inputs) < 3 or inputs[2] < 0:
            bias = self._constant(np.zeros(units, np.int32))
            scales = [
                tensors[inputs[0]].quantization.scale[0] * scale
                for scale in weights.quantization.scale
            ]
            tensors[bias].quantization = copy.deepcopy(weights.quantization)
            tensors[bias].quantization.scale = scales
            tensors[bias].quantization.zeroPoint = [0] * len(scales)
            operator.inputs = [*inputs[:2], bias]

    def _before(self, operator: Any, op: str, inputs: list[int], shape: list[int]) -> None:
        """Puts an operator before another, which then takes its output."""
        tensor = copy.deepcopy(self._tree.tensors[inputs[0]])
        tensor.shape, tensor.buffer = shape, 0
        output = self._add(tensor)
        added = self._schema.OperatorT()
        added.inputs, added.outputs = inputs, [output]
        if op == "RESHAPE":
            self._reshape_options(added, shape)
        else:
            added.builtinOptions = self._schema.PadOptionsT()
            added.builtinOptionsType = self._schema.BuiltinOptions.PadOptions
        self._append(op, added)
        operator.inputs = [output, *list(operator.inputs)[1:]]

    def _reshape_options(self, operator: Any, shape: Any) -> None:
        operator.builtinOptions = self._schema.ReshapeOptionsT()
        operator.builtinOptions.newShape = [int(n) for n in shape]
        operator.builtinOptionsType = self._schema.BuiltinOptions.ReshapeOptions

    def _constant(self, values: Any) -> int:
        buffer = self._schema.BufferT()
        buffer.data = values.view(np.uint8).ravel()
        self._model.buffers.append(buffer)
        tensor = self._schema.TensorT()
        tensor.shape, tensor.type = list(values.shape), self._schema.TensorType.INT32
        tensor.buffer = len(self._model.buffers) - 1
        return self._add(tensor)

    def _add(self, tensor: Any) -> int:
        tensor.name = b"t%d" % len(self._tree.tensors)
        self._tree.tensors.append(tensor)
        return len(self._tree.tensors) - 1

    def _append(self, op: str, operator: Any) -> None:
        if op not in self._codes:
            code = self._schema.OperatorCodeT()
            code.builtinCode = getattr(self._schema.BuiltinOperator, op)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.version = _VERSIONS[op]
            self._codes[op] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(code)
        operator.opcodeIndex = self._codes[op]
        self._operators.append(operator)
        self.origin.append(self._origin)


_RULES: Mapping[str, Callable[[_Rewriter, Any], None]] = {
    "RESHAPE": _Rewriter.reshape,
    "CONV_2D": _Rewriter.pad_evenly,
    "DEPTHWISE_CONV_2D": _Rewriter.pad_evenly,
    "FULLY_CONNECTED": _Rewriter.flatten,
}
