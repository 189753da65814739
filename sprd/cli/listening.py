"""What a board draws while it listens, on the screen: a range, the days on a battery, the basis."""

import textwrap
from argparse import Namespace
from typing import TYPE_CHECKING

from sprd.cli.text import output
from sprd.errors import ConfigError

if TYPE_CHECKING:
    from sprd.config.board import Board
    from sprd.device.power import Battery, ListeningPower
    from sprd.device.realtime import RealTime

_COLUMNS = 80


def given_battery(args: Namespace) -> "Battery | None":
    """Returns the battery that was named.

    Raises:
        ConfigError: It is none, or no front end is told beside it.
    """
    from sprd.device.power import battery_named

    if args.battery is None:
        return None
    if args.frame is None:
        raise ConfigError("--battery: must come with --frame, got none. Add --frame.")
    return battery_named(args.battery)


def power_of(
    board: "Board", live: "RealTime | None", battery: "Battery | None"
) -> "ListeningPower":
    """Returns what the board draws, of which nothing is known without a front end."""
    from sprd.device.power import ListeningPower, listening_power

    if live is None:
        return ListeningPower(listening_unknown="no front end is told; add --frame")
    return listening_power(board, live.cpu_share, battery)


def show_power(power: "ListeningPower", battery: "Battery | None") -> None:
    """Prints it in lines of 80 columns."""
    from sprd.device.power import range_text

    low, high = power.listening_mw_low, power.listening_mw_high
    if low is None or high is None:
        _print(f"power while listening is unknown: {power.listening_unknown}")
        return
    told = f"listening draws {range_text(low, high)} mW"
    days_low, days_high = power.battery_days_low, power.battery_days_high
    if battery is not None and days_low is not None and days_high is not None:
        told += (
            f"; {battery.name} ({battery.capacity_mah:,g} mAh, {battery.volts:g} V) lasts"
            f" {range_text(days_low, days_high)} days"
        )
    _print(told)
    _print(f"rests on {power.listening_basis}", indent="  ")
    if battery is not None and battery.most_ma and high / battery.volts > battery.most_ma:
        _print(
            f"{battery.name} is made for at most {battery.most_ma:g} mA, this is"
            f" {range_text(low / battery.volts, high / battery.volts)} mA: it may last less, or not"
            " start the board",
            indent="  ",
        )


def _print(text: str, indent: str = "") -> None:
    lines = textwrap.wrap(text, _COLUMNS, initial_indent=indent, subsequent_indent="  ")
    output().print("\n".join(lines))
