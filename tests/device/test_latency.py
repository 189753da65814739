"""The estimate and its interval hold what was measured; beyond that there is no figure."""

import csv
import dataclasses
from pathlib import Path

import pytest

from sprd.device.board import Board, load_board
from sprd.device.graph import read_graph
from sprd.device.latency import estimate


@pytest.fixture(scope="module")
def nano() -> Board:
    """The seed's board."""
    return load_board("arduino_nano_33_ble")


def cmsis_nn_rows(shared: Path) -> list[dict[str, str]]:
    """Returns the rows of calibration/latency.csv that may calibrate this model."""
    lines = (shared / "calibration" / "latency.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [row for row in rows if row["kernels"] == "cmsis-nn"]


def test_every_measured_row_lies_in_its_interval(shared, nano):
    """Each CMSIS-NN row lies within its interval, and within 20 % of its estimate."""
    rows = cmsis_nn_rows(shared)
    assert len(rows) == 7
    for row in rows:
        clock_hz = int(float(row["clock_mhz"]) * 1e6)
        board = dataclasses.replace(nano, core=row["core"], clock_hz=clock_hz)
        model = (shared / "models" / f"{row['model']}.tflite").read_bytes()
        latency = estimate(read_graph(model), board)
        measured = float(row["latency_ms"])
        assert latency.low_ms < measured < latency.high_ms, row
        assert latency.latency_ms == pytest.approx(measured, rel=0.2), row
        assert latency.source == "model"


def test_tiny_conv_agrees_with_its_instructions(tiny_conv, nano):
    """2.511 M emulated instructions at 1.36 to 1.79 cycles each lie in the interval."""
    latency = estimate(read_graph(tiny_conv), nano)
    assert latency.low_ms < 1000 * 2.511e6 * 1.36 / 64e6
    assert latency.high_ms > 1000 * 2.511e6 * 1.79 / 64e6


def test_latency_falls_with_the_clock(tiny_conv, nano):
    """Twice the clock is half the time."""
    fast = estimate(read_graph(tiny_conv), dataclasses.replace(nano, clock_hz=128_000_000))
    slow = estimate(read_graph(tiny_conv), nano)
    assert slow.latency_ms == pytest.approx(2 * fast.latency_ms)


@pytest.mark.parametrize("change", [{"core": "cortex-m7"}, {"kernels": "reference"}])
def test_unmeasured_core_or_kernels_give_no_figure(tiny_conv, nano, change):
    """What nobody measured is unknown, not guessed."""
    assert estimate(read_graph(tiny_conv), dataclasses.replace(nano, **change)) is None


def test_unmeasured_operator_gives_no_figure(tiny_conv, edit_model, nano):
    """An operator outside the table makes the whole latency unknown."""

    def change(tree):
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 14, 14  # LOGISTIC

    assert estimate(read_graph(edit_model(tiny_conv, change)), nano) is None
