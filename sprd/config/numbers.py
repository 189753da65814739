"""What the numbers of a trial are: the one table of scores and costs, and how each is written.

A key in, its words, unit, direction and source out. Every room that shows a number reads it here,
so that a value is the same text in a log, a table, a page and a bundle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Literal

Interval = Sequence[float | None] | None
"""Low and high end of a value; None, or two that are unknown, where there is no interval."""


@dataclass(frozen=True)
class Writing:
    """How the values of one kind are written, with `digits` of Python's format.

    Where every digit is told, at least `least_decimals` stand after the point. On an axis values
    are divided, and `axis_unit` stands in place of `unit`; in a narrow column too where there is a
    `narrow_unit`. `metavar` is what the help of a flag calls such a value.
    """

    unit: str
    digits: str
    metavar: str
    least_decimals: int = 0
    axis_unit: str = ""
    axis_divisor: float = 1.0
    narrow_unit: str = ""


BYTES = Writing("B", ",.0f", "BYTES", 0, "KiB", 1024.0)
COUNT = Writing("", ",.0f", "N", 0, "million", 1e6, "M")
MILLISECONDS = Writing("ms", ",.1f", "MS", 1, "ms")
MICROJOULES = Writing("uJ", ",.1f", "UJ", 1, "\N{MICRO SIGN}J")
SHARE = Writing("", ",.3f", "X", 2)
_PLAIN = Writing("", ",.6g", "N")
_MOST_DECIMALS = 10


@dataclass(frozen=True)
class Number:
    """One number of a row: what it is called, how it is written, where it comes from.

    `words` stand in a line. `short` and `long` are told where a heading or a title needs others. A
    "score" and a "cost" can be an objective, a cost can be limited. `source_when` holds other
    sources by the `latency_source` of the row.
    """

    key: str
    words: str
    writing: Writing
    role: Literal["score", "cost", "other"] = "other"
    short: str = ""
    long: str = ""
    is_more_better: bool = False
    needs_board: bool = False
    source: str = ""
    source_when: Mapping[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """Over a narrow column."""
        return self.short or self.words

    @property
    def title(self) -> str:
        """Of an axis, or where there is room."""
        return self.long or self.words

    def figure(self, value: float) -> str:
        """Returns a value without its unit, as under a heading that tells it."""
        return f"{value:{self.writing.digits}}"

    @property
    def narrow_unit(self) -> str:
        """Of `narrow`, to stand under the heading."""
        return self.writing.narrow_unit or self.writing.unit

    def narrow(self, value: float) -> str:
        """Returns a value without its unit for a column with little room: a count in millions."""
        if not self.writing.narrow_unit:
            return self.figure(value)
        return f"{value / self.writing.axis_divisor:,.3f}"

    def exact(self, value: float) -> str:
        """Returns a value with every digit that it has: `65,536 B`, `0.90`, `0.0504`, `0.04 ms`."""
        figure = self.figure(value)
        if isfinite(value):
            digits = Decimal(str(value)).normalize()
            n_decimals = max(self.writing.least_decimals, -int(digits.as_tuple().exponent))
            figure = f"{digits:,.{n_decimals}f}"
        return f"{figure} {self.writing.unit}".rstrip()

    def beside(self, value: float, bound: float) -> str:
        """Returns a value with as many digits as it takes to lie on its side of a bound."""
        n_usual = len(self.figure(value).partition(".")[2])
        for n_decimals in range(n_usual, _MOST_DECIMALS):
            rounded = round(value, n_decimals)
            if (rounded > bound, rounded < bound) == (value > bound, value < bound):
                return self.exact(rounded)
        return self.exact(value)

    def on_axis(self, value: float) -> str:
        """Returns a value as it is told beside an axis: `64 KiB`, `0.418 million`."""
        divided = value / self.writing.axis_divisor
        digits = ",.4g" if divided < 9999.5 else ",.0f"
        return f"{divided:{digits}} {self.writing.axis_unit}"

    def text(self, value: float | None, interval: Interval = None) -> str:
        """Returns a value as it is read: `71,680 B`, `55.2 ms (49.0 .. 62.0)`, `unknown`."""
        if value is None:
            return "unknown"
        written = f"{self.figure(value)} {self.writing.unit}".rstrip()
        ends = self.ends(interval)
        return f"{written} ({ends})" if ends else written

    def ends(self, interval: Interval) -> str:
        """Returns an interval as it is read, `0.846 .. 0.939`, in digits that tell its ends apart.

        Empty where an end is unknown, or both are the same: no measurement is that sure.
        """
        low, high = interval or (None, None)
        if low is None or high is None or low == high:
            return ""
        n_usual = len(self.figure(low).partition(".")[2])
        for n_decimals in range(n_usual, _MOST_DECIMALS):
            told = [f"{end:,.{n_decimals}f}" for end in (low, high)]
            if told[0] != told[1]:
                break
        return " .. ".join(told)

    def phrase(self, value: float | None, interval: Interval = None) -> str:
        """Returns a value with its words before it: `ram 71,680 B`."""
        return f"{self.words} {self.text(value, interval)}"


_ON_CLIPS = "the int8 model in TensorFlow Lite Micro, on clips of the speakers of the split"

NUMBERS: Mapping[str, Number] = {
    one.key: one
    for one in (
        Number(
            "balanced_accuracy",
            "balanced accuracy",
            SHARE,
            "score",
            short="accuracy",
            is_more_better=True,
            source=_ON_CLIPS,
        ),
        Number(
            "accuracy",
            "accuracy",
            SHARE,
            "score",
            short="plain accuracy",
            is_more_better=True,
            source=_ON_CLIPS,
        ),
        Number(
            "false_accept_rate",
            "false accept rate",
            SHARE,
            "score",
            short="false accepts",
            source=_ON_CLIPS,
        ),
        Number(
            "false_reject_rate",
            "false reject rate",
            SHARE,
            "score",
            short="false rejects",
            source=_ON_CLIPS,
        ),
        Number(
            "flash_bytes",
            "flash",
            BYTES,
            "cost",
            needs_board=True,
            source="estimate: the model, TensorFlow Lite Micro and the kernels of its ops",
        ),
        Number(
            "ram_bytes",
            "ram",
            BYTES,
            "cost",
            short="RAM",
            long="RAM",
            needs_board=True,
            source="estimate: the arena, the front end, features, audio and the stack",
        ),
        Number(
            "model_bytes",
            "model",
            BYTES,
            "cost",
            long="model size",
            source="size of model.tflite",
        ),
        Number(
            "arena_bytes",
            "arena",
            BYTES,
            "cost",
            long="tensor arena",
            source="upper bound for a 32-bit core with the board's kernels, by TFLM's own rules",
        ),
        Number(
            "arena_host_bytes",
            "arena host",
            BYTES,
            "cost",
            long="tensor arena on the host",
            source="allocated by TensorFlow Lite Micro on the exporting machine, exact",
        ),
        Number(
            "macs",
            "macs",
            COUNT,
            "cost",
            short="MACs",
            long="multiply-accumulates",
            source="counted in the graph",
        ),
        Number(
            "instructions",
            "instructions",
            COUNT,
            "cost",
            short="instr.",
            source="cost model of CMSIS-NN's kernels, fitted to an emulated Cortex-M4",
            source_when={"emulated": "counted on an emulated core, whose outputs equal TFLM's"},
        ),
        Number(
            "latency_ms",
            "latency",
            MILLISECONDS,
            "cost",
            needs_board=True,
            source_when={
                "model": "estimate from the graph, a model of the core and its kernels",
                "emulated": "estimate from instructions counted on an emulated core",
                "board": "measured on the board",
            },
        ),
        Number(
            "energy_uj",
            "energy",
            MICROJOULES,
            "cost",
            needs_board=True,
            source="of one inference: latency_ms times the active power of the board file",
        ),
        Number(
            "arena_reserve_bytes",
            "arena reserve",
            BYTES,
            source="arena_bytes, and what TFLM's planner needs more to start",
        ),
        Number(
            "frontend_ms",
            "front end",
            MILLISECONDS,
            source="of one frame, or of one interval's: instructions counted on an emulated core",
        ),
        Number(
            "cpu_share",
            "cpu share",
            SHARE,
            source="front end and inference over the interval, or over the stride where none is"
            " set",
        ),
        Number(
            "accuracy_drop",
            "accuracy drop",
            SHARE,
            source="balanced accuracy of the float model less that of the int8 model",
        ),
        Number(
            "float_balanced_accuracy",
            "balanced accuracy of the float model",
            SHARE,
            is_more_better=True,
            source="the float model on clips of validation speakers",
        ),
        Number(
            "val_balanced_accuracy",
            "balanced accuracy",
            SHARE,
            is_more_better=True,
            source="the float model on clips of validation speakers, while it trained",
        ),
    )
}
"""Every score and cost by its key, objectives in the order in which they are listed."""

SCORES = tuple(key for key, one in NUMBERS.items() if one.role == "score")
"""Scores of the int8 model on validation speakers."""

COSTS = tuple(key for key, one in NUMBERS.items() if one.role == "cost")
"""What a model takes: less of it is better. Fields of a footprint and keys of `[budget]`."""

COSTS_OF_A_BOARD = tuple(key for key in COSTS if NUMBERS[key].needs_board)
"""Costs that nobody can tell without a board."""

KEYS = (*SCORES, *COSTS)
"""What can decide among trials."""


def number_of(key: str) -> Number:
    """Returns a number by its key; `recall up` is the recall of a label.

    Of a key that is none here, a newer version's say, the words are made from the key.
    """
    if key in NUMBERS:
        return NUMBERS[key]
    if key.startswith("recall "):
        return Number(key, key, SHARE, is_more_better=True, source=_ON_CLIPS)
    return Number(key, key.replace("_", " "), _PLAIN)
