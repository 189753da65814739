"""Values of architecture parameters and of the search space."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.dimensions import Range
from sprd.config.params import Param
from sprd.model.params import ARCHITECTURES
from tests.strategies import legal_values

INT = Param(8, "int", "Filters.", low=1, high=64)
FLOAT = Param(0.5, "float", "Share.", low=0, high=0.9)
PAIR = Param("10x8", "pair", "Kernel.", low=1, high=100)
INTS = Param("16-16", "ints", "Filters.", low=1, high=64)
CHOICE = Param("relu", "choice", "Activation.", choices=("relu", "none"))

ALL_PARAMS = [
    pytest.param(param, id=f"{architecture}.{name}")
    for architecture, params in ARCHITECTURES.items()
    for name, param in params.items()
]


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (INT, 1),
        (INT, 64),
        (FLOAT, 0),
        (FLOAT, 0.9),
        (PAIR, "1x100"),
        (INTS, "64"),
        (INTS, "-".join(["1"] * 16)),
        (CHOICE, "none"),
    ],
)
def test_values_up_to_the_bounds_are_legal(param, value):
    """Both ends of a range belong to it."""
    assert param.problem(value) is None


@pytest.mark.parametrize(
    ("param", "value", "rule"),
    [
        (INT, 0, "must lie in 1 .. 64"),
        (INT, 65, "must lie in 1 .. 64"),
        (INT, 8.0, "must be an integer"),
        (INT, True, "must be an integer"),
        (INT, "8", "must be an integer"),
        (FLOAT, -0.1, "must lie in 0 .. 0.9"),
        (FLOAT, float("nan"), "must lie in 0 .. 0.9"),
        (FLOAT, float("inf"), "must lie in 0 .. 0.9"),
        (FLOAT, False, "must be a number"),
        (PAIR, "0x8", "must lie in 1 .. 100"),
        (PAIR, "10", "must be two integers joined by 'x', like '10x8'"),
        (PAIR, "1x2x3", "must be two integers joined by 'x', like '10x8'"),
        (PAIR, "-1x2", "must be two integers joined by 'x', like '10x8'"),
        (PAIR, "\u0661x2", "must be two integers joined by 'x', like '10x8'"),
        (PAIR, "9" * 5000 + "x1", "must be two integers joined by 'x', like '10x8'"),
        (PAIR, [10, 8], "must be two integers joined by 'x', like '10x8'"),
        (INTS, "", "must be integers joined by '-', like '16-16-24'"),
        (INTS, "16--16", "must be integers joined by '-', like '16-16-24'"),
        (INTS, "16-65", "must lie in 1 .. 64"),
        (INTS, "-".join(["1"] * 17), "must have at most 16 entries"),
        (CHOICE, "tanh", "must be one of ['relu', 'none']"),
        (CHOICE, ["relu"], "must be one of ['relu', 'none']"),
    ],
)
def test_illegal_value_names_its_rule(param, value, rule):
    """What is wrong is told in words that fit behind 'must'."""
    assert param.problem(value) == rule


@pytest.mark.parametrize("param", ALL_PARAMS)
def test_defaults_are_legal_and_documented(param):
    """Every architecture can be named without a parameter."""
    assert param.problem(param.default) is None
    assert param.doc.endswith(".")


@given(st.sampled_from([INT, FLOAT, PAIR, INTS, CHOICE]), st.data())
def test_legal_values_have_no_problem(param, data):
    """All that the kind and the bounds allow is allowed."""
    assert param.problem(data.draw(legal_values(param))) is None


@given(
    st.sampled_from([INT, FLOAT, PAIR, INTS, CHOICE]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
)
def test_any_value_is_judged(param, value):
    """No value makes the check itself fail."""
    assert isinstance(param.problem(value), str | None)


@pytest.mark.parametrize(
    ("dimension", "is_integer"),
    [
        (Range(1, 8), True),
        (Range(1, 8, step=2), True),
        (Range(1, 8.0), False),
        (Range(1, 8, step=0.5), False),
    ],
)
def test_range_is_of_integers_if_all_its_numbers_are(dimension, is_integer):
    """A float anywhere makes it a range of floats."""
    assert dimension.is_integer is is_integer
