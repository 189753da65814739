"""The estimate and its interval hold what was measured; beyond that there is no figure."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sprd.config.board import Board
from sprd.config.build import cmake_o2
from sprd.device.board import board_names, load_board
from sprd.device.graph import read_graph
from sprd.device.latency import (
    DATA,
    cores,
    estimate,
    latency_of,
    time_shares,
    unavailable_costs,
    why_unknown,
)
from tests.scripts import load_script

OTHER_BUILD = dataclasses.replace(cmake_o2("cortex-m4", "cmsis-nn"), name="other", cost="other")


@pytest.fixture(scope="module")
def nano() -> Board:
    """SPRD's board."""
    return load_board("arduino_nano_33_ble")


def cmsis_nn_rows(shared: Path) -> list[dict[str, str]]:
    """Returns the rows of calibration/latency.csv that may calibrate this model."""
    lines = (shared / "calibration" / "latency.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [row for row in rows if row["kernels"] == "cmsis-nn"]


def test_every_measured_row_lies_in_its_interval(shared: Path) -> None:
    """Each CMSIS-NN row lies in the interval, which is at most 1.6 wide, of the board it names."""
    boards = {board.published_name: board for board in map(load_board, board_names())}
    rows = cmsis_nn_rows(shared)
    assert len(rows) == 7
    for row in rows:
        board = boards[row["board"]]
        assert (board.core, board.clock_hz) == (row["core"], float(row["clock_mhz"]) * 1e6)
        model = (shared / "models" / f"{row['model']}.tflite").read_bytes()
        latency = estimate(read_graph(model), board)
        measured = float(row["latency_ms"])
        assert latency.low_ms < measured < latency.high_ms, row
        assert latency.high_ms / latency.low_ms <= 1.6
        assert latency.latency_ms == pytest.approx(measured, rel=0.13), row
        assert latency.source == "model"


def test_tiny_conv_agrees_with_its_instructions(tiny_conv: bytes, nano: Board) -> None:
    """2.511 M emulated instructions at 1.36 to 1.79 cycles each lie in the interval."""
    latency = estimate(read_graph(tiny_conv), nano)
    assert latency.low_ms < 1000 * 2.511e6 * 1.36 / 64e6
    assert latency.high_ms > 1000 * 2.511e6 * 1.79 / 64e6


def test_latency_falls_with_the_clock(tiny_conv: bytes, nano: Board) -> None:
    """Twice the clock is half the time."""
    fast = estimate(read_graph(tiny_conv), dataclasses.replace(nano, clock_hz=128_000_000))
    slow = estimate(read_graph(tiny_conv), nano)
    assert slow.latency_ms == pytest.approx(2 * fast.latency_ms)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"core": "cortex-m7"}, "cortex-m7"),
        ({"build": cmake_o2("cortex-m4", "reference")}, "kernels reference"),
        ({"build": OTHER_BUILD}, "build other"),
    ],
)
def test_unmeasured_core_kernels_or_build_give_no_figure(
    tiny_conv: bytes, nano: Board, change: dict[str, Any], told: str
) -> None:
    """What nobody measured is unknown, not guessed, and never the number of another build."""
    board = dataclasses.replace(nano, **change)
    graph = read_graph(tiny_conv)
    assert estimate(graph, board) is None
    assert told in why_unknown(graph, board)
    assert "latency_ms" in unavailable_costs(board)
    assert latency_of(1e6, graph, board, "emulated") is None


def test_unmeasured_operator_gives_no_figure(
    tiny_conv: bytes, edit_model: Callable[..., Any], nano: Board
) -> None:
    """An operator outside the table makes the whole latency unknown."""

    def change(tree: Any) -> None:
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 14, 14  # LOGISTIC

    graph = read_graph(edit_model(tiny_conv, change))
    assert estimate(graph, nano) is None
    assert "LOGISTIC" in why_unknown(graph, nano)
    assert set(time_shares(graph, nano)) == {None}


def test_known_latency_has_no_reason_to_be_unknown(tiny_conv: bytes, nano: Board) -> None:
    """Where there is a figure there is no excuse."""
    assert why_unknown(read_graph(tiny_conv), nano) is None


def test_calibrated_board_answers_for_itself(tiny_conv: bytes, nano: Board) -> None:
    """A board's own factor is used on any core, with the interval that its error allows."""
    graph = read_graph(tiny_conv)
    board = dataclasses.replace(
        nano, core="cortex-m7", cycles_per_instruction=2.0, cycles_per_instruction_error=0.2
    )
    found = estimate(graph, board)
    assert found.source == "board"
    assert found.high_ms / found.latency_ms == pytest.approx(1.4)
    exact = dataclasses.replace(board, cycles_per_instruction_error=0.0)
    assert estimate(graph, exact).high_ms / found.latency_ms == pytest.approx(1.1)


def test_core_without_dsp_is_not_estimated(tiny_conv: bytes, nano: Board) -> None:
    """Its kernels are others: a factor of its own does not turn their count into this one's."""
    board = dataclasses.replace(nano, core="cortex-m0plus", cycles_per_instruction=1.5)
    graph = read_graph(tiny_conv)
    assert estimate(graph, board) is None
    assert "sprd emulate" in why_unknown(graph, board)
    assert latency_of(22.9e6, graph, board, "emulated").latency_ms > 500


def test_calibration_without_an_error_is_not_trusted_most(tiny_conv: bytes, nano: Board) -> None:
    """What is unknown does not narrow the interval."""
    board = dataclasses.replace(nano, cycles_per_instruction=1.5)
    found = estimate(read_graph(tiny_conv), board)
    assert found.high_ms / found.latency_ms == pytest.approx(1.3)


def test_each_model_left_out_is_told_within_the_stated_error(shared: Path) -> None:
    """The fit of the data file, made again, and its errors on models that it never saw."""
    import tomllib

    script = load_script("benchmarks/fit_cores.py")
    rows = script.read_rows(shared / "calibration" / "latency.csv", shared / "models")
    errors = []
    for row in rows:
        others = [other for other in rows if other.model != row.model]
        told = script.estimate_ms(row, script.fit(others, row.board.core))
        errors.append(abs(told / row.latency_ms - 1))
    mean, worst = sum(errors) / len(errors), max(errors)
    assert mean <= 0.10 and worst <= 0.20
    stated = tomllib.loads(DATA.read_text())
    assert (stated["mean_error"], stated["worst_error"]) == (round(mean, 3), round(worst, 3))
    for core, factor in cores().items():
        assert factor == pytest.approx(script.fit(rows, core), abs=1e-3)


def test_counted_instructions_take_the_place_of_estimated_ones(
    tiny_conv: bytes, nano: Board
) -> None:
    """An instruction more costs the core's cycles an instruction more."""
    graph = read_graph(tiny_conv)
    one, two = (latency_of(n, graph, nano, "emulated") for n in (1e6, 2e6))
    assert one.source == "emulated"
    assert (two.latency_ms - one.latency_ms) * 64e6 / 1000 == pytest.approx(
        1e6 * cores()["cortex-m4"]
    )


def test_shares_of_time_add_up(tiny_conv: bytes, nano: Board) -> None:
    """The convolution of SPRD's model takes most of its time."""
    shares = [share for share in time_shares(read_graph(tiny_conv), nano) if share is not None]
    assert sum(shares) == pytest.approx(1)
    assert max(shares) == shares[1] > 0.9
