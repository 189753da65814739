"""Counts the tail of the arena, what persists, structure by structure, as TFLM allocates it.

With the sizes of x86-64 the count is the tail that the wheel reports, to the byte, for the
reference models and 32 models of our zoo. With those of a 32-bit core it bounds every version of
TFLM; `sprd.device.layouts` holds the sizes of single versions. Knows nothing of activations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sprd.device.tflm import ALIGNMENT_BYTES

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


def _aligned(n: int, alignment: int) -> int:
    return -(-n // alignment) * alignment
