"""The tables `[power]` and `[listening]` of a board file in, milliwatts and a duty out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sprd.config.board_table import check_keys, number_of, table_of

_MW = (0.01, 10_000.0)
_DUTY = (0.001, 1.0)


@dataclass(frozen=True)
class Listening:
    """What somebody published of a board that listens, with a model and a front end of their own.

    `mw` is the mean power of it all in milliwatts, `duty` the share of the time that it computed.
    """

    mw: float
    duty: float


def read_active_mw(table: Mapping[str, Any], where: str) -> float | None:
    """Returns the power while computing, in milliwatts; None is unknown.

    Raises:
        BoardError: It breaks a rule.
    """
    if "power" not in table:
        return None
    power = table_of(table, "power", where)
    check_keys(power, ("active_mw",), f"{where} [power]")
    return number_of(power, "active_mw", *_MW, f"{where} [power]")


def read_listening(table: Mapping[str, Any], where: str) -> Listening | None:
    """Returns what was published of the board while it listens; None where nobody did.

    Raises:
        BoardError: It breaks a rule.
    """
    if "listening" not in table:
        return None
    listening, inside = table_of(table, "listening", where), f"{where} [listening]"
    check_keys(listening, ("mw", "duty"), inside)
    return Listening(
        number_of(listening, "mw", *_MW, inside), number_of(listening, "duty", *_DUTY, inside)
    )
