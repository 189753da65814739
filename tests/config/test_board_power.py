"""What a board draws is read from two tables of its file, or unknown."""

from typing import Any

import pytest

from sprd.config.board_power import Listening, read_active_mw, read_listening
from sprd.errors import BoardError


def test_both_tables_are_optional() -> None:
    """A file without them tells nothing, and nothing is assumed."""
    assert read_active_mw({}, "b.toml") is None
    assert read_listening({}, "b.toml") is None


def test_tables_are_read_as_they_are() -> None:
    """Milliwatts and a share; whole numbers are numbers."""
    assert read_active_mw({"power": {"active_mw": 10}}, "b.toml") == 10.0
    table = {"listening": {"mw": 25.6, "duty": 0.56}}
    assert read_listening(table, "b.toml") == Listening(25.6, 0.56)


@pytest.mark.parametrize(
    ("listening", "message"),
    [
        (7, r"\[listening\]: must be a table, got 7"),
        ({"mw": 1.0}, "must have the key 'duty'"),
        ({"mw": 1.0, "dutty": 0.5}, "Did you mean 'duty'"),
        ({"mw": 0, "duty": 0.5}, r"\[mw\]: must be a number in 0.01 .. 10000"),
        ({"mw": 1.0, "duty": 0.0}, r"\[duty\]: must be a number in 0.001 .. 1"),
        ({"mw": 1.0, "duty": 56}, r"\[duty\]: must be a number"),
        ({"mw": float("nan"), "duty": 0.5}, r"\[mw\]: must be a number"),
    ],
)
def test_listening_that_breaks_a_rule_is_refused(listening: Any, message: str) -> None:
    """One line that names the file, the table and the key."""
    with pytest.raises(BoardError, match=message):
        read_listening({"listening": listening}, "b.toml")


def test_active_power_of_nothing_is_refused() -> None:
    """A core that computes draws something."""
    with pytest.raises(BoardError, match=r"\[active_mw\]: must be a number in 0.01"):
        read_active_mw({"power": {"active_mw": 0}}, "b.toml")
