"""The shipped boards load, and every number of them says where it comes from."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from sprd.config.board import Board
from sprd.device.board import BOARDS, board_names, load_board
from sprd.errors import BoardError

NANO = "arduino_nano_33_ble"


@pytest.mark.parametrize("name", board_names())
def test_each_board_loads_and_is_named_as_its_file(name: str) -> None:
    """Each shipped board is valid and has sources of its memory and code."""
    board = load_board(name)
    assert board.name == name
    numbers = {"clock_hz", "flash_bytes", "ram_bytes"}
    numbers |= {f"code.{key}" for key in board.code_bytes}
    numbers |= {f"ram.{key}" for key in board.app_ram_bytes}
    numbers |= {"flash_memory.wait_states", "flash_memory.line_bytes"}
    numbers |= {"power.active_mw"} if board.active_mw is not None else set()
    numbers |= {"listening.mw", "listening.duty"} if board.listening is not None else set()
    assert set(board.sources) == numbers
    assert board.cycles_per_instruction is None


def test_twelve_boards_are_shipped() -> None:
    """The boards of published measurements, SPRD's, and what hobbyists have."""
    assert set(board_names()) == {
        *("arduino_nano_33_ble", "nrf5340dk", "nucleo_l4r5zi", "stm32f446re", "stm32f746"),
        *("ek_ra6m4", "raspberry_pi_pico", "sparkfun_edge", "esp32_s3"),
        *("esp32", "nucleo_u575zi_q", "nucleo_u385rg_q"),
    }
    kernels = {load_board(name).core: load_board(name).kernels for name in board_names()}
    assert kernels["xtensa-lx7"] == "esp-nn"
    assert kernels["cortex-m0plus"] == "cmsis-nn"


@pytest.mark.parametrize("name", ["nucleo_l4r5zi", "ek_ra6m4"])
def test_power_is_what_the_published_rows_used(shared: Path, name: str) -> None:
    """Energy over latency of the CMSIS-NN rows, to 1 mW, at the clock of the board file."""
    board = load_board(name)
    lines = (shared / "calibration" / "latency.csv").read_text().splitlines()
    rows = [
        row
        for row in csv.DictReader(line for line in lines if not line.startswith("#"))
        if row["board"] == board.published_name and row["kernels"] == "cmsis-nn"
    ]
    powers = [float(row["energy_uj"]) / float(row["latency_ms"]) for row in rows]
    assert {int(row["clock_mhz"]) * 1_000_000 for row in rows} == {board.clock_hz}
    assert board.active_mw == pytest.approx(sum(powers) / len(powers), abs=1)


def test_published_names_are_those_of_the_tables(shared: Path) -> None:
    """Each CMSIS-NN row of calibration/latency.csv names a board that is shipped."""
    lines = (shared / "calibration" / "latency.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    named = {row["board"] for row in rows if row["kernels"] == "cmsis-nn"}
    assert named <= {load_board(name).published_name for name in board_names()}


def test_cost_of_a_weight_follows_from_the_flash() -> None:
    """Wait states over bytes of a fetch: 0.5 to 0.7 cycles on the M4 of the published rows."""
    assert load_board("nucleo_l4r5zi").weight_byte_cycles == 5 / 8
    assert load_board(NANO).weight_byte_cycles == 2 / 4
    assert load_board("raspberry_pi_pico").weight_byte_cycles == 50 / 8


def test_cores_with_dsp_extension_are_told() -> None:
    """Cortex-M4, M7 and M33 have it; M0+ and Xtensa have not."""
    dsp = {load_board(name).core for name in board_names() if load_board(name).dsp}
    assert dsp == {"cortex-m4", "cortex-m7", "cortex-m33"}


def test_nano_33_ble_is_an_nrf52840() -> None:
    """SPRD's board is a Cortex-M4 at 64 MHz with 1 MB of flash and 256 KB of RAM."""
    board = load_board(NANO)
    assert (board.core, board.clock_hz) == ("cortex-m4", 64_000_000)
    assert (board.flash_bytes, board.ram_bytes) == (2**20, 2**18)


def test_unknown_board_suggests_a_near_one() -> None:
    """A misspelt name is answered with the near one and the whole list."""
    with pytest.raises(BoardError, match=f"got 'arduino_nano_33'. Did you mean '{NANO}'"):
        load_board("arduino_nano_33")


def test_board_file_of_the_user_loads(tmp_path: Path) -> None:
    """A path that ends in .toml is a file, wherever it lies."""
    path = tmp_path / "my board's.toml"
    path.write_text(BOARDS[NANO].read_text().replace("64_000_000", "32_000_000"))
    board = load_board(str(path))
    assert isinstance(board, Board)
    assert board.clock_hz == 32_000_000


def test_board_and_verdict_import_neither_numpy_nor_tflm() -> None:
    """`sprd boards` pays for nothing that it does not use."""
    code = (
        "import sys, sprd.device.board, sprd.device.verdict, sprd.device.footprint;"
        "bad = {'numpy', 'tflite_micro', 'tensorflow', 'ray'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
