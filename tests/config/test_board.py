"""Board files: each rule that they may break, what is told of it, and their way through JSON."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sprd.config.board import Board, board_from_json, parse_board, read_board_file
from sprd.config.budget import Budget
from sprd.config.build import CMAKE_O2, KERNELS
from sprd.device.board import BOARDS, load_board
from sprd.errors import BoardError


@pytest.fixture
def text() -> str:
    """The file of the Nano 33 BLE."""
    return BOARDS["arduino_nano_33_ble"].read_text()


def read(path: Path) -> Board:
    """Reads a board file."""
    return parse_board(read_board_file(path), str(path), str(path))


CALIBRATION = """
[latency]
cycles_per_instruction = 1.42
cycles_per_instruction_error = 0.08

[sources]
"latency.cycles_per_instruction" = "measured by the user, 3 models"
"""


def test_calibration_of_a_user_is_read(tmp_path: Path, text: str) -> None:
    """The factor that a user measured stands in the file, with its source, its error optional."""
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("[sources]\n", CALIBRATION, 1))
    board = read(path).with_build(CMAKE_O2)
    assert (board.cycles_per_instruction, board.cycles_per_instruction_error) == (1.42, 0.08)
    path.write_text(path.read_text().replace("cycles_per_instruction_error = 0.08\n", ""))
    board = read(path).with_build(CMAKE_O2)
    assert (board.cycles_per_instruction, board.cycles_per_instruction_error) == (1.42, None)


@pytest.mark.parametrize("build", ["arduino", None])
def test_calibration_holds_for_the_build_that_was_measured(
    tmp_path: Path, text: str, build: str | None
) -> None:
    """Cycles an instruction of -Os say nothing of -O2; a file of old has those of the first."""
    path, of_build = tmp_path / "mine.toml", f'build = "{build}"\n' if build else ""
    own = CALIBRATION.replace("[latency]\n", f"[latency]\n{of_build}")
    path.write_text(text.replace("[sources]\n", own, 1))
    board, measured = read(path), build or CMAKE_O2
    for name in board.builds:
        chosen = board.with_build(name)
        assert chosen.cycles_per_instruction == (1.42 if name == measured else None)
        assert chosen.with_build(measured).cycles_per_instruction_error == 0.08
        back = board_from_json(chosen.as_json())
        assert (back, back.cycles_per_instruction) == (chosen, chosen.cycles_per_instruction)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("= 0.08", '= 0.08\nbuild = "ardiuno"', "must be a build of the board, .* 'arduino'"),
        ("= 0.08", "= 0.08\nbuild = 2", r"\[latency\] \[build\]: must be a text"),
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
def test_calibration_that_breaks_a_rule_is_refused(
    tmp_path: Path, text: str, old: str, new: str, rule: str
) -> None:
    """An absurd factor, or one without a source, never reaches an estimate."""
    path = tmp_path / "mine.toml"
    assert old in CALIBRATION
    path.write_text(text.replace("[sources]\n", CALIBRATION.replace(old, new, 1), 1))
    with pytest.raises(BoardError, match=rule) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


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
        ("wait_states = 2", "external = true\nwait_states = 2049", "whole number in 0 .. 2,048"),
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
def test_board_file_that_breaks_a_rule_is_refused(
    tmp_path: Path, text: str, old: str, new: str, rule: str
) -> None:
    """Each rule of a board file is told with the file and what was found."""
    path = tmp_path / "board.toml"
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BoardError, match=rule) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 20000, b"#" * 70000])
def test_board_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no TOML of sensible size are refused."""
    path = tmp_path / "board.toml"
    path.write_bytes(content)
    with pytest.raises(BoardError):
        read(path)


@pytest.mark.parametrize("name", ["missing.toml", "nul\0.toml", ".toml"])
def test_board_file_that_is_missing_is_refused(tmp_path: Path, name: str) -> None:
    """A file that cannot be read is refused with the reason."""
    with pytest.raises(BoardError, match="must be a readable board file"):
        read(tmp_path / name)


def alone(board: Board) -> Board:
    """The board as a file would tell it that has the chosen build alone."""
    build = board.build
    return replace(board, builds={build.name: build}, default_build=build.name)


def through_json(board: Board) -> Board | None:
    """The board of a budget that was sent as JSON."""
    return Budget.model_validate_json(Budget(board=board).model_dump_json()).board


@pytest.mark.parametrize("name", BOARDS)
def test_shipped_board_goes_through_json_whole(name: str) -> None:
    """Another machine, or a bundle, has every number of it and every source."""
    board = load_board(name)
    for build in board.builds:
        chosen = board.with_build(build)
        back = through_json(chosen)
        assert back is not None
        assert vars(back) == vars(alone(chosen))
        assert (back, hash(back)) == (chosen, hash(chosen))


@pytest.mark.parametrize("has_error", [True, False])
def test_own_board_goes_through_json_whole(tmp_path: Path, text: str, has_error: bool) -> None:
    """A calibration is part of it, with and without an error."""
    path = tmp_path / "mine.toml"
    own = text.replace("[sources]\n", CALIBRATION, 1)
    if not has_error:
        own = own.replace("cycles_per_instruction_error = 0.08\n", "")
    path.write_text(own)
    board = read(path).with_build(CMAKE_O2)
    back = through_json(board)
    assert back is not None
    assert vars(back) == vars(alone(board))
    assert back.origin == str(path)
    assert back.cycles_per_instruction_error == (0.08 if has_error else None)


def test_board_without_an_origin_comes_back_from_json() -> None:
    """A board that no sweep file names is written without one."""
    board = replace(load_board("stm32f746"), origin="")
    assert vars(board_from_json(board.as_json())) == vars(alone(board))


@pytest.mark.parametrize("name", [name for name in BOARDS if CMAKE_O2 in load_board(name).builds])
def test_board_of_the_first_build_is_written_as_it_was_before_there_were_builds(name: str) -> None:
    """So a record, a manifest and a row of old stay equal: the kernels stand at the top."""
    written = load_board(name, CMAKE_O2).as_json()
    assert written["kernels"] in KERNELS
    assert not {"builds", "default_build", "build"} & written.keys()
    keys = list(written)
    assert keys[keys.index("ram_bytes") :][:3] == ["ram_bytes", "kernels", "published_name"]
    assert board_from_json(written).build == load_board(name, CMAKE_O2).build


def test_chosen_build_is_part_of_what_a_board_is() -> None:
    """Boards of two builds differ; which others a board could have had makes no difference."""
    nano = load_board("arduino_nano_33_ble", CMAKE_O2)
    arduino = nano.with_build("arduino")
    assert arduino != nano
    assert (arduino.build.name, arduino.build.flags) == ("arduino", ("-Os",))
    assert arduino.with_build(nano.build.name) == nano
    assert alone(arduino) == arduino


def test_build_that_a_board_lacks_is_refused_with_those_it_has() -> None:
    """A near name is suggested."""
    with pytest.raises(BoardError, match=r"Did you mean 'arduino'.*cmake-O2.*head-Os") as caught:
        load_board("arduino_nano_33_ble", "arduinno")
    assert str(caught.value).startswith("board 'arduino_nano_33_ble' [build]: must be a build of")


def test_boards_are_told_apart_by_what_they_are() -> None:
    """Where a board file lies makes no other board of it; a number or a source of it does."""
    board = load_board("stm32f746")
    elsewhere = replace(board, origin="/home/jo/mine.toml")
    assert (elsewhere, hash(elsewhere)) == (board, hash(board))
    assert replace(board, ram_bytes=board.ram_bytes + 1) != board
    assert replace(board, code_bytes={**board.code_bytes, "core_bytes": 1}) != board
    assert replace(board, sources={**board.sources, "ram_bytes": "assumed"}) != board


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"clock_hz": 0}, r"board \[clock_hz\]: must be a whole number in 1,000,000"),
        ({"flash_memory": {"wait_states": 2, "line_bytes": 0}}, "whole number in 2 .. 64"),
        ({"code": {}}, "must have the key 'bootloader_bytes', got none"),
        ({"ram": 3}, r"board \[ram\]: must be a table"),
        ({"weights": 3}, "unknown key 'weights'"),
        ({"origin": 3}, r"board \[origin\]: must be a text"),
    ],
)
def test_board_in_json_that_breaks_a_rule_is_refused(changes: dict[str, Any], rule: str) -> None:
    """The rules of a board file hold for what somebody else's bundle tells, too."""
    told = {"board": {**load_board("stm32f746").as_json(), **changes}}
    with pytest.raises(ValidationError, match=rule):
        Budget.model_validate_json(json.dumps(told))


@pytest.mark.parametrize("value", [None, "stm32f746", 3, [], {}])
def test_budget_takes_no_name_for_a_board(value: object) -> None:
    """A name is resolved once, by the reader of sweep files; the tables of a board are for JSON."""
    if value is None:
        assert Budget.model_validate({"board": value}).board is None
    else:
        with pytest.raises(ValidationError, match="valid string"):
            Budget.model_validate({"board": value})


def test_file_of_64_kib_is_read_whole_and_a_longer_one_refused(tmp_path: Path, text: str) -> None:
    """To the byte: what is cut off would be another board."""
    path = tmp_path / "mine.toml"
    comment = "#" * (64 * 1024 - len(text.encode()) - 1)
    path.write_text(f"{text}{comment}\n")
    assert path.stat().st_size == 64 * 1024
    assert read(path) == load_board("arduino_nano_33_ble")
    path.write_text(f"{text}{comment}#\n")
    with pytest.raises(BoardError, match="a board file must have at most 65,536 B"):
        read(path)
