"""Itemises the tensor arena that a model needs on a board.

The head (activations, scratch) is laid out by TFLM's own rule. The tail (what persists) is counted
structure by structure, with the sizes that they have on a 32-bit core. The same count with the
sizes of x86-64 gives the tail that the wheel reports to the byte, for the reference models and 32
models of our zoo: what it does not explain, an operator's data that was never measured, is added
as it is. Knows nothing of flash or time.

What is compiled for Cortex-M (CMSIS-NN's operator data, the fixed structures) cannot be run here:
those sizes are upper bounds. TFLM of 2021, which sketches still use, kept more a node than that of
today: an allowance covers it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from sprd.device.graph import Graph, Operator
from sprd.device.tflm import ALIGNMENT_BYTES, ArenaSplit, _lifetimes, plan_head, planning_bytes

NO_SCRATCH_OPS = frozenset({"SOFTMAX", "MAX_POOL_2D", "ADD", "PAD", "RESHAPE", "SVDF"} | {
    "MUL", "SUB", "MEAN", "RELU", "RELU6", "LOGISTIC", "TANH", "QUANTIZE", "CONCATENATION",
    "EXPAND_DIMS", "SQUEEZE", "STRIDED_SLICE", "SLICE", "PACK", "UNPACK", "SPLIT", "HARD_SWISH",
    "LEAKY_RELU",
})  # fmt: skip
"""Operators whose optimized kernel asks for no more scratch than the reference kernel, which runs
on the host and is in the measured head. ESP-NN's softmax is the exception. Source:
tflite-micro/tensorflow/lite/micro/kernels/cmsis_nn; those without a file there are the reference
kernels themselves."""

BUILTIN_BYTES: Mapping[str, int] = {
    "CONV_2D": 28,
    "DEPTHWISE_CONV_2D": 28,
    "FULLY_CONNECTED": 32,
    "SOFTMAX": 8,
    "AVERAGE_POOL_2D": 40,
    "MAX_POOL_2D": 40,
    "ADD": 8,
    "RESHAPE": 36,
}
"""Options of an operator, as unpacked from the file. Measured: the only sizes that explain the tail
of 37 models to the byte. They hold integers, so a 32-bit core needs no more."""


@dataclass(frozen=True)
class Structures:
    """Sizes of TFLM's structures on one kind of machine, in bytes.

    `fixed` is what every model needs: allocators, memory planner, subgraph list. `ends` is what
    input and output keep: tensors, quantization, pointers. `operator_data` is what a kernel
    allocates in Init. `handle` is what TFLM keeps for each scratch buffer.
    """

    tensor: int
    node: int
    handle: int
    fixed: int
    ends: int
    operator_data: Mapping[str, int]


HOST = Structures(
    tensor=24,
    node=64,
    handle=8,
    fixed=488,
    ends=224,
    operator_data={
        "CONV_2D": 80,
        "DEPTHWISE_CONV_2D": 80,
        "FULLY_CONNECTED": 72,
        "SOFTMAX": 80,
        "AVERAGE_POOL_2D": 32,
        "MAX_POOL_2D": 32,
        "ADD": 60,
    },
)
"""x86-64. Tensors, nodes, operator data and ends as RecordingMicroAllocator prints them; `fixed` is
what remains of the tail, the same for 37 models."""

BOARD = Structures(
    tensor=12,
    node=32,
    handle=4,
    fixed=488,
    ends=224,
    operator_data={
        "CONV_2D": 68,
        "DEPTHWISE_CONV_2D": 68,
        "FULLY_CONNECTED": 84,
        "SOFTMAX": 80,
        "AVERAGE_POOL_2D": 36,
        "MAX_POOL_2D": 36,
        "ADD": 60,
    },
)
"""A 32-bit core with CMSIS-NN. Tensor 12 B and node 32 B (notes/device.md). Operator data: the
structures of tflite-micro/tensorflow/lite/micro/kernels (conv.h, fully_connected.h and
cmsis_nn/*.cc), pointers of 4 B, each with what any version adds. `fixed` and `ends` hold pointers,
so those of x86-64 are upper bounds."""

OLDER_NODE_BYTES = 40
"""What TFLM of 2021 kept more for each node, all together. Fitted to the one published tail of a
Cortex-M4, person_detect: 29,140 B where the structures of today make 27,984 B, 37.3 B a node."""
PLANNER_POINTER_BYTES = 8
"""What a 32-bit core saves on each tensor while TFLM plans: AllocationInfo holds a size and a
pointer, 24 B in place of 32 B. Source: tflite-micro, micro_allocation_info.h."""


@dataclass(frozen=True)
class Arena:
    """The tensor arena of one model on one board, in bytes.

    Head: `activation_bytes` of activations, laid out; `scratch_bytes` more for the kernels' scratch
    buffers; `planner_bytes` more that TFLM borrows while it starts, where that exceeds both. Tail:
    `tensor_bytes`, `node_bytes`, `channel_bytes` of multipliers and shifts a channel,
    `operator_bytes` of options and data, `fixed_bytes` of structures that every model needs,
    `allowance_bytes` for older versions of TFLM. Each item of the tail includes its alignment.
    """

    activation_bytes: int
    scratch_bytes: int
    planner_bytes: int
    tensor_bytes: int
    node_bytes: int
    channel_bytes: int
    operator_bytes: int
    fixed_bytes: int
    allowance_bytes: int

    @property
    def head_bytes(self) -> int:
        """What is used again and again."""
        return self.activation_bytes + self.scratch_bytes

    @property
    def tail_bytes(self) -> int:
        """What persists."""
        model = self.tensor_bytes + self.node_bytes + self.channel_bytes + self.operator_bytes
        return model + self.fixed_bytes + self.allowance_bytes

    @property
    def total_bytes(self) -> int:
        """What it takes once it runs: what TFLM would report."""
        return self.head_bytes + self.tail_bytes

    @property
    def reserve_bytes(self) -> int:
        """What must be reserved: it has to start too."""
        return self.total_bytes + self.planner_bytes

    def items(self) -> dict[str, int]:
        """Returns the bytes of each item under a name for a table."""
        return {
            "activations": self.activation_bytes,
            "scratch": self.scratch_bytes,
            "planner at start": self.planner_bytes,
            "tensors": self.tensor_bytes,
            "nodes": self.node_bytes,
            "channels": self.channel_bytes,
            "operators": self.operator_bytes,
            "fixed": self.fixed_bytes,
            "older versions": self.allowance_bytes,
        }


def arena_of(graph: Graph, host: ArenaSplit, kernels: str = "cmsis-nn") -> Arena | None:
    """Returns the arena on a 32-bit core, an upper bound; None if a kernel's scratch is unknown.

    Never less than the host's head. A model with small activations and many tensors needs more to
    start than to run, as TFLM's planner borrows from the head: that is `planner_bytes`.

    Args:
        graph: The model.
        host: What TFLM reports on this host.
        kernels: The board's kernel library: "cmsis-nn", "esp-nn" or "reference".
    """
    scratch = [scratch_bytes(graph, operator, kernels) for operator in graph.operators]
    known = [(index, size) for index, size in enumerate(scratch) if size is not None]
    if len(known) < len(scratch):
        return None
    activations, with_scratch, planner = _head(graph, host, known)
    n_scratch = sum(size > 0 for _, size in known)
    operators = [(operator.op, _n_multipliers(graph, operator)) for operator in graph.operators]
    on_host = sum(tail_items(len(graph.tensors), operators, HOST).values())
    tail = tail_items(len(graph.tensors), _as_on_board(graph, operators), BOARD, n_scratch)
    unknown = max(0, host.tail_bytes - on_host)
    # No version needs more than this host with its larger structures.
    room = max(0, host.tail_bytes - sum(tail.values()) - unknown)
    allowance = _aligned(OLDER_NODE_BYTES * len(operators), ALIGNMENT_BYTES)
    return Arena(
        activation_bytes=activations,
        scratch_bytes=with_scratch - activations,
        planner_bytes=planner,
        tensor_bytes=tail["tensors"],
        node_bytes=tail["nodes"],
        channel_bytes=tail["channels"],
        operator_bytes=tail["operators"] + unknown,
        fixed_bytes=tail["fixed"],
        allowance_bytes=min(allowance, room),
    )


def _head(
    graph: Graph, host: ArenaSplit, scratch: Sequence[tuple[int, int]]
) -> tuple[int, int, int]:
    """Returns the bytes of the activations, those with scratch, and what the planner borrows more.

    `scratch` holds the index of each operator and its bytes of scratch.
    """
    planned = plan_head(graph)
    unexplained = max(0, host.head_bytes - planned)
    activations = max(host.head_bytes, planned)
    with_scratch = max(activations, plan_head(graph, scratch) + unexplained)
    n_scratch = sum(size > 0 for _, size in scratch)
    planning = planning_bytes(graph, n_scratch)
    planning -= PLANNER_POINTER_BYTES * (len(graph.tensors) + n_scratch)
    return activations, with_scratch, max(0, planning - with_scratch)


def tail_items(
    n_tensors: int,
    operators: Sequence[tuple[str, int]],
    structures: Structures,
    n_scratch: int = 0,
) -> dict[str, int]:
    """Returns the bytes of the arena's tail, item by item, in the order in which TFLM allocates.

    The tail grows downwards; a kernel's buffers begin at a multiple of 16 B. Source: tflite-micro,
    micro_allocator.cc and micro_interpreter.cc.

    Args:
        n_tensors: Tensors of the model.
        operators: Name of each operator, and of how many channels its kernel keeps a multiplier and
            a shift, 4 B each.
        structures: Sizes on the machine.
        n_scratch: Scratch buffers that the kernels ask for.
    """
    # (item, bytes, alignment), in order.
    allocations = [
        ("nodes", structures.node * len(operators), 8),
        ("tensors", structures.tensor * n_tensors, 8),
    ]
    allocations += [("operators", BUILTIN_BYTES.get(op, 0), 4) for op, _ in operators]
    data = [structures.operator_data.get(op, 0) for op, _ in operators]
    allocations += [("operators", n_bytes, ALIGNMENT_BYTES) for n_bytes in data]
    for _, n_channels in operators:
        allocations += [("channels", 4 * n_channels, ALIGNMENT_BYTES)] * 2  # multipliers, shifts
    allocations += [("fixed", structures.handle * n_scratch, ALIGNMENT_BYTES)]
    used = structures.fixed
    items = dict.fromkeys(("tensors", "nodes", "channels", "operators"), 0)
    items["fixed"] = structures.fixed + structures.ends
    for item, n_bytes, alignment in allocations:
        after = _aligned(used + n_bytes, alignment) if n_bytes else used
        items[item] += after - used
        used = after
    items["fixed"] += _aligned(used, ALIGNMENT_BYTES) - used
    return items


def scratch_bytes(graph: Graph, operator: Operator, kernels: str = "cmsis-nn") -> int | None:
    """Returns an upper bound of the scratch buffer that a kernel asks for, in bytes.

    Returns:
        None for an operator whose scratch is not known.
    """
    if kernels == "reference":
        return 0  # the host runs the reference kernels: it is in the measured head
    return (_scratch_esp_nn if kernels == "esp-nn" else _scratch_cmsis_nn)(graph, operator)


def live_activations(graph: Graph) -> list[tuple[int, tuple[int, ...]]]:
    """Returns for each operator the activations that must be kept while it runs.

    Returns:
        Their bytes, and the indices of the two largest, largest first.
    """
    n_steps = len(graph.operators)
    lives = {
        index: life
        for index, life in _lifetimes(graph).items()
        if graph.tensors[index].is_activation
    }
    change = [0] * (n_steps + 2)
    for index, (first, last) in lives.items():
        change[first] += graph.tensors[index].n_bytes
        change[last + 1] -= graph.tensors[index].n_bytes
    by_size = sorted(lives, key=lambda index: (-graph.tensors[index].n_bytes, index))
    found = []
    for step, n_bytes in enumerate(accumulate(change[: n_steps + 1])):
        alive = (index for index in by_size if lives[index][0] <= step <= lives[index][1])
        found.append((n_bytes, tuple(islice(alive, 2))))
    return found[1:]


def _scratch_cmsis_nn(graph: Graph, operator: Operator) -> int | None:
    """The largest over versions and compilers, for cores with the DSP extension; others ask less.

    Source: CMSIS-NN, arm_convolve_get_buffer_sizes_s8.c, arm_avgpool_get_buffer_sizes_s8.c and
    arm_depthwise_conv_get_buffer_sizes_s8.c; tflite-micro, kernels/cmsis_nn/fully_connected.cc.
    """
    if operator.op == "CONV_2D":
        # arm_convolve_s8: two int16 columns of im2col, each a multiple of four values;
        # arm_convolve_1x1_s8_fast asks for as much (armclang) or nothing (gcc).
        _, height, width, _ = graph.shape(operator.inputs[1], rank=4)
        depth = graph.shape(operator.inputs[0], rank=4)[3]
        return 2 * 2 * _aligned(height * width * depth, 4)
    if operator.op == "DEPTHWISE_CONV_2D":
        # arm_depthwise_conv_s8_opt: int16 columns. Newer versions skip it for 3x3 filters.
        _, height, width, depth = graph.shape(operator.inputs[1], rank=4)
        return 2 * height * width * depth
    if operator.op == "FULLY_CONNECTED":
        # Run as a 1x1 convolution if the output has more than two dimensions.
        is_flat = len(graph.shape(operator.outputs[0])) <= 2
        return 0 if is_flat else 4 * graph.shape(operator.inputs[1], rank=2)[1]
    if operator.op == "AVERAGE_POOL_2D":
        return 4 * graph.shape(operator.inputs[0], rank=4)[3]
    return 0 if operator.op in NO_SCRATCH_OPS else None


def _scratch_esp_nn(graph: Graph, operator: Operator) -> int | None:
    """A sum over all that its versions of 2024 to 2026 copy: filter, padded input, corrections.

    Loose, for no version makes all copies. Source: ESP-NN, esp_nn_get_conv_scratch_size_esp32s3,
    esp_nn_get_depthwise_conv_scratch_size_esp32s3 and esp_nn_get_softmax_scratch_size_opt.
    """
    if operator.op == "SOFTMAX":
        return 4 * graph.shape(operator.outputs[0])[-1]
    if operator.op not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        known = operator.op in NO_SCRATCH_OPS | {"FULLY_CONNECTED", "AVERAGE_POOL_2D"}
        return 0 if known else None
    _, height, width, depth = graph.shape(operator.inputs[0], rank=4)
    _, out_height, out_width, out_depth = graph.shape(operator.outputs[0], rank=4)
    _, filter_height, filter_width, _ = graph.shape(operator.inputs[1], rank=4)
    stride_height = operator.options.get("stride_h", 1)
    stride_width = operator.options.get("stride_w", 1)
    padded_height = max(height, out_height * stride_height + 2) + filter_height
    padded_width = max(width, out_width * stride_width + 2) + filter_width
    n_taps = filter_height * filter_width
    is_pointwise = operator.op == "CONV_2D" and n_taps == 1
    copied_depth = _aligned(depth, 8) if is_pointwise else depth
    padded_input = padded_height * padded_width * copied_depth
    if operator.op == "DEPTHWISE_CONV_2D":
        channels = _aligned(out_depth, 16)
        outputs = out_height * out_width * channels
        padded_input = padded_height * padded_width * _aligned(depth, 16)
        return 2 * (padded_input + n_taps * channels) + outputs + 12 * channels + 128
    filters = n_taps * _aligned(depth, 16) * (out_depth + 1) + 12 * out_depth
    # The panels of a large 1x1 convolution.
    panels = 24 * _aligned(depth, 16) + (16 * 1024 if depth * out_depth > 24 * 1024 else 0)
    return padded_input + filters + panels + 192


def _n_multipliers(graph: Graph, operator: Operator) -> int:
    """Returns of how many channels the reference kernel keeps multiplier and shift."""
    if operator.op not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return 0
    return graph.shape(operator.outputs[0], rank=4)[3]


def _as_on_board(graph: Graph, operators: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """CMSIS-NN runs a fully connected layer of more than two dimensions as a 1x1 convolution."""
    return [
        (op, graph.shape(operator.outputs[0])[-1])
        if op == "FULLY_CONNECTED" and len(graph.shape(operator.outputs[0])) > 2
        else (op, n_channels)
        for (op, n_channels), operator in zip(operators, graph.operators, strict=True)
    ]


def _aligned(n: int, alignment: int) -> int:
    return -(-n // alignment) * alignment
