"""Which dimensions exist at a point, which values they have, and the points to try first."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.dimensions import Choice, Range, contains, n_steps, nth_step, random_value
from sprd.config.params import Scalar
from sprd.config.reader import parse_sweep
from sprd.config.space import active_names, is_active, ordered_names
from sprd.config.sweep import SweepConfig
from tests.builders import make_sweep
from tests.strategies import VOCABULARY

BLOCKS = """
"train.momentum" = [0.1, 0.2]
"model.filters_2" = [8, 16]
"model.stride_5" = [1, 2]
"model.filters_5" = [8, 16]
"model.block_2" = ["none", "conv3"]
"model.filters" = [4, 8]
"model.architecture" = ["blocks", "tiny_conv"]
"""


def conditional(space: Any = BLOCKS, model: str = "") -> SweepConfig:
    """A sweep in which an architecture and a block decide which parameters exist."""
    text = (
        f'[sweep]\nname = "x"\n[data]\nkeywords = ["up"]\n[train]\nsteps = 9\n'
        f"learning_rate = 0.1\n[model]\n{model}\n[space]\n{space}\n"
    )
    return parse_sweep(text, Path("/sweeps/x.toml"), VOCABULARY)


class TestActiveNames:
    """A dimension without an effect is none."""

    def test_architecture_decides_what_its_parameters_are(self) -> None:
        """What the chosen one lacks does not exist; what is no model's always does."""
        sweep = conditional()
        shared = {"model.architecture", "train.momentum"}
        tiny = active_names({"model.architecture": "tiny_conv"}, sweep)
        assert tiny == shared | {"model.filters"}
        blocks = active_names({"model.architecture": "blocks", "model.block_2": "conv3"}, sweep)
        assert blocks == shared | {"model.block_2", "model.filters_2"}

    def test_block_that_is_left_out_has_no_filters(self) -> None:
        """One parameter decides about another."""
        point = {"model.architecture": "blocks", "model.block_2": "none"}
        assert "model.filters_2" not in active_names(point, conditional())

    def test_file_decides_where_the_point_does_not(self) -> None:
        """Block 5 is "none" by default; the file puts one there."""
        point = {"model.architecture": "blocks", "model.block_2": "none"}
        assert "model.filters_5" not in active_names(point, conditional())
        sweep = conditional(model='block_5 = "conv3"')
        assert active_names(point, sweep) >= {"model.filters_5", "model.stride_5"}

    def test_architecture_of_the_file_counts_where_none_is_searched(self) -> None:
        """As in most sweeps."""
        sweep = make_sweep('"model.n_blocks" = [1, 2]', model="ds_cnn")
        assert active_names({}, sweep) == {"model.n_blocks"}


def test_one_dimension_is_told_as_all_of_them_are() -> None:
    """At every point that a sampler has on its way, and for dimensions of every kind."""
    sweep = conditional()
    rng = random.Random(0)
    for _ in range(20):
        point: dict[str, Scalar] = {}
        for name in ordered_names(sweep.space):
            active = {one for one in sweep.space if is_active(one, point, sweep)}
            assert active == active_names(point, sweep)
            if name in active:
                point[name] = random_value(rng, sweep.space[name])


def test_what_decides_is_filled_in_first() -> None:
    """The architecture, then the words of the model; the others in the order of the file."""
    assert ordered_names(conditional().space) == [
        "model.architecture",
        "model.block_2",
        "train.momentum",
        "model.filters_2",
        "model.stride_5",
        "model.filters_5",
        "model.filters",
    ]


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
