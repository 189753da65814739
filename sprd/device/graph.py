"""Reads the flatbuffer of a .tflite: tensors, operators, multiply-accumulates.

Takes bytes that may be hostile: every count, index, shape and buffer is bounded and checked, so the
worst outcome is a `ModelFileError`. Knows nothing of memory, time or boards.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any

from sprd.device.foreign import name_content
from sprd.errors import ModelFileError

MAX_MODEL_BYTES = 16 * 2**20
"""A larger file fits no microcontroller's flash, and is not read."""
MAX_TENSORS = 4096
MAX_OPERATORS = 4096
MAX_LINKS = 65536
"""Inputs and outputs of all operators together."""
MAX_RANK = 8
MAX_TENSOR_BYTES = 64 * 2**20
MAX_MACS = 2**40

MALFORMED = (struct.error, ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What the generated flatbuffer reader raises on offsets that lead out of the file."""

TYPE_BYTES: Mapping[str, int] = {"INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8, "BOOL": 1}
"""Types that an int8 model holds: int8 values, int32 biases and shapes, int16 states of an SVDF."""

_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "Conv2DOptions": {"Padding": "padding", "StrideW": "stride_w", "StrideH": "stride_h"}
    | {"DilationWFactor": "dilation_w", "DilationHFactor": "dilation_h"},
    "DepthwiseConv2DOptions": {"Padding": "padding", "StrideW": "stride_w", "StrideH": "stride_h"}
    | {"DilationWFactor": "dilation_w", "DilationHFactor": "dilation_h"}
    | {"DepthMultiplier": "depth_multiplier"},
    "Pool2DOptions": {"Padding": "padding", "StrideW": "stride_w", "StrideH": "stride_h"}
    | {"FilterWidth": "filter_w", "FilterHeight": "filter_h"},
}


_MIN_INPUTS: Mapping[str, int] = {
    "CONV_2D": 2,
    "DEPTHWISE_CONV_2D": 2,
    "FULLY_CONNECTED": 2,
    "TRANSPOSE_CONV": 3,
    "SVDF": 5,
    "BATCH_MATMUL": 2,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 1,
    "ADD": 2,
    "AVERAGE_POOL_2D": 1,
    "MAX_POOL_2D": 1,
    "PAD": 2,
    "RESHAPE": 1,
    "SOFTMAX": 1,
}
"""Inputs that must be there. TFLM reads even SVDF's optional bias without asking (svdf.cc)."""


@dataclass(frozen=True)
class Tensor:
    """One tensor. `data_bytes` is the length of its constant data, 0 for an activation."""

    name: str
    type: str
    shape: tuple[int, ...]
    is_variable: bool
    data_bytes: int

    @property
    def n_elements(self) -> int:
        """Product of the shape; 1 for a scalar."""
        return prod(self.shape)

    @property
    def n_bytes(self) -> int:
        """Bytes of its values; 0 for a type that no int8 model has."""
        return self.n_elements * TYPE_BYTES.get(self.type, 0)

    @property
    def is_activation(self) -> bool:
        """Whether it is computed at run time and lives in the arena's non-persistent part."""
        return not self.data_bytes and not self.is_variable


@dataclass(frozen=True)
class Operator:
    """One operator: its builtin name and the indices of its tensors (-1: optional, absent)."""

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """The one subgraph of a model."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def ops(self) -> tuple[str, ...]:
        """Distinct builtin names in the order of first use."""
        return tuple(dict.fromkeys(operator.op for operator in self.operators))

    def shape(self, index: int, rank: int | None = None) -> tuple[int, ...]:
        """Returns the shape of a tensor.

        Raises:
            ModelFileError: The tensor is absent, or its rank is not `rank`.
        """
        shape = self.tensors[index].shape if index >= 0 else ()
        if index < 0 or (rank is not None and len(shape) != rank):
            raise not_intact(self.name, f"an operator needs a tensor of rank {rank}, got {shape}")
        return shape


def read_graph(model: bytes, name: str = "model") -> Graph:
    """Reads and checks a .tflite.

    Raises:
        ModelFileError: The bytes are no .tflite of one subgraph with static shapes, or point
            outside themselves.
    """
    _check_identifier(model, name)
    try:
        return _read(model, name)
    except ModelFileError:
        raise
    except MALFORMED as e:
        raise not_intact(name, "it is damaged, or was cut off") from e


def _check_identifier(model: bytes, name: str) -> None:
    """Checks that the bytes begin as a .tflite does; what they are instead is told if known."""
    is_model = len(model) >= 16 and model[4:8] == b"TFL3"
    found = None if is_model else name_content(model)
    if found is None and len(model) > MAX_MODEL_BYTES:
        raise ModelFileError(
            f"{name}: a model must have at most {MAX_MODEL_BYTES:,} B, got {len(model):,} B. "
            "Larger ones fit no microcontroller."
        )
    if is_model:
        return
    what, remedy = found or (repr(bytes(model[4:8])), "Convert the model to TensorFlow Lite")
    raise ModelFileError(
        f"{name}: must be a .tflite file (identifier 'TFL3' at byte 4), got {what} of"
        f" {len(model):,} B. {remedy}."
    )


def not_intact(name: str, rule: str) -> ModelFileError:
    """Returns the error about a damaged .tflite: which rule it breaks."""
    return ModelFileError(f"{name}: must be an intact .tflite file: {rule}. Export it again.")


def macs_of(graph: Graph, operator: Operator) -> int:
    """Returns the multiply-accumulates of one operator; 0 for one that multiplies no weights."""
    count = _MACS.get(operator.op)
    macs = count(graph, operator) if count else 0
    if macs > MAX_MACS:
        raise not_intact(
            graph.name, f"{operator.op} must take at most {MAX_MACS:,} MACs, got {macs}"
        )
    return macs


def weight_bytes_of(graph: Graph, operator: Operator) -> int:
    """Returns the bytes of constants that one operator reads."""
    return sum(graph.tensors[i].data_bytes for i in set(operator.inputs) if i >= 0)


def _conv_macs(graph: Graph, operator: Operator) -> int:
    _, height, width, depth = graph.shape(operator.inputs[1], rank=4)
    return graph.tensors[operator.outputs[0]].n_elements * height * width * depth


def _depthwise_macs(graph: Graph, operator: Operator) -> int:
    _, height, width, _ = graph.shape(operator.inputs[1], rank=4)
    return graph.tensors[operator.outputs[0]].n_elements * height * width


def _transpose_conv_macs(graph: Graph, operator: Operator) -> int:
    n_out, height, width, _ = graph.shape(operator.inputs[1], rank=4)
    graph.shape(operator.inputs[2], rank=4)
    return graph.tensors[operator.inputs[2]].n_elements * height * width * n_out


def _fully_connected_macs(graph: Graph, operator: Operator) -> int:
    _, depth = graph.shape(operator.inputs[1], rank=2)
    return graph.tensors[operator.outputs[0]].n_elements * depth


def _svdf_macs(graph: Graph, operator: Operator) -> int:
    batch, depth = graph.shape(operator.inputs[0], rank=2)
    n_filters, memory = graph.shape(operator.inputs[2], rank=2)
    return batch * n_filters * (depth + memory)


def _batch_matmul_macs(graph: Graph, operator: Operator) -> int:
    depth = graph.shape(operator.inputs[0])[-1:]
    return graph.tensors[operator.outputs[0]].n_elements * prod(depth)


def _lstm_macs(graph: Graph, operator: Operator) -> int:
    batch, time, _ = graph.shape(operator.inputs[0], rank=3)
    weights = [graph.tensors[i] for i in operator.inputs[1:9] if i >= 0]
    return batch * time * sum(weight.n_elements for weight in weights)


_MACS: Mapping[str, Callable[[Graph, Operator], int]] = {
    "CONV_2D": _conv_macs,
    "DEPTHWISE_CONV_2D": _depthwise_macs,
    "TRANSPOSE_CONV": _transpose_conv_macs,
    "FULLY_CONNECTED": _fully_connected_macs,
    "SVDF": _svdf_macs,
    "BATCH_MATMUL": _batch_matmul_macs,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm_macs,
}


@cache
def _schema() -> Any:
    """Returns the generated reader; imported late, since it brings numpy (0.15 s)."""
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated

    return schema_py_generated


@cache
def _names(enum: str) -> Mapping[int, str]:
    members = vars(getattr(_schema(), enum)).items()
    return {value: key for key, value in members if isinstance(value, int)}


def parse(model: bytes) -> Any:
    """Returns the generated reader of a .tflite; it checks nothing."""
    return _schema().Model.GetRootAsModel(model, 0)


def _read(model: bytes, name: str) -> Graph:
    root = parse(model)
    if root.Version() != 3 or root.SubgraphsLength() != 1:
        raise ModelFileError(
            f"{name}: a model must have schema version 3 and one subgraph, "
            f"got version {root.Version()} and {root.SubgraphsLength()} subgraphs. "
            "Convert it without control flow."
        )
    subgraph = root.Subgraphs(0)
    n_tensors, n_operators = subgraph.TensorsLength(), subgraph.OperatorsLength()
    _bound(name, "tensors", n_tensors, MAX_TENSORS)
    _bound(name, "operators", n_operators, MAX_OPERATORS)
    _bound(name, "operator codes", root.OperatorCodesLength(), MAX_OPERATORS)
    codes = [_op_name(root.OperatorCodes(i), name) for i in range(root.OperatorCodesLength())]
    tensors = tuple(_read_tensor(root, subgraph.Tensors(i), name) for i in range(n_tensors))
    operators: list[Operator] = []
    n_links = 0
    for i in range(n_operators):
        raw = subgraph.Operators(i)
        n_links += raw.InputsLength() + raw.OutputsLength()
        _bound(name, "operator inputs and outputs", n_links, MAX_LINKS)
        operators.append(_read_operator(raw, codes, n_tensors, name))
    for count in (subgraph.InputsLength(), subgraph.OutputsLength()):
        _bound(name, "inputs or outputs", count, 256)
    inputs = _indices(subgraph.Inputs, subgraph.InputsLength(), n_tensors, name)
    outputs = _indices(subgraph.Outputs, subgraph.OutputsLength(), n_tensors, name)
    if -1 in inputs + outputs:
        raise not_intact(name, "its input and output tensors must exist")
    return Graph(name, tensors, tuple(operators), inputs, outputs)


def _bound(name: str, what: str, count: int, limit: int) -> None:
    if count > limit:
        raise not_intact(name, f"it must have at most {limit:,} {what}, got {count:,}")


def _op_name(code: Any, name: str) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    op = _names("BuiltinOperator").get(number)
    if op is None:
        raise not_intact(name, f"operator codes must be builtin operators, got {number}")
    return op


def _read_tensor(root: Any, raw: Any, name: str) -> Tensor:
    label = (raw.Name() or b"")[:80].decode("utf-8", "replace")
    rank = raw.ShapeLength()
    if rank > MAX_RANK or raw.ShapeSignatureLength() > MAX_RANK:
        raise not_intact(name, f"tensor {label!r} must have rank at most {MAX_RANK}, got {rank}")
    shape = tuple(int(raw.Shape(i)) for i in range(rank))
    signature = [int(raw.ShapeSignature(i)) for i in range(raw.ShapeSignatureLength())]
    # Keras leaves the batch open in the signature; the shape then says 1, which is what TFLM uses.
    if min(shape, default=1) < 0 or -1 in signature[1:]:
        raise ModelFileError(
            f"{name}: tensors must have static shapes, got {label!r} with "
            f"{signature or list(shape)}. Convert with a fixed input shape."
        )
    kind = _names("TensorType").get(raw.Type(), f"type {raw.Type()}")
    tensor = Tensor(label, kind, shape, bool(raw.IsVariable()), _data_bytes(root, raw, name))
    _check_tensor(tensor, name)
    return tensor


def _check_tensor(tensor: Tensor, name: str) -> None:
    if tensor.n_elements * TYPE_BYTES.get(tensor.type, 8) > MAX_TENSOR_BYTES:
        rule = f"tensor {tensor.name!r} must take at most {MAX_TENSOR_BYTES:,} B"
        raise not_intact(name, f"{rule}, got shape {list(tensor.shape)}")
    if tensor.data_bytes and tensor.data_bytes < tensor.n_bytes:
        rule = f"tensor {tensor.name!r} must hold {tensor.n_bytes:,} B of data"
        raise not_intact(name, f"{rule}, got {tensor.data_bytes:,} B")


def _data_bytes(root: Any, raw: Any, name: str) -> int:
    index = raw.Buffer()
    if index >= root.BuffersLength():
        raise not_intact(name, f"buffer {index} must exist, got {root.BuffersLength()} buffers")
    buffer = root.Buffers(index)
    if buffer.Offset() > 1:
        raise not_intact(name, "buffers must lie inside the flatbuffer")
    # Zero-copy: numpy raises ValueError where the vector reaches beyond the file.
    return 0 if buffer.DataIsNone() else int(buffer.DataAsNumpy().nbytes)


def _read_operator(raw: Any, codes: list[str], n_tensors: int, name: str) -> Operator:
    if raw.OpcodeIndex() >= len(codes):
        raise not_intact(name, f"operator code {raw.OpcodeIndex()} must exist, got {len(codes)}")
    inputs = _indices(raw.Inputs, raw.InputsLength(), n_tensors, name)
    outputs = _indices(raw.Outputs, raw.OutputsLength(), n_tensors, name)
    op = codes[raw.OpcodeIndex()]
    needed = inputs[: _MIN_INPUTS.get(op, 0)]
    if op in _MIN_INPUTS and (-1 in needed or len(needed) < _MIN_INPUTS[op] or -1 in outputs[:1]):
        raise not_intact(name, f"{op} must have {_MIN_INPUTS[op]} inputs, got tensors {inputs}")
    if op in _MIN_INPUTS and not outputs:
        raise not_intact(name, f"{op} must have an output, got none")
    return Operator(op, inputs, outputs, _read_options(raw))


def _read_options(raw: Any) -> Mapping[str, int]:
    kind = _names("BuiltinOptions").get(raw.BuiltinOptionsType(), "NONE")
    table = raw.BuiltinOptions()
    if table is None or kind not in _OPTIONS:
        return {}
    options = getattr(_schema(), kind)()
    options.Init(table.Bytes, table.Pos)
    return {key: int(getattr(options, getter)()) for getter, key in _OPTIONS[kind].items()}


def _indices(
    getter: Callable[[int], int], count: int, n_tensors: int, name: str
) -> tuple[int, ...]:
    indices = tuple(int(getter(i)) for i in range(count))
    if any(not -1 <= index < n_tensors for index in indices):
        raise not_intact(name, f"tensor indices must lie in -1 .. {n_tensors - 1}")
    return indices
