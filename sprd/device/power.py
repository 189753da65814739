"""A board, a model's share of its CPU and a battery in; milliwatts while listening and days out.

Somebody else's figure is what there is: the mean power of a board that listens with a model of
their own, and the share of the time that it computed, its duty. How much of that power is idling,
microphone and regulator nobody told. If all of it were computing, another model's would be in
proportion to its duty; if none were, it would be the same. The truth lies between the two, so that
is what is told. Without a published figure the power is unknown.

Days are capacity times voltage over power. What a battery loses on the shelf, in the cold, to a
regulator, or below the voltage that a board needs is not in them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sprd.config.board import Board
from sprd.errors import ConfigError, suggest

_CAPACITY_MAH = (0.0, 1_000_000.0)
_VOLTS = (0.5, 60.0)
_HOURS_A_DAY = 24
_OWN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*mah\s*@\s*([0-9]+(?:\.[0-9]+)?)\s*v", re.ASCII)


@dataclass(frozen=True)
class Battery:
    """A battery by what is printed on it, or on its data sheet.

    `most_ma` is the current that it is made for at most, all the time; None where nobody told.
    """

    name: str
    capacity_mah: float
    volts: float
    source: str
    most_ma: float | None = None

    @property
    def mwh(self) -> float:
        """Energy in milliwatt hours, as if its voltage stayed."""
        return self.capacity_mah * self.volts

    def days(self, mw: float) -> float:
        """Returns how long it gives that power."""
        return self.mwh / mw / _HOURS_A_DAY


BATTERIES: Mapping[str, Battery] = {
    battery.name: battery
    for battery in (
        Battery("cr2032", 225.0, 3.0, "data sheets: 220 to 235 mAh at 0.2 mA down to 2 V", 3.0),
        Battery("cr2450", 600.0, 3.0, "data sheets: 540 to 620 mAh at 0.2 mA down to 2 V", 3.0),
        Battery("2xaa", 2500.0, 3.0, "two alkaline cells in series, data sheets at 25 mA"),
        Battery("2xaaa", 1100.0, 3.0, "two alkaline cells in series, data sheets at 25 mA"),
        Battery("lipo500", 500.0, 3.7, "as printed on the cell: 500 mAh, nominal 3.7 V"),
        Battery("lipo1000", 1000.0, 3.7, "as printed on the cell: 1,000 mAh, nominal 3.7 V"),
        Battery("18650", 2600.0, 3.6, "as printed on a usual cell: 2,600 mAh, nominal 3.6 V"),
    )
}


@dataclass(frozen=True)
class ListeningPower:
    """What a board draws while it listens with a model, and how long a battery lasts.

    The names are the keys of the JSON. `listening_basis` says what the range rests on;
    `listening_unknown` why there is none. None is unknown, days also where no battery is named.
    """

    listening_mw_low: float | None = None
    listening_mw_high: float | None = None
    battery_days_low: float | None = None
    battery_days_high: float | None = None
    listening_basis: str | None = None
    listening_unknown: str | None = None


def battery_named(text: str) -> Battery:
    """Returns a battery by its name, or of one's own: `1000mAh@3.7V`.

    Raises:
        ConfigError: No battery is named so, or it has no capacity.
    """
    name = text.strip().lower()
    if name in BATTERIES:
        return BATTERIES[name]
    own = _OWN.fullmatch(name)
    if own is None:
        raise ConfigError(
            "battery: must be a known one, or a capacity and a voltage such as 1000mAh@3.7V, got"
            f" {text!r}. {suggest(name, BATTERIES)}"
        )
    capacity_mah, volts = float(own[1]), float(own[2])
    if not _CAPACITY_MAH[0] < capacity_mah <= _CAPACITY_MAH[1]:
        raise ConfigError(
            f"battery: must have a capacity above 0 up to {_CAPACITY_MAH[1]:,.0f} mAh, got"
            f" {text!r}. Take what is printed on it."
        )
    if not _VOLTS[0] <= volts <= _VOLTS[1]:
        raise ConfigError(
            f"battery: must have {_VOLTS[0]:g} .. {_VOLTS[1]:g} V, got {text!r}."
            " Take what is printed on it."
        )
    return Battery(f"{capacity_mah:g}mAh@{volts:g}V", capacity_mah, volts, "as you told it")


def listening_power(
    board: Board, cpu_share: float | None, battery: Battery | None = None
) -> ListeningPower:
    """Returns what a board draws while it listens, as far as a published figure tells it.

    Args:
        board: Where the model listens.
        cpu_share: Of front end and inference on it, 1 being all of the CPU; None is unknown.
        battery: That feeds it; None: no days are told.
    """
    published = board.listening
    if published is None:
        return ListeningPower(
            listening_unknown=f"nobody published what {board.name} draws while it listens"
        )
    if cpu_share is None:
        return ListeningPower(
            listening_unknown="the share of the CPU that front end and inference take is unknown"
        )
    duty = min(cpu_share, 1.0)
    low, high = sorted((published.mw, published.mw * duty / published.duty))
    days = (None, None) if battery is None else (battery.days(high), battery.days(low))
    basis = (
        f"{published.mw:g} mW published of this board at a duty of {published.duty:g}; one end is"
        f" scaled by this model's duty, {duty:.2f}, the other is not, as nobody published how much"
        " of it is idling"
    )
    return ListeningPower(low, high, days[0], days[1], listening_basis=basis)


def range_text(low: float, high: float) -> str:
    """Writes a range to three digits; one number where both ends read alike."""
    ends = [f"{end:,.0f}" if end >= 100 else f"{end:.3g}" for end in (low, high)]
    return " .. ".join(dict.fromkeys(ends))
