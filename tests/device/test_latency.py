"""The estimate and its interval hold what was measured; beyond that there is no figure."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sprd.config.board import Board
from sprd.config.build import CMAKE_O2, cmake_o2
from sprd.device.board import board_names, load_board
from sprd.device.costs import DATA, costs
from sprd.device.graph import read_graph
from sprd.device.instructions import count_instructions
from sprd.device.latency import (
    cycles_per_instruction,
    estimate,
    latency_basis,
    latency_of,
    other_cycles,
    time_shares,
    unavailable_costs,
    why_unknown,
)
from tests.scripts import load_script

OTHER_BUILD = dataclasses.replace(cmake_o2("cortex-m4", "cmsis-nn"), name="other", cost="other")


@pytest.fixture(scope="module")
def nano() -> Board:
    """SPRD's board."""
    return load_board("arduino_nano_33_ble", CMAKE_O2)


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


def test_build_without_tables_is_the_reason_for_all_that_is_unknown(nano: Board) -> None:
    """Not its core, of which figures were published; those that could have been meant are named."""
    typo = unavailable_costs(dataclasses.replace(nano, build=OTHER_BUILD))
    assert typo["instructions"] == typo["latency_ms"]
    assert "build other: no tables are called 'other', but cmake-O2, " in typo["latency_ms"]
    plain = dataclasses.replace(nano, build=dataclasses.replace(OTHER_BUILD, cost=""))
    told = unavailable_costs(plain)
    assert told["latency_ms"] == "no layer was measured with the build other"


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
    stated = tomllib.loads((DATA / "cores.toml").read_text())
    assert (stated["mean_error"], stated["worst_error"]) == (round(mean, 3), round(worst, 3))
    for core, found in costs().cores.items():
        assert found.cycles_per_instruction == pytest.approx(script.fit(rows, core), abs=1e-3)


def test_counted_instructions_take_the_place_of_estimated_ones(
    tiny_conv: bytes, nano: Board
) -> None:
    """An instruction more costs the core's cycles an instruction more."""
    graph = read_graph(tiny_conv)
    one, two = (latency_of(n, graph, nano, "emulated") for n in (1e6, 2e6))
    assert one.source == "emulated"
    assert (two.latency_ms - one.latency_ms) * 64e6 / 1000 == pytest.approx(
        1e6 * costs().cores["cortex-m4"].cycles_per_instruction
    )


def test_shares_of_time_add_up(tiny_conv: bytes, nano: Board) -> None:
    """The convolution of SPRD's model takes most of its time."""
    shares = [share for share in time_shares(read_graph(tiny_conv), nano) if share is not None]
    assert sum(shares) == pytest.approx(1)
    assert max(shares) == shares[1] > 0.9


def test_rows_of_the_nano_lie_in_the_narrow_interval(shared: Path, nano: Board) -> None:
    """-Os counted, the two models lie within 7 %, in an interval of which high/low is 1.45."""
    arduino = nano.with_build("arduino")
    path = shared / "calibration" / "nano33ble_measured.csv"
    table = csv.DictReader(line for line in path.read_text().splitlines() if line[0] != "#")
    rows = [row for row in table if row["what"] == "Invoke"]
    assert len(rows) == 2
    for row in rows:
        model = (shared / "models" / f"{row['model']}.tflite").read_bytes()
        found = estimate(read_graph(model), arduino)
        assert found is not None
        assert found.latency_ms == pytest.approx(float(row["ms"]), rel=0.07)
        assert found.high_ms / found.low_ms <= 1.45


def test_stated_fit_of_the_nano_is_that_of_the_rows(shared: Path, nano: Board) -> None:
    """Each kind of operator above 1 % lies within 15 %; a model left out within 11 %."""
    script = load_script("benchmarks/fit_builds.py")
    rows = script.read_rows(shared, nano.with_build("arduino"))
    fitted = script.fit(rows)
    assert costs("arduino").cores["cortex-m4"].cycles_per_instruction == pytest.approx(
        fitted[""], abs=1e-3
    )
    whole = {row.model: row.cycles for row in rows if row.what == "Invoke"}
    for row in rows:
        unseen = script.fit([other for other in rows if other.model != row.model])
        if row.what == "Invoke":
            assert row.told(script.of_all(unseen)) == pytest.approx(row.cycles, rel=0.11)
        elif row.cycles > 0.01 * whole[row.model]:
            assert row.told(script.of_all(fitted)) == pytest.approx(row.cycles, rel=0.15)


def test_instructions_are_those_that_tflm_was_counted_to_take(shared: Path, nano: Board) -> None:
    """Kernels, interpreter, softmax and reshape together are within 5 % of every row."""
    script = load_script("benchmarks/fit_builds.py")
    path = shared / "calibration" / "tflm_cortex_m4.csv"
    table = csv.DictReader(line for line in path.read_text().splitlines() if line[0] != "#")
    rows = list(table)
    assert len(rows) == 9
    for row in rows:
        board = nano.with_build(script.build_of(row))
        told = script.tflm_instructions(script.read_model(shared, row["model"]), board)
        assert told == pytest.approx(int(row["invoke_instructions"]), rel=0.05), row


def test_board_without_rows_says_whose_factor_it_borrows() -> None:
    """The interval is wider there; a board with rows of its build borrows nothing."""
    found = {}
    for name, build in (
        ("arduino_nano_33_ble", "arduino"),
        ("arduino_nano_33_ble", "head-Os"),
        ("arduino_nano_33_ble", "cmake-O2"),
        ("nucleo_l4r5zi", "cmake-O2"),
        ("nucleo_l4r5zi", "head-Os"),
        ("stm32f746", "head-Os"),
    ):
        board = load_board(name, build)
        factor = cycles_per_instruction(board)
        found[name, build] = latency_basis(board), factor and factor[1]
    rows = "Arduino Nano 33 BLE rows of the build arduino, two models"
    assert found["arduino_nano_33_ble", "arduino"] == (rows, 1.2)
    assert found["arduino_nano_33_ble", "head-Os"] == (f"borrowed: {rows}", 1.3)
    published = "MLPerf Tiny rows of this core at -O2"
    assert found["arduino_nano_33_ble", "cmake-O2"] == (f"borrowed: {published}", 1.26)
    assert found["nucleo_l4r5zi", "cmake-O2"] == (published, 1.26)
    assert found["nucleo_l4r5zi", "head-Os"] == (f"borrowed: {rows}", 1.3)
    assert found["stm32f746", "head-Os"] == (None, None)
    esp32 = load_board("esp32")
    own = latency_basis(dataclasses.replace(esp32, name="esp32_of_my_own"))
    assert own == f"borrowed: {latency_basis(esp32)}"


def test_weights_are_read_again_where_no_cache_holds_them(shared: Path, nano: Board) -> None:
    """A wait state more costs a convolution one for each pair of pixels, a dense layer just one."""
    graph = read_graph((shared / "models" / "mlperf_tiny_kws_ds_cnn.tflite").read_bytes())
    slower = dataclasses.replace(nano, wait_states=nano.wait_states + 1)
    waits = {}
    for build in ("cmake-O2", "arduino"):
        one, two = (board.with_build(build) for board in (nano, slower))
        waits[build] = [
            other_cycles(graph, operator, two) - other_cycles(graph, operator, one)
            for operator in graph.operators
        ]
    dense = [operator.op for operator in graph.operators].index("FULLY_CONNECTED")
    assert waits["arduino"][dense] == waits["cmake-O2"][dense]
    # 125 pixels: 63 pairs; a depthwise convolution goes pixel by pixel.
    assert waits["arduino"][0] == pytest.approx(63 * waits["cmake-O2"][0])
    assert waits["arduino"][1] == pytest.approx(125 * waits["cmake-O2"][1])


def test_emulated_count_of_a_build_tells_what_its_shapes_tell(
    tiny_conv: bytes, nano: Board
) -> None:
    """Where the emulation agrees with the cost model, both give the same milliseconds."""
    graph, board = read_graph(tiny_conv), nano.with_build("arduino")
    told = sum(n or 0.0 for n in count_instructions(graph, costs("arduino").emulated))
    told_by_shapes, counted = estimate(graph, board), latency_of(told, graph, board, "emulated")
    assert told_by_shapes is not None and counted is not None
    assert counted.latency_ms == pytest.approx(told_by_shapes.latency_ms)
