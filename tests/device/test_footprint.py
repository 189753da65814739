"""Footprints of published models are the published ones; files of users cannot do harm."""

import dataclasses
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sprd.config.board import Board
from sprd.config.build import CMAKE_O2
from sprd.device import footprint as module
from sprd.device.board import board_names, load_board
from sprd.device.flash import OTHER_KERNEL_CODE_BYTES
from sprd.device.footprint import Footprint, measure, measure_untrusted, with_instructions
from sprd.device.graph import read_graph
from sprd.device.int8 import check_int8
from sprd.device.latency import latency_of
from sprd.device.tflm import ArenaSplit
from sprd.errors import ModelFileError, SprdError

RECORD_KEYS = {
    *(
        "flash_bytes",
        "model_bytes",
        "ram_bytes",
        "arena_bytes",
        "arena_reserve_bytes",
        "arena_host_bytes",
        "macs",
    ),
    *("instructions", "latency_ms", "latency_low_ms", "latency_high_ms", "latency_source"),
    "energy_uj",
}


@pytest.fixture(scope="module")
def nano() -> Board:
    """SPRD's board."""
    return load_board("arduino_nano_33_ble", CMAKE_O2)


@pytest.fixture(scope="module")
def tiny(tiny_conv: bytes, nano: Board) -> Footprint:
    """The footprint of SPRD's model on SPRD's board."""
    return measure(tiny_conv, nano)


def test_tiny_conv_has_its_published_figures(tiny: Footprint) -> None:
    """Size, multiply-accumulates, arena and operators are those of the anchor."""
    assert tiny.model_bytes == 18_960
    assert tiny.macs == 336_000
    assert tiny.arena_host_bytes == 9_776
    assert tiny.ops == ("RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SOFTMAX")
    assert [layer.macs for layer in tiny.layers] == [0, 320_000, 0, 16_000, 0]
    assert tiny.layers[1].output_shape == (1, 25, 20, 8)


def test_tiny_conv_fits_the_firmware_it_ships_in(tiny: Footprint, nano: Board) -> None:
    """SPRD's firmware gives it an arena of 10 KiB and runs: the bound must not say otherwise."""
    assert 8_000 < tiny.arena_bytes <= tiny.arena_host_bytes <= 10 * 1024
    assert tiny.flash_bytes < nano.flash_bytes
    assert tiny.ram_bytes < nano.ram_bytes


def test_totals_are_the_sums_of_their_items(tiny: Footprint) -> None:
    """Flash and RAM are itemised."""
    assert tiny.flash_bytes == sum(tiny.flash_items.values())
    assert tiny.ram_bytes == sum(tiny.ram_items.values())
    assert tiny.flash_items["model"] == 18_960
    assert tiny.ram_items["features"] == 49 * 40
    assert tiny.ram_items["arena"] == tiny.arena_bytes


def test_record_has_exactly_the_keys_of_a_trial(tiny: Footprint) -> None:
    """`as_dict` is a trial's footprint, ready for JSON."""
    record = json.loads(json.dumps(tiny.as_dict(), allow_nan=False))
    assert set(record) == RECORD_KEYS
    assert record["latency_source"] == "model"
    assert record["latency_low_ms"] < record["latency_ms"] < record["latency_high_ms"]


def test_without_a_board_its_totals_are_unknown(tiny_conv: bytes) -> None:
    """Flash, RAM and time belong to a board; the arena's bound and the host's arena do not."""
    footprint = measure(tiny_conv, None)
    assert footprint.flash_bytes is footprint.ram_bytes is footprint.latency_ms is None
    assert footprint.latency_source is None
    assert (footprint.arena_bytes, footprint.arena_host_bytes) == (9_696, 9_776)


def test_arena_depends_on_the_kernels_of_the_board(tiny_conv: bytes, tiny: Footprint) -> None:
    """ESP-NN copies the filter, CMSIS-NN two columns; without a board CMSIS-NN counts."""
    esp = measure(tiny_conv, load_board("esp32_s3"))
    assert esp.arena_bytes > tiny.arena_bytes
    assert esp.arena_items["scratch"] > tiny.arena_items["scratch"]
    assert measure(tiny_conv, None).arena_items == tiny.arena_items


def test_arena_is_itemised(tiny: Footprint) -> None:
    """The items of the arena sum to it."""
    assert sum(tiny.arena_items.values()) == tiny.arena_bytes


def test_energy_is_latency_times_power(tiny_conv: bytes, tiny: Footprint, nano: Board) -> None:
    """Milliseconds times milliwatts are microjoules; no power or no latency, no energy."""
    assert nano.active_mw == 9.9
    assert tiny.energy_uj == pytest.approx(tiny.latency_ms * 9.9)
    assert tiny.as_dict()["energy_uj"] == tiny.energy_uj
    powerless = dataclasses.replace(nano, active_mw=None)
    assert measure(tiny_conv, powerless).energy_uj is None
    assert measure(tiny_conv, None).energy_uj is None
    timeless = measure(tiny_conv, load_board("esp32_s3"))
    assert timeless.latency_ms is timeless.energy_uj is None


def test_every_board_has_room_for_the_seeds_model(tiny_conv: bytes) -> None:
    """Flash and RAM of SPRD's model are known on each board, and fit."""
    for name in board_names():
        board = load_board(name)
        footprint = measure(tiny_conv, board)
        assert footprint.flash_bytes < board.flash_bytes, name
        assert footprint.ram_bytes < board.ram_bytes, name


def test_layers_tell_what_they_hold(tiny: Footprint) -> None:
    """Shapes of weights and of what is alive, for whoever must shrink the model."""
    convolution, dense = tiny.layers[1], tiny.layers[3]
    assert convolution.weight_shape == (8, 10, 8, 1)
    assert dense.weight_shape == (4, 4000)
    assert convolution.live_shapes == ((1, 25, 20, 8), (1, 49, 40, 1))
    assert convolution.live_bytes == 4_000 + 1_960
    assert tiny.layers[4].weight_shape == ()


def test_operator_of_unknown_scratch_makes_ram_unknown(
    tiny_conv: bytes, edit_model: Callable[..., Any], nano: Board
) -> None:
    """What CMSIS-NN asks for is not guessed: arena and RAM are unknown, flash is not."""

    def change(tree: Any) -> None:
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 50, 50  # LOG_SOFTMAX
        tree.subgraphs[0].operators[-1].builtinOptionsType = 0
        tree.subgraphs[0].operators[-1].builtinOptions = None

    graph = read_graph(edit_model(tiny_conv, change))
    split = ArenaSplit(8000, 1776)
    footprint = module._footprint(graph, 18_960, split, nano)
    assert footprint.arena_bytes is footprint.ram_bytes is footprint.latency_ms is None
    assert footprint.flash_items["kernel LOG_SOFTMAX"] == OTHER_KERNEL_CODE_BYTES


def test_untrusted_measure_equals_the_trusted_one(
    tiny_conv_path: Path, tiny: Footprint, nano: Board, tmp_path: Path
) -> None:
    """A child process measures the same, from a path with quotes, spaces and a leading dash."""
    path = tmp_path / '-it\'s a "model".tflite'
    path.write_bytes(tiny_conv_path.read_bytes())
    start = time.monotonic()
    assert measure_untrusted(path, nano) == tiny
    assert time.monotonic() - start < 10


def test_missing_operator_is_named_from_the_child(
    tiny_conv: bytes, edit_model: Callable[..., Any], tmp_path: Path
) -> None:
    """The child's finding arrives as one line with the user's path."""

    def change(tree: Any) -> None:
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 150, 127  # GELU

    path = tmp_path / "gelu.tflite"
    path.write_bytes(edit_model(tiny_conv, change))
    with pytest.raises(ModelFileError, match="got GELU") as caught:
        measure_untrusted(path, None)
    assert str(caught.value).startswith(f"{path}: operators must be")
    assert str(caught.value).count("gelu.tflite") == 1


def test_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a missing file, an empty one and a device end in one line."""
    (tmp_path / "empty.tflite").touch()
    for path in (tmp_path, tmp_path / "missing", tmp_path / "empty.tflite", tmp_path / "a\0b"):
        with pytest.raises(ModelFileError, match="must be"):
            measure_untrusted(path, None)
    with pytest.raises(ModelFileError, match="must be a file"):
        measure_untrusted(Path("/dev/zero"), None)


def test_crash_of_the_child_is_an_error(
    tiny_conv_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that dies of a signal, or says nothing of use, ends in ModelFileError."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ModelFileError, match="got a crash"):
        measure_untrusted(tiny_conv_path, None)
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    with pytest.raises(ModelFileError, match="must report its arena"):
        measure_untrusted(tiny_conv_path, None)


def test_child_that_hangs_is_ended(tiny_conv_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that keeps TFLM busy for ever costs its time limit and no more."""
    monkeypatch.setattr(module, "CHILD_SECONDS", 0.01)
    with pytest.raises(ModelFileError, match=r"within 0.01 s"):
        measure_untrusted(tiny_conv_path, None)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_do_no_harm(tiny_conv: bytes, nano: Board, tmp_path: Path, seed: int) -> None:
    """Damage in the tables that the parser lets pass meets TFLM in its own process only."""
    draw = random.Random(seed)
    path = tmp_path / "damaged.tflite"
    for _ in range(200):  # until one passes our own reader
        damaged = bytearray(tiny_conv)
        for _ in range(3):
            at = len(damaged) - 1 - draw.randrange(3000)
            damaged[at] = draw.randrange(256)
        try:
            check_int8(read_graph(bytes(damaged)))
        except ModelFileError:
            continue
        if bytes(damaged) != tiny_conv:
            break
    path.write_bytes(damaged)
    try:
        footprint = measure_untrusted(path, nano)
    except SprdError as error:
        assert isinstance(error, ModelFileError)
        assert "\n" not in str(error)
    else:
        assert footprint.model_bytes == len(tiny_conv)
        assert footprint.arena_host_bytes > 0


def test_footprint_is_frozen(tiny: Footprint) -> None:
    """Nobody corrects a measurement."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny.macs = 0  # type: ignore[misc]


def test_counted_instructions_replace_the_estimate(tiny_conv: bytes, nano: Board) -> None:
    """Time, its source and energy follow from what was counted; flash and RAM stay."""
    estimated = measure(tiny_conv, nano)
    graph = read_graph(tiny_conv)
    counted = with_instructions(estimated, graph, nano, 5_000_000)
    time = latency_of(5_000_000, graph, nano, "emulated")
    assert time is not None and nano.active_mw is not None
    assert (counted.instructions, counted.latency_source) == (5_000_000, "emulated")
    assert (counted.latency_ms, counted.latency_low_ms) == (time.latency_ms, time.low_ms)
    assert counted.energy_uj == time.latency_ms * nano.active_mw
    assert (counted.flash_bytes, counted.ram_items) == (estimated.flash_bytes, estimated.ram_items)


def test_counted_instructions_give_no_time_where_cycles_are_unknown(tiny_conv: bytes) -> None:
    """The count stays, and why there is no latency."""
    board = load_board("stm32f746")
    estimated = measure(tiny_conv, board)
    counted = with_instructions(estimated, read_graph(tiny_conv), board, 5_000_000)
    assert (counted.instructions, counted.latency_ms, counted.energy_uj) == (5_000_000, None, None)
    assert counted.latency_unknown == estimated.latency_unknown is not None
