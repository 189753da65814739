"""A key of a board file's table in, its value out, checked: the rules that all its tables share."""

from collections.abc import Mapping
from typing import Any

from sprd.errors import BoardError, suggest


def check_keys(
    table: Mapping[str, Any], keys: tuple[str, ...], where: str, optional: tuple[str, ...] = ()
) -> None:
    """Checks that a table has all of its keys, and no other.

    Raises:
        BoardError: It lacks one, or has one that is not known.
    """
    for key in table:
        if key not in keys + optional:
            raise BoardError(f"{where}: unknown key {key!r}. {suggest(key, keys + optional)}")
    for key in keys:
        if key not in table:
            raise BoardError(f"{where}: must have the key {key!r}, got none. Add it.")


def check_choice(value: str, choices: tuple[str, ...], where: str) -> None:
    """Checks that a value is one of some.

    Raises:
        BoardError: It is none of them.
    """
    if value not in choices:
        raise BoardError(
            f"{where}: must be one of {list(choices)}, got {value!r}. {suggest(value, choices)}"
        )


def table_of(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """Returns the table under a key.

    Raises:
        BoardError: It is none.
    """
    value = table[key]
    if not isinstance(value, dict):
        raise BoardError(f"{where} [{key}]: must be a table, got {value!r}.")
    return value


def text_of(table: Mapping[str, Any], key: str, where: str) -> str:
    """Returns a text that says something.

    Raises:
        BoardError: It is no text, or an empty one.
    """
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise BoardError(f"{where} [{key}]: must be a text that says something, got {value!r}.")
    return value


def whole_of(table: Mapping[str, Any], key: str, low: int, high: int, where: str) -> int:
    """Returns a whole number in `low` .. `high`.

    Raises:
        BoardError: It is none.
    """
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BoardError(
            f"{where} [{key}]: must be a whole number in {low:,} .. {high:,}, got {value!r}."
        )
    return value


def number_of(table: Mapping[str, Any], key: str, low: float, high: float, where: str) -> float:
    """Returns a number in `low` .. `high`.

    Raises:
        BoardError: It is none.
    """
    value = table[key]
    # NaN compares false with everything, so it is refused here too.
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
        raise BoardError(
            f"{where} [{key}]: must be a number in {low:g} .. {high:g}, got {value!r}."
        )
    return float(value)
