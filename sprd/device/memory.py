"""Itemises the tensor arena that a model needs on a board.

The head (activations, scratch) is laid out by TFLM's own rule. The tail (what persists) is counted
structure by structure: with the sizes of one version of TFLM, where it and the kernel library are
known (`sprd.device.layouts`), else with upper bounds over all versions (`sprd.device.structures`).
What the count does not explain of this host's tail, an operator's data that was never measured, is
added as it is. Knows nothing of flash or time.

The bound over all versions: what is compiled for Cortex-M (CMSIS-NN's operator data, the fixed
structures) cannot be run here, so its sizes are upper bounds. TFLM of 2021, which sketches still
use, kept more a node than that of today: an allowance covers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from sprd.device.graph import Graph, Operator
from sprd.device.layouts import ANY_TFLM, LAYOUTS, Tail, planning_bytes_of, tail_of
from sprd.device.scratch import scratch_bytes
from sprd.device.structures import BOARD, HOST, tail_items
from sprd.device.tflm import ALIGNMENT_BYTES, ArenaSplit, lifetimes, plan_head, planning_bytes

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
    buffers; `planner_bytes` more that TFLM needs to start: what its planner borrows beyond both, or
    up to the next multiple of 16 B, at which the arena must end. Tail: `tensor_bytes`,
    `node_bytes`, `channel_bytes` of multipliers and shifts a channel, `operator_bytes` of options
    and data, `fixed_bytes` of structures that every model needs, `allowance_bytes` for older
    versions of TFLM. Each item of the tail includes its alignment.
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


def arena_of(
    graph: Graph, host: ArenaSplit, kernels: str = "cmsis-nn", tflm: str = ANY_TFLM
) -> Arena | None:
    """Returns the arena on a 32-bit core, an upper bound; None if a kernel's scratch is unknown.

    Never less than the host's head. A model with small activations and many tensors needs more to
    start than to run, as TFLM's planner borrows from the head: that is `planner_bytes`.

    Args:
        graph: The model.
        host: What TFLM reports on this host.
        kernels: The board's kernel library: "cmsis-nn", "esp-nn" or "reference".
        tflm: The version of TFLM. Where its sizes are unknown, the bound is that over all versions.
    """
    scratch = [scratch_bytes(graph, operator, kernels, tflm) for operator in graph.operators]
    known = [(index, size) for index, size in enumerate(scratch) if size is not None]
    if len(known) < len(scratch):
        return None
    head = _head(graph, host, known)
    n_scratch = sum(size > 0 for _, size in known)
    layout = LAYOUTS.get((tflm, kernels))
    if layout is None:
        return _bound(graph, host, head, n_scratch)
    operators = _operators(graph)
    if kernels == "cmsis-nn":
        operators = _as_on_board(graph, operators)
    n_ends = len(graph.inputs) + len(graph.outputs)
    tail = tail_of(len(graph.tensors), operators, layout, n_scratch, n_ends)
    return _of_version(graph, host, head, tail, n_scratch)


def _bound(graph: Graph, host: ArenaSplit, head: tuple[int, int], n_scratch: int) -> Arena:
    """Returns the arena with which every version of TFLM runs the model."""
    activations, with_scratch = head
    operators = _operators(graph)
    unknown = _unexplained(graph, host)
    tail = tail_items(len(graph.tensors), _as_on_board(graph, operators), BOARD, n_scratch)
    # No version needs more than this host with its larger structures.
    room = max(0, host.tail_bytes - sum(tail.values()) - unknown)
    allowance = _aligned(OLDER_NODE_BYTES * len(operators), ALIGNMENT_BYTES)
    planning = planning_bytes(graph, n_scratch)
    planning -= PLANNER_POINTER_BYTES * (len(graph.tensors) + n_scratch)
    return Arena(
        activation_bytes=activations,
        scratch_bytes=with_scratch - activations,
        planner_bytes=max(0, planning - with_scratch),
        tensor_bytes=tail["tensors"],
        node_bytes=tail["nodes"],
        channel_bytes=tail["channels"],
        operator_bytes=tail["operators"] + unknown,
        fixed_bytes=tail["fixed"],
        allowance_bytes=min(allowance, room),
    )


def _of_version(
    graph: Graph, host: ArenaSplit, head: tuple[int, int], tail: Tail, n_scratch: int
) -> Arena:
    """Returns the arena of the version of TFLM that the tail is of."""
    activations, with_scratch = head
    # What only the host knows begins at another offset there: at most one alignment less.
    unexplained = _unexplained(graph, host)
    unexplained += ALIGNMENT_BYTES if unexplained else 0
    total = with_scratch + tail.total_bytes + unexplained
    n_placed = sum(graph.tensors[index].is_activation for index in lifetimes(graph))
    planning = planning_bytes_of(len(graph.tensors), n_placed, n_scratch)
    start = tail.total_bytes - tail.ends_bytes + unexplained + planning
    return Arena(
        activation_bytes=activations,
        scratch_bytes=with_scratch - activations,
        planner_bytes=_aligned(max(total, start), ALIGNMENT_BYTES) - total,
        tensor_bytes=tail.items["tensors"],
        node_bytes=tail.items["nodes"],
        channel_bytes=tail.items["channels"],
        operator_bytes=tail.items["operators"] + unexplained,
        fixed_bytes=tail.items["fixed"],
        allowance_bytes=0,
    )


def _head(graph: Graph, host: ArenaSplit, scratch: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Returns the bytes of the activations, and those with scratch.

    `scratch` holds the index of each operator and its bytes of scratch.
    """
    planned = plan_head(graph)
    unexplained = max(0, host.head_bytes - planned)
    activations = max(host.head_bytes, planned)
    return activations, max(activations, plan_head(graph, scratch) + unexplained)


def _operators(graph: Graph) -> list[tuple[str, int]]:
    """Returns the name of each operator, and of how many channels it keeps multipliers."""
    return [(operator.op, _n_multipliers(graph, operator)) for operator in graph.operators]


def _unexplained(graph: Graph, host: ArenaSplit) -> int:
    """Returns what the structures of x86-64 do not explain of this host's tail, in bytes."""
    items = tail_items(len(graph.tensors), _operators(graph), HOST)
    return max(0, host.tail_bytes - sum(items.values()))


def live_activations(graph: Graph) -> list[tuple[int, tuple[int, ...]]]:
    """Returns for each operator the activations that must be kept while it runs.

    Returns:
        Their bytes, and the indices of the two largest, largest first.
    """
    n_steps = len(graph.operators)
    lives = {
        index: life
        for index, life in lifetimes(graph).items()
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
