"""`sprd check --battery` tells what a board draws while it listens, and for how long."""

import json
from pathlib import Path

import pytest

from sprd.cli.main import main

BOARD = "nucleo_l4r5zi"


@pytest.fixture
def model(shared: Path) -> Path:
    """SPRD's shipped model."""
    return shared / "models" / "sprd_tiny_conv_up_down.tflite"


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Returns exit code, standard output and standard error of one command."""
    code = main([str(arg) for arg in args])
    return code, *capsys.readouterr()


def test_check_tells_milliwatts_and_days(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An inference every 200 ms: a range, days from the cell's energy, and their basis."""
    command = ("check", model, "--board", BOARD, "--frame", "30/20x40", "--interval-ms", 200)
    found = json.loads(run(capsys, *command, "--battery", "2xAA", "--json")[1])
    share = found["real_time"]["cpu_share"]
    assert found["listening_mw_high"] == 25.6
    assert found["listening_mw_low"] == pytest.approx(25.6 * share / 0.56)
    assert found["battery_days_low"] == pytest.approx(7500 / 25.6 / 24)
    assert found["battery_days_high"] == pytest.approx(7500 / found["listening_mw_low"] / 24)
    out = run(capsys, *command, "--battery", "2xAA")[1]
    told = out[out.index("listening draws") :].splitlines()[:4]
    assert "2xaa (2,500 mAh, 3 V) lasts 12.2 .." in told[0] and "rests on 25.6 mW" in told[1]
    assert all(len(line) <= 80 for line in told)


def test_cell_that_cannot_feed_the_board_is_told(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """8.5 mA at least is more than a coin cell is made for."""
    command = ("check", model, "--board", BOARD, "--frame", "30/20x40", "--battery", "cr2032")
    code, out, _ = run(capsys, *command)
    assert code == 3  # it does not keep up at every stride
    assert "cr2032 is made for at most 3 mA, this is 8.53 .. " in " ".join(out.split())


def test_power_without_a_figure_is_unknown_with_the_reason(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a board of which nothing is published nor a check without a front end is guessed."""
    other = ("check", model, "--board", "nrf5340dk", "--frame", "30/20x40")
    assert "power while listening is unknown: nobody published" in run(capsys, *other)[1]
    for command, reason in ((other, "nrf5340dk"), (("check", model, "--board", BOARD), "--frame")):
        found = json.loads(run(capsys, *command, "--json")[1])
        assert found["listening_mw_low"] is found["battery_days_high"] is None
        assert reason in found["listening_unknown"]


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (("--battery", "cr2032"), "--battery: must come with --frame"),
        (("--frame", "30/20x40", "--battery", "0mAh@3V"), "must have a capacity above 0"),
        (("--frame", "30/20x40", "--battery", "cr2023"), "Did you mean 'cr2032'"),
    ],
)
def test_battery_that_means_nothing_is_refused(
    model: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], rule: str
) -> None:
    """One line, exit 2."""
    code, _, err = run(capsys, "check", model, "--board", BOARD, *args)
    assert code == 2 and rule in err and err.count("\n") == 1
