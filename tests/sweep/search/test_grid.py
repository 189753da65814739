"""Every point of a search space, once."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from sprd.config.dimensions import Choice, Range
from sprd.config.reader import parse_sweep
from sprd.config.space import PointKey, point_key
from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError
from sprd.sweep.search.grid import (
    MAX_POINTS,
    Grid,
    check_grid,
    count_points,
    untried_point,
    values_of,
)
from tests.builders import make_sweep
from tests.strategies import VOCABULARY

SPACE = """
"model.filters" = { low = 4, high = 16, step = 4 }
"train.momentum" = [0.0, 0.5, 0.9]
"""
CONDITIONAL = """
"model.architecture" = ["tiny_conv", "ds_cnn", "temporal_conv"]
"model.filters" = [4, 8, 16]
"model.n_blocks" = { low = 1, high = 2 }
"model.kernel" = ["3x3", "5x5"]
"features.frame" = ["30/20x40", "40/40x20"]
"""


def grid_of(space: str, seed: int = 0) -> Grid:
    """The grid of a space."""
    return Grid(make_sweep(space, f'sampler = "grid"\nseed = {seed}\nn_trials = 5'))


def points_of(grid: Grid) -> list[Any]:
    """All points, in order."""
    return [grid.point(number) for number in range(len(grid))]


def as_set(points: list[Any]) -> set[Any]:
    """Points without their order."""
    return {tuple(sorted(point.items())) for point in points}


def blocks_sweep(space: str) -> SweepConfig:
    """A sweep over `blocks`, whose positions may be left out."""
    text = (
        '[sweep]\nname = "x"\n[data]\nkeywords = ["up"]\n[model]\narchitecture = "blocks"\n'
        f"[space]\n{space}\n"
    )
    return parse_sweep(text, Path("/sweeps/x.toml"), VOCABULARY)


def test_every_point_comes_once() -> None:
    """The product of the values of the dimensions."""
    points = points_of(grid_of(SPACE))
    expected = [
        {"model.filters": filters, "train.momentum": momentum}
        for filters, momentum in itertools.product((4, 8, 12, 16), (0.0, 0.5, 0.9))
    ]
    assert len(points) == 12
    assert as_set(points) == as_set(expected)


def test_parameters_that_do_not_exist_make_no_points() -> None:
    """Three filters, two kernels and two frames for tiny_conv; twice that for ds_cnn; frames."""
    points = points_of(grid_of(CONDITIONAL))
    assert len(points) == len(as_set(points)) == 3 * 2 * 2 + 3 * 2 * 2 * 2 + 2
    by_name = {
        name: [p for p in points if p["model.architecture"] == name]
        for name in ("tiny_conv", "ds_cnn", "temporal_conv")
    }
    assert {name: len(found) for name, found in by_name.items()} == {
        "tiny_conv": 12, "ds_cnn": 24, "temporal_conv": 2,
    }  # fmt: skip
    assert all("model.n_blocks" not in point for point in by_name["tiny_conv"])


def test_block_that_is_left_out_has_no_filters() -> None:
    """2 kinds x 3 filters, and 1 point for "none"."""
    space = '"model.filters_3" = [8, 16, 24]\n"model.block_3" = ["none", "conv3", "conv5"]'
    points = points_of(Grid(blocks_sweep(space)))
    assert len(points) == len(as_set(points)) == 7
    assert {"model.block_3": "none"} in points


@pytest.mark.parametrize("space", [SPACE, CONDITIONAL])
def test_order_is_drawn_from_the_seed(space: str) -> None:
    """A grid that is stopped on its way was searched at random; resumed, it goes on."""
    points = points_of(grid_of(space))
    assert points_of(grid_of(space)) == points
    other = points_of(grid_of(space, seed=1))
    assert other != points
    assert as_set(other) == as_set(points)


def test_points_start_again_when_all_were_given() -> None:
    """A caller that asks too often gets known points, and may change them."""
    grid = grid_of(SPACE)
    grid.point(0).clear()
    assert grid.point(12) == grid.point(0) != {}


def test_grid_with_more_points_than_trials_is_refused_with_the_number() -> None:
    """It would be cut off without a word."""
    sweep = make_sweep(SPACE)
    check_grid(sweep, 12)
    with pytest.raises(ConfigError) as caught:
        check_grid(sweep, 11)
    assert str(caught.value).startswith(
        "/sweeps/x.toml [sweep] sampler: a grid must not hold more points than n_trials, got"
        " 12 points and 11 trials. Raise n_trials"
    )


def test_range_without_a_step_is_refused() -> None:
    """Its values cannot be counted; integers can."""
    with pytest.raises(ConfigError) as caught:
        check_grid(make_sweep('"train.momentum" = { low = 0.0, high = 0.9 }'), 10)
    assert str(caught.value) == (
        '/sweeps/x.toml [space."train.momentum"]: must have a step, or be a list, with sampler'
        " 'grid', got 0 .. 0.9. Add step."
    )
    check_grid(make_sweep('"model.filters" = { low = 1, high = 10 }'), 10)
    check_grid(make_sweep('"train.momentum" = { low = 0.0, high = 0.9, step = 0.1 }'), 10)


def test_huge_product_is_counted_without_making_its_points() -> None:
    """The number is exact: block 1 is always there, each of the others has 8 kinds or is none."""
    kinds = ["conv3", "conv5", "conv7", "separable3", "separable5", "separable9", "residual3"]
    lines = [f'"model.block_1" = {kinds}'.replace("'", '"')]
    for i in range(2, 7):
        lines.append(f'"model.block_{i}" = {["none", *kinds]}'.replace("'", '"'))
    for i in range(1, 7):
        lines.append(f'"model.filters_{i}" = {{ low = 1, high = 1000 }}')
    n_points = 7 * 1000 * (1 + 7 * 1000) ** 5
    with pytest.raises(ConfigError, match=f"got {n_points:,} points and {MAX_POINTS:,} trials"):
        check_grid(blocks_sweep("\n".join(lines)), MAX_POINTS)


def test_space_of_nothing_is_one_point() -> None:
    """A single configuration."""
    assert points_of(grid_of("")) == [{}]


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (Choice(("a", "b")), ("a", "b")),
        (Range(8, 64, 24), (8, 32, 56)),
        (Range(2, 4), (2, 3, 4)),
        (Range(0.1, 0.3, 0.1), (0.1, 0.2, 0.3)),
        (Range(5, 5), (5,)),
    ],
    ids=str,
)
def test_values_of_a_dimension(dimension: Choice | Range, expected: tuple[Any, ...]) -> None:
    """None beyond `high`, not by rounding either."""
    assert values_of(dimension) == expected


def test_points_that_are_left() -> None:
    """One after the other until there is none; a float may differ in its last digit."""
    sweep = make_sweep('"model.filters" = [2, 4]\n"train.momentum" = [0.3, 0.6]')
    assert count_points(sweep) == 4
    tried: list[PointKey] = [(("model.filters", 2), ("train.momentum", 0.1 + 0.2))]
    while (point := untried_point(sweep, tried)) is not None:
        tried.append(point_key(point))
    assert len(set(tried)) == 4


@pytest.mark.parametrize("high", [0.9, f"0.9, step = {1 / MAX_POINTS}"])
def test_space_of_too_many_points_is_not_counted(high: object) -> None:
    """Of a range without a step, or of millions of points, none is told to be left."""
    space = f'"model.filters" = [2, 4]\n"train.momentum" = {{ low = 0.0, high = {high} }}'
    assert count_points(make_sweep(space)) is None
    assert untried_point(make_sweep(space), []) is None
