"""Numbers and limits in, what is broken out: the one rule that decides whether something fits.

A value at its limit fits, what is unknown does not. In JSON a violation has one form everywhere, in
`trials.jsonl`, in a manifest and in what `--json` prints: `Violation.as_dict`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from sprd.config.numbers import COSTS, STREAM_SCORES, number_of
from sprd.errors import ConfigError

LIMITED_KEYS = COSTS
"""What a model takes and can be limited: fields of a footprint and keys of `[budget]`."""

LEAST_KEYS = tuple(key for key in STREAM_SCORES if number_of(key).is_more_better)
"""Scores on streams with a lower limit: keys of `[budget]` behind `min_`."""

MOST_KEYS = tuple(key for key in STREAM_SCORES if key not in LEAST_KEYS)
"""Scores on streams with an upper limit: keys of `[budget]` behind `max_`."""

Known = Callable[[str], float | None]
"""Tells what something takes or scores, by key; None is unknown."""


@dataclass(frozen=True)
class Limit:
    """The most that a number may be, or the least.

    Raises:
        ConfigError: The bound is no number from 0: NaN would let everything pass.
    """

    key: str
    bound: float
    is_minimum: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.bound < inf:
            raise ConfigError(f"limits [{self.key}]: must be a number from 0, got {self.bound!r}.")

    def fits(self, value: float | None) -> bool:
        """Whether a value is within the limit; what is unknown is not."""
        if value is None:
            return False
        return value >= self.bound if self.is_minimum else value <= self.bound

    def __str__(self) -> str:
        bound = number_of(self.key).exact(self.bound)
        return f"{self.key} {'>=' if self.is_minimum else '<='} {bound}"


@dataclass(frozen=True)
class Violation:
    """A limit that is broken; `value` is None where the number is unknown.

    `error` is what is wrong in words, where no number was held against a limit: see `UNMEASURABLE`
    and `EMULATION`. `value` and `limit` are None then.
    """

    key: str
    value: float | None
    limit: float | None
    is_minimum: bool = False
    error: str | None = None

    def __post_init__(self) -> None:
        if self.limit is None and self.error is None:
            raise ValueError(f"{self.key}: must have a limit or an error.")

    @property
    def ratio(self) -> float:
        """How many times too much, or too little, above 1; infinite where nobody can tell."""
        if self.value is None or not self.limit:
            return inf
        if self.is_minimum:
            return self.limit / self.value if self.value > 0 else inf
        return self.value / self.limit

    @property
    def excess(self) -> float:
        """By what share of its limit it is broken, by `ratio`; 1 where nobody can tell."""
        if self.ratio == inf:
            return 1.0
        return 1 - 1 / self.ratio if self.is_minimum else self.ratio - 1

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON holds: the fields and `ratio`, None where that is not finite."""
        return {
            "key": self.key,
            "value": self.value,
            "limit": self.limit,
            "is_minimum": self.is_minimum,
            "ratio": self.ratio if isfinite(self.ratio) else None,
            "error": self.error,
        }

    @classmethod
    def from_dict(cls, fields: Any) -> "Violation":
        """Reads what `as_dict` gave, and what older versions wrote.

        They wrote key, value and limit, of which the latter two were None for a point that is no
        configuration; some wrote `ratio` or `error` too. Keys of newer versions are left out.

        Raises:
            KeyError, TypeError: It is no violation.
        """
        key, value, limit = fields["key"], fields["value"], fields["limit"]
        error, is_minimum = fields.get("error"), fields.get("is_minimum", False)
        is_number = all(type(one) in (int, float, type(None)) for one in (value, limit))
        is_text = isinstance(key, str) and isinstance(error, str | None)
        if not (is_number and is_text and isinstance(is_minimum, bool)):
            raise TypeError(fields)
        if limit is None and error is None:
            error = UNMEASURABLE.error if key == UNMEASURABLE.key else key
        return cls(key, value, limit, is_minimum, error)

    def __str__(self) -> str:
        """Says it: `ram 71,680 B of 65,536 B (+9 %)`, `accuracy 0.80, at least 0.90 (-11 %)`.

        The limit has every digit that was given, the value enough to tell it from the limit.
        """
        if self.error is not None or self.limit is None:
            return str(self.error)
        what, bound = number_of(self.key), number_of(self.key).exact(self.limit)
        if self.value is None:
            rule = "at least" if self.is_minimum else "at most"
            return f"{what.phrase(None)}, must be {rule} {bound}"
        said = f"{what.words} {what.beside(self.value, self.limit)}"
        said += f", at least {bound}" if self.is_minimum else f" of {bound}"
        share = f" ({'-' if self.is_minimum else '+'}{_percent(self.excess)} %)"
        return f"{said}{share if self.limit else ''}"


UNMEASURABLE = Violation("configuration", None, None, error="no valid configuration")
"""The violation of a point that is no valid configuration."""

EMULATION = "emulation"
"""The key of a model that the emulated core cannot run, or runs otherwise than TFLM."""

KEEPS_UP = Limit("cpu_share", 1.0)
"""Front end and inference take no more than the time between two inferences."""


def find_violations(known: Known, limits: Iterable[Limit]) -> tuple[Violation, ...]:
    """Returns which limits some numbers break, in the order of the limits.

    A value at its limit fits. What is unknown breaks every limit: it cannot be promised.
    """
    values = ((limit, known(limit.key)) for limit in limits)
    return tuple(
        Violation(limit.key, value, limit.bound, limit.is_minimum)
        for limit, value in values
        if not limit.fits(value)
    )


def at_most(bounds: Mapping[str, float | None]) -> tuple[Limit, ...]:
    """Returns the upper limits of some numbers; None is no limit."""
    return tuple(Limit(key, bound) for key, bound in bounds.items() if bound is not None)


def at_least(bounds: Mapping[str, float | None]) -> tuple[Limit, ...]:
    """Returns the lower limits of some numbers; None is no limit."""
    return tuple(Limit(key, bound, True) for key, bound in bounds.items() if bound is not None)


def tightest(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Returns the tightest limit of each number and direction."""
    found: dict[tuple[str, bool], Limit] = {}
    for limit in limits:
        place = (limit.key, limit.is_minimum)
        if place not in found or found[place].fits(limit.bound):
            found[place] = limit
    return tuple(found.values())


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:,.0f}" if percent >= 1 else f"{percent:.2g}"
