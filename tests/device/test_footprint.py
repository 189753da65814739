"""Footprints of published models are the published ones; files of users cannot do harm."""

import dataclasses
import json
import random
import time

import pytest

from sprd.device import footprint as module
from sprd.device.board import load_board
from sprd.device.footprint import measure, measure_untrusted, scratch_bytes
from sprd.device.graph import read_graph
from sprd.errors import ModelFileError, SprdError

RECORD_KEYS = {
    *("flash_bytes", "model_bytes", "ram_bytes", "arena_bytes", "arena_host_bytes", "macs"),
    *("instructions", "latency_ms", "latency_low_ms", "latency_high_ms", "latency_source"),
}


@pytest.fixture(scope="module")
def nano():
    """The seed's board."""
    return load_board("arduino_nano_33_ble")


@pytest.fixture(scope="module")
def tiny(tiny_conv, nano):
    """The footprint of SPRD's model on SPRD's board."""
    return measure(tiny_conv, nano)


def test_tiny_conv_has_its_published_figures(tiny):
    """Size, multiply-accumulates, arena and operators are those of the anchor."""
    assert tiny.model_bytes == 18_960
    assert tiny.macs == 336_000
    assert tiny.arena_host_bytes == 9_776
    assert tiny.ops == ("RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SOFTMAX")
    assert [layer.macs for layer in tiny.layers] == [0, 320_000, 0, 16_000, 0]
    assert tiny.layers[1].output_shape == (1, 25, 20, 8)


def test_tiny_conv_fits_the_firmware_it_ships_in(tiny, nano):
    """SPRD's firmware gives it an arena of 10 KiB and runs: the bound must not say otherwise."""
    assert tiny.arena_host_bytes <= tiny.arena_bytes <= 10 * 1024
    assert tiny.flash_bytes < nano.flash_bytes
    assert tiny.ram_bytes < nano.ram_bytes


def test_totals_are_the_sums_of_their_items(tiny):
    """Flash and RAM are itemised."""
    assert tiny.flash_bytes == sum(tiny.flash_items.values())
    assert tiny.ram_bytes == sum(tiny.ram_items.values())
    assert tiny.flash_items["model"] == 18_960
    assert tiny.ram_items["features"] == 49 * 40
    assert tiny.ram_items["arena"] == tiny.arena_bytes


def test_record_has_exactly_the_keys_of_a_trial(tiny):
    """`as_dict` is a trial's footprint, ready for JSON."""
    record = json.loads(json.dumps(tiny.as_dict(), allow_nan=False))
    assert set(record) == RECORD_KEYS
    assert record["latency_source"] == "model"
    assert record["latency_low_ms"] < record["latency_ms"] < record["latency_high_ms"]


def test_without_a_board_its_totals_are_unknown(tiny_conv):
    """Flash, RAM and time belong to a board; the arena's bound and the host's arena do not."""
    footprint = measure(tiny_conv, None)
    assert footprint.flash_bytes is footprint.ram_bytes is footprint.latency_ms is None
    assert footprint.latency_source is None
    assert (footprint.arena_bytes, footprint.arena_host_bytes) == (9_776, 9_776)


def test_code_is_no_less_than_published_applications(shared, nano):
    """A keyword model's application exceeds MicroNets' 89 KB (binary minus model)."""
    model = (shared / "models" / "mlperf_tiny_kws_ds_cnn.tflite").read_bytes()
    items = measure(model, nano).flash_items
    published = 195_584 - 104_448
    assert sum(items.values()) - items["model"] - items["bootloader"] >= published
    kernels = sum(size for item, size in items.items() if item.startswith("kernel "))
    assert items["interpreter"] + kernels >= 22 * 1024


def test_arena_of_the_board_bounds_published_ones(shared, nano):
    """No model's bound is below its need on the host, and none is far above it."""
    for path in sorted((shared / "models").glob("*.tflite")):
        footprint = measure(path.read_bytes(), nano)
        assert footprint.arena_bytes >= footprint.arena_host_bytes, path.name
        assert footprint.arena_bytes <= footprint.arena_host_bytes + 2048, path.name
    # Renesas run mlperf_tiny_kws_ds_cnn in 31,744 B on a Cortex-M33 (memory.csv).
    model = (shared / "models" / "mlperf_tiny_kws_ds_cnn.tflite").read_bytes()
    assert measure(model, nano).arena_bytes <= 31_744


def test_arena_covers_what_the_planner_borrows(shared, nano):
    """The wheel refuses the autoencoder in less than 4,640 B, whatever it reports."""
    model = (shared / "models" / "mlperf_tiny_ad_autoencoder.tflite").read_bytes()
    assert measure(model, nano).arena_bytes >= 4_640


def test_scratch_follows_cmsis_nn(shared, tiny_conv):
    """im2col takes two int16 columns; depthwise one; average pooling one int32 a channel."""
    graph = read_graph(tiny_conv)
    assert [scratch_bytes(graph, op) for op in graph.operators] == [0, 2 * 2 * 80, 0, 0, 0]
    model = (shared / "models" / "mlperf_tiny_kws_ds_cnn.tflite").read_bytes()
    graph = read_graph(model)
    found = {op.op: scratch_bytes(graph, op) for op in reversed(graph.operators)}
    assert found["CONV_2D"] == 2 * 2 * 40
    assert found["DEPTHWISE_CONV_2D"] == 2 * 9 * 64
    assert found["AVERAGE_POOL_2D"] == 4 * 64


def test_operator_of_unknown_scratch_makes_ram_unknown(tiny_conv, edit_model, nano):
    """What CMSIS-NN asks for is not guessed: arena and RAM are unknown, flash is not."""

    def change(tree):
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 50, 50  # LOG_SOFTMAX
        tree.subgraphs[0].operators[-1].builtinOptionsType = 0
        tree.subgraphs[0].operators[-1].builtinOptions = None

    graph = read_graph(edit_model(tiny_conv, change))
    split = module.ArenaSplit(8000, 1776)
    footprint = module._footprint(graph, 18_960, split, nano)
    assert footprint.arena_bytes is footprint.ram_bytes is footprint.latency_ms is None
    assert footprint.flash_items["kernel LOG_SOFTMAX"] == module.OTHER_KERNEL_CODE_BYTES


def test_untrusted_measure_equals_the_trusted_one(tiny_conv_path, tiny, nano, tmp_path):
    """A child process measures the same, from a path with quotes, spaces and a leading dash."""
    path = tmp_path / '-it\'s a "model".tflite'
    path.write_bytes(tiny_conv_path.read_bytes())
    start = time.monotonic()
    assert measure_untrusted(path, nano) == tiny
    assert time.monotonic() - start < 10


def test_missing_operator_is_named_from_the_child(tiny_conv, edit_model, tmp_path):
    """The child's finding arrives as one line with the user's path."""

    def change(tree):
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 150, 127  # GELU

    path = tmp_path / "gelu.tflite"
    path.write_bytes(edit_model(tiny_conv, change))
    with pytest.raises(ModelFileError, match="got GELU") as caught:
        measure_untrusted(path, None)
    assert str(caught.value).count("gelu.tflite") == 1


def test_path_that_is_no_file_is_refused(tmp_path):
    """A folder, a missing file, an empty one and a device end in one line."""
    (tmp_path / "empty.tflite").touch()
    for path in (tmp_path, tmp_path / "missing", tmp_path / "empty.tflite", tmp_path / "a\0b"):
        with pytest.raises(ModelFileError, match="must be"):
            measure_untrusted(path, None)
    with pytest.raises(ModelFileError, match="must be a file"):
        measure_untrusted(module.Path("/dev/zero"), None)


def test_crash_of_the_child_is_an_error(tiny_conv_path, monkeypatch):
    """A child that dies of a signal, or says nothing of use, ends in ModelFileError."""
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    with pytest.raises(ModelFileError, match="got a crash"):
        measure_untrusted(tiny_conv_path, None)
    monkeypatch.setattr(module.sys, "executable", "/bin/echo")
    with pytest.raises(ModelFileError, match="must report its arena"):
        measure_untrusted(tiny_conv_path, None)


def test_child_that_hangs_is_ended(tiny_conv_path, monkeypatch):
    """A model that keeps TFLM busy for ever costs its time limit and no more."""
    monkeypatch.setattr(module, "CHILD_SECONDS", 0.01)
    with pytest.raises(ModelFileError, match=r"within 0.01 s"):
        measure_untrusted(tiny_conv_path, None)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_do_no_harm(tiny_conv, nano, tmp_path, seed):
    """Damage in the tables that the parser lets pass meets TFLM in its own process only."""
    draw = random.Random(seed)
    path = tmp_path / "damaged.tflite"
    for _ in range(200):  # until one passes our own reader
        damaged = bytearray(tiny_conv)
        for _ in range(3):
            at = len(damaged) - 1 - draw.randrange(3000)
            damaged[at] = draw.randrange(256)
        try:
            module.check_int8(read_graph(bytes(damaged)))
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


def test_footprint_is_frozen(tiny):
    """Nobody corrects a measurement."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny.macs = 0
