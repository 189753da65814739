"""What holds where a sweep file says nothing, by the number at its top."""

from pathlib import Path

import pytest

from sprd.config.build import CMAKE_O2
from sprd.config.defaults import DEFAULTS, FIRST, read_defaults
from sprd.config.reader import parse_sweep
from sprd.device.board import load_board
from sprd.errors import ConfigError
from tests.strategies import VOCABULARY

SMALLEST = '[sweep]\nname = "x"\n[data]\nkeywords = ["up"]\n[model]\narchitecture = "tiny_conv"\n'


def test_first_defaults_are_those_of_files_without_a_number() -> None:
    """They are of what was made before there was one."""
    assert DEFAULTS[1] is FIRST
    assert read_defaults("x.toml", 1) is FIRST
    board = load_board("arduino_nano_33_ble", "arduino")
    assert FIRST.of_board(board).build.name == CMAKE_O2


def test_second_defaults_leave_the_build_to_the_board() -> None:
    """Whichever was chosen before."""
    board = load_board("arduino_nano_33_ble", "head-Os")
    assert read_defaults("x.toml", 2).of_board(board).build.name == board.default_build


@pytest.mark.parametrize("value", ["0", "3", "2.0", "true", '"2"', "[2]", "-1"])
def test_other_numbers_are_refused(value: str) -> None:
    """With those that there are: what a newer version asks for is not guessed."""
    with pytest.raises(
        ConfigError, match=r"^x\.toml defaults: must be one of 1, 2, got "
    ) as caught:
        parse_sweep(f"defaults = {value}\n{SMALLEST}", Path("x.toml"), VOCABULARY)
    assert "\n" not in str(caught.value)


def test_misspelt_defaults_are_suggested() -> None:
    """They stand above all tables, as no table does."""
    with pytest.raises(ConfigError, match="Did you mean 'defaults'"):
        parse_sweep(f"default = 2\n{SMALLEST}", Path("x.toml"), VOCABULARY)
