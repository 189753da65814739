"""Compares what a model takes with what it may take. Pure: no file, no model, no board is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from sprd.config.numbers import COSTS
from sprd.errors import ConfigError, suggest

if TYPE_CHECKING:
    from sprd.config.board import Board
    from sprd.config.trial import Budget
    from sprd.device.footprint import Footprint

LIMITED_KEYS = COSTS
"""What can be limited: fields of a footprint and keys of `[budget]`."""


@dataclass(frozen=True)
class Violation:
    """One limit that is exceeded. `value` is None where the quantity is unknown."""

    key: str
    value: float | None
    limit: float

    @property
    def ratio(self) -> float:
        """Value over limit, above 1; infinite for an unknown value or a limit of 0."""
        return self.value / self.limit if self.value is not None and self.limit else inf

    def as_dict(self) -> dict[str, object]:
        """Returns key, value, limit and ratio; a ratio that is infinite is None, for JSON."""
        ratio = None if self.ratio == inf else self.ratio
        return {"key": self.key, "value": self.value, "limit": self.limit, "ratio": ratio}

    def __str__(self) -> str:
        """Says it as in `ram 71,680 B of 65,536 B (+9 %)`."""
        name, unit = name_and_unit(self.key)
        limit = amount(self.limit, unit)
        if self.value is None:
            return f"{name} unknown, must be at most {limit}"
        excess = "" if self.ratio == inf else f" (+{_percent(self.ratio)} %)"
        return f"{name} {amount(self.value, unit)} of {limit}{excess}"


def limits_of(budget: "Budget", board: "Board | None") -> dict[str, float]:
    """Returns the limit of each key: the budget's own, else the board's flash and RAM.

    A key without a limit is absent. `max_accuracy_drop` and `max_false_accept_rate` are no
    limits of a footprint.
    """
    limits: dict[str, float] = {}
    if board is not None:
        limits |= {"flash_bytes": board.flash_bytes, "ram_bytes": board.ram_bytes}
    own = {key: getattr(budget, key) for key in LIMITED_KEYS}
    limits |= {key: value for key, value in own.items() if value is not None}
    return limits


def check(footprint: "Footprint", limits: Mapping[str, float]) -> tuple[Violation, ...]:
    """Returns the limits that a footprint exceeds, worst first; a value at its limit fits.

    Latency is compared by its estimate, not by its upper end. A limited quantity that is unknown is
    a violation.

    Raises:
        ConfigError: A key is none of `LIMITED_KEYS`, or a limit is no number from 0.
    """
    violations = []
    for key, limit in limits.items():
        if key not in LIMITED_KEYS:
            raise ConfigError(f"limits: unknown key {key!r}. {suggest(key, LIMITED_KEYS)}")
        if not 0 <= limit < inf:
            raise ConfigError(f"limits [{key}]: must be a number from 0, got {limit!r}.")
        value: float | None = getattr(footprint, key)
        if value is None or value > limit:
            violations.append(Violation(key, value, limit))
    return tuple(sorted(violations, key=lambda violation: (-violation.ratio, violation.key)))


def name_and_unit(key: str) -> tuple[str, str]:
    """Returns the words and the unit of a key: `arena host` and `B` of `arena_host_bytes`."""
    for ending, unit in (("_bytes", "B"), ("_ms", "ms"), ("_uj", "uJ")):
        if key.endswith(ending):
            return key.removesuffix(ending).replace("_", " "), unit
    return key, ""


def amount(value: float, unit: str) -> str:
    """Returns a value with its unit, as in `71,680 B`."""
    is_whole = float(value).is_integer() or abs(value) >= 1000
    digits = ",.1f" if unit in ("ms", "uJ") else ",.0f" if is_whole else ".4g"
    number = f"{value:{digits}}"
    return f"{number} {unit}".rstrip()


def _percent(ratio: float) -> str:
    percent = 100 * (ratio - 1)
    return f"{percent:,.0f}" if percent >= 1 else f"{percent:.2g}"
