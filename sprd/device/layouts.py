"""The tail of the arena for one version of TFLM and one kernel library, as it is allocated there.

`sprd.device.structures` bounds all versions; here each size is that of one, derived from its
sources (tflite-micro/tensorflow/lite/micro) and the rules of its compiler, and held against what
was measured: every `arena_used` of tflm_cortex_m4.csv, nano33ble_measured.csv and
esp32_measured.csv to the byte, and what TFLM compiled for 32 bits to WebAssembly
(`sprd.device.sizer`) reports. Knows nothing of activations and scratch.

arm-none-eabi-gcc keeps an enumeration in the fewest bytes that hold it, other compilers in four:
tensors and the options of an operator differ by that alone. The Arduino library compiles without
TF_LITE_STATIC_MEMORY, which leaves fields in nodes and tensors that a microcontroller never reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sprd.device.tflm import ALIGNMENT_BYTES

ANY_TFLM = "any"
"""No version in particular: the bound over all."""

ESP_NN_C = "esp-nn in C"
"""ESP-NN where it has no assembly for the core: its kernels copy nothing."""

EVAL_TENSOR_BYTES = 12
HANDLE_BYTES = 4
POINTER_BYTES = 4
FIXED_BYTES = (36, 44, 36, 8, 8)
"""SingleArenaBufferAllocator, GreedyMemoryPlanner, MicroAllocator, MicroBuiltinDataAllocator and
SubgraphAllocations: fields of 4 B each, the same in both versions."""
QUANTIZATION_BYTES = (12, 8)
"""TfLiteAffineQuantization and a TfLiteIntArray of one zero point, for each input and output."""
REQUEST_BYTES = 12
REQUESTS_AHEAD = 12
"""Until it has planned, TFLM keeps room for 12 requests more (kMaxScratchBuffersPerOp)."""
ALLOCATION_INFO_BYTES = 24
PLANNED_BUFFER_BYTES = 40
"""What the greedy planner keeps of each buffer while it plans (per_buffer_size)."""

# Bytes and alignment of an operator's options (builtin_op_data.h).
_OPTIONS: Mapping[str, tuple[int, int]] = {
    "CONV_2D": (28, 4),
    "DEPTHWISE_CONV_2D": (28, 4),
    "SOFTMAX": (4, 4),
    "AVERAGE_POOL_2D": (40, 4),
    "MAX_POOL_2D": (40, 4),
    "RESHAPE": (36, 4),
}
_CMSIS_NN_DATA: Mapping[str, int] = {
    "CONV_2D": 60,
    "DEPTHWISE_CONV_2D": 60,
    "SOFTMAX": 64,
    "AVERAGE_POOL_2D": 36,
    "MAX_POOL_2D": 36,
    "ADD": 60,
}


@dataclass(frozen=True)
class Layout:
    """Sizes of what TFLM of one version allocates on one kind of core, in bytes.

    `node` is a NodeAndRegistration, `end` the TfLiteTensor of an input or output. `options` are
    bytes and alignment of an operator's options, `operator_data` what its kernel allocates in Init.
    """

    node: int
    end: int
    options: Mapping[str, tuple[int, int]]
    operator_data: Mapping[str, int]


LAYOUTS: Mapping[tuple[str, str], Layout] = {
    ("2023-12", "cmsis-nn"): Layout(
        node=44,
        end=64,
        # Before quantized_bias_type.
        options=dict(_OPTIONS) | {"CONV_2D": (24, 4), "FULLY_CONNECTED": (4, 1), "ADD": (2, 1)},
        operator_data=dict(_CMSIS_NN_DATA) | {"FULLY_CONNECTED": 64},
    ),
    ("2026-08", "cmsis-nn"): Layout(
        node=32,
        end=32,
        options=dict(_OPTIONS) | {"FULLY_CONNECTED": (5, 1), "ADD": (2, 1)},
        operator_data=dict(_CMSIS_NN_DATA) | {"FULLY_CONNECTED": 76},
    ),
    ("2026-08", ESP_NN_C): Layout(
        node=32,
        end=40,
        options=dict(_OPTIONS) | {"FULLY_CONNECTED": (16, 4), "ADD": (8, 4)},
        operator_data={
            "CONV_2D": 60,
            "DEPTHWISE_CONV_2D": 60,
            "FULLY_CONNECTED": 48,
            "SOFTMAX": 60,
            "AVERAGE_POOL_2D": 32,
            "MAX_POOL_2D": 32,
            "ADD": 60,
        },
    ),
    ("2026-08", "reference"): Layout(
        node=32,
        end=40,
        options=dict(_OPTIONS) | {"FULLY_CONNECTED": (16, 4), "ADD": (8, 4)},
        operator_data={
            "CONV_2D": 56,
            "DEPTHWISE_CONV_2D": 56,
            "FULLY_CONNECTED": 48,
            "SOFTMAX": 56,
            "AVERAGE_POOL_2D": 32,
            "MAX_POOL_2D": 32,
            "ADD": 60,
        },
    ),
}
"""By version of TFLM and kernel library. The reference kernels as a compiler lays them out that
keeps an enumeration in four bytes (WebAssembly, Xtensa): one for Cortex-M needs no more. ESP-NN's
add the index of a scratch buffer to three kernels' data (esp-tflite-micro, kernels/esp_nn)."""


@dataclass(frozen=True)
class Tail:
    """The tail of an arena: bytes of each item, and how many are allocated after the plan."""

    items: Mapping[str, int]
    ends_bytes: int

    @property
    def total_bytes(self) -> int:
        """Bytes of all items."""
        return sum(self.items.values())


def tail_of(
    n_tensors: int,
    operators: Sequence[tuple[str, int]],
    layout: Layout,
    n_scratch: int = 0,
    n_ends: int = 2,
) -> Tail:
    """Returns the arena's tail, item by item, in the order in which TFLM allocates.

    It grows downwards from a multiple of 16 B, where each allocation begins at a multiple of its
    alignment. Source: tflite-micro, micro_allocator.cc and micro_interpreter.cc.

    Args:
        n_tensors: Tensors of the model.
        operators: Name of each operator, and of how many channels its kernel keeps a multiplier and
            a shift, 4 B each.
        layout: Sizes.
        n_scratch: Scratch buffers that the kernels ask for.
        n_ends: Inputs and outputs.
    """
    allocations = [("fixed", n_bytes, 4) for n_bytes in FIXED_BYTES]
    allocations += [("tensors", EVAL_TENSOR_BYTES * n_tensors, 4)]
    allocations += [("nodes", layout.node * len(operators), 4)]
    allocations += [("operators", *layout.options.get(op, (0, 1))) for op, _ in operators]
    allocations += [
        ("operators", layout.operator_data.get(op, 0), ALIGNMENT_BYTES) for op, _ in operators
    ]
    for _, n_channels in operators:
        allocations += [("channels", 4 * n_channels, ALIGNMENT_BYTES)] * 2  # multipliers, shifts
    allocations += [("fixed", HANDLE_BYTES * n_scratch, 4)]
    items = dict.fromkeys(("tensors", "nodes", "channels", "operators", "fixed"), 0)
    planned = _allocate(items, allocations, 0)
    end = [("fixed", n_bytes, 4) for n_bytes in (layout.end, *QUANTIZATION_BYTES)]
    # A list of pointers for the inputs, and one for the outputs.
    ends = [("fixed", POINTER_BYTES, ALIGNMENT_BYTES), *end] * n_ends
    return Tail(items, _allocate(items, ends, planned) - planned)


def planning_bytes_of(n_tensors: int, n_placed: int, n_scratch: int) -> int:
    """Returns what TFLM's planner borrows from the head while it lays it out, in bytes.

    The same sum with the structures of 64 bits is what the wheel needs for the MLPerf Tiny
    autoencoder, 1,424 B with alignment; no device was measured.

    Args:
        n_tensors: Tensors of the model.
        n_placed: Activations that are placed.
        n_scratch: Scratch buffers that are placed.
    """
    requests = REQUEST_BYTES * (REQUESTS_AHEAD + n_scratch)
    infos = ALLOCATION_INFO_BYTES * (n_tensors + n_scratch)
    planned = PLANNED_BUFFER_BYTES * (n_placed + n_scratch)
    return requests + infos + planned + 2 * ALIGNMENT_BYTES


def _allocate(items: dict[str, int], allocations: Sequence[tuple[str, int, int]], used: int) -> int:
    """Adds each allocation, (item, bytes, alignment), to its item; returns the bytes used then."""
    for item, n_bytes, alignment in allocations:
        after = -(-(used + n_bytes) // alignment) * alignment if n_bytes else used
        items[item] += after - used
        used = after
    return used
