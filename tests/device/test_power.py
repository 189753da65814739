"""Power while listening lies between a published figure scaled by the duty and that figure."""

from dataclasses import replace

import pytest

from sprd.config.board_power import Listening
from sprd.device.board import board_names, load_board
from sprd.device.power import BATTERIES, battery_named, listening_power, range_text
from sprd.errors import ConfigError

L4R5 = load_board("nucleo_l4r5zi")


def test_shipped_figures_are_the_published_ones() -> None:
    """MLPerf Tiny v1.3, streaming wake word: three boards; of no other anything is told."""
    published = {name: load_board(name).listening for name in board_names()}
    assert {name: found for name, found in published.items() if found is not None} == {
        "nucleo_l4r5zi": Listening(25.6, 0.56),
        "nucleo_u575zi_q": Listening(11.5, 0.36),
        "nucleo_u385rg_q": Listening(3.98, 0.60),
    }


@pytest.mark.parametrize(
    ("cpu_share", "low", "high"),
    [
        (0.14, 6.4, 25.6),
        (0.56, 25.6, 25.6),
        (0.84, 25.6, 38.4),
        (1.7, 25.6, 25.6 / 0.56),
    ],
)
def test_range_is_the_figure_scaled_and_not(cpu_share: float, low: float, high: float) -> None:
    """The smaller end first; a board that does not keep up computes all the time, not more."""
    found = listening_power(L4R5, cpu_share)
    assert (found.listening_mw_low, found.listening_mw_high) == pytest.approx((low, high))
    assert found.battery_days_low is found.battery_days_high is found.listening_unknown is None
    assert "25.6 mW published of this board at a duty of 0.56" in str(found.listening_basis)


def test_published_model_draws_what_was_published() -> None:
    """At the published duty both ends are the published power, on each board."""
    for name in ("nucleo_l4r5zi", "nucleo_u575zi_q", "nucleo_u385rg_q"):
        board = load_board(name)
        assert board.listening is not None
        found = listening_power(board, board.listening.duty)
        assert found.listening_mw_low == pytest.approx(board.listening.mw)
        assert found.listening_mw_high == pytest.approx(board.listening.mw)


def test_days_are_energy_over_power() -> None:
    """675 mWh at 25.6 and at 6.4 mW: 1.1 to 4.4 days; the larger power gives the fewer days."""
    found = listening_power(L4R5, 0.14, battery_named("cr2032"))
    assert found.battery_days_low == pytest.approx(675 / 25.6 / 24)
    assert found.battery_days_high == pytest.approx(675 / 6.4 / 24)


def test_board_without_a_figure_is_unknown() -> None:
    """The reason names the board; active power of a data sheet stands in for nothing."""
    nano = load_board("arduino_nano_33_ble")
    assert nano.active_mw is not None
    found = listening_power(nano, 0.3, battery_named("2xaa"))
    assert found.listening_mw_low is found.battery_days_low is None
    assert "arduino_nano_33_ble" in str(found.listening_unknown)


def test_unknown_share_gives_no_range() -> None:
    """Nothing can be scaled by what nobody knows."""
    found = listening_power(L4R5, None, battery_named("2xaa"))
    assert found.listening_mw_high is found.battery_days_high is None
    assert "share of the CPU" in str(found.listening_unknown)


def test_another_figure_of_a_board_is_the_same_board_to_a_run() -> None:
    """No footprint follows from it, so a run and a warm start go on over it."""
    assert replace(L4R5, listening=None) == L4R5


@pytest.mark.parametrize("name", BATTERIES)
def test_each_battery_is_found_by_its_name_in_any_case(name: str) -> None:
    """Each says what its numbers rest on, and holds energy."""
    found = battery_named(f" {name.upper()} ")
    assert found == BATTERIES[name] and found.name == name
    assert found.source and found.mwh > 0


@pytest.mark.parametrize(
    ("text", "capacity_mah", "volts"),
    [("1000mAh@3.7V", 1000, 3.7), ("0.5mah@60v", 0.5, 60), (" 220 mAh @ 3 V ", 220, 3)],
)
def test_battery_of_ones_own_is_capacity_and_voltage(
    text: str, capacity_mah: float, volts: float
) -> None:
    """In any case, with or without blanks."""
    found = battery_named(text)
    assert (found.capacity_mah, found.volts) == (capacity_mah, volts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0mAh@3.7V", "must have a capacity above 0"),
        ("0.0mAh@3V", "must have a capacity above 0"),
        ("1000001mAh@3V", "up to 1,000,000 mAh"),
        ("500mAh@0V", "must have 0.5 .. 60 V"),
        ("500mAh@100V", "must have 0.5 .. 60 V"),
        ("@3.7V", "a capacity and a voltage"),
        ("3.7V", "a capacity and a voltage"),
        ("1000mAh", "a capacity and a voltage"),
        ("-5mAh@3V", "a capacity and a voltage"),
        ("", "a capacity and a voltage"),
        ("cr2023", "Did you mean 'cr2032'"),
        ("nan mAh@3V", "a capacity and a voltage"),
    ],
)
def test_battery_that_is_none_is_refused_in_one_line(text: str, message: str) -> None:
    """No capacity, no voltage, or a name that nobody knows."""
    with pytest.raises(ConfigError, match=message) as error:
        battery_named(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("ends", "text"),
    [((9.716, 25.6), "9.72 .. 25.6"), ((3.98, 3.9801), "3.98"), ((99.96, 1234.5), "100 .. 1,234")],
)
def test_range_is_written_to_three_digits(ends: tuple[float, float], text: str) -> None:
    """Ends that read alike are one number; no power of ten is written."""
    assert range_text(*ends) == text
