"""Estimates the milliseconds of one inference from the operators, with an interval.

A first figure: cycles by operator kind, for CMSIS-NN on Cortex-M4 and M33. Operators or cores
outside the measurements give no figure at all. Does not count the front end.

Source of every rate: a least-squares fit (relative error) to the rows of kernels `cmsis-nn` in
calibration/latency.csv (MLPerf Tiny: NUCLEO-L4R5ZI, EK-RA6M4, NRF5340-DK), the layers of
calibration/layers.csv, and SPRD's model at its emulated 2.511 M instructions times 1.5 cycles.
Left out of the fit in turn, the estimates of the networks are off by -15 .. +25 %, of the single
layers by -24 .. +10 %, of SPRD's model by +64 % (its ten-by-eight filter is like nothing else).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from sprd.device.board import Board
from sprd.device.graph import Graph, Operator, macs_of

SOURCE = "model"
CORES = ("cortex-m4", "cortex-m33")
KERNELS = ("cmsis-nn",)

CONV_CYCLES_PER_MAC = 2.97
OUTPUT_CYCLES = 55.0
"""Requantization, clipping and the loop around one output of a convolution."""
TAP_CYCLES = 62.0
"""im2col, for each filter tap at each position: why a one-channel convolution is so slow."""
DEPTHWISE_CYCLES_PER_MAC = 3.5
DEPTHWISE_OUTPUT_CYCLES = 20.0
"""The fit gives 52 cycles for an output of a 3x3 filter, the only size measured; their division
between the nine multiplications and the output is assumed."""
WEIGHT_CYCLES = 3.87
"""Of a fully connected layer, for each weight: bound by reading them from flash."""
ELEMENT_CYCLES = 13.7
"""ADD and pooling, for each element read. Source: average pooling in calibration/layers.csv."""
COPY_CYCLES = 3.4
"""RESHAPE and PAD, for each byte: 2,300 cycles for 384 B less the overhead. Same source."""
SOFTMAX_CYCLES = 1000.0
"""For each class: 2,900 cycles for three. Same source."""
OPERATOR_CYCLES = 1000.0
"""TFLM's interpreter, for each operator: 816 cycles (bakenn on nRF52840-DK, same file)."""

LOW_FACTOR = 0.55
HIGH_FACTOR = 1.7
"""The interval around the estimate: wider than every error above (truth over estimate lies in
0.61 .. 1.32), with room for another board's flash (wait states, cache) and another compiler."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one inference: the estimate, its interval and where it comes from."""

    latency_ms: float
    low_ms: float
    high_ms: float
    source: str


def estimate(graph: Graph, board: Board) -> Latency | None:
    """Estimates the latency of a model on a board.

    Returns:
        None where the core, the kernels or an operator lie outside what was measured.
    """
    if board.core not in CORES or board.kernels not in KERNELS:
        return None
    if any(operator.op not in _CYCLES for operator in graph.operators):
        return None
    cycles = sum(_CYCLES[op.op](graph, op) + OPERATOR_CYCLES for op in graph.operators)
    latency_ms = 1000 * cycles / board.clock_hz
    return Latency(latency_ms, LOW_FACTOR * latency_ms, HIGH_FACTOR * latency_ms, SOURCE)


def _convolution(graph: Graph, operator: Operator) -> float:
    _, height, width, _ = graph.shape(operator.inputs[1], rank=4)
    n_outputs = _n_elements(graph, operator.outputs)
    n_filters = graph.shape(operator.outputs[0], rank=4)[3]
    n_taps = n_outputs // max(n_filters, 1) * height * width
    # A 1x1 convolution multiplies in place, without im2col.
    taps = 0 if height * width == 1 else TAP_CYCLES * n_taps
    return CONV_CYCLES_PER_MAC * macs_of(graph, operator) + OUTPUT_CYCLES * n_outputs + taps


def _depthwise(graph: Graph, operator: Operator) -> float:
    n_outputs = _n_elements(graph, operator.outputs)
    macs = macs_of(graph, operator)
    return DEPTHWISE_CYCLES_PER_MAC * macs + DEPTHWISE_OUTPUT_CYCLES * n_outputs


def _fully_connected(graph: Graph, operator: Operator) -> float:
    return WEIGHT_CYCLES * macs_of(graph, operator)


def _elementwise(graph: Graph, operator: Operator) -> float:
    return ELEMENT_CYCLES * _n_elements(graph, operator.inputs[:1])


def _copy(graph: Graph, operator: Operator) -> float:
    return COPY_CYCLES * _n_elements(graph, operator.outputs)


def _softmax(graph: Graph, operator: Operator) -> float:
    return SOFTMAX_CYCLES * _n_elements(graph, operator.outputs)


def _n_elements(graph: Graph, indices: tuple[int, ...]) -> int:
    return sum(prod(graph.shape(index)) for index in indices)


_CYCLES: Mapping[str, Callable[[Graph, Operator], float]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _elementwise,
    "AVERAGE_POOL_2D": _elementwise,
    # Not measured: the loop of average pooling with a comparison in place of the sum.
    "MAX_POOL_2D": _elementwise,
    "RESHAPE": _copy,
    # Not measured: a copy of rows, as RESHAPE is.
    "PAD": _copy,
    "SOFTMAX": _softmax,
}
