"""Estimates the milliseconds of one inference on a board, with an interval and a source.

Cycles = instructions of the kernels x cycles an instruction of the core
       + bytes of weights x what reading one from the board's flash costs
       + operators x what TFLM's interpreter costs, and the kernels that are not emulated.
Instructions come from the cost model (`sprd.device.instructions`) or from an emulated core, both of
the chosen build; where its costs tell that some loops take longer than others, an instruction of
theirs counts as more than one. The cycles an instruction were fitted to published measurements of
the core (`sprd.device.costs`), or come from a user's own. Where there are none the latency is
unknown. The front end is not counted here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from sprd.config.board import Board
from sprd.device import esp_nn
from sprd.device.costs import Core, Costs, costs, names
from sprd.device.graph import Graph, Operator, weight_bytes_of
from sprd.device.instructions import count_instructions

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

WORD_BYTES = 4
ASSUMED_ERROR = 0.15
"""Of a calibration that does not say its own, as with one measurement."""
LEAST_SPREAD = 1.1
"""A board that was measured by its user: compilers and placement still differ."""
BORROWED = "borrowed: "


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
    weighted = weighted_instructions(graph, board)
    if weighted is None:
        return None
    own = board.cycles_per_instruction is not None
    return _latency(weighted, graph, board, "board" if own else "model")


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
    """Returns the latency of a model whose instructions were counted by emulation.

    Args:
        instructions: Of the kernels, one inference.
        graph: For what is not in that count: which instructions take longer, kernels that the
            emulation does not run, weights in flash, interpreter, softmax.
        board: Where it runs.
        source: Where the count comes from.

    Returns:
        None where the board's cycles an instruction are unknown.
    """
    weighted = weighted_instructions(graph, board)
    known = build_costs(board)
    if weighted is not None and known is not None and known.as_tflm:
        told = sum(count or 0.0 for count in count_instructions(graph, known.emulated))
        instructions *= weighted / told if told else 1.0
    return _latency(instructions, graph, board, source)


def _latency(weighted: float, graph: Graph, board: Board, source: str) -> Latency | None:
    found = cycles_per_instruction(board)
    if found is None:
        return None
    factor, spread = found
    cycles = factor * weighted + sum(other_cycles(graph, op, board) for op in graph.operators)
    latency_ms = 1000 * cycles / board.clock_hz
    return Latency(latency_ms, latency_ms / spread, latency_ms * spread, source)


def weighted_instructions(graph: Graph, board: Board) -> float | None:
    """Returns a model's instructions, each counted as more or less than one by its cycles.

    Returns:
        None where they are not told from shapes.
    """
    if not is_counted(board):
        return None
    counts = _weighted(graph, board)
    return None if None in counts else sum(count for count in counts if count is not None)


def instructions_on(graph: Graph, board: Board | None) -> tuple[float | None, ...]:
    """Returns the instructions of each operator in a board's build; without a board, at -O2."""
    known = None if board is None else build_costs(board)
    if known is None:
        return count_instructions(graph)
    return count_instructions(graph, known.instructions, known.as_tflm)


def _weighted(graph: Graph, board: Board) -> tuple[float | None, ...]:
    """Returns the weighted instructions of each operator, on a board that is counted."""
    known = costs(board.build.cost)
    core = known.cores.get(board.core)
    table = known.weighted if core is None else core.weighted
    return count_instructions(graph, table, known.as_tflm)


def build_costs(board: Board) -> Costs | None:
    """Returns the costs of the chosen build's kernels; None where they were never counted."""
    known = board.kernels == KERNELS and board.build.cost in names()
    return costs(board.build.cost) if known else None


def is_counted(board: Board) -> bool:
    """Returns whether there is a cost model of the kernels of the chosen build on this core."""
    return board.dsp and build_costs(board) is not None


def cycles_per_instruction(board: Board) -> tuple[float, float] | None:
    """Returns the board's cycles an instruction and the spread of an estimate made with it.

    Returns:
        None where they are unknown, or of another build than those that were counted.
    """
    known = build_costs(board)
    if known is None:
        return None
    if board.cycles_per_instruction is not None:
        error = board.cycles_per_instruction_error
        error = ASSUMED_ERROR if error is None else error
        return board.cycles_per_instruction, max(LEAST_SPREAD, 1 + 2 * error)
    core = known.cores.get(board.core)
    if core is None:
        return None
    return core.cycles_per_instruction, core.spread if _has_rows(board, core) else (
        core.spread_elsewhere
    )


def _has_rows(board: Board, core: Core) -> bool:
    return bool({board.name, board.published_name} & set(core.boards))


def latency_basis(board: Board) -> str | None:
    """Returns in words whose milliseconds an estimate rests on; None where there is none.

    Begins with `BORROWED` where they are another board's or build's.
    """
    if esp_nn.holds_for(board):
        has_rows = board.name == esp_nn.MEASURED_BOARD
        return esp_nn.RESTS_ON if has_rows else f"{BORROWED}{esp_nn.RESTS_ON}"
    known = build_costs(board)
    if known is None or cycles_per_instruction(board) is None:
        return None
    if board.cycles_per_instruction is not None:
        return "measurements of this board"
    core = known.cores[board.core]
    return core.rests_on if _has_rows(board, core) else f"{BORROWED}{core.rests_on}"


def unavailable_costs(board: Board) -> dict[str, str]:
    """Returns which numbers are known of no model on a board, and why."""
    reasons = {}
    without = _without_tables(board)
    if not is_counted(board):
        never = f"the cost of its kernels on a {board.core} was never measured"
        reasons["instructions"] = without or never
    is_known = esp_nn.holds_for(board) or (is_counted(board) and cycles_per_instruction(board))
    if not is_known:
        never = f"no figures of these kernels on a {board.core} were published"
        reasons["latency_ms"] = without or never
    if "latency_ms" in reasons or board.active_mw is None:
        reasons["energy_uj"] = "its power or its latency is unknown"
    return reasons


def why_unknown(graph: Graph, board: Board) -> str | None:
    """Returns in a sentence why a latency cannot be told, or None where it can."""
    if esp_nn.holds_for(board):
        return _unmeasured(graph, esp_nn.cycles_of(graph, board))
    if board.kernels != KERNELS:
        return f"no layer was measured with the kernels {board.kernels}"
    if without := _without_tables(board):
        return without
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


def _without_tables(board: Board) -> str | None:
    """Returns in a sentence why a build of kernels that were counted has no costs, else None."""
    if board.kernels != KERNELS or build_costs(board) is not None:
        return None
    told = f"no layer was measured with the build {board.build.name}"
    cost = board.build.cost
    return f"{told}: no tables are called {cost!r}, but {', '.join(names())}" if cost else told


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
    if board is None or not is_counted(board):
        return (None,) * len(graph.operators)
    counts = _weighted(graph, board)
    if None in counts:
        return (None,) * len(counts)
    factor = (cycles_per_instruction(board) or (1.5, 0.0))[0]
    cycles = [
        factor * (count or 0.0) + other_cycles(graph, operator, board)
        for operator, count in zip(graph.operators, counts, strict=True)
    ]
    return tuple(part / sum(cycles) for part in cycles)


def other_cycles(graph: Graph, operator: Operator, board: Board, interpreted: bool = True) -> float:
    """Returns the cycles of an operator that no kernel instruction accounts for."""
    n_bytes = weight_bytes_of(graph, operator) * _n_readings(graph, operator, board)
    return _overhead(graph, operator, interpreted, board.weight_byte_cycles * n_bytes)


def _overhead(
    graph: Graph, operator: Operator, interpreted: bool = True, weights: float = 0.0
) -> float:
    """Returns the cycles of TFLM's interpreter and of what is not emulated, and `weights`."""
    n_outputs = sum(graph.tensors[index].n_elements for index in operator.outputs)
    cycles = OPERATOR_CYCLES if interpreted else 0.0
    cycles += weights
    if operator.op == "SOFTMAX":
        cycles += SOFTMAX_CYCLES * n_outputs
    if operator.op == "RESHAPE":
        cycles += RESHAPE_CYCLES * n_outputs
    return cycles


def interpreter_instructions(graph: Graph) -> float:
    """Returns the instructions that TFLM takes beside the kernels: interpreter, softmax, reshape.

    Their cycles at those of a Cortex-M4 for an instruction of the kernels at -O2.
    """
    per_instruction = costs().cores["cortex-m4"].cycles_per_instruction
    return sum(_overhead(graph, operator) for operator in graph.operators) / per_instruction


def _n_readings(graph: Graph, operator: Operator, board: Board) -> int:
    """Returns how often a kernel reads its weights from flash, past any cache.

    CMSIS-NN multiplies two pixels at a time with all weights, a depthwise convolution one. A board
    whose flash is read a word at a time holds no line of it. Others read each line once; what the
    rest costs is in the core's fitted cycles, as it is where a build does not tell it apart.
    """
    known = build_costs(board)
    if known is None or not known.as_tflm or board.line_bytes != WORD_BYTES:
        return 1
    n_pixels = prod(graph.tensors[operator.outputs[0]].shape[:-1])
    if operator.op == "CONV_2D":
        return -(-n_pixels // 2)
    return n_pixels if operator.op == "DEPTHWISE_CONV_2D" else 1
