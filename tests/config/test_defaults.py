"""What holds where a sweep file says nothing, by the number at its top."""

from pathlib import Path

import pytest

from sprd.config.build import CMAKE_O2
from sprd.config.defaults import DEFAULTS, FIRST, Defaults, read_defaults
from sprd.config.reader import parse_sweep
from sprd.config.recognizer import RecognizerSection
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


LISTENING = Defaults(
    build=None,
    tables={
        "sweep": {"objectives": ["recall_streaming"]},
        "augment": {"snr_low_db": 0.0, "snr_high_db": 30.0, "placement": "window", "gain_db": 6.0},
        "recognizer": {},
    },
)


def test_tables_of_defaults_lie_beneath_those_of_the_file() -> None:
    """A key of the file holds; a table that it lacks is there, be it empty."""
    file = {"data": {"keywords": ["up"]}, "augment": {"gain_db": 1.0}}
    merged = LISTENING.beneath(file)
    assert merged == {
        "sweep": {"objectives": ["recall_streaming"]},
        "data": {"keywords": ["up"]},
        "augment": {"snr_low_db": 0.0, "snr_high_db": 30.0, "placement": "window", "gain_db": 1.0},
        "recognizer": {},
    }
    assert file["augment"] == {"gain_db": 1.0}
    assert FIRST.beneath(file) == file


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ({"augment": {"background_volume": 0.1}}, {"placement", "gain_db", "background_volume"}),
        ({"space": {"augment.background_volume": [0.1]}}, {"placement", "gain_db"}),
        ({"augment": {"time_shift_ms": 50}},
         {"snr_low_db", "snr_high_db", "gain_db", "time_shift_ms"}),
    ],
)  # fmt: skip
def test_file_takes_the_place_of_defaults_that_say_it_otherwise(
    file: dict[str, dict[str, object]], kept: set[str]
) -> None:
    """A volume that a file names or searches is in no conflict with a ratio that it did not."""
    assert set(LISTENING.beneath(file)["augment"]) == kept


def test_searched_recognizer_needs_no_table() -> None:
    """What searches it asks for scores on streams, as the table does."""
    assert FIRST.beneath({"space": {"recognizer.threshold": [180, 200]}})["recognizer"] == {}


def test_second_defaults_leave_the_build_to_the_board() -> None:
    """Whichever was chosen before."""
    board = load_board("arduino_nano_33_ble", "head-Os")
    assert read_defaults("x.toml", 2).of_board(board).build.name == board.default_build


def test_second_defaults_ask_for_a_device_that_listens() -> None:
    """Ranked by what it hears on streams; the first know no streams."""
    first = parse_sweep(SMALLEST, Path("x.toml"), VOCABULARY)
    assert (first.default.recognizer, first.sweep.objectives) == (None, ("balanced_accuracy",))
    second = parse_sweep(f"defaults = 2\n{SMALLEST}", Path("x.toml"), VOCABULARY)
    assert second.default.recognizer == RecognizerSection()
    assert second.sweep.objectives == ("recall_streaming",)
    asked = SMALLEST.replace("[data]", 'objectives = ["macs"]\n[data]')
    third = parse_sweep(f"defaults = 2\n{asked}", Path("x.toml"), VOCABULARY)
    assert third.sweep.objectives == ("macs",)


@pytest.mark.parametrize(
    ("sweep", "tables", "listens"),
    [
        ("", "", True),
        ('objectives = ["balanced_accuracy"]', "", False),
        ('objectives = ["macs", "max balanced_accuracy"]', "", False),
        ('objectives = ["balanced_accuracy", "max recall_streaming"]', "", True),
        ('objectives = ["balanced_accuracy"]', "[recognizer]", True),
        ('objectives = ["balanced_accuracy"]', "[budget]\nmax_detection_delay_ms = 500", True),
        ('objectives = ["balanced_accuracy"]', "[budget]\nmin_recall_streaming = 0.5", True),
        ('objectives = ["balanced_accuracy"]', '[space]\n"recognizer.threshold" = [9, 99]', True),
    ],
)
def test_who_ranks_by_clips_does_not_listen(sweep: str, tables: str, listens: bool) -> None:
    """Unless a limit, the space or the table itself asks for it."""
    text = SMALLEST.replace("[data]", f"{sweep}\n[data]")
    parsed = parse_sweep(f"defaults = 2\n{text}{tables}\n", Path("x.toml"), VOCABULARY)
    assert (parsed.default.recognizer is not None) == listens


def test_objectives_that_are_no_list_are_an_error_of_their_own() -> None:
    """What a table lacks is looked at before it is checked."""
    text = SMALLEST.replace("[data]", "objectives = 5\n[data]")
    with pytest.raises(ConfigError, match="objectives"):
        parse_sweep(f"defaults = 2\n{text}", Path("x.toml"), VOCABULARY)


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
