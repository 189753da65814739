"""A board's factor comes out of milliseconds measured on it."""

import dataclasses
from pathlib import Path

import pytest

from sprd.config.board import Board
from sprd.device.board import load_board
from sprd.device.calibration import Measurement, calibrate, read_measurements
from sprd.device.graph import Graph, read_graph
from sprd.device.latency import estimate
from sprd.errors import BoardError, ModelFileError


@pytest.fixture(scope="module")
def m7() -> Board:
    """A board whose latency nobody published."""
    return load_board("stm32f746")


@pytest.fixture(scope="module")
def graphs(shared: Path) -> list[Graph]:
    """Three models, by name."""
    names = ("sprd_tiny_conv_up_down", "mlperf_tiny_kws_ds_cnn", "mlperf_tiny_ad_autoencoder")
    return [read_graph((shared / "models" / f"{name}.tflite").read_bytes()) for name in names]


def test_known_factor_is_found_again(graphs: list[Graph], m7: Board) -> None:
    """Milliseconds made with a factor give that factor back, without an error."""
    made = dataclasses.replace(m7, cycles_per_instruction=0.9)
    rows = [Measurement(graph, estimate(graph, made).latency_ms) for graph in graphs]
    found = calibrate(rows, m7)
    assert found.cycles_per_instruction == pytest.approx(0.9)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_error_is_that_of_the_measurement_left_out(graphs: list[Graph], m7: Board) -> None:
    """With two that differ by 20 %, each is told from the other."""
    made = dataclasses.replace(m7, cycles_per_instruction=1.0)
    times = [estimate(graph, made).latency_ms for graph in graphs[:2]]
    rows = [Measurement(graphs[0], times[0]), Measurement(graphs[1], 1.2 * times[1])]
    assert calibrate(rows, m7).error == pytest.approx(0.2, abs=0.02)
    assert calibrate(rows[:1], m7).error is None


@pytest.mark.parametrize("latency_ms", [0.001, 1e5])
def test_wrong_unit_is_refused(graphs: list[Graph], m7: Board, latency_ms: float) -> None:
    """Milliseconds that no core could take are named with the factor they imply."""
    with pytest.raises(ModelFileError, match="cycles an instruction"):
        calibrate([Measurement(graphs[0], latency_ms)], m7)


@pytest.mark.parametrize("name", ["raspberry_pi_pico", "esp32_s3"])
def test_other_kernels_are_not_calibrated(graphs: list[Graph], name: str) -> None:
    """A factor of instructions that the board never runs would mean nothing."""
    with pytest.raises(BoardError, match="DSP extension"):
        calibrate([Measurement(graphs[0], 100.0)], load_board(name))


def test_one_factor_takes_the_place_of_no_factor_an_operator(graphs: list[Graph]) -> None:
    """An ESP32 was fitted operator by operator; what may differ is how fast its flash is."""
    with pytest.raises(BoardError, match=r"esp32: .* 'esp-idf'.* flash_memory\.wait_states"):
        calibrate([Measurement(graphs[0], 100.0)], load_board("esp32"))


def test_model_that_computes_nothing_is_refused(m7: Board, graphs: list[Graph]) -> None:
    """There are no instructions to share the time out to."""
    from dataclasses import replace

    idle = [operator for operator in graphs[0].operators if operator.op in ("RESHAPE", "SOFTMAX")]
    with pytest.raises(ModelFileError, match="computes"):
        calibrate([Measurement(replace(graphs[0], operators=tuple(idle)), 1.0)], m7)


def test_table_of_a_spreadsheet_is_read(tmp_path: Path, m7: Board) -> None:
    """A byte-order mark before the first column is no part of its name."""
    path = tmp_path / "measured.csv"
    path.write_bytes(b"\xef\xbb\xbfmodel,latency_ms\r\na.tflite,2\r\n")
    assert read_measurements(path, m7)[0] == [(tmp_path / "a.tflite", 2.0)]


def test_flood_is_refused(tmp_path: Path, m7: Board) -> None:
    """A field that no path could be, and a thing that is no file."""
    path = tmp_path / "measured.csv"
    path.write_text("model,latency_ms\n" + 200_000 * "x" + ",1\n")
    with pytest.raises(ModelFileError, match="readable CSV"):
        read_measurements(path, m7)
    with pytest.raises(ModelFileError, match="folder or device"):
        read_measurements(tmp_path, m7)


def test_measurements_are_read_beside_their_models(tmp_path: Path, m7: Board) -> None:
    """Models are relative to the CSV; comments and further columns are passed over."""
    path = tmp_path / "measured.csv"
    path.write_text("# by hand\nmodel,latency_ms,note\na.tflite,12.5,x\nsub/b.tflite,3,y\n")
    assert read_measurements(path, m7)[0] == [
        (tmp_path / "a.tflite", 12.5),
        (tmp_path / "sub/b.tflite", 3.0),
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "columns"),
        ("model,ms\na,1\n", "columns"),
        ("model,latency_ms\n", "1 to 1000 rows"),
        ("model,latency_ms\na.tflite,fast\n", "row 1"),
        ("model,latency_ms\na.tflite,-1\n", "row 1"),
        ("model,latency_ms\na.tflite,nan\n", "row 1"),
        ("model,latency_ms\na.tflite\n", "row 1"),
    ],
)
def test_broken_table_is_refused(tmp_path: Path, m7: Board, text: str, rule: str) -> None:
    """One line says which rule a CSV breaks."""
    path = tmp_path / "measured.csv"
    path.write_text(text)
    with pytest.raises(ModelFileError, match=rule):
        read_measurements(path, m7)


def test_missing_table_is_refused(tmp_path: Path, m7: Board) -> None:
    """A path that leads nowhere is named."""
    with pytest.raises(ModelFileError, match="readable"):
        read_measurements(tmp_path / "none.csv", m7)


def test_rows_of_other_builds_are_left_out(tmp_path: Path) -> None:
    """A row is of the build that it names, of the chosen one if it names none."""
    nano = load_board("arduino_nano_33_ble")
    path = tmp_path / "measured.csv"
    path.write_text(
        "model,latency_ms,build\na.tflite,1,arduino\nb.tflite,2,cmake-O2\nc.tflite,3,\n"
    )
    found = {name: read_measurements(path, nano.with_build(name)) for name in nano.builds}
    assert found["arduino"] == ([(tmp_path / "a.tflite", 1.0), (tmp_path / "c.tflite", 3.0)], 1)
    assert found["cmake-O2"] == ([(tmp_path / "b.tflite", 2.0), (tmp_path / "c.tflite", 3.0)], 1)


def test_row_of_a_build_that_does_not_exist_is_refused(tmp_path: Path, m7: Board) -> None:
    """The row and the builds that the board has are named; so is a table without the chosen one."""
    path = tmp_path / "measured.csv"
    path.write_text("model,latency_ms,build\na.tflite,1,arduin\n")
    with pytest.raises(BoardError, match=r"row 1 \[build\].*'arduin'.*head-Os"):
        read_measurements(path, m7)
    path.write_text("model,latency_ms,build\na.tflite,1,head-Os\n")
    with pytest.raises(BoardError, match=r"'cmake-O2'.*got none"):
        read_measurements(path, m7.with_build("cmake-O2"))


@pytest.mark.parametrize("build", ["cmake-O2", "arduino", "arduino-O2", "head-Os"])
def test_factor_is_found_again_in_each_build(graphs: list[Graph], build: str) -> None:
    """The same milliseconds imply another factor in another build."""
    nano = load_board("arduino_nano_33_ble", build)
    made = dataclasses.replace(nano, cycles_per_instruction=1.3)
    rows = [Measurement(graph, estimate(graph, made).latency_ms) for graph in graphs]
    assert calibrate(rows, nano).cycles_per_instruction == pytest.approx(1.3)
