"""Flash by owner: the rows of linked applications, and today's sum for what no row tells."""

import csv
import shutil
import tomllib
from pathlib import Path

import pytest

from sprd.config.board import Board
from sprd.device import flash as module
from sprd.device.board import load_board
from sprd.device.flash import DATA, code_of, flash_items_of
from sprd.device.footprint import measure
from sprd.device.graph import read_graph
from tests.scripts import load_script

BOARD = "arduino_nano_33_ble"
BUILDS = {
    ("arduino", "-Os"): "arduino",
    ("arduino", "-O2"): "arduino-O2",
    ("head", "-Os"): "head-Os",
}
OWN = ("bootloader", "core", "application")
"""What the board has beside what is linked for the model."""


@pytest.fixture(scope="module")
def old() -> Board:
    """The board with the build that every number was of before boards had builds."""
    return load_board(BOARD, "cmake-O2")


def linked_applications(shared: Path) -> list[tuple[str, str, int]]:
    """(model, build, flash) of each row that has a flash."""
    lines = (shared / "calibration" / "tflm_cortex_m4.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [
        (row["model"], BUILDS[row["build"], row["optimisation"]], int(row["flash_bytes"]))
        for row in rows
        if row["flash_bytes"]
    ]


def test_flash_of_every_linked_application_is_told(shared: Path) -> None:
    """Without what is the board's own; MLPerf Tiny's keyword model was linked with no front end."""
    rows = linked_applications(shared)
    assert len(rows) == 7
    for model, build, linked in rows:
        folder = shared / "models"
        path = folder / (f"{model}.tflite" if model != "default_demo" else f"{model}/model.tflite")
        content = path.read_bytes()
        items = flash_items_of(read_graph(content).ops, len(content), load_board(BOARD, build))
        left_out = OWN if model != "mlperf_tiny_kws_ds_cnn" else (*OWN, "frontend")
        told = sum(size for item, size in items.items() if item not in left_out)
        assert told == pytest.approx(linked, rel=0.01), (model, build)


def test_owners_are_those_of_the_linkers_map() -> None:
    """default_demo, arduino at -Os: 21,949 B of interpreter, 26,039 of kernels, 47,059 beside."""
    ops = ("CONV_2D", "RESHAPE", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX")
    items = flash_items_of(ops, 17_664, load_board(BOARD, "arduino"))
    code = code_of("arduino")
    kernels = [code.kernels[op] for op in ops]
    assert items["model"] == 17_664 and items["interpreter"] == 21_949
    assert [sum(sides) for sides in zip(*kernels, strict=True)] == [12_129, 13_910]
    assert sum(items[f"kernel {op}"] for op in ops) == 12_129 + 13_910
    assert code.frontend_bytes == 7_974
    assert code.frontend_libraries_bytes + code.libraries_bytes == 39_085
    assert items["frontend"] + items["libraries"] == 7_974 + 39_085


def test_kernels_of_today_are_those_of_its_map() -> None:
    """default_demo, head at -Os: 15,953 B of TFLM and 31,038 B of CMSIS-NN."""
    ops = ("CONV_2D", "RESHAPE", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX")
    kernels = [code_of("head-Os").kernels[op] for op in ops]
    assert [sum(sides) for sides in zip(*kernels, strict=True)] == [15_953, 31_038]


def test_build_without_a_table_keeps_the_sum_of_before(old: Board) -> None:
    """The items of cmake-O2 are as they were: no libraries, the board's interpreter."""
    items = flash_items_of(("CONV_2D", "LOG_SOFTMAX"), 1_000, old)
    assert items == {
        "model": 1_000,
        "kernel CONV_2D": 15_640,
        "kernel LOG_SOFTMAX": 8_192,
        "bootloader": 65_536,
        "core": 85_328,
        "interpreter": 37_888,
        "frontend": 27_848,
        "application": 12_288,
    }
    assert code_of("") is None


@pytest.mark.parametrize("path", sorted(DATA.glob("flash-*.toml")), ids=lambda path: path.stem)
def test_every_number_of_a_table_has_its_source(path: Path) -> None:
    """Measured, derived or assumed: each says which."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    sources = table.pop("sources")
    kernels = table.pop("kernels")
    assert sources.keys() == table.keys()
    assert all(kernel["source"] for kernel in kernels.values())
    assert code_of(path.stem.removeprefix("flash-")).kernel_bytes("NO_OP") == 8_192


def test_code_is_no_less_than_published_applications(shared: Path, old: Board) -> None:
    """A keyword model's application exceeds MicroNets' 89 KB (binary minus model)."""
    model = (shared / "models" / "mlperf_tiny_kws_ds_cnn.tflite").read_bytes()
    items = measure(model, old).flash_items
    published = 195_584 - 104_448
    assert sum(items.values()) - items["model"] - items["bootloader"] >= published
    kernels = sum(size for item, size in items.items() if item.startswith("kernel "))
    assert items["interpreter"] + kernels >= 22 * 1024


def test_kernel_code_by_hand() -> None:
    """Twice the measured int8 kernel for its other types, and 4,096 bytes of TFLM's side."""
    measured = {op: module.KERNEL_CODE_BYTES[op] for op in module.INT8_KERNEL_BYTES}
    assert measured == {
        "CONV_2D": 15_640,
        "DEPTHWISE_CONV_2D": 17_960,
        "FULLY_CONNECTED": 5_936,
        "AVERAGE_POOL_2D": 5_144,
        "MAX_POOL_2D": 6_384,
    }


def test_kernel_code_exceeds_the_published_micro_speech() -> None:
    """Its four kernels and the interpreter take 22 KB: an assumption below that was too low."""
    ops = ("DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "RESHAPE", "SOFTMAX")
    assert sum(module.KERNEL_CODE_BYTES[op] for op in ops) > 22 * 1024


def test_measured_kernel_code_is_what_the_script_prints() -> None:
    """The table was made by benchmarks/kernel_code_size.py; another compiler may differ by 15 %."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is missing: apt-get install gcc-arm-none-eabi")
    script = load_script("benchmarks/kernel_code_size.py")
    sources = script.bundled_sources()
    if sources is None:
        pytest.skip("CMSIS-NN is missing: pip install bakenn")
    assert script.ENTRIES.keys() == module.INT8_KERNEL_BYTES.keys()
    found = script.text_bytes(sources, script.ENTRIES["CONV_2D"], "-O3")
    assert found == pytest.approx(module.INT8_KERNEL_BYTES["CONV_2D"], rel=0.15)
