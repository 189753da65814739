"""Prints what sprd tells beside what others measured or counted, for every row that is given.

    python benchmarks/predicted_against_measured.py --shared DIR [--only SECTION]

Reads the tables of calibration/ under DIR and the models beside them. `left out` is the error of a
fit that never saw the model; `inside` is whether the row lies in the interval that is told. Each
section ends with its mean and worst error and the bar that it is held against.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import fit_builds
import fit_cores
import fit_esp_nn
import memory_against_measured

from sprd.config.board import Board
from sprd.device import esp_nn
from sprd.device.board import load_board
from sprd.device.frontend_cost import FrontendSettings, instructions_per_stride
from sprd.device.latency import estimate

LEAST_SHARE = 0.01
"""Of a model's time: a kind of operator below it has no bar."""


@dataclass(frozen=True)
class Figure:
    """One row: what was measured and what is told, in one unit.

    `left_out` is told by a fit that never saw the model; `interval` is low and high.
    """

    row: str
    measured: float
    told: float
    left_out: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def error(self) -> float:
        """Relative, of the fit that never saw the model where there is one."""
        return (self.told if self.left_out is None else self.left_out) / self.measured - 1


def main() -> None:
    """Prints the sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--only", choices=SECTIONS)
    args = parser.parse_args()
    for name, (section, bar) in SECTIONS.items():
        if args.only in (None, name):
            show(name, list(section(args.shared)), bar)


def show(name: str, figures: list[Figure], bar: str) -> None:
    """Prints one section."""
    print(f"\n{name}\n{'row':44}{'measured':>13}{'told':>13}{'error':>8}{'left out':>10}  inside")
    for figure in figures:
        unseen = "" if figure.left_out is None else f"{figure.left_out / figure.measured - 1:+.1%}"
        inside = ""
        if figure.interval is not None:
            low, high = figure.interval
            inside = "yes" if low <= figure.measured <= high else "NO"
        digits = ".0f" if isinstance(figure.measured, int) else ".3f"
        print(
            f"{figure.row:44}{figure.measured:>13,{digits}}{figure.told:>13,{digits}}"
            f"{figure.told / figure.measured - 1:>+8.1%}{unseen:>10}  {inside}"
        )
    errors = [abs(figure.error) for figure in figures]
    print(f"mean error {sum(errors) / len(errors):.1%}, worst {max(errors):.1%}; bar: {bar}")


def nano_totals(shared: Path) -> Iterator[Figure]:
    """Yields each model's milliseconds on a Nano 33 BLE."""
    board = load_board(fit_builds.BOARD, fit_builds.BUILD)
    rows = fit_builds.read_rows(shared, board)
    for row in rows:
        if row.what == fit_builds.ALL:
            others = fit_builds.fit([other for other in rows if other.model != row.model])
            unseen = row.told(fit_builds.of_all(others)) * 1000 / board.clock_hz
            found = estimate(fit_builds.read_model(shared, row.model), board)
            assert found is not None
            interval = found.low_ms, found.high_ms
            measured = row.cycles * 1000 / board.clock_hz
            yield Figure(row.model, measured, found.latency_ms, unseen, interval)


def nano_kinds(shared: Path) -> Iterator[Figure]:
    """Yields the kinds of operator above 1 % of a model's time on a Nano 33 BLE."""
    board = load_board(fit_builds.BOARD, fit_builds.BUILD)
    rows = fit_builds.read_rows(shared, board)
    fitted = fit_builds.of_all(fit_builds.fit(rows))
    whole = {row.model: row.cycles for row in rows if row.what == fit_builds.ALL}
    ms = 1000 / board.clock_hz
    for row in rows:
        if row.what != fit_builds.ALL and row.cycles > LEAST_SHARE * whole[row.model]:
            yield Figure(f"{row.model} {row.what}", row.cycles * ms, row.told(fitted) * ms)


def mlperf_totals(shared: Path) -> Iterator[Figure]:
    """Yields the rows of MLPerf Tiny with CMSIS-NN, build cmake-O2."""
    rows = fit_cores.read_rows(shared / "calibration" / "latency.csv", shared / "models")
    for row in rows:
        others = [other for other in rows if other.model != row.model]
        unseen = fit_cores.estimate_ms(row, fit_cores.fit(others, row.board.core))
        found = estimate(row.graph, row.board)
        assert found is not None
        interval = found.low_ms, found.high_ms
        name = f"{row.model} {row.board.published_name}"
        yield Figure(name, row.latency_ms, found.latency_ms, unseen, interval)


def esp32_times(shared: Path) -> Iterator[Figure]:
    """Yields milliseconds on an ESP32: totals with their interval, then kinds of operator."""
    board = load_board(fit_esp_nn.BOARD)
    rows, models = fit_esp_nn.read_rows(shared)
    fitted = esp_nn.coefficients()
    for (model, what), ms in rows.items():
        told = fit_esp_nn.guess_ms(models[model], what, fitted)
        if what != fit_builds.ALL:
            yield Figure(f"{model} {what}", ms, told)
            continue
        others = {key: value for key, value in rows.items() if key[0] != model}
        unseen = fit_esp_nn.fit_board(others, models, fitted.kernels)
        found = estimate(models[model], board)
        assert found is not None
        left_out = fit_esp_nn.guess_ms(models[model], what, unseen)
        yield Figure(f"{model} {what}", ms, told, left_out, (found.low_ms, found.high_ms))


def tflm_instructions(shared: Path) -> Iterator[Figure]:
    """Yields the instructions of TFLM itself on an emulated Cortex-M4, by build."""
    for row, board in tflm_rows(shared):
        graph = fit_builds.read_model(shared, row["model"])
        told = fit_builds.tflm_instructions(graph, board)
        yield Figure(f"{row['model']} {board.build.name}", int(row["invoke_instructions"]), told)


def memory(what: str) -> Callable[[Path], Iterator[Figure]]:
    """Returns the section of one kind of memory: bytes on the emulated core and on the boards."""

    def section(shared: Path) -> Iterator[Figure]:
        for row in memory_against_measured.memory_rows(shared):
            if row.what == what:
                yield Figure(f"{row.model} {row.build}", row.measured, row.predicted)

    return section


def front_ends(shared: Path) -> Iterator[Figure]:
    """Yields the front end's instructions a frame in firmware, by build."""
    for row, board in tflm_rows(shared):
        if row["frontend_instructions_a_frame"]:
            settings = FRONT_ENDS[row["model"]]
            told = instructions_per_stride(settings, board.core, board.build.cost)
            assert told is not None
            counted = int(row["frontend_instructions_a_frame"])
            yield Figure(f"{row['model']} {board.build.name}", counted, told)


FRONT_ENDS = {
    "default_demo": FrontendSettings(16_000, 40, 40, 20),
    "sprd_tiny_conv_up_down": FrontendSettings(16_000, 30, 20, 40),
}


def tflm_rows(shared: Path) -> Iterator[tuple[Mapping[str, str], Board]]:
    """Yields the rows of TFLM on the emulated core, and the board with the row's build."""
    for row in read_table(shared, "tflm_cortex_m4"):
        yield row, load_board(fit_builds.BOARD, fit_builds.build_of(row))


def read_table(shared: Path, name: str) -> list[dict[str, str]]:
    """Returns the rows of a table of calibration/."""
    with (shared / "calibration" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


SECTIONS: Mapping[str, tuple[Callable[[Path], Iterator[Figure]], str]] = {
    "milliseconds, Nano 33 BLE, build arduino": (nano_totals, "left out 11 %, fitted 7 %, inside"),
    "kinds of operator there, above 1 % of the time": (nano_kinds, "each within 15 %"),
    "milliseconds, MLPerf Tiny, build cmake-O2": (mlperf_totals, "mean 8 %, worst 13 %, inside"),
    "milliseconds, ESP32": (esp32_times, "totals within 10 %, inside"),
    "instructions of TFLM": (tflm_instructions, "each within 5 %"),
    "instructions of the front end, a frame": (front_ends, "each within 5 %"),
    "arena bytes": (memory("arena_bytes"), "never below, at most 4 % above, the autoencoder 8 %"),
    "least arena that starts, bytes": (memory("arena_reserve_bytes"), "never below"),
    "flash bytes": (memory("flash_bytes linked"), "each within 5 %"),
}
"""What is told, and the bar of its errors; another section is a function that yields figures."""


if __name__ == "__main__":
    main()
