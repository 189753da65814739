"""The rules that all tables of a board file share; that of each table is in `test_board`."""

from collections.abc import Callable
from typing import Any

import pytest

from sprd.config.board_table import (
    check_choice,
    check_keys,
    number_of,
    table_of,
    text_of,
    whole_of,
)
from sprd.errors import BoardError

TABLE: dict[str, Any] = {"table": {"a": 1}, "text": "x", "empty": " ", "whole": 3, "share": 0.5}


def test_values_of_a_table_are_returned() -> None:
    """As they are; a whole number is a number too."""
    assert table_of(TABLE, "table", "f") == {"a": 1}
    assert text_of(TABLE, "text", "f") == "x"
    assert whole_of(TABLE, "whole", 3, 3, "f") == 3
    assert number_of(TABLE, "whole", 0, 3, "f") == 3.0
    check_keys(TABLE["table"], ("a",), "f", optional=("b",))
    check_choice("a", ("a", "b"), "f")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: table_of(TABLE, "text", "f"), r"f \[text\]: must be a table, got 'x'"),
        (lambda: text_of(TABLE, "empty", "f"), r"f \[empty\]: must be a text that says something"),
        (lambda: text_of(TABLE, "whole", "f"), "must be a text that says something, got 3"),
        (lambda: whole_of(TABLE, "whole", 4, 5, "f"), r"whole number in 4 .. 5, got 3"),
        (lambda: whole_of({"a": True}, "a", 0, 5, "f"), "got True"),
        (lambda: number_of(TABLE, "share", 1, 2, "f"), "number in 1 .. 2, got 0.5"),
        (lambda: check_keys({"c": 1}, ("cc",), "f"), "f: unknown key 'c'. Did you mean 'cc'"),
        (lambda: check_keys({}, ("a",), "f"), "f: must have the key 'a', got none. Add it."),
        (lambda: check_choice("ab", ("abc",), "f"), "must be one of .*Did you mean 'abc'"),
    ],
)
def test_value_that_breaks_a_rule_is_refused(broken: Callable[[], object], message: str) -> None:
    """With where it stands, the rule and the value."""
    with pytest.raises(BoardError, match=message):
        broken()
