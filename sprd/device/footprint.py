"""Measures what a model takes: flash and RAM on a board, arena on this host, time.

Bytes of a .tflite in, a `Footprint` out. What comes from TFLM itself is exact; what is for the
board is an upper bound, itemised, so that a model found to fit does fit.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sprd.device import latency
from sprd.device.board import Board
from sprd.device.graph import (
    MAX_MODEL_BYTES,
    Graph,
    Operator,
    check_int8,
    macs_of,
    read_graph,
    weight_bytes_of,
)
from sprd.device.tflm import ArenaSplit, Runner, plan_head, planning_bytes
from sprd.errors import ModelFileError

CHILD_SECONDS = 20.0
"""Wall clock that a user's file gets in TFLM: an int8 model of 16 MB takes about one."""

KERNEL_CODE_BYTES: Mapping[str, int] = {
    "CONV_2D": 10_240,
    "DEPTHWISE_CONV_2D": 10_240,
    "FULLY_CONNECTED": 6_144,
    "SOFTMAX": 4_096,
    "AVERAGE_POOL_2D": 4_096,
    "MAX_POOL_2D": 4_096,
    "ADD": 4_096,
    "PAD": 3_072,
    "RESHAPE": 1_024,
    "SVDF": 6_144,
}
"""Flash of each operator's kernel. Assumed, held against two published points: with the interpreter
they exceed the 22 KB of micro_speech (DEPTHWISE_CONV_2D, FULLY_CONNECTED, RESHAPE, SOFTMAX; TFLM
README), and a keyword model's whole application exceeds the 89 KB of MicroNets (table 4)."""
OTHER_KERNEL_CODE_BYTES = 8_192
"""Flash of any other kernel. Assumed."""

NO_SCRATCH_OPS = frozenset({"SOFTMAX", "MAX_POOL_2D", "ADD", "PAD", "RESHAPE", "SVDF"} | {
    "MUL", "SUB", "MEAN", "RELU", "RELU6", "LOGISTIC", "TANH", "QUANTIZE", "CONCATENATION",
    "EXPAND_DIMS", "SQUEEZE", "STRIDED_SLICE", "SLICE", "PACK", "UNPACK", "SPLIT", "HARD_SWISH",
    "LEAKY_RELU",
})  # fmt: skip
"""Operators whose CMSIS-NN kernel asks for no more scratch than the reference kernel, which runs on
the host and is in the measured head. Source: tflite-micro/tensorflow/lite/micro/kernels/cmsis_nn;
those without a file there are the reference kernels themselves."""


@dataclass(frozen=True)
class Layer:
    """One operator: its builtin name, output shape, multiply-accumulates and bytes of constants."""

    op: str
    output_shape: tuple[int, ...]
    macs: int
    weight_bytes: int


@dataclass(frozen=True)
class Footprint:
    """What one model takes. None is "unknown", never "nothing".

    `arena_host_bytes` is what TFLM reports on this host, exact. `arena_bytes` is an upper bound for
    a 32-bit core with CMSIS-NN; None if an operator's scratch is not known. `flash_bytes` and
    `ram_bytes` are the whole application's, None without a board. `latency_ms` is an estimate with
    its interval; None where nothing comparable was measured.
    """

    flash_bytes: int | None
    model_bytes: int
    ram_bytes: int | None
    arena_bytes: int | None
    arena_host_bytes: int
    macs: int
    latency_ms: float | None
    latency_low_ms: float | None
    latency_high_ms: float | None
    latency_source: str | None
    ops: tuple[str, ...]
    flash_items: Mapping[str, int]
    ram_items: Mapping[str, int]
    layers: tuple[Layer, ...]
    instructions: int | None = None

    def as_dict(self) -> dict[str, int | float | str | None]:
        """Returns the totals under the names of a trial's record, ready for JSON."""
        return {
            "flash_bytes": self.flash_bytes,
            "model_bytes": self.model_bytes,
            "ram_bytes": self.ram_bytes,
            "arena_bytes": self.arena_bytes,
            "arena_host_bytes": self.arena_host_bytes,
            "macs": self.macs,
            "instructions": self.instructions,
            "latency_ms": self.latency_ms,
            "latency_low_ms": self.latency_low_ms,
            "latency_high_ms": self.latency_high_ms,
            "latency_source": self.latency_source,
        }


def measure(model: bytes, board: Board | None, name: str = "model") -> Footprint:
    """Measures a model that this program made, in this process.

    Raises:
        ModelFileError: It is no int8 .tflite, or TFLM lacks one of its operators.
    """
    runner = Runner(model, name)
    return _footprint(runner.graph, len(model), runner.arena_split, board)


def measure_untrusted(path: Path, board: Board | None) -> Footprint:
    """Measures a user's file: checked first, then run by TFLM in a child process.

    Raises:
        ModelFileError: The file cannot be read, is no int8 .tflite, or TFLM refuses it, crashes on
            it or does not come back.
    """
    model = _read_file(path)
    graph = read_graph(model, str(path))
    check_int8(graph)
    layers = _layers(graph)  # a broken operator is found here, before TFLM meets it
    split = _split_in_child(path)
    return _footprint(graph, len(model), split, board, layers)


def scratch_bytes(graph: Graph, operator: Operator) -> int | None:
    """Returns an upper bound of the scratch buffer that CMSIS-NN asks for, in bytes.

    The largest over its versions and compilers, for cores with the DSP extension; a core without it
    asks for no more. Source: CMSIS-NN, arm_convolve_get_buffer_sizes_s8.c,
    arm_depthwise_conv_get_buffer_sizes_s8.c and arm_avgpool_get_buffer_sizes_s8.c;
    tflite-micro/tensorflow/lite/micro/kernels/cmsis_nn/fully_connected.cc.

    Returns:
        None for an operator whose scratch is not known.
    """
    if operator.op == "CONV_2D":
        # arm_convolve_s8: two int16 columns of im2col, each a multiple of four values;
        # arm_convolve_1x1_s8_fast asks for as much (armclang) or nothing (gcc).
        _, height, width, _ = graph.shape(operator.inputs[1], rank=4)
        depth = graph.shape(operator.inputs[0], rank=4)[3]
        return 2 * 2 * _multiple_of_4(height * width * depth)
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


def board_arena_bytes(graph: Graph, host: ArenaSplit) -> int | None:
    """Returns an upper bound of the arena on a 32-bit core with CMSIS-NN; None if unknown.

    Head: the activations and CMSIS-NN's scratch, laid out by TFLM's own rule, and never less than
    the host's or than what the planner borrows at start. Tail: the host's, an upper bound, since
    x86-64 spends 24 B a tensor and 64 B a node where Cortex-M spends 12 and 32 (notes/device.md)
    and CMSIS-NN's kernels keep less than that difference more; plus the multipliers of a fully
    connected layer that runs as a convolution.
    """
    scratch = [scratch_bytes(graph, operator) for operator in graph.operators]
    known = [(index, size) for index, size in enumerate(scratch) if size is not None]
    if len(known) < len(scratch):
        return None
    unexplained = max(0, host.head_bytes - plan_head(graph))
    head = max(host.head_bytes, plan_head(graph, known) + unexplained)
    head = max(head, planning_bytes(graph, len(known)))
    multipliers = sum(
        8 * graph.shape(operator.outputs[0])[-1]
        for operator in graph.operators
        if operator.op == "FULLY_CONNECTED" and len(graph.shape(operator.outputs[0])) > 2
    )
    return head + host.tail_bytes + multipliers


def _footprint(
    graph: Graph,
    model_bytes: int,
    host: ArenaSplit,
    board: Board | None,
    layers: tuple[Layer, ...] | None = None,
) -> Footprint:
    layers = _layers(graph) if layers is None else layers
    arena = board_arena_bytes(graph, host)
    flash_items = {} if board is None else _flash_items(graph, model_bytes, board)
    ram_items = {} if board is None or arena is None else _ram_items(graph, arena, board)
    time = None if board is None else latency.estimate(graph, board)
    return Footprint(
        flash_bytes=sum(flash_items.values()) if flash_items else None,
        model_bytes=model_bytes,
        ram_bytes=sum(ram_items.values()) if ram_items else None,
        arena_bytes=arena,
        arena_host_bytes=host.total_bytes,
        macs=sum(layer.macs for layer in layers),
        latency_ms=time.latency_ms if time else None,
        latency_low_ms=time.low_ms if time else None,
        latency_high_ms=time.high_ms if time else None,
        latency_source=time.source if time else None,
        ops=graph.ops,
        flash_items=flash_items,
        ram_items=ram_items,
        layers=layers,
    )


def _layers(graph: Graph) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            operator.op,
            graph.shape(operator.outputs[0]) if operator.outputs else (),
            macs_of(graph, operator),
            weight_bytes_of(graph, operator),
        )
        for operator in graph.operators
    )


def _flash_items(graph: Graph, model_bytes: int, board: Board) -> dict[str, int]:
    kernels = {
        f"kernel {op}": KERNEL_CODE_BYTES.get(op, OTHER_KERNEL_CODE_BYTES) for op in graph.ops
    }
    code = {key.removesuffix("_bytes"): size for key, size in board.code_bytes.items()}
    return {"model": model_bytes} | kernels | code


def _ram_items(graph: Graph, arena_bytes: int, board: Board) -> dict[str, int]:
    """The features are kept once beside the arena, as int8: micro_speech's `feature_buffer`."""
    features = graph.tensors[graph.inputs[0]].n_bytes
    app = {key.removesuffix("_bytes"): size for key, size in board.app_ram_bytes.items()}
    return {"arena": arena_bytes, "features": features} | app


def _read_file(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(f"{path}: must be a file, got a folder or device.")
        with path.open("rb") as file:
            return file.read(MAX_MODEL_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path}: must be a readable .tflite file: {reason}.") from error


def _split_in_child(path: Path) -> ArenaSplit:
    # -P: a module that lies in the user's folder must not shadow ours.
    command = [sys.executable, "-P", "-m", "sprd.device.tflm", str(path.absolute())]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        child = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=CHILD_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelFileError(
            f"{path}: TensorFlow Lite Micro must run it within {CHILD_SECONDS:g} s, "
            "got no answer. Export it again."
        ) from error
    if child.returncode != 0:
        raise ModelFileError(
            f"{path}: TensorFlow Lite Micro must run it, got a crash "
            f"(exit status {child.returncode}). Export it again."
        )
    return _split_of(path, child.stdout)


def _split_of(path: Path, output: bytes) -> ArenaSplit:
    try:
        report = json.loads(output.splitlines()[-1])
        if "error" in report:
            reason = str(report["error"]).removeprefix(f"{path.name}: ")
            raise ModelFileError(f"{path}: {reason}")
        return ArenaSplit(int(report["head_bytes"]), int(report["tail_bytes"]))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelFileError(
            f"{path}: TensorFlow Lite Micro must report its arena, got {output[-80:]!r}."
        ) from error


def _multiple_of_4(n: int) -> int:
    return -(-n // 4) * 4
