"""What a number of a trial is, and how a value of it is written. Knows no number by its key."""

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
AN_HOUR = Writing("an hour", ",.2f", "N", 1, "an hour")
PLAIN = Writing("", ",.6g", "N")
_MOST_DECIMALS = 10


@dataclass(frozen=True)
class Number:
    """One number of a row: what it is called, how it is written, where it comes from.

    `words` stand in a line. `short` and `long` are told where a heading or a title needs others. A
    "score", a "stream" (a score on streams) and a "cost" can be an objective, the last two can be
    limited. `source_when` holds other sources by the `latency_source` of the row.
    """

    key: str
    words: str
    writing: Writing
    role: Literal["score", "stream", "cost", "other"] = "other"
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
