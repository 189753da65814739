"""Builds int8 models layer by layer, with random weights and without TensorFlow."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}


class Model:
    """A model that grows: each method adds a layer to the last one and returns its tensor."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tree, self.graph = schema.ModelT(), schema.SubGraphT()
        self.tree.version, self.tree.buffers = 3, [schema.BufferT()]
        self.tree.operatorCodes, self.tree.subgraphs = [], [self.graph]
        self.graph.tensors, self.graph.operators = [], []
        self.last = self.tensor(shape, 0.125, 3)
        self.graph.inputs = [self.last]

    def pack(self) -> bytes:
        """Returns the .tflite that ends in the last layer."""
        self.graph.outputs = [self.last]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.tree.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def shape(self, index: int | None = None) -> list[int]:
        """Shape of a tensor, of the last one unless told."""
        return list(self.graph.tensors[self.last if index is None else index].shape)

    def convolution(
        self,
        filters: int,
        kernel: tuple[int, int] = (3, 3),
        stride: tuple[int, int] = (1, 1),
        same: bool = True,
        activation: str = "relu",
        bias: bool = True,
        depthwise: bool = False,
    ) -> int:
        """CONV_2D; or DEPTHWISE_CONV_2D with `filters` for each channel."""
        batch, height, width, depth = self.shape()
        name = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
        options = getattr(schema, f"{name}T")()
        options.padding = 0 if same else 1
        options.strideH, options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = ACTIVATIONS[activation]
        n = filters
        shape = (filters, *kernel, depth)
        if depthwise:
            options.depthMultiplier = filters
            n = filters * depth
            shape = (1, *kernel, n)
        sizes = slide((height, width), kernel, stride, same)
        constants = self.weights(shape, n, 3 if depthwise else 0, bias)
        op = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        return self.add(op, [self.last, *constants], (batch, *sizes, n), options, 0.2, -9)

    def fully_connected(
        self,
        units: int,
        bias: bool = True,
        per_channel: bool = False,
        keep_dims: bool = False,
        activation: str = "none",
    ) -> int:
        """FULLY_CONNECTED over the last axis, or over all values where `keep_dims` is not set."""
        depth = self.shape()[-1] if keep_dims else int(np.prod(self.shape()))
        options = schema.FullyConnectedOptionsT()
        options.keepNumDims = keep_dims
        options.fusedActivationFunction = ACTIVATIONS[activation]
        constants = self.weights((units, depth), units, 0 if per_channel else None, bias)
        shape = [*self.shape()[:-1], units] if keep_dims else [1, units]
        return self.add("FULLY_CONNECTED", [self.last, *constants], shape, options, 0.25, 4)

    def pool(
        self,
        op: str,
        size: tuple[int, int],
        stride: tuple[int, int],
        same: bool = False,
        activation: str = "none",
    ) -> int:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        batch, height, width, depth = self.shape()
        options = schema.Pool2DOptionsT()
        options.padding = 0 if same else 1
        options.strideH, options.strideW = stride
        options.filterHeight, options.filterWidth = size
        options.fusedActivationFunction = ACTIVATIONS[activation]
        sizes = slide((height, width), size, stride, same)
        return self.add(op, [self.last], (batch, *sizes, depth), options)

    def reshape(self, *shape: int) -> int:
        """RESHAPE as the converter writes it: the shape as a constant, no options."""
        index = self.constant(np.array(shape, np.int32))
        return self.add("RESHAPE", [self.last, index], shape, None)

    def pad(self, rows: tuple[int, int], columns: tuple[int, int]) -> int:
        """PAD of height and width."""
        batch, height, width, depth = self.shape()
        pads = self.constant(np.array([(0, 0), rows, columns, (0, 0)], np.int32))
        shape = (batch, height + sum(rows), width + sum(columns), depth)
        return self.add("PAD", [self.last, pads], shape, schema.PadOptionsT())

    def sum(self, other: int, activation: str = "none") -> int:
        """ADD of the last tensor and another."""
        options = schema.AddOptionsT()
        options.fusedActivationFunction = ACTIVATIONS[activation]
        return self.add("ADD", [self.last, other], self.shape(), options, 0.3, 2)

    def softmax(self) -> int:
        """SOFTMAX."""
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        return self.add("SOFTMAX", [self.last], self.shape(), options, 1 / 256, -128)

    def weights(
        self, shape: Sequence[int], n: int, axis: int | None, bias: bool
    ) -> tuple[int, ...]:
        """Weights with a scale a channel (one if `axis` is None) and, unless told, a bias."""
        depth = np.prod(shape) / n
        count = 1 if axis is None else n
        scales = self.rng.uniform(0.5, 1, count).astype(np.float32) / np.float32(60 * sqrt(depth))
        values = self.rng.integers(-127, 128, shape, dtype=np.int8)
        index = self.constant(values, scales, axis or 0)
        if not bias:
            return (index,)
        source = np.float32(self.graph.tensors[self.last].quantization.scale[0])
        terms = self.rng.integers(-2000, 2000, n).astype(np.int32)
        return index, self.constant(terms, source * scales)

    def constant(
        self, values: NDArray[Any], scales: NDArray[np.float32] | None = None, axis: int = 0
    ) -> int:
        """Adds a constant tensor."""
        buffer = schema.BufferT()
        buffer.data = np.ascontiguousarray(values).view(np.uint8).ravel()
        self.tree.buffers.append(buffer)
        index = self.tensor(values.shape)
        tensor = self.graph.tensors[index]
        tensor.buffer = len(self.tree.buffers) - 1
        tensor.type = schema.TensorType.INT8 if values.dtype == np.int8 else schema.TensorType.INT32
        if scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(scale) for scale in scales]
            tensor.quantization.zeroPoint = [0] * len(scales)
            tensor.quantization.quantizedDimension = axis
        return index

    def tensor(self, shape: Sequence[int], scale: float | None = None, zero_point: int = 0) -> int:
        """Adds an int8 tensor; its batch is left open in the signature, as Keras leaves it."""
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), schema.TensorType.INT8, 0
        tensor.name = b'a "hostile" name */ \\ %d' % len(self.graph.tensors)
        if scale is not None:
            tensor.shapeSignature = [-1, *list(shape)[1:]]
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add(
        self,
        op: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        options: Any | None,
        scale: float | None = None,
        zero_point: int = 0,
    ) -> int:
        """Adds an operator; its output has the scale of its input unless told."""
        if scale is None:
            source = self.graph.tensors[inputs[0]].quantization
            scale, zero_point = source.scale[0], source.zeroPoint[0]
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, op)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        self.tree.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.tree.operatorCodes) - 1
        operator.inputs = list(inputs)
        self.last = self.tensor(shape, scale, zero_point)
        operator.outputs = [self.last]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        self.graph.operators.append(operator)
        return self.last


def slide(
    size: Sequence[int], kernel: tuple[int, int], stride: tuple[int, int], same: bool
) -> tuple[int, int]:
    """Height and width of what a sliding window gives."""
    height, width = (
        -(-n // step) if same else (n - length) // step + 1
        for n, length, step in zip(size, kernel, stride, strict=True)
    )
    return height, width
