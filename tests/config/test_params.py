"""Values of architecture parameters and of the search space."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from sprd.config.dimensions import Range
from sprd.config.params import Joined, Params
from sprd.config.sections import BrokenRule, check_value, validated
from sprd.config.trial import DataSection
from tests.strategies import legal_values


class Example(Params):
    """A parameter of each kind."""

    integer: int = Field(8, ge=1, le=64, description="Filters.")
    number: float = Field(0.5, ge=0, le=0.9)
    pair: Annotated[tuple[int, int], Joined("x", high=100)] = (10, 8)
    numbers: Annotated[tuple[int, ...], Joined("-", high=64)] = (16, 16)
    word: Literal["relu", "none"] = "relu"


SCHEMAS = Example.model_json_schema()["properties"]

PAIR = "must be two integers joined by 'x', like '10x8'"
NUMBERS = "must be integers joined by '-', like '16-16-24'"


@pytest.mark.parametrize(
    ("name", "value", "parsed"),
    [
        ("integer", 1, 1),
        ("integer", 64, 64),
        ("number", 0, 0.0),
        ("number", 0.9, 0.9),
        ("pair", "1x100", (1, 100)),
        ("pair", "010x8", (10, 8)),
        ("numbers", "64", (64,)),
        ("numbers", "-".join(["1"] * 16), (1,) * 16),
        ("word", "none", "none"),
    ],
)
def test_values_up_to_the_bounds_are_legal(name: str, value: object, parsed: object) -> None:
    """Both ends of a range belong to it; strings of integers are parsed."""
    assert getattr(validated(Example, {name: value}), name) == parsed


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("integer", 0, "must lie in 1 .. 64, got 0. Filters."),
        ("integer", 65, "must lie in 1 .. 64, got 65. Filters."),
        ("integer", 8.0, "must be an integer, got 8.0. Filters."),
        ("integer", True, "must be an integer, got True. Filters."),
        ("integer", "8", "must be an integer, got '8'. Filters."),
        ("number", -0.1, "must lie in 0 .. 0.9, got -0.1."),
        ("number", float("nan"), "must be a finite number, got nan."),
        ("number", float("inf"), "must be a finite number, got inf."),
        ("number", False, "must be a number, got False."),
        ("pair", "0x8", "must lie in 1 .. 100, got '0x8'."),
        ("pair", "10", f"{PAIR}, got '10'."),
        ("pair", "1x2x3", f"{PAIR}, got '1x2x3'."),
        ("pair", "-1x2", f"{PAIR}, got '-1x2'."),
        ("pair", "\u0661x2", f"{PAIR}, got '\u0661x2'."),
        ("pair", "9" * 5000 + "x1", f"{PAIR}, got '{'9' * 5000}x1'."),
        ("pair", [10, 8], f"{PAIR}, got [10, 8]."),
        ("pair", 10, f"{PAIR}, got 10."),
        ("numbers", "", f"{NUMBERS}, got ''."),
        ("numbers", "16--16", f"{NUMBERS}, got '16--16'."),
        ("numbers", "16-65", "must lie in 1 .. 64, got '16-65'."),
        ("numbers", "1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", "must have at most 16 entries, got '1-1"),
        ("word", "tanh", "must be 'relu' or 'none', got 'tanh'."),
        ("word", ["relu"], "must be 'relu' or 'none', got ['relu']."),
        (
            "wrod",
            "relu",
            "unknown key. Did you mean 'word'? Known: integer, number, numbers, pair,",
        ),
    ],
)
def test_illegal_value_names_its_rule(name: str, value: object, rule: str) -> None:
    """What is wrong, the value, and what the parameter means; a table says the same."""
    for check in (check_value, lambda kind, key, value: validated(kind, {key: value})):
        with pytest.raises(BrokenRule) as caught:
            check(Example, name, value)
        assert (caught.value.key, caught.value.rule[: len(rule)]) == (name, rule)
        assert str(caught.value) == f"{name}: {caught.value.rule}"


def test_value_is_checked_whatever_else_is_missing() -> None:
    """A dimension of the space is checked before the table that it belongs to."""
    check_value(DataSection, "silence_percentage", 10)
    with pytest.raises(BrokenRule, match="keywords: must be given"):
        validated(DataSection, {"silence_percentage": 10})


def test_defaults_are_told_as_a_sweep_file_writes_them() -> None:
    """What is told is what is read again."""
    assert Example.defaults() == {
        "integer": 8,
        "number": 0.5,
        "pair": "10x8",
        "numbers": "16-16",
        "word": "relu",
    }
    assert validated(Example, Example.defaults()) == Example()


@given(st.data())
def test_legal_values_are_read_and_written_back(data: st.DataObject) -> None:
    """All that the type allows is allowed."""
    written = {name: data.draw(legal_values(schema)) for name, schema in SCHEMAS.items()}
    assert validated(Example, written).model_dump() == written


@given(
    st.sampled_from(sorted(SCHEMAS)),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
)
def test_any_value_is_read_or_refused_by_its_name(name: str, value: object) -> None:
    """No value makes the check itself fail."""
    try:
        check_value(Example, name, value)
    except BrokenRule as broken:
        assert broken.key == name


@pytest.mark.parametrize(
    ("dimension", "is_integer"),
    [
        (Range(1, 8), True),
        (Range(1, 8, step=2), True),
        (Range(1, 8.0), False),
        (Range(1, 8, step=0.5), False),
    ],
)
def test_range_is_of_integers_if_all_its_numbers_are(dimension: Range, is_integer: bool) -> None:
    """A float anywhere makes it a range of floats."""
    assert dimension.is_integer is is_integer
