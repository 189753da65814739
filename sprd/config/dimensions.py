"""One line of a `[space]` table in, a `Choice` or a `Range` out. Knows no key of a sweep file."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from sprd.config.params import Scalar
from sprd.errors import ConfigError, suggest


@dataclass(frozen=True)
class Choice:
    """A parameter of the search space that takes one of `values`."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Range:
    """A parameter of the search space that takes a number in low .. high, both included."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether every value is an integer: TOML tells 1 from 1.0."""
        return all(isinstance(n, int) for n in (self.low, self.high, self.step) if n is not None)


def read_dimension(where: str, value: object) -> Choice | Range:
    """Reads what stands behind a name of `[space]`; `where` starts the message.

    Raises:
        ConfigError: It is neither a list of values nor a range, or contradicts itself.
    """
    if isinstance(value, list):
        if not value:
            raise ConfigError(f"{where}: must have at least one value, got []. Remove the line.")
        for item in value:
            if not isinstance(item, (bool, int, float, str)):
                raise ConfigError(
                    f"{where}: must list numbers, strings or booleans, got {item!r}."
                    " Write a joint choice as a named preset."
                )
        if len(set(value)) < len(value):  # 1 is 1.0 and True here: no key takes both
            raise ConfigError(f"{where}: values must differ, got {value!r}.")
        return Choice(tuple(value))
    if not isinstance(value, dict):
        raise ConfigError(
            f"{where}: must be a list of values or {{ low, high, step, log }}, got {value!r}."
        )
    return _read_range(where, value)


def _read_range(where: str, value: Mapping[str, object]) -> Range:
    for key in value:
        if key not in ("low", "high", "step", "log"):
            raise ConfigError(
                f"{where}: unknown key {key!r}. {suggest(key, ('low', 'high', 'step', 'log'))}"
                " A dotted name stands in quotes."
            )
    numbers: dict[str, float] = {}
    for key in ("low", "high", "step"):
        number = value.get(key)
        if number is None and key == "step":
            continue
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ConfigError(f"{where}: {key} must be a number, got {number!r}.")
        if not abs(number) < 1e15:
            raise ConfigError(f"{where}: {key} must be a finite number, got {number!r}.")
        numbers[key] = number
    log = value.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"{where}: log must be true or false, got {log!r}.")
    low, high, step = numbers["low"], numbers["high"], numbers.get("step")
    if low > high:
        raise ConfigError(f"{where}: low <= high must hold, got low={low}, high={high}.")
    if step is not None and step <= 0:
        raise ConfigError(f"{where}: step > 0 must hold, got step={step}.")
    if log and (low <= 0 or step is not None):
        raise ConfigError(f"{where}: log needs low > 0 and no step, got low={low}, step={step}.")
    return Range(low, high, step, log)


def contains(dimension: Choice | Range, value: object) -> bool:
    """Whether a value is one that the dimension can take."""
    if isinstance(dimension, Choice):
        return any(type(value) is type(known) and value == known for known in dimension.values)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if dimension.is_integer and not isinstance(value, int):
        return False
    if not dimension.low <= value <= dimension.high:
        return False
    n_steps = (value - dimension.low) / dimension.step if dimension.step else 0.0
    return abs(n_steps - round(n_steps)) < 1e-9


def random_value(rng: random.Random, dimension: Choice | Range) -> Scalar:
    """Returns a value of the dimension, each as likely as another; on a log scale where it is."""
    if isinstance(dimension, Choice):
        return rng.choice(dimension.values)
    low, high = dimension.low, dimension.high
    if dimension.step is not None:
        return nth_step(dimension, rng.randrange(n_steps(dimension)))
    if dimension.log:
        whole = dimension.is_integer
        value = math.exp(rng.uniform(math.log(low), math.log(high + whole)))
        return min(max(int(value), int(low)), int(high)) if whole else min(max(value, low), high)
    if dimension.is_integer:
        return rng.randint(int(low), int(high))
    return min(rng.uniform(low, high), high)


def n_steps(dimension: Range) -> int:
    """Returns how many values a range has; integers without a step are one apart."""
    return int((dimension.high - dimension.low) / (dimension.step or 1) + 1e-9) + 1


def nth_step(dimension: Range, number: int) -> float:
    """Returns a value of such a range, as one would write it: 0.3, not 0.30000000000000004."""
    value = dimension.low + number * (dimension.step or 1)
    if isinstance(value, int):
        return value
    return min(max(float(f"{value:.15g}"), dimension.low), dimension.high)
