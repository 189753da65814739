"""Estimates the milliseconds of one inference on a board, with an interval and a source.

Cycles = instructions of the kernels x cycles an instruction of the core
       + bytes of weights x what reading one from the board's flash costs
       + operators x what TFLM's interpreter costs, and the kernels that are not emulated.
Instructions come from the cost model (`sprd.device.instructions`) or from an emulated core. The
cycles an instruction were fitted to published measurements of the core (data/cores.toml, made by
`benchmarks/fit_cores.py`, which also states the error), or come from a user's own. Where there are
none the latency is unknown. The front end is not counted here.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sprd.config.board import Board
from sprd.device import esp_nn
from sprd.device.graph import Graph, Operator, weight_bytes_of
from sprd.device.instructions import COSTS, count_instructions

DATA = Path(__file__).parent / "data" / "cores.toml"

KERNELS = "cmsis-nn"
"""The one kernel library of which layers were emulated."""

OPERATOR_CYCLES = 816.0
"""TFLM's interpreter, for each operator: (5,418 - 3,786) / 2 cycles, two layers through TFLM
against direct calls on an nRF52840. Source: bakenn 1.0.0, package description."""
SOFTMAX_CYCLES = 695.0
"""For each class: 2,900 cycles for three, less the interpreter's, on a Cortex-M33. Source: Silicon
Labs MLTK, profile_model tutorial."""
RESHAPE_CYCLES = 3.9
"""For each byte copied: 2,300 cycles for 384 B, less the interpreter's. Same source."""

SPREAD = 1.26
"""The truth is expected between estimate / SPREAD and estimate x SPREAD: beyond the worst error of
a published model that was left out of the fit (data/cores.toml)."""
ASSUMED_ERROR = 0.15
"""Of a calibration that does not say its own, as with one measurement."""
LEAST_SPREAD = 1.1
"""A board that was measured by its user: compilers and placement still differ."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one inference: the estimate, its interval and where it comes from.

    `source` is "model" (cost model of instructions), "emulated" (counted on an emulated core), or
    "board" (calibrated by measurements of this very board).
    """

    latency_ms: float
    low_ms: float
    high_ms: float
    source: str


def estimate(graph: Graph, board: Board) -> Latency | None:
    """Estimates the latency of a model on a board from shapes alone.

    Returns:
        None where it is unknown; `why_unknown` says why.
    """
    if esp_nn.holds_for(board):
        return _with_esp_nn(graph, board)
    counts = count_instructions(graph)
    if not is_counted(board) or None in counts:
        return None
    instructions = sum(count for count in counts if count is not None)
    own = board.cycles_per_instruction is not None
    return latency_of(instructions, graph, board, "board" if own else "model")


def _with_esp_nn(graph: Graph, board: Board) -> Latency | None:
    found = esp_nn.cycles_of(graph, board)
    known = [cycles for cycles in found if cycles is not None]
    if len(known) < len(found):
        return None
    ms = 1000 / board.clock_hz
    return Latency(
        ms * sum(cycles.total for cycles in known),
        ms * sum(cycles.low for cycles in known),
        ms * sum(cycles.high for cycles in known),
        "model",
    )


def borrowed_ops(graph: Graph, board: Board | None) -> tuple[str, ...]:
    """Returns the operators whose time rests on no measurement of their kind on the board.

    What they took on an emulated Cortex-M4 is scaled, and the interval is wider for it. Told of
    builds that were measured operator by operator; others have one factor for all.
    """
    if board is None or not esp_nn.holds_for(board):
        return ()
    found = zip(graph.operators, esp_nn.cycles_of(graph, board), strict=True)
    return tuple(dict.fromkeys(op.op for op, cycles in found if cycles and cycles.borrowed))


def latency_of(instructions: float, graph: Graph, board: Board, source: str) -> Latency | None:
    """Returns the latency of a model whose instructions are known.

    Args:
        instructions: Of the kernels, one inference.
        graph: For what is not in that count: weights in flash, interpreter, softmax.
        board: Where it runs.
        source: Where the count comes from.

    Returns:
        None where the board's cycles an instruction are unknown.
    """
    found = cycles_per_instruction(board)
    if found is None:
        return None
    factor, spread = found
    cycles = factor * instructions + sum(other_cycles(graph, op, board) for op in graph.operators)
    latency_ms = 1000 * cycles / board.clock_hz
    return Latency(latency_ms, latency_ms / spread, latency_ms * spread, source)


def is_counted(board: Board) -> bool:
    """Returns whether there is a cost model of the kernels of the chosen build on this core."""
    return board.dsp and _has_costs(board)


def _has_costs(board: Board) -> bool:
    return board.kernels == KERNELS and board.build.cost in COSTS


def cycles_per_instruction(board: Board) -> tuple[float, float] | None:
    """Returns the board's cycles an instruction and the spread of an estimate made with it.

    Returns:
        None where they are unknown, or of another build than those that were counted.
    """
    if not _has_costs(board):
        return None
    if board.cycles_per_instruction is not None:
        error = board.cycles_per_instruction_error
        error = ASSUMED_ERROR if error is None else error
        return board.cycles_per_instruction, max(LEAST_SPREAD, 1 + 2 * error)
    core = cores().get(board.core)
    return None if core is None else (core, SPREAD)


@cache
def cores() -> Mapping[str, float]:
    """Returns the fitted cycles an instruction of each core that was measured."""
    with DATA.open("rb") as file:
        table = tomllib.load(file)["cores"]
    return {core: float(entry["cycles_per_instruction"]) for core, entry in table.items()}


def unavailable_costs(board: Board) -> dict[str, str]:
    """Returns which numbers are known of no model on a board, and why."""
    reasons = {}
    if not is_counted(board):
        reasons["instructions"] = f"the cost of its kernels on a {board.core} was never measured"
    is_known = esp_nn.holds_for(board) or (is_counted(board) and cycles_per_instruction(board))
    if not is_known:
        reasons["latency_ms"] = f"no figures of these kernels on a {board.core} were published"
    if "latency_ms" in reasons or board.active_mw is None:
        reasons["energy_uj"] = "its power or its latency is unknown"
    return reasons


def why_unknown(graph: Graph, board: Board) -> str | None:
    """Returns in a sentence why a latency cannot be told, or None where it can."""
    if esp_nn.holds_for(board):
        return _unmeasured(graph, esp_nn.cycles_of(graph, board))
    if board.kernels != KERNELS:
        return f"no layer was measured with the kernels {board.kernels}"
    if board.build.cost not in COSTS:
        return f"no layer was measured with the build {board.build.name}"
    if not board.dsp:
        return (
            f"instructions of a {board.core} can be counted ('sprd emulate'), not told from shapes"
        )
    if cycles_per_instruction(board) is None:
        return (
            f"nobody published {KERNELS} figures of these models on a {board.core};"
            " calibrate the board with measurements of your own"
        )
    return _unmeasured(graph, count_instructions(graph))


def _unmeasured(graph: Graph, costs: Sequence[object]) -> str | None:
    found = zip(graph.operators, costs, strict=True)
    unknown = list(dict.fromkeys(operator.op for operator, cost in found if cost is None))
    return f"the cost of {', '.join(unknown)} was never measured" if unknown else None


def time_shares(graph: Graph, board: Board | None) -> tuple[float | None, ...]:
    """Returns each operator's share of the time of one inference, 0 .. 1; None where unknown.

    On a core of which no cycles are known the instructions are shared out.
    """
    if board is not None and esp_nn.holds_for(board):
        found = esp_nn.cycles_of(graph, board)
        known = sum(one.total for one in found if one is not None)
        return tuple(None if None in found or one is None else one.total / known for one in found)
    counts = count_instructions(graph)
    if None in counts or board is None or not is_counted(board):
        return (None,) * len(counts)
    factor = (cycles_per_instruction(board) or (1.5, 0.0))[0]
    cycles = [
        factor * (count or 0.0) + other_cycles(graph, operator, board)
        for operator, count in zip(graph.operators, counts, strict=True)
    ]
    return tuple(part / sum(cycles) for part in cycles)


def other_cycles(graph: Graph, operator: Operator, board: Board, interpreted: bool = True) -> float:
    """Returns the cycles of an operator that no kernel instruction accounts for."""
    n_outputs = sum(graph.tensors[index].n_elements for index in operator.outputs)
    cycles = OPERATOR_CYCLES if interpreted else 0.0
    cycles += board.weight_byte_cycles * weight_bytes_of(graph, operator)
    if operator.op == "SOFTMAX":
        cycles += SOFTMAX_CYCLES * n_outputs
    if operator.op == "RESHAPE":
        cycles += RESHAPE_CYCLES * n_outputs
    return cycles
