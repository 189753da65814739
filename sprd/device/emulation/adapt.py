"""Rewrites a model's graph into what the C generator imports; the arithmetic stays the same.

The generator (bakenn) takes static shapes, no SOFTMAX, fully connected layers of rank two with a
bias, the scale of a bias to the last bit, and calls CMSIS-NN for even padding alone. What is left
out comes along as a model of its own, so that somebody can check that nothing else changed.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import flatbuffers
import numpy as np

from sprd.device.graph import MALFORMED, Graph, read_graph
from sprd.device.int8 import check_int8
from sprd.errors import EmulationError

IMPORTED_OPS = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "AVERAGE_POOL_2D", "MAX_POOL_2D"}
    | {"RESHAPE", "PAD"}
)
"""What bakenn 1.0 imports. A SOFTMAX that ends the model, RESHAPE behind it too, is left out."""

_VERSIONS: Mapping[str, int] = {
    "PAD": 2,
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "MAX_POOL_2D": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "RESHAPE": 1,
    "SOFTMAX": 2,
}
"""Versions of int8 operators as the generator knows them; the arithmetic is that of TFLM."""


@dataclass(frozen=True)
class Adapted:
    """A rewritten model.

    `origin` says for each operator of the rewritten graph which one of the model it belongs to.
    `rest` is what was left out, a model from the logits to the outputs; None if nothing was.
    """

    model: bytes
    graph: Graph
    origin: tuple[int, ...]
    rest: bytes | None


def adapt(model: bytes, name: str = "model") -> Adapted:
    """Returns the model up to its logits, as the generator takes it.

    Raises:
        EmulationError: It holds an operator that is not imported, or is built in a way that is not.
        ModelFileError: It is no int8 .tflite.
    """
    graph = read_graph(model, name)
    check_int8(graph)
    n_kept = _n_kept(graph)
    _check(graph, n_kept)
    try:
        rewriter = _Rewriter(model, graph, n_kept)
        packed = rewriter.rewrite()
        rest = rewriter.rest()
        return Adapted(packed, read_graph(packed, name), tuple(rewriter.origin), rest)
    except MALFORMED as error:
        raise EmulationError(
            f"{name}: must be a graph that can be rewritten, got {type(error).__name__}: {error}."
        ) from error


def _n_kept(graph: Graph) -> int:
    """Returns how many operators come before the SOFTMAX that ends the model: all, without one."""
    n_kept = len(graph.operators)
    result = graph.outputs[0]
    for index in reversed(range(n_kept)):
        operator = graph.operators[index]
        if operator.op not in ("SOFTMAX", "RESHAPE") or operator.outputs != (result,):
            break
        result = operator.inputs[0]
        if operator.op == "SOFTMAX":
            n_kept = index
    return n_kept


def _check(graph: Graph, n_kept: int) -> None:
    for operator in graph.operators[:n_kept]:
        if operator.op not in IMPORTED_OPS:
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

    def __init__(self, model: bytes, graph: Graph, n_kept: int) -> None:
        from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

        self._schema = schema
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
        self._tree = self._model.subgraphs[0]
        self._name = graph.name
        self._ops = [operator.op for operator in graph.operators]
        self._all = list(self._tree.operators)
        self._n_kept = n_kept
        self._operators: list[Any] = []
        self._after: list[tuple[str, Any]] = []
        self.origin: list[int] = []
        self._codes: dict[str, int] = {}

    def rewrite(self) -> bytes:
        """Rewrites operator by operator, up to the logits, and packs the result."""
        self._model.signatureDefs, self._model.operatorCodes = None, []
        for i, tensor in enumerate(self._tree.tensors):
            tensor.shapeSignature = None  # the batch is 1
            tensor.name = b"t%d" % i
        for index, operator in enumerate(self._all[: self._n_kept]):
            op = self._ops[index]
            self._origin = index
            self._check_activation(op, operator)
            for rule in _RULES.get(op, ()):
                rule(self, operator)
            self._append(op, operator)
            for item in self._after:
                self._append(*item)
            self._after.clear()
        if self._n_kept == len(self._all):
            return self._pack(self._operators, self._tree.inputs, self._tree.outputs)
        logits = [self._all[self._n_kept].inputs[0]]
        return self._pack(self._operators, self._tree.inputs, logits)

    def rest(self) -> bytes | None:
        """Packs what `rewrite` left out, from the logits on; None if that is nothing."""
        left_out = self._all[self._n_kept :]
        if not left_out:
            return None
        for op, operator in zip(self._ops[self._n_kept :], left_out, strict=True):
            operator.opcodeIndex = self._code(op)
        return self._pack(left_out, [left_out[0].inputs[0]], left_out[-1].outputs)

    def _pack(self, operators: list[Any], inputs: Any, outputs: Any) -> bytes:
        kept = self._tree.operators, self._tree.inputs, self._tree.outputs
        self._tree.operators, self._tree.inputs, self._tree.outputs = operators, inputs, outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        self._tree.operators, self._tree.inputs, self._tree.outputs = kept
        return bytes(builder.Output())

    def _check_activation(self, op: str, operator: Any) -> None:
        kinds = self._schema.ActivationFunctionType
        known = {kinds.NONE: "none", kinds.RELU: "RELU", kinds.RELU6: "RELU6"}
        found = getattr(operator.builtinOptions, "fusedActivationFunction", kinds.NONE)
        if found not in known:
            raise EmulationError(
                f"{self._name}: the activation of {op} must be one of {', '.join(known.values())},"
                f" got number {found} of the schema. It cannot be emulated."
            )

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
        """Brings input and output of a fully connected layer to rank two."""
        tensors = self._tree.tensors
        units, depth = (int(n) for n in tensors[operator.inputs[1]].shape)
        shape = [int(n) for n in tensors[operator.inputs[0]].shape]
        if prod(shape) != depth:
            raise EmulationError(
                f"{self._name}: FULLY_CONNECTED must take all {prod(shape)} values at once, got"
                f" rows of {depth}. It cannot be emulated."
            )
        if len(shape) != 2:
            self._before(operator, "RESHAPE", [operator.inputs[0]], [1, depth])
        operator.builtinOptions.keepNumDims = False
        result = operator.outputs[0]
        if [int(n) for n in tensors[result].shape] != [1, units]:
            tensor = copy.deepcopy(tensors[result])
            tensor.shape = [1, units]
            operator.outputs = [self._add(tensor)]
            back = self._schema.OperatorT()
            back.inputs, back.outputs = operator.outputs, [result]
            self._reshape_options(back, tensors[result].shape)
            self._after.append(("RESHAPE", back))

    def give_bias(self, operator: Any) -> None:
        """Gives a layer a bias of its own: zeros if it has none, and the scale that TFLM assumes.

        TFLM multiplies by input scale x weight scale whatever the bias says (kernel_util.cc,
        GetQuantizedConvolutionMultipler); the converter lets layers share a bias of zeros.
        """
        tensors = self._tree.tensors
        inputs = list(operator.inputs)
        n_channels = int(tensors[operator.outputs[0]].shape[-1])
        if len(inputs) < 3 or inputs[2] < 0:
            bias = self._constant(np.zeros(n_channels, np.int32))
        else:
            bias = self._add(copy.copy(tensors[inputs[2]]))
        source, weights = (tensors[index].quantization for index in inputs[:2])
        own = self._schema.QuantizationParametersT()
        own.scale = [float(source.scale[0]) * float(scale) for scale in weights.scale]
        own.zeroPoint = [0] * len(own.scale)
        tensors[bias].quantization = own
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
        operator.opcodeIndex = self._code(op)
        self._operators.append(operator)
        self.origin.append(self._origin)

    def _code(self, op: str) -> int:
        if op not in self._codes:
            code = self._schema.OperatorCodeT()
            code.builtinCode = getattr(self._schema.BuiltinOperator, op)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.version = _VERSIONS[op]
            self._codes[op] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(code)
        return self._codes[op]


_RULES: Mapping[str, Sequence[Callable[[_Rewriter, Any], None]]] = {
    "RESHAPE": (_Rewriter.reshape,),
    "CONV_2D": (_Rewriter.give_bias, _Rewriter.pad_evenly),
    "DEPTHWISE_CONV_2D": (_Rewriter.give_bias, _Rewriter.pad_evenly),
    "FULLY_CONNECTED": (_Rewriter.give_bias, _Rewriter.flatten),
}
