"""Counts the instructions of one inference from shapes alone: a cost model of CMSIS-NN's kernels.

Each kernel's cost is a sum over the loops that it runs: outputs, filter taps, four channels at a
time, remainders. How often each loop runs follows from the shapes; what one round costs was fitted
to layers that ran on an emulated Cortex-M4 (`benchmarks/fit_instructions.py`, which also states
the error). Cores with the DSP extension (Cortex-M4, M7, M33) run the same code. Knows no board;
which table holds for a build is `sprd.device.costs`'s to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from sprd.device.costs import Table, costs
from sprd.device.graph import Graph, Operator

_SAME = 0
"""`Padding` of the TensorFlow Lite schema: SAME is 0, VALID 1."""

Loops = Mapping[str, float]
"""How often each part of a kernel runs."""


@dataclass(frozen=True)
class Work:
    """What one kernel does. An operator may run two: a padding, then a convolution."""

    kernel: str
    loops: Loops


def count_instructions(
    graph: Graph, table: Table | None = None, pads_inside: bool = False
) -> tuple[float | None, ...]:
    """Returns the instructions of each operator; None for an operator that was never measured.

    RESHAPE and SOFTMAX count 0: the emulation runs neither (`sprd.device.latency` adds their
    cycles). A model's count is to be held against `sprd.device.emulation`.

    Args:
        graph: The model.
        table: What a round of each loop takes; None: instructions at -O2.
        pads_inside: As `work_of`.
    """
    return tuple(
        operator_instructions(graph, operator, table, pads_inside) for operator in graph.operators
    )


def operator_instructions(
    graph: Graph, operator: Operator, table: Table | None = None, pads_inside: bool = False
) -> float | None:
    """Returns the instructions of one operator, or None where nothing comparable was measured."""
    works = work_of(graph, operator, pads_inside)
    return None if works is None else cost_of(works, table or costs().instructions)


def cost_of(works: tuple[Work, ...], table: Table) -> float:
    """Returns what the kernels of an operator take together."""
    return sum(
        rounds * table[work.kernel][loop] for work in works for loop, rounds in work.loops.items()
    )


def work_of(graph: Graph, operator: Operator, pads_inside: bool = False) -> tuple[Work, ...] | None:
    """Returns the kernels that an operator runs and how often their loops go round.

    Args:
        graph: The model.
        operator: One of its operators.
        pads_inside: Whether a convolution pads unevenly by itself, as TFLM's do; the emulation has
            a PAD run before.

    Returns:
        None for an operator that was never measured.
    """
    if operator.op in _CONVOLUTIONS:
        return _CONVOLUTIONS[operator.op](graph, operator, pads_inside)
    rule = _WORK.get(operator.op)
    return None if rule is None else rule(graph, operator)


@dataclass(frozen=True)
class Window:
    """A filter that slides over an image; `padding` is that before the first row and column."""

    inputs: tuple[int, int, int]
    outputs: tuple[int, int, int]
    filter: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    is_even: bool = True
    """Whether as much is padded before as after; what is not runs portable C in the emulation."""

    @property
    def pixels(self) -> int:
        return self.outputs[0] * self.outputs[1]

    @property
    def taps_inside(self) -> int:
        """Filter positions that lie on the image, all outputs together."""
        return prod(self._inside(axis) for axis in (0, 1))

    @property
    def taps_outside(self) -> int:
        return self.pixels * prod(self.filter) - self.taps_inside

    @property
    def rows_inside(self) -> int:
        """Filter rows that lie on the image, all outputs together."""
        return self._inside(0) * self.outputs[1]

    def _inside(self, axis: int) -> int:
        starts = (i * self.stride[axis] - self.padding[axis] for i in range(self.outputs[axis]))
        size, length = self.filter[axis], self.inputs[axis]
        return sum(max(0, min(start + size, length) - max(start, 0)) for start in starts)


def _window(
    graph: Graph, operator: Operator, pads_inside: bool = False
) -> tuple[tuple[Work, ...], Window] | None:
    """Returns the padding that runs before, if any, and the sliding window."""
    options = operator.options
    if max(options.get("dilation_h", 1), options.get("dilation_w", 1)) > 1 or not options:
        return None
    _, height, width, depth = graph.shape(operator.inputs[0], rank=4)
    _, out_height, out_width, out_depth = graph.shape(operator.outputs[0], rank=4)
    size = _filter_of(graph, operator)
    stride = options["stride_h"], options["stride_w"]
    total = (0, 0)
    if options["padding"] == _SAME:
        total = (
            max((out_height - 1) * stride[0] + size[0] - height, 0),
            max((out_width - 1) * stride[1] + size[1] - width, 0),
        )
    before: tuple[Work, ...] = ()
    is_pool = operator.op.endswith("POOL_2D")
    if not is_pool and not pads_inside and (total[0] % 2 or total[1] % 2):
        # bakenn calls CMSIS-NN with both sides padded alike; what is uneven is padded before.
        pad = _pad_work((height, width, depth), (height + total[0], width + total[1]))
        height, width = height + total[0], width + total[1]
        before, total = (pad,), (0, 0)
    return before, Window(
        (height, width, depth),
        (out_height, out_width, out_depth),
        size,
        stride,
        (total[0] // 2, total[1] // 2),
        total[0] % 2 == 0 and total[1] % 2 == 0,
    )


def _filter_of(graph: Graph, operator: Operator) -> tuple[int, int]:
    if operator.op.endswith("POOL_2D"):
        return operator.options["filter_h"], operator.options["filter_w"]
    _, height, width, _ = graph.shape(operator.inputs[1], rank=4)
    return height, width


def _convolution(graph: Graph, operator: Operator, pads_inside: bool) -> tuple[Work, ...] | None:
    found = _window(graph, operator, pads_inside)
    if found is None or found[1].inputs[2] != graph.shape(operator.inputs[1], rank=4)[3]:
        return None  # grouped convolutions were not measured
    before, window = found
    if window.filter == (1, 1) and window.padding == (0, 0):
        return *before, _pointwise(window)
    pixels, filters, depth = window.pixels, window.outputs[2], window.inputs[2]
    length = prod(window.filter) * depth
    # arm_convolve_s8: widens two columns to int16, then two filters times two columns at once.
    loops = {
        "call": 1,
        "pixel": pixels,
        "tap": window.taps_inside,
        "tap_quad": window.taps_inside * (depth // 4),
        "tap_rest": window.taps_inside * (depth % 4),
        "tap_outside": window.taps_outside,
        "tap_outside_value": window.taps_outside * depth,
        "pair": (pixels // 2) * filters,
        "pair_quad": (pixels // 2) * (filters // 2) * 2 * (length // 4),
        "pair_rest": (pixels // 2) * (filters // 2) * 2 * (length % 4),
        "odd_filter_quad": (pixels // 2) * (filters % 2) * (length // 4),
        "last_pixel": (pixels % 2) * filters,
        "last_pixel_quad": (pixels % 2) * filters * (length // 4),
    }
    return *before, Work("convolve", loops)


def _pointwise(window: Window) -> Work:
    """arm_nn_mat_mult_nt_t_s8: two filters and two pixels at once, 16 channels a round."""
    pixels, filters, depth = window.pixels, window.outputs[2], window.inputs[2]
    strided = window.stride != (1, 1)
    calls = window.outputs[0] if strided else 1
    across = window.outputs[1] if strided else pixels
    pairs, odd = (filters // 2) * (across // 2) * calls, (filters // 2) * (across % 2) * calls
    loops = {
        "call": calls,
        "filter_pair": (filters // 2) * calls,
        "filter_pair_value": (filters // 2) * calls * depth,
        "pair": pairs,
        "pair_16": pairs * (depth // 16),
        "pair_quad": pairs * (depth % 16 // 4),
        "pair_rest": pairs * (depth % 4),
        "odd_pixel": odd,
        "odd_pixel_16": odd * (depth // 16),
        "odd_pixel_quad": odd * (depth % 16 // 4),
        "odd_pixel_rest": odd * (depth % 4),
        "odd_filter": (filters % 2) * across * calls,
        "odd_filter_value": (filters % 2) * across * calls * depth,
    }
    return Work("convolve_1x1_strided" if strided else "convolve_1x1", loops)


def _depthwise(graph: Graph, operator: Operator, pads_inside: bool) -> tuple[Work, ...] | None:
    found = _window(graph, operator, pads_inside)
    if found is None:
        return None
    before, window = found
    pixels, depth = window.pixels, window.inputs[2]
    n_taps = prod(window.filter)
    if window.outputs[2] != depth:
        return *before, _multiplied(window)
    if window.filter == (3, 3) and max(window.padding) <= 1:
        return *before, Work(
            "depthwise_3x3",
            {
                "call": 1,
                "pixel": pixels,
                "quad": pixels * (depth // 4),
                "quad_row": window.rows_inside * (depth // 4),
                "quad_tap": window.taps_inside * (depth // 4),
                "rest": pixels * (depth % 4),
                "rest_row": window.rows_inside * (depth % 4),
                "rest_tap": window.taps_inside * (depth % 4),
            },
        )
    # arm_depthwise_conv_s8_opt: widens a column to int16, then four channels and two taps at once.
    return *before, Work(
        "depthwise",
        {
            "call": 1,
            "pixel": pixels,
            "tap": window.taps_inside,
            "tap_quad": window.taps_inside * (depth // 4),
            "tap_rest": window.taps_inside * (depth % 4),
            "tap_outside_value": window.taps_outside * depth,
            "quad": pixels * (depth // 4),
            "quad_two_taps": pixels * (depth // 4) * (n_taps // 2),
            "quad_odd_tap": pixels * (depth // 4) * (n_taps % 2),
            "rest": pixels * (depth % 4),
            "rest_tap": pixels * (depth % 4) * n_taps,
        },
    )


def _multiplied(window: Window) -> Work:
    """arm_depthwise_conv_s8: four outputs of a channel at once where there are fours, else one."""
    pixels, channels = window.pixels, window.outputs[2]
    is_by_four = (channels // window.inputs[2]) % 4 == 0
    if is_by_four:
        channels //= 4
    loops = {
        "call": 1,
        "pixel": pixels,
        "input_channel": pixels * window.inputs[2],
        "output": pixels * channels,
        "row": window.rows_inside * channels,
        "tap": window.taps_inside * channels,
    }
    return Work("depthwise_by_four" if is_by_four else "depthwise_multiplied", loops)


def _fully_connected(graph: Graph, operator: Operator) -> tuple[Work, ...]:
    n_outputs, depth = graph.shape(operator.inputs[1], rank=2)
    rows = graph.tensors[operator.outputs[0]].n_elements // max(n_outputs, 1)
    # arm_nn_vec_mat_mult_t_s8: two outputs and 16 values a round, then four, then one.
    pairs, odd = rows * (n_outputs // 2), rows * (n_outputs % 2)
    loops = {
        "call": rows,
        "pair": pairs,
        "pair_quad": pairs * (depth // 4),
        "pair_rest": pairs * (depth % 4),
        "odd": odd,
        "odd_quad": odd * (depth // 4),
        "odd_rest": odd * (depth % 4),
    }
    return (Work("fully_connected", loops),)


def _add(graph: Graph, operator: Operator) -> tuple[Work, ...] | None:
    shapes = {graph.shape(index) for index in operator.inputs[:2]}
    if len(shapes) > 1:
        return None  # broadcast: not measured
    n = prod(shapes.pop())
    return (Work("add", {"call": 1, "value": n}),)


def _pool(graph: Graph, operator: Operator) -> tuple[Work, ...] | None:
    found = _window(graph, operator)
    if found is None:
        return None
    window, kernel = found[1], _POOLS[operator.op]
    depth, pixels = window.inputs[2], window.pixels
    loops = {
        "call": 1,
        "pixel": pixels,
        "output": pixels * depth,
        "tap": window.taps_inside,
        "tap_value": window.taps_inside * depth,
    }
    return (Work(kernel if window.is_even else f"{kernel}_portable", loops),)


def _pad(graph: Graph, operator: Operator) -> tuple[Work, ...] | None:
    inputs, outputs = graph.shape(operator.inputs[0]), graph.shape(operator.outputs[0])
    if len(outputs) != 4 or outputs[::3] != inputs[::3]:
        return None  # the emulation knows padding of height and width alone
    return (_pad_work((inputs[1], inputs[2], inputs[3]), (outputs[1], outputs[2])),)


def _pad_work(inputs: tuple[int, int, int], outputs: tuple[int, int]) -> Work:
    height, width, depth = inputs
    inside, pixels = height * width, outputs[0] * outputs[1]
    loops = {
        "call": 1,
        "row": outputs[0],
        "pixel": pixels,
        "value": inside * depth,
        "value_outside": (pixels - inside) * depth,
    }
    return Work("pad", loops)


def _nothing(graph: Graph, operator: Operator) -> tuple[Work, ...]:
    return ()


_POOLS = {"AVERAGE_POOL_2D": "average_pool", "MAX_POOL_2D": "max_pool"}

_CONVOLUTIONS: Mapping[str, Callable[[Graph, Operator, bool], tuple[Work, ...] | None]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
}
_WORK: Mapping[str, Callable[[Graph, Operator], tuple[Work, ...] | None]] = {
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _add,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "PAD": _pad,
    "RESHAPE": _nothing,
    "SOFTMAX": _nothing,
}
