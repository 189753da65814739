"""Boards load, and every number of them says where it comes from."""

import csv
import subprocess
import sys

import pytest

from sprd.device.board import BOARDS_FOLDER, Board, board_names, load_board
from sprd.errors import BoardError

NANO = "arduino_nano_33_ble"


@pytest.fixture
def text() -> str:
    """The file of the Nano 33 BLE."""
    return (BOARDS_FOLDER / f"{NANO}.toml").read_text()


@pytest.mark.parametrize("name", board_names())
def test_each_board_loads_and_is_named_as_its_file(name):
    """Each shipped board is valid and has sources of its memory and code."""
    board = load_board(name)
    assert board.name == name
    numbers = {"clock_hz", "flash_bytes", "ram_bytes"}
    numbers |= {f"code.{key}" for key in board.code_bytes}
    numbers |= {f"ram.{key}" for key in board.app_ram_bytes}
    numbers |= {"flash_memory.wait_states", "flash_memory.line_bytes"}
    numbers |= {"power.active_mw"} if board.active_mw is not None else set()
    assert set(board.sources) == numbers
    assert board.cycles_per_instruction is None


def test_nine_boards_are_shipped():
    """The boards of published measurements, the seed's, and what hobbyists have."""
    assert set(board_names()) == {
        *("arduino_nano_33_ble", "nrf5340dk", "nucleo_l4r5zi", "stm32f446re", "stm32f746"),
        *("ek_ra6m4", "raspberry_pi_pico", "sparkfun_edge", "esp32_s3"),
    }
    kernels = {load_board(name).core: load_board(name).kernels for name in board_names()}
    assert kernels["xtensa-lx7"] == "esp-nn"
    assert kernels["cortex-m0plus"] == "cmsis-nn"


@pytest.mark.parametrize("name", ["nucleo_l4r5zi", "ek_ra6m4"])
def test_power_is_what_the_published_rows_used(shared, name):
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


def test_published_names_are_those_of_the_tables(shared):
    """Each CMSIS-NN row of calibration/latency.csv names a board that is shipped."""
    lines = (shared / "calibration" / "latency.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    named = {row["board"] for row in rows if row["kernels"] == "cmsis-nn"}
    assert named <= {load_board(name).published_name for name in board_names()}


def test_cost_of_a_weight_follows_from_the_flash():
    """Wait states over bytes of a fetch: 0.5 to 0.7 cycles on the M4 of the published rows."""
    assert load_board("nucleo_l4r5zi").weight_byte_cycles == 5 / 8
    assert load_board(NANO).weight_byte_cycles == 2 / 4
    assert load_board("raspberry_pi_pico").weight_byte_cycles == 50 / 8


def test_cores_with_dsp_extension_are_told():
    """Cortex-M4, M7 and M33 have it; M0+ and Xtensa have not."""
    dsp = {load_board(name).core for name in board_names() if load_board(name).dsp}
    assert dsp == {"cortex-m4", "cortex-m7", "cortex-m33"}


CALIBRATION = """
[latency]
cycles_per_instruction = 1.42
cycles_per_instruction_error = 0.08

[sources]
"latency.cycles_per_instruction" = "measured by the user, 3 models"
"""


def test_calibration_of_a_user_is_read(tmp_path, text):
    """The factor that a user measured stands in the file, with its source, its error optional."""
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("[sources]\n", CALIBRATION, 1))
    board = load_board(str(path))
    assert (board.cycles_per_instruction, board.cycles_per_instruction_error) == (1.42, 0.08)
    path.write_text(path.read_text().replace("cycles_per_instruction_error = 0.08\n", ""))
    board = load_board(str(path))
    assert (board.cycles_per_instruction, board.cycles_per_instruction_error) == (1.42, None)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("= 1.42", "= 0.4", "number in 0.5 .. 10"),
        ("= 1.42", "= 11", "number in 0.5 .. 10"),
        ("= 1.42", "= nan", "number in 0.5 .. 10"),
        ("= 1.42", '= "fast"', "number in 0.5 .. 10"),
        ("error = 0.08", "error = -0.1", "number in 0 .. 1"),
        ("error = 0.08", "error = 1.5", "number in 0 .. 1"),
        ("cycles_per_instruction = 1.42\n", "", "must have the key 'cycles_per_instruction'"),
        ("cycles_per_instruction = 1.42", "cycles = 1.42", "unknown key 'cycles'"),
        (
            '"latency.cycles_per_instruction" = "measured by the user, 3 models"\n',
            "",
            "must have the key 'latency.cycles_per_instruction'",
        ),
        ("[latency]", "latency = 3\n[lat]", r"\[latency\]|unknown key 'lat'"),
    ],
)
def test_calibration_that_breaks_a_rule_is_refused(tmp_path, text, old, new, rule):
    """An absurd factor, or one without a source, never reaches an estimate."""
    path = tmp_path / "mine.toml"
    assert old in CALIBRATION
    path.write_text(text.replace("[sources]\n", CALIBRATION.replace(old, new, 1), 1))
    with pytest.raises(BoardError, match=rule) as caught:
        load_board(str(path))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_nano_33_ble_is_an_nrf52840():
    """The seed's board is a Cortex-M4 at 64 MHz with 1 MB of flash and 256 KB of RAM."""
    board = load_board(NANO)
    assert (board.core, board.clock_hz) == ("cortex-m4", 64_000_000)
    assert (board.flash_bytes, board.ram_bytes) == (2**20, 2**18)


def test_unknown_board_suggests_a_near_one():
    """A misspelt name is answered with the near one and the whole list."""
    with pytest.raises(BoardError, match=f"got 'arduino_nano_33'. Did you mean '{NANO}'"):
        load_board("arduino_nano_33")


def test_board_file_of_the_user_loads(tmp_path, text):
    """A path that ends in .toml is a file, wherever it lies."""
    path = tmp_path / "my board's.toml"
    path.write_text(text.replace("64_000_000", "32_000_000"))
    board = load_board(str(path))
    assert isinstance(board, Board)
    assert board.clock_hz == 32_000_000


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("clock_hz = 64_000_000", "", "must have the key 'clock_hz'"),
        ("clock_hz = 64_000_000", "clock_hz = 64", "whole number in 1,000,000"),
        ("clock_hz = 64_000_000", "clock_hz = true", "whole number"),
        ("clock_hz = 64_000_000", "clock_hz = 64e6", "whole number"),
        ("clock_hz = 64_000_000", "clock = 64_000_000", "unknown key 'clock'. Did you mean"),
        ("ram_bytes = 262_144", "ram_bytes = -1", "whole number"),
        ("ram_bytes = 262_144", "ram_bytes = 65_536", "must sum to less"),
        ('core = "cortex-m4"', 'core = "cortex-m44"', "Did you mean 'cortex-m4'"),
        ('kernels = "cmsis-nn"', 'kernels = ""', "a text that says something"),
        (
            "audio_bytes = 32_768",
            "audio_bytes = 32_768\nwifi_bytes = 1",
            "unknown key 'wifi_bytes'",
        ),
        ("[sources]", "[sauces]", "unknown key 'sauces'"),
        ("[code]", "code = 3\n[core_code]", "unknown key 'core_code'|must be a table"),
        ("[ram]", "[ram", "valid TOML"),
        ("flash_bytes = 1_048_576", "flash_bytes = 0", "whole number in 16,384"),
        ("flash_bytes = 1_048_576", 'flash_bytes = "1 MB"', "whole number in 16,384"),
        ("clock_hz = 64_000_000", "clock_hz = nan", "whole number in 1,000,000"),
        ("stack_bytes = 8_192", "stack_bytes = -1", "whole number in 0"),
        ("core_bytes = 85_328", "core_bytes = 1_048_577", "whole number in 0 .. 1,048,576"),
        ("core_bytes = 85_328", "core_bytes = 1_048_000", "must sum to less"),
        ("wait_states = 2", "wait_states = 99", "whole number in 0 .. 15, got 99"),
        ("wait_states = 2", "wait_states = -1", "whole number in 0 .. 15"),
        ("wait_states = 2", "wait_states = 2.5", "whole number in 0 .. 15"),
        ("wait_states = 2", "external = true\nwait_states = 257", "whole number in 0 .. 256"),
        ("wait_states = 2", "external = 1\nwait_states = 2", "must be true or false"),
        ("line_bytes = 4", "line_bytes = 0", "whole number in 2 .. 64"),
        ("line_bytes = 4", "line_bytes = 12", "must be one of"),
        ("line_bytes = 4", "", "must have the key 'line_bytes'"),
        ("[flash_memory]", "[flash]", "unknown key 'flash'"),
        ("line_bytes = 4", "line_bytes = 4\nweight_byte_cycles = 0.5", "unknown key 'weight_byte"),
        ("active_mw = 9.9", "active_mw = 0", "number in 0.01 .. 10000"),
        ("active_mw = 9.9", "active_mw = -9.9", "number in 0.01"),
        ("active_mw = 9.9", "active_mw = nan", "number in 0.01"),
        ("active_mw = 9.9", "active_mw = inf", "number in 0.01"),
        ("active_mw = 9.9", 'active_mw = "9.9"', "number in 0.01"),
        ("active_mw = 9.9", "active_mw = true", "number in 0.01"),
        ("active_mw = 9.9", "active_w = 9.9", "unknown key 'active_w'. Did you mean 'active_mw'"),
        ("[power]\nactive_mw = 9.9", "", "unknown key 'power.active_mw'"),
        ('published_name = ""', "published_name = 7", "must be a text"),
        ('published_name = ""', "", "must have the key 'published_name'"),
        ('core = "cortex-m4"', 'core = "xtensa-lx7"', "kernels that run on 'xtensa-lx7'"),
        ('kernels = "cmsis-nn"', 'kernels = "esp-nn"', "kernels that run on 'cortex-m4'"),
        ('kernels = "cmsis-nn"', 'kernels = "cmsis"', "Did you mean 'cmsis-nn'"),
    ],
)
def test_board_file_that_breaks_a_rule_is_refused(tmp_path, text, old, new, rule):
    """Each rule of a board file is told with the file and what was found."""
    path = tmp_path / "board.toml"
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BoardError, match=rule) as caught:
        load_board(str(path))
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 20000, b"#" * 70000])
def test_board_file_that_is_no_text_is_refused(tmp_path, content):
    """Bytes that are no TOML of sensible size are refused."""
    path = tmp_path / "board.toml"
    path.write_bytes(content)
    with pytest.raises(BoardError):
        load_board(str(path))


@pytest.mark.parametrize("name", ["missing.toml", "nul\0.toml", ".toml"])
def test_board_file_that_is_missing_is_refused(tmp_path, name):
    """A file that cannot be read is refused with the reason."""
    with pytest.raises(BoardError, match="must be a readable board file"):
        load_board(f"{tmp_path}/{name}")


def test_board_and_verdict_import_neither_numpy_nor_tflm():
    """`sprd boards` pays for nothing that it does not use."""
    code = (
        "import sys, sprd.device.board, sprd.device.verdict, sprd.device.footprint;"
        "bad = {'numpy', 'tflite_micro', 'tensorflow', 'ray'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
