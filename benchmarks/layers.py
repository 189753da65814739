"""int8 models of one operator with random weights, built without TensorFlow.

What the cost model of instructions is fitted on: `benchmarks/fit_instructions.py`.
"""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

INPUT_SCALE = 0.125
"""A power of two, so that bias scale = input scale x weight scale holds to the last bit."""
VERSIONS = {"FULLY_CONNECTED": 4, "ADD": 2, "PAD": 2, "AVERAGE_POOL_2D": 2, "MAX_POOL_2D": 2}
"""Operator versions as the converter writes them; 3 for the others."""


def convolution(
    image: tuple[int, int, int],
    filters: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
    rng: np.random.Generator,
) -> bytes:
    """CONV_2D over (height, width, channels), with a ReLU."""
    options = _strided(schema.Conv2DOptionsT(), stride, same)
    builder = _Builder(rng)
    builder.weights((filters, *kernel, image[2]), filters, channel_axis=0)
    shape = (1, *_slide(image, kernel, stride, same), filters)
    return builder.model("CONV_2D", (1, *image), shape, options)


def depthwise(
    image: tuple[int, int, int],
    multiplier: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
    rng: np.random.Generator,
) -> bytes:
    """DEPTHWISE_CONV_2D over (height, width, channels), with a ReLU."""
    options = _strided(schema.DepthwiseConv2DOptionsT(), stride, same)
    options.depthMultiplier = multiplier
    filters = image[2] * multiplier
    builder = _Builder(rng)
    builder.weights((1, *kernel, filters), filters, channel_axis=3)
    shape = (1, *_slide(image, kernel, stride, same), filters)
    return builder.model("DEPTHWISE_CONV_2D", (1, *image), shape, options)


def fully_connected(depth: int, units: int, rng: np.random.Generator) -> bytes:
    """FULLY_CONNECTED with one scale."""
    builder = _Builder(rng)
    builder.weights((units, depth), units, channel_axis=None)
    return builder.model("FULLY_CONNECTED", (1, depth), (1, units), schema.FullyConnectedOptionsT())


def pool(
    op: str,
    image: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
    rng: np.random.Generator,
) -> bytes:
    """AVERAGE_POOL_2D or MAX_POOL_2D."""
    options = schema.Pool2DOptionsT()
    options.padding = 0 if same else 1
    options.strideH, options.strideW = stride
    options.filterHeight, options.filterWidth = kernel
    shape = (1, *_slide(image, kernel, stride, same), image[2])
    return _Builder(rng).model(op, (1, *image), shape, options, same_scale=True)


def pad(
    image: tuple[int, int, int],
    rows: tuple[int, int],
    columns: tuple[int, int],
    rng: np.random.Generator,
) -> bytes:
    """PAD of height and width, by so much before and after."""
    builder = _Builder(rng)
    builder.constant(np.array([(0, 0), rows, columns, (0, 0)], np.int32))
    shape = (1, image[0] + sum(rows), image[1] + sum(columns), image[2])
    return builder.model("PAD", (1, *image), shape, schema.PadOptionsT(), same_scale=True)


def residual(image: tuple[int, int, int], rng: np.random.Generator) -> bytes:
    """A 1x1 convolution and the ADD of its input: two operators, the ADD last."""
    options = _strided(schema.Conv2DOptionsT(), (1, 1), False)
    builder = _Builder(rng)
    builder.weights((image[2], 1, 1, image[2]), image[2], channel_axis=0)
    return builder.model("CONV_2D", (1, *image), (1, *image), options, then_add=True)


def _slide(
    image: Sequence[int], kernel: tuple[int, int], stride: tuple[int, int], same: bool
) -> tuple[int, int]:
    """Height and width of what a sliding window gives."""
    height, width = (
        -(-size // step) if same else (size - length) // step + 1
        for size, length, step in zip(image[:2], kernel, stride, strict=True)
    )
    return height, width


def _strided(options: Any, stride: tuple[int, int], same: bool) -> Any:
    options.padding = 0 if same else 1
    options.strideH, options.strideW = stride
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    return options


class _Builder:
    """Collects tensors and packs the model."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._model, self._graph = schema.ModelT(), schema.SubGraphT()
        self._model.version, self._model.buffers = 3, [schema.BufferT()]
        self._graph.tensors, self._graph.operators = [], []
        self._model.operatorCodes = []
        self._constants: list[int] = []

    def weights(self, shape: tuple[int, ...], n_outputs: int, channel_axis: int | None) -> None:
        """Adds random weights that keep activations in range, and a bias."""
        depth = prod(shape) / n_outputs
        scale = float(np.float32(0.3 / (127 * sqrt(depth))))
        scales = [scale] * (1 if channel_axis is None else n_outputs)
        values = self._rng.integers(-127, 128, shape, dtype=np.int8)
        self.constant(values, scales, channel_axis or 0)
        bias = self._rng.integers(100, 3000, n_outputs).astype(np.int32)
        self.constant(bias, [s * INPUT_SCALE for s in scales], 0)

    def constant(
        self, values: NDArray[Any], scales: list[float] | None = None, axis: int = 0
    ) -> None:
        """Adds a constant that the operator reads."""
        kind = schema.TensorType.INT8 if values.dtype == np.int8 else schema.TensorType.INT32
        buffer = schema.BufferT()
        buffer.data = np.ascontiguousarray(values).view(np.uint8).ravel()
        self._model.buffers.append(buffer)
        index = self._tensor(values.shape, kind, scales, 0, axis)
        self._graph.tensors[index].buffer = len(self._model.buffers) - 1
        self._constants.append(index)

    def model(
        self,
        op: str,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        options: Any,
        same_scale: bool = False,
        then_add: bool = False,
    ) -> bytes:
        """Returns the .tflite."""
        int8 = schema.TensorType.INT8
        source = self._tensor(inputs, int8, [INPUT_SCALE], -128)
        result = self._tensor(outputs, int8, [INPUT_SCALE if same_scale else 0.15], -128)
        self._operator(op, [source, *self._constants], result, options)
        if then_add:
            added = self._tensor(outputs, int8, [0.2], -128)
            self._operator("ADD", [source, result], added, schema.AddOptionsT())
            result = added
        self._graph.inputs, self._graph.outputs = [source], [result]
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(
        self,
        shape: Sequence[int],
        kind: int,
        scales: list[float] | None,
        zero_point: int,
        axis: int = 0,
    ) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(map(int, shape)), kind, 0
        tensor.name = f"t{len(self._graph.tensors)}".encode()
        if scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales
            tensor.quantization.zeroPoint = [zero_point] * len(scales)
            tensor.quantization.quantizedDimension = axis
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _operator(self, op: str, inputs: list[int], output: int, options: Any) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, op)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = VERSIONS.get(op, 3)
        self._model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptions = options
        kind = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        self._graph.operators.append(operator)
