"""Dimensions of a search space: which values they hold, and how one is drawn."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.dimensions import Choice, Range, contains, n_steps, nth_step, random_value


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Choice((8, 16)), [8, 16], [4, 8.0, True, "8", None]),
        (Choice((True, False)), [True], [1, 0, "true"]),
        (Choice((0.5, 1)), [0.5, 1], [1.0]),
        (Choice(("a", "b")), ["a"], ["c", 0]),
        (Range(1, 9), [1, 5, 9], [0, 10, 5.0, True, "5"]),
        (Range(0.0, 1.0), [0.0, 1, 0.3], [1.1, -0.1, False, float("nan"), "0.3"]),
        (Range(8, 64, 8), [8, 64, 24], [12, 72, 0]),
        (Range(0.1, 0.55, 0.1), [0.1, 0.3, 0.1 + 2 * 0.1, 0.5], [0.25, 0.55]),
        (Range(1e-4, 1e-2, log=True), [1e-4, 1e-2, 3e-3], [9e-5, 0.011]),
        (Range(3, 3), [3], [2]),
    ],
    ids=str,
)
def test_values_that_a_dimension_holds(
    dimension: Choice | Range, inside: list[Any], outside: list[Any]
) -> None:
    """Types count for lists; a number with a point may be written without one in a range."""
    assert all(contains(dimension, value) for value in inside)
    assert not any(contains(dimension, value) for value in outside)


@st.composite
def ranges(draw: Any) -> Any:
    """A range as a sweep file may have it."""
    if draw(st.booleans()):
        low, width = draw(st.integers(1, 50)), draw(st.integers(0, 50))
        step = draw(st.none() | st.integers(1, 60))
    else:
        low, width = draw(st.floats(1e-6, 1.0)), draw(st.floats(0, 1.0))
        step = draw(st.none() | st.floats(0.01, 2.0))
    return Range(low, low + width, step, log=step is None and draw(st.booleans()))


@given(ranges(), st.integers(0, 2**31))
def test_random_value_lies_in_its_range(dimension: Range, seed: int) -> None:
    """Steps that do not end at `high`, ranges of one value, and those by logarithm too."""
    rng = random.Random(seed)
    for _ in range(5):
        value = random_value(rng, dimension)
        assert contains(dimension, value)
        assert isinstance(value, int) == dimension.is_integer


def test_every_value_of_a_small_range_is_drawn() -> None:
    """Both ends among them, by logarithm as well."""
    rng = random.Random(1)
    for dimension in (Range(1, 4), Range(1, 4, log=True), Range(1, 7, 2), Range(0.1, 0.45, 0.1)):
        drawn = {random_value(rng, dimension) for _ in range(200)}
        assert len(drawn) == 4
    assert drawn == {0.1, 0.2, 0.3, 0.4}


def test_range_by_logarithm_is_drawn_by_it() -> None:
    """Half of the values lie below the geometric mean."""
    rng = random.Random(2)
    for dimension in (Range(1e-4, 1e-2, log=True), Range(10, 1000, log=True)):
        middle = (dimension.low * dimension.high) ** 0.5
        n_below = sum(random_value(rng, dimension) < middle for _ in range(1000))
        assert 430 < n_below < 570


def test_steps_are_numbers_as_one_writes_them() -> None:
    """The last one is `high` where steps end there, and never beyond."""
    dimension = Range(0.1, 0.7, 0.1)
    values = [nth_step(dimension, i) for i in range(n_steps(dimension))]
    assert values == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert n_steps(Range(8, 64, 24)) == 3
    assert n_steps(Range(5, 9)) == 5
