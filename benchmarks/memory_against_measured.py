"""Arena and flash, predicted against measured, for every row.

    python benchmarks/memory_against_measured.py [--shared DIR]

Reads tflm_cortex_m4.csv, nano33ble_measured.csv and esp32_measured.csv of DIR/calibration and the
models of DIR/models.
Arena: what TensorFlow Lite Micro reported, and the least that it starts with. Flash: what was
linked for a model, without the board's boot loader, core and application; MLPerf Tiny's keyword
model was linked without a front end. The sizes of both follow from sources and from maps of the
linker, those of flash from these rows too: see `sprd/device/data/flash-*.toml`.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sprd.device.board import load_board
from sprd.device.footprint import Footprint, measure

SHARED = Path(__file__).parents[2] / "shared"
BOARD = "arduino_nano_33_ble"
BUILDS = {
    ("arduino", "-Os"): "arduino",
    ("arduino", "-O2"): "arduino-O2",
    ("head", "-Os"): "head-Os",
}
MEASURED = (
    ("nano33ble_measured.csv", BOARD, "arduino"),
    ("esp32_measured.csv", "esp32", "esp-idf"),
)
NOT_LINKED = {"mlperf_tiny_kws_ds_cnn": ("frontend",)}
OWN = ("bootloader", "core", "application")


class Row(NamedTuple):
    """One number: what it is, of which model and build, measured and predicted, in bytes."""

    what: str
    model: str
    build: str
    measured: int
    predicted: int


def main() -> None:
    """Prints a line a row, then the largest errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED)
    found = list(memory_rows(parser.parse_args().shared))
    for row in found:
        error = row.predicted / row.measured - 1
        print(
            f"{row.what:20}{row.model:26}{row.build:12}"
            f"{row.measured:>9,}{row.predicted:>9,} B{error:>+8.2%}"
        )
    for what in dict.fromkeys(row.what for row in found):
        errors = [row.predicted / row.measured - 1 for row in found if row.what == what]
        print(f"{what}: {len(errors)} rows, {min(errors):+.2%} .. {max(errors):+.2%}")


def memory_rows(shared: Path) -> Iterator[Row]:
    """Yields every measured arena and flash beside what is predicted."""
    for row in _rows(shared, "tflm_cortex_m4.csv"):
        model, build = row["model"], BUILDS[row["build"], row["optimisation"]]
        found = _footprint(shared, model, build)
        yield Row("arena_bytes", model, build, int(row["arena_used"]), found.arena_bytes or 0)
        least, reserved = int(row["arena_least"]), found.arena_reserve_bytes or 0
        yield Row("arena_reserve_bytes", model, build, least, reserved)
        if row["flash_bytes"]:
            left_out = (*OWN, *NOT_LINKED.get(model, ()))
            linked = {item: n for item, n in found.flash_items.items() if item not in left_out}
            measured = int(row["flash_bytes"])
            yield Row("flash_bytes linked", model, build, measured, sum(linked.values()))
    for file, board, build in MEASURED:
        for row in _rows(shared, file):
            if row["arena_used_bytes"]:
                found = _footprint(shared, row["model"], build, board)
                used = int(row["arena_used_bytes"])
                yield Row("arena_bytes", row["model"], build, used, found.arena_bytes or 0)


def _rows(shared: Path, name: str) -> Iterator[dict[str, str]]:
    lines = (shared / "calibration" / name).read_text(encoding="utf-8").splitlines()
    yield from csv.DictReader(line for line in lines if not line.startswith("#"))


def _footprint(shared: Path, model: str, build: str, board: str = BOARD) -> Footprint:
    folder = shared / "models"
    path = folder / f"{model}.tflite"
    content = (path if path.is_file() else folder / model / "model.tflite").read_bytes()
    return measure(content, load_board(board, build), model)


if __name__ == "__main__":
    main()
