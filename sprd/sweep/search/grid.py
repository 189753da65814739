"""Every point of a search space, in an order drawn from the seed; which are left. No sampler."""

import random
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from math import prod

from sprd.config.dimensions import Choice, Range, n_steps, nth_step
from sprd.config.params import Scalar
from sprd.config.space import (
    ARCHITECTURE,
    PointKey,
    active_names,
    decides,
    ordered_names,
    point_key,
)
from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError

MAX_POINTS = 100_000


class Grid:
    """The points of a space of which each dimension has a countable number of values.

    The order is shuffled, so that a grid that is stopped on its way was searched at random.
    """

    def __init__(self, sweep: SweepConfig) -> None:
        check_grid(sweep, MAX_POINTS)
        points = list(_expand(sweep, {}, ordered_names(sweep.space)))
        random.Random(sweep.sweep.seed).shuffle(points)
        self._points = deque(points)
        self._points.rotate(sweep.first_number)  # the first trial has the first point

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
        if isinstance(dimension, Range) and not _is_countable(dimension):
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


def count_points(sweep: SweepConfig) -> int | None:
    """Returns how many points a space holds; None where it cannot be counted, or holds too many."""
    if not all(_is_countable(dimension) for dimension in sweep.space.values()):
        return None
    n_points = _count(sweep)
    return n_points if n_points <= MAX_POINTS else None


def untried_point(sweep: SweepConfig, tried: Iterable[PointKey]) -> dict[str, Scalar] | None:
    """Returns a point that was not tried.

    Returns:
        None where there is none, or where `count_points` says None.
    """
    if count_points(sweep) is None:
        return None
    known = {_written(key) for key in tried}
    points = _expand(sweep, {}, ordered_names(sweep.space))
    return next((point for point in points if _written(point_key(point)) not in known), None)


def _written(key: PointKey) -> PointKey:
    """A sampler may say 0.30000000000000004 where a step leads to 0.3."""
    return tuple(
        (name, float(f"{value:.12g}") if isinstance(value, float) else value) for name, value in key
    )


def _is_countable(dimension: Choice | Range) -> bool:
    return isinstance(dimension, Choice) or dimension.is_integer or dimension.step is not None


def values_of(dimension: Choice | Range) -> tuple[Scalar, ...]:
    """Returns the values of a countable dimension."""
    if isinstance(dimension, Choice):
        return dimension.values
    return tuple(nth_step(dimension, i) for i in range(n_steps(dimension)))


def _count(sweep: SweepConfig) -> int:
    """Counts the points without making them: there may be more than memory holds.

    Points that are filled in up to one name count together where the same names exist: what exists
    depends on the architecture, and for each name on one word at most.
    """
    names = ordered_names(sweep.space)
    n_deciding = sum(decides(name, sweep.space[name]) for name in names)
    begun: dict[Hashable, tuple[dict[str, Scalar], int]] = {None: ({}, 1)}
    for name in names[:n_deciding]:
        longer: dict[Hashable, tuple[dict[str, Scalar], int]] = {}
        for point, n in begun.values():
            for extended in _expand(sweep, point, [name]):
                kind = extended.get(ARCHITECTURE), active_names(extended, sweep)
                longer[kind] = extended, n + longer.get(kind, ({}, 0))[1]
        begun = longer
    return sum(n * prod(_n_values(sweep, point, names[n_deciding:])) for point, n in begun.values())


def _n_values(sweep: SweepConfig, point: dict[str, Scalar], names: list[str]) -> Iterator[int]:
    active = active_names(point, sweep)
    for name in names:
        dimension = sweep.space[name]
        if name in active:
            yield n_steps(dimension) if isinstance(dimension, Range) else len(dimension.values)


def _expand(
    sweep: SweepConfig, point: dict[str, Scalar], names: list[str]
) -> Iterator[dict[str, Scalar]]:
    if not names:
        yield point
        return
    first, rest = names[0], names[1:]
    if first not in active_names(point, sweep):
        yield from _expand(sweep, point, rest)
        return
    for value in values_of(sweep.space[first]):
        yield from _expand(sweep, {**point, first: value}, rest)
