"""Measures what a model takes: flash and RAM on a board, arena on this host, time.

Bytes of a .tflite in, a `Footprint` out. What comes from TFLM itself is exact; what is for the
board is an upper bound, itemised, so that a model found to fit does fit.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sprd.config.board import Board
from sprd.device import latency
from sprd.device.flash import flash_items_of
from sprd.device.foreign import name_folder
from sprd.device.graph import (
    MAX_MODEL_BYTES,
    Graph,
    Operator,
    macs_of,
    read_graph,
    weight_bytes_of,
)
from sprd.device.int8 import check_int8
from sprd.device.memory import Arena, arena_of, live_activations
from sprd.device.scratch import library_of
from sprd.device.tflm import ArenaSplit, Runner
from sprd.errors import ModelFileError

CHILD_SECONDS = 20.0
"""Wall clock that a user's file gets in TFLM: an int8 model of 16 MB takes about one."""


@dataclass(frozen=True)
class Layer:
    """One operator: its builtin name, output shape, multiply-accumulates and bytes of constants.

    `weight_shape` is the shape of its largest constant, () if it has none. `live_bytes` are
    the activations that must be kept while it runs, `live_shapes` the two largest of them.
    `instructions` and `time_share` (0 .. 1) are None where core or operator was not measured.
    """

    op: str
    output_shape: tuple[int, ...]
    macs: int
    weight_bytes: int
    weight_shape: tuple[int, ...] = ()
    live_bytes: int = 0
    live_shapes: tuple[tuple[int, ...], ...] = ()
    instructions: float | None = None
    time_share: float | None = None


@dataclass(frozen=True)
class Footprint:
    """What one model takes. None is "unknown", never "nothing".

    `arena_host_bytes` is what TFLM reports on this host, exact. `arena_bytes` is an upper bound for
    a 32-bit core with the board's kernels (CMSIS-NN without a board), itemised in `arena_items`;
    None if an operator's scratch is not known. `arena_reserve_bytes` is what the firmware must set
    aside: TFLM's planner may need more to start than the model to run. `flash_bytes` and
    `ram_bytes` are the whole application's, None without a board. `latency_ms` is an estimate with
    its interval; None where nothing comparable was measured. `energy_uj` is what the board's power
    makes of it, in microjoules; None where the board file tells no power. `instructions` are those
    of CMSIS-NN's kernels on a core with the DSP extension. `latency_unknown` says why there is no
    latency, `latency_borrowed` names the operators that were not measured on the board.
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
    energy_uj: float | None = None
    arena_items: Mapping[str, int] = field(default_factory=dict)
    arena_reserve_bytes: int | None = None
    latency_unknown: str | None = None
    latency_borrowed: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, int | float | str | None]:
        """Returns the totals under the names of a trial's record, ready for JSON."""
        return {
            "flash_bytes": self.flash_bytes,
            "model_bytes": self.model_bytes,
            "ram_bytes": self.ram_bytes,
            "arena_bytes": self.arena_bytes,
            "arena_reserve_bytes": self.arena_reserve_bytes,
            "arena_host_bytes": self.arena_host_bytes,
            "macs": self.macs,
            "instructions": self.instructions,
            "latency_ms": self.latency_ms,
            "latency_low_ms": self.latency_low_ms,
            "latency_high_ms": self.latency_high_ms,
            "latency_source": self.latency_source,
            "energy_uj": self.energy_uj,
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


def with_instructions(
    footprint: Footprint, graph: Graph, board: Board, instructions: int
) -> Footprint:
    """Returns the footprint with instructions counted on an emulated core, and what follows.

    Args:
        footprint: The model's, measured for this board.
        graph: The model's.
        board: Where it will run.
        instructions: Of its kernels, one inference.
    """
    time = latency.latency_of(instructions, graph, board, "emulated")
    return replace(
        footprint,
        instructions=instructions,
        latency_ms=time.latency_ms if time else None,
        latency_low_ms=time.low_ms if time else None,
        latency_high_ms=time.high_ms if time else None,
        latency_source=time.source if time else None,
        latency_unknown=None if time else footprint.latency_unknown,
        energy_uj=_energy_uj(time.latency_ms, board) if time else None,
    )


def _footprint(
    graph: Graph,
    model_bytes: int,
    host: ArenaSplit,
    board: Board | None,
    layers: tuple[Layer, ...] | None = None,
) -> Footprint:
    layers = _timed(_layers(graph) if layers is None else layers, graph, board)
    library = (library_of(board.kernels, board.core), board.build.tflm) if board else ()
    arena = arena_of(graph, host, *library)
    flash_items = {} if board is None else flash_items_of(graph.ops, model_bytes, board)
    ram_items = {} if board is None or arena is None else _ram_items(graph, arena, board)
    time = None if board is None else latency.estimate(graph, board)
    return Footprint(
        flash_bytes=sum(flash_items.values()) if flash_items else None,
        model_bytes=model_bytes,
        ram_bytes=sum(ram_items.values()) if ram_items else None,
        arena_bytes=None if arena is None else arena.total_bytes,
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
        energy_uj=None if time is None or board is None else _energy_uj(time.latency_ms, board),
        arena_items={} if arena is None else arena.items(),
        arena_reserve_bytes=None if arena is None else arena.reserve_bytes,
        instructions=_total_instructions(layers),
        latency_unknown=(
            "no board was named" if board is None else latency.why_unknown(graph, board)
        ),
        latency_borrowed=latency.borrowed_ops(graph, board),
    )


def _energy_uj(latency_ms: float, board: Board) -> float | None:
    """Milliseconds times milliwatts."""
    return None if board.active_mw is None else latency_ms * board.active_mw


def _layers(graph: Graph) -> tuple[Layer, ...]:
    live = live_activations(graph)
    return tuple(
        Layer(
            operator.op,
            graph.shape(operator.outputs[0]) if operator.outputs else (),
            macs_of(graph, operator),
            weight_bytes_of(graph, operator),
            _weight_shape(graph, operator),
            n_bytes,
            tuple(graph.tensors[index].shape for index in largest),
        )
        for operator, (n_bytes, largest) in zip(graph.operators, live, strict=True)
    )


def _timed(layers: tuple[Layer, ...], graph: Graph, board: Board | None) -> tuple[Layer, ...]:
    """Adds instructions and shares of time, where the kernels of the board's build were counted."""
    is_counted = board is None or latency.is_counted(board)
    counts = latency.instructions_on(graph, board) if is_counted else (None,) * len(layers)
    shares = latency.time_shares(graph, board)
    return tuple(
        replace(layer, instructions=count, time_share=share)
        for layer, count, share in zip(layers, counts, shares, strict=True)
    )


def _total_instructions(layers: tuple[Layer, ...]) -> int | None:
    counts = [layer.instructions for layer in layers if layer.instructions is not None]
    return round(sum(counts)) if len(counts) == len(layers) else None


def _weight_shape(graph: Graph, operator: Operator) -> tuple[int, ...]:
    constants = [graph.tensors[index] for index in operator.inputs if index >= 0]
    largest = max(constants, key=lambda tensor: tensor.data_bytes, default=None)
    return largest.shape if largest is not None and largest.data_bytes else ()


def _ram_items(graph: Graph, arena: Arena, board: Board) -> dict[str, int]:
    """The features are kept once beside the arena, as int8: micro_speech's `feature_buffer`."""
    features = graph.tensors[graph.inputs[0]].n_bytes
    app = {key.removesuffix("_bytes"): size for key, size in board.app_ram_bytes.items()}
    planner = {"planner at start": arena.planner_bytes} if arena.planner_bytes else {}
    return {"arena": arena.total_bytes} | planner | {"features": features} | app


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            what, remedy = name_folder(path)
            raise ModelFileError(f"{path}: must be a .tflite file, got {what}. {remedy}.")
        if path.exists() and not path.is_file():
            raise ModelFileError(f"{path}: must be a file, got a device.")
        with path.open("rb") as file:
            return file.read(MAX_MODEL_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path}: must be a readable .tflite file: {reason}.") from error


def _split_in_child(path: Path) -> ArenaSplit:
    # -P: a module that lies in the user's folder must not shadow ours.
    command = [sys.executable, "-P", "-m", "sprd.device.tflm", str(path.absolute()), str(path)]
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
            raise ModelFileError(str(report["error"]))
        return ArenaSplit(int(report["head_bytes"]), int(report["tail_bytes"]))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelFileError(
            f"{path}: TensorFlow Lite Micro must report its arena, got {output[-80:]!r}."
        ) from error
