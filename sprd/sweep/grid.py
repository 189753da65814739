"""Every point of a search space, in an order drawn from the seed. Knows no sampler."""

import random
from collections.abc import Iterator
from math import prod

from sprd.errors import ConfigError
from sprd.parameters import Choice, Range, Scalar
from sprd.space import active_names, ordered_names
from sprd.sweep_config import SweepConfig

MAX_POINTS = 100_000


class Grid:
    """The points of a space of which each dimension has a countable number of values.

    The order is shuffled, so that a grid that is stopped on its way was searched at random.
    """

    def __init__(self, sweep: SweepConfig) -> None:
        check_grid(sweep, MAX_POINTS)
        self._points = list(_points(sweep))
        random.Random(sweep.sweep.seed).shuffle(self._points)

    def __len__(self) -> int:
        return len(self._points)

    def point(self, number: int) -> dict[str, Scalar]:
        """Returns the point of a candidate; they start again when all were given."""
        return dict(self._points[number % len(self._points)])


def check_grid(sweep: SweepConfig, n_trials: int) -> None:
    """Checks that the grid can be counted, and that it is not too large to finish.

    Raises:
        ConfigError: A dimension has no step, or there are more points than trials.
    """
    for name, dimension in sweep.space.items():
        if isinstance(dimension, Range) and not (dimension.is_integer or dimension.step):
            raise ConfigError(
                f'{sweep.path} [space."{name}"]: must have a step, or be a list, with sampler'
                f" 'grid', got {dimension.low:g} .. {dimension.high:g}. Add step."
            )
    n_points = _count(sweep)
    if n_points > min(n_trials, MAX_POINTS):
        raise ConfigError(
            f"{sweep.path} [sweep] sampler: a grid must not hold more points than n_trials, got"
            f" {n_points:,} points and {n_trials:,} trials. Raise n_trials (a point that does not"
            " fit costs no training), thin [space] out, or take the sampler 'random'."
        )


def values_of(dimension: Choice | Range) -> tuple[Scalar, ...]:
    """Returns the values of a countable dimension."""
    if isinstance(dimension, Choice):
        return dimension.values
    step = dimension.step or 1
    n_steps = int((dimension.high - dimension.low) / step + 1e-9)
    return tuple(dimension.low + i * step for i in range(n_steps + 1))


def _count(sweep: SweepConfig) -> int:
    """Counts the points without making them: there may be more than memory holds."""
    n_deciding = _n_deciding(sweep)
    names = ordered_names(sweep.space)
    total = 0
    for point in _expand(sweep, {}, names[:n_deciding]):
        active = _active(sweep, point)
        total += prod(
            len(values_of(sweep.space[name])) for name in names[n_deciding:] if name in active
        )
        if total > 1000 * MAX_POINTS:
            break
    return total


def _n_deciding(sweep: SweepConfig) -> int:
    """How many of the ordered names may decide which others exist: those that choose words."""
    names = ordered_names(sweep.space)
    last = -1
    for i, name in enumerate(names):
        dimension = sweep.space[name]
        if isinstance(dimension, Choice) and isinstance(dimension.values[0], str):
            last = i if name.startswith("model.") else last
    return last + 1


def _points(sweep: SweepConfig) -> Iterator[dict[str, Scalar]]:
    return _expand(sweep, {}, ordered_names(sweep.space))


def _expand(
    sweep: SweepConfig, point: dict[str, Scalar], names: list[str]
) -> Iterator[dict[str, Scalar]]:
    if not names:
        yield point
        return
    first, rest = names[0], names[1:]
    if first not in _active(sweep, point):
        yield from _expand(sweep, point, rest)
        return
    for value in values_of(sweep.space[first]):
        yield from _expand(sweep, {**point, first: value}, rest)


def _active(sweep: SweepConfig, point: dict[str, Scalar]) -> frozenset[str]:
    architecture = sweep.default.model.architecture
    return active_names(point, sweep.space, architecture, sweep.vocabulary)
