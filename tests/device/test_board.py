"""Boards load, and every number of them says where it comes from."""

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
    assert set(board.sources) == numbers


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
