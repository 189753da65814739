"""Estimates the cycles of one inference with ESP-NN's C kernels on an ESP32 from shapes alone.

Cycles = instructions of the kernels x cycles an instruction of the operator
       + lines of weights, biases and code that come from the flash x what the board waits for one
       + operators x what TFLM's interpreter costs.
The kernels (`esp_nn_*_opt` and `_ansi`, ESP-NN 1.2.6) ran on an emulated Cortex-M4; what one round
of each loop costs there was fitted. An Xtensa LX6 has no load of a signed byte, no instruction
that multiplies and adds general registers and no sum of 64 bits: what it takes more follows from
the shapes too. The rest, one factor an operator, was fitted to measurements of the board
(`benchmarks/fit_esp_nn.py`, data/esp_nn.toml). An operator without a measurement borrows the
others' factor, and says so.

Code and weights share a cache of 32 KB with two ways (ESP32 technical reference manual, chapter on
system and memory). What an operator reads is fetched once an inference; a convolution whose weights
do not fit fetches them again for each pixel. Knows no other build of a board.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, prod
from pathlib import Path

from sprd.config.board import Board
from sprd.device.graph import Graph, Operator, weight_bytes_of
from sprd.device.instructions import Window, Work, operator_instructions

DATA = Path(__file__).parent / "data" / "esp_nn.toml"
COST = "esp-idf"
"""The name under which a build has these costs (`Build.cost`)."""

EXTRA_INSTRUCTIONS: Mapping[str, Mapping[str, float]] = {
    "convolve": {"product": 2.1, "single_tap": 6.0, "requantize": 35.0},
    "convolve_1x1": {"product": 2.2, "requantize": 35.0},
    "depthwise": {"product": 3.3, "requantize": 35.0},
    "depthwise_multiplied": {"product": 3.3, "requantize": 35.0},
    "fully_connected": {"product": 3.0, "requantize": 35.0},
    "average_pool": {},
    "max_pool": {},
    "add": {"byte": 1.0, "requantize": 35.0},
    "softmax": {},
    "reshape": {"byte": 1.0},
}
"""What an LX6 takes more than a Cortex-M4, by kernel, beside the loops that were fitted. Read off
the assembly that gcc 12.2 (Debian's gcc-xtensa-lx106) writes for an LX106, with the LX6's SEXT for
two shifts, its MULSH for a call, its zero-overhead loop for the branch of the innermost one: a
signed byte is loaded and then extended, a product and its sum are two instructions, fewer addresses
stay in registers, and 64-bit sums are made of halves."""

RESTS_ON = "ESP32 rows of the build esp-idf, two models, each kind of operator its own"
MEASURED_BOARD = "esp32"
"""Others of this core borrow its factors; what their flash costs is their own."""
CORE = "xtensa-lx6"
KERNELS = "esp-nn"
CACHE_BYTES = 32 * 1024
CACHE_WAYS = 2
LOOP_CODE_BYTES = 608
"""Code that runs for every pixel and shares the cache with the weights: that of the 1x1 convolution
on a Cortex-M4, taken to be as large here."""
MISSING_SHARE = 5 / 6
"""Of the lines of a crowded set, read round and round, those that miss. Nobody published which line
makes room for a new one: all would miss if it is the least recently used, 2/3 if it is any."""

FITTED_SPREAD = 1.2
"""The truth of an operator that was measured is expected between estimate / spread and estimate x
spread: beyond the worst error of a kind of operator that was left out (data/esp_nn.toml)."""
BORROWED_SPREAD = 1.5
"""Of an operator without a measurement, and of weights that are fetched again."""

_SAME = 0


@dataclass(frozen=True)
class Coefficients:
    """What `benchmarks/fit_esp_nn.py` fitted.

    `kernels` holds the instructions of one round of each loop on a Cortex-M4. By operator, with
    "other" for the rest: `factors` holds the cycles an instruction on the board, `code_lines` the
    cache lines of the kernel's code. `operator_cycles` is what TFLM's interpreter takes for each.
    """

    kernels: Mapping[str, Mapping[str, float]]
    factors: Mapping[str, float]
    code_lines: Mapping[str, float]
    operator_cycles: float


@cache
def coefficients() -> Coefficients:
    """Returns the fit."""
    with DATA.open("rb") as file:
        table = tomllib.load(file)
    board = table["esp32"]
    return Coefficients(
        table["kernels"], board["factors"], board["code_lines"], board["operator_cycles"]
    )


@dataclass(frozen=True)
class Cycles:
    """Cycles of one operator: TFLM's interpreter, the kernel, lines fetched once, and again.

    `borrowed` says that no measurement of this kind of operator stands behind them.
    """

    interpreting: float
    computing: float
    fetching: float
    again: float
    borrowed: bool

    @property
    def total(self) -> float:
        """All of them."""
        return self._once + self.again

    @property
    def low(self) -> float:
        """The fewest that are expected."""
        return self._once / self._spread + self.again / BORROWED_SPREAD

    @property
    def high(self) -> float:
        """The most that are expected."""
        return self._once * self._spread + self.again * BORROWED_SPREAD

    @property
    def _once(self) -> float:
        return self.interpreting + self.computing + self.fetching

    @property
    def _spread(self) -> float:
        return BORROWED_SPREAD if self.borrowed else FITTED_SPREAD


def holds_for(board: Board) -> bool:
    """Returns whether the costs are those of the board's chosen build."""
    return board.build.cost == COST and board.core == CORE and board.kernels == KERNELS


def cycles_of(
    graph: Graph, board: Board, fit: Coefficients | None = None
) -> tuple[Cycles | None, ...]:
    """Returns the cycles of each operator; None for one whose cost is not known.

    Args:
        graph: The model.
        board: Its flash is what weights and code come from.
        fit: None for the one that is shipped.
    """
    fit = coefficients() if fit is None else fit
    return tuple(_operator_cycles(graph, operator, board, fit) for operator in graph.operators)


def _operator_cycles(
    graph: Graph, operator: Operator, board: Board, fit: Coefficients
) -> Cycles | None:
    instructions = instructions_of(graph, operator, fit)
    if instructions is None:
        return None
    factor = fit.factors.get(operator.op)
    lines = fit.code_lines.get(operator.op, fit.code_lines["other"])
    lines += lines_once(graph, operator, board)
    return Cycles(
        interpreting=fit.operator_cycles,
        computing=(fit.factors["other"] if factor is None else factor) * instructions,
        fetching=board.wait_states * lines,
        again=board.wait_states * lines_again(graph, operator, board),
        borrowed=factor is None,
    )


def instructions_of(graph: Graph, operator: Operator, fit: Coefficients) -> float | None:
    """Returns about how many instructions of an LX6 an operator takes; None if it is not known."""
    if operator.op == "PAD":
        return operator_instructions(graph, operator)  # not of ESP-NN: portable C, as counted there
    work = work_of(graph, operator)
    return None if work is None else work_instructions(work, fit.kernels)


def work_instructions(work: Work, kernels: Mapping[str, Mapping[str, float]]) -> float:
    """Returns the same of one kernel, whose loops cost as much on a Cortex-M4 as `kernels` says."""
    costs = {**EXTRA_INSTRUCTIONS[work.kernel], **kernels.get(work.kernel, {})}
    return sum(rounds * costs[loop] for loop, rounds in work.loops.items())


def lines_once(graph: Graph, operator: Operator, board: Board) -> int:
    """Returns the cache lines that an operator's constants lie in."""
    return ceil(weight_bytes_of(graph, operator) / board.line_bytes)


def lines_again(graph: Graph, operator: Operator, board: Board) -> float:
    """Returns the lines that a convolution fetches again, as the cache cannot keep its weights.

    They are read from first to last for each pixel. Where a set of the cache has more of them than
    ways, the one that comes next has most often just made room for another.
    """
    if operator.op != "CONV_2D":
        return 0.0  # a depthwise filter is small, a fully connected layer reads its weights once
    weights = weight_bytes_of(graph, operator)
    over = max(0, weights + LOOP_CODE_BYTES - CACHE_BYTES)
    missing = MISSING_SHARE * min(weights, (CACHE_WAYS + 1) * over)
    _, height, width, _ = graph.shape(operator.outputs[0], rank=4)
    return (height * width - 1) * missing / board.line_bytes


def work_of(graph: Graph, operator: Operator) -> Work | None:
    """Returns the kernel that an operator runs and how often its loops go round.

    Beside the loops that were fitted there are those that an LX6 takes more for: "product", "byte",
    "single_tap", "requantize". None where ESP-NN has no kernel or its cost is not known.
    """
    rule = _WORK.get(operator.op)
    return None if rule is None else rule(graph, operator)


def window_of(graph: Graph, operator: Operator) -> Window | None:
    """Returns how the filter of a convolution or a pool slides; None where it is dilated."""
    options = operator.options
    if not options or max(options.get("dilation_h", 1), options.get("dilation_w", 1)) > 1:
        return None
    _, height, width, depth = graph.shape(operator.inputs[0], rank=4)
    _, out_height, out_width, out_depth = graph.shape(operator.outputs[0], rank=4)
    if operator.op.endswith("POOL_2D"):
        size = options["filter_h"], options["filter_w"]
    else:
        _, *rest, _ = graph.shape(operator.inputs[1], rank=4)
        size = rest[0], rest[1]
    stride = options["stride_h"], options["stride_w"]
    before = (0, 0)
    if options["padding"] == _SAME:
        before = (
            max((out_height - 1) * stride[0] + size[0] - height, 0) // 2,
            max((out_width - 1) * stride[1] + size[1] - width, 0) // 2,
        )
    outputs = out_height, out_width, out_depth
    return Window((height, width, depth), outputs, size, stride, before)


def _convolution(graph: Graph, operator: Operator) -> Work | None:
    window = window_of(graph, operator)
    if window is None or window.inputs[2] != graph.shape(operator.inputs[1], rank=4)[3]:
        return None  # groups run another kernel
    filters, depth = window.outputs[2], window.inputs[2]
    outputs, taps = window.pixels * filters, window.taps_inside * filters
    loops = {"call": 1, "pixel": window.pixels, "output": outputs}
    if window.filter == (1, 1):
        kernel, taps = "convolve_1x1", outputs
    else:
        kernel = "convolve"
        loops |= {"row": window.rows_inside * filters, "tap": taps}
    loops |= {"tap_quad": taps * (depth // 4), "tap_rest": taps * (depth % 4)}
    more = {"product": taps * depth, "requantize": outputs}
    return Work(kernel, loops | more | ({} if kernel == "convolve_1x1" else {"single_tap": taps}))


def _depthwise(graph: Graph, operator: Operator) -> Work | None:
    window = window_of(graph, operator)
    if window is None:
        return None
    depth, channels = window.inputs[2], window.outputs[2]
    multiplier = channels // depth
    # Four channels at once; with a multiplier, four outputs of one channel.
    groups, single = (depth, 1) if multiplier == 1 else (multiplier, depth)
    quads, rest = single * (groups // 4), single * (groups % 4)
    loops = {
        "call": 1,
        "pixel": window.pixels,
        "quad": window.pixels * quads,
        "quad_row": window.rows_inside * quads,
        "quad_tap": window.taps_inside * quads,
        "rest": window.pixels * rest,
        "rest_row": window.rows_inside * rest,
        "rest_tap": window.taps_inside * rest,
        "product": window.taps_inside * channels,
        "requantize": window.pixels * channels,
    }
    return Work("depthwise" if multiplier == 1 else "depthwise_multiplied", loops)


def _fully_connected(graph: Graph, operator: Operator) -> Work:
    n_outputs, depth = graph.shape(operator.inputs[1], rank=2)
    total = graph.tensors[operator.outputs[0]].n_elements
    loops = {"call": total // max(n_outputs, 1), "output": total, "multiply": total * depth}
    return Work("fully_connected", loops | {"product": total * depth, "requantize": total})


def _pool(graph: Graph, operator: Operator) -> Work | None:
    window = window_of(graph, operator)
    if window is None:
        return None
    depth = window.inputs[2]
    loops = {
        "call": 1,
        "pixel": window.pixels,
        "output": window.pixels * depth,
        "row": window.rows_inside * depth,
        "value": window.taps_inside * depth,
    }
    return Work("average_pool" if operator.op == "AVERAGE_POOL_2D" else "max_pool", loops)


def _add(graph: Graph, operator: Operator) -> Work | None:
    shapes = {graph.shape(index) for index in operator.inputs[:2]}
    if len(shapes) > 1:
        return None  # broadcast: no kernel of ESP-NN
    n = prod(shapes.pop())
    return Work("add", {"call": 1, "value": n, "byte": 2 * n, "requantize": 3 * n})


def _softmax(graph: Graph, operator: Operator) -> Work:
    n = graph.tensors[operator.outputs[0]].n_elements
    return Work("softmax", {"call": 1, "class": n})


def _reshape(graph: Graph, operator: Operator) -> Work:
    """A copy: one instruction a byte is assumed, a small part of what TFLM takes around it."""
    return Work("reshape", {"byte": graph.tensors[operator.outputs[0]].n_elements})


_WORK: Mapping[str, Callable[[Graph, Operator], Work | None]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _add,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "SOFTMAX": _softmax,
    "RESHAPE": _reshape,
}
