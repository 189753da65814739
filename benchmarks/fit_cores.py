"""Fits the cycles an instruction of each core to published latencies; shows the error left out.

    python benchmarks/fit_cores.py --models DIR --latency latency.csv [--write]

Prints, for each row of kernels `cmsis-nn`, the published milliseconds beside the estimate of a fit
that never saw this model, and beside it a rule of multiply-accumulates alone fitted the same way.
`--write` puts the fit of all rows into sprd/device/data/cores.toml.
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sprd.config.board import Board
from sprd.config.build import CMAKE_O2
from sprd.device.board import board_names, load_board
from sprd.device.calibration import Measurement, factor_of, geometric_mean
from sprd.device.costs import DATA, costs
from sprd.device.graph import Graph, macs_of, read_graph
from sprd.device.instructions import count_instructions
from sprd.device.latency import KERNELS, other_cycles

COMMAND = "python benchmarks/fit_cores.py --models DIR --latency latency.csv --write"


@dataclass(frozen=True)
class Row:
    """One published row."""

    model: str
    graph: Graph
    board: Board
    latency_ms: float
    interpreted: bool

    @property
    def factor(self) -> float:
        """Cycles an instruction that the row implies."""
        return factor_of(Measurement(self.graph, self.latency_ms), self.board, self.interpreted)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the model."""
        return sum(macs_of(self.graph, op) for op in self.graph.operators)

    @property
    def macs_factor(self) -> float:
        """Cycles a multiply-accumulate that the row implies."""
        return self.latency_ms * self.board.clock_hz / 1000 / self.macs


def main() -> None:
    """Prints the table; writes the fit if told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--latency", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows = read_rows(args.latency, args.models)
    errors, macs_errors = [], []
    print(f"{'model':28}{'board':16}{'published':>10}{'estimate':>10}{'error':>8}{'MACs only':>11}")
    for row in rows:
        others = [other for other in rows if other.model != row.model]
        estimate = estimate_ms(row, fit(others, row.board.core))
        errors.append(estimate / row.latency_ms - 1)
        rate = fit(others, row.board.core, lambda other: other.macs_factor)
        macs_errors.append(rate * row.macs * 1000 / row.board.clock_hz / row.latency_ms - 1)
        name = row.model.removeprefix("mlperf_tiny_")
        print(
            f"{name:28}{row.board.published_name:16}{row.latency_ms:>10.1f}{estimate:>10.1f}"
            f"{errors[-1]:>+8.1%}{macs_errors[-1]:>+11.1%}"
        )
    mean, worst = mean_of(errors), max(map(abs, errors))
    spread = next(iter(costs().cores.values())).spread
    print(f"each model left out in turn: mean error {mean:.1%}, worst {worst:.1%};"
          f" interval x{1 / spread:.2f} .. x{spread:.2f}")  # fmt: skip
    print(f"MACs only: mean error {mean_of(macs_errors):.1%},"
          f" worst {max(map(abs, macs_errors)):.1%}")  # fmt: skip
    if args.write:
        write(rows, mean, worst)


def read_rows(latency: Path, models: Path) -> list[Row]:
    """Returns the rows of CMSIS-NN on boards that sprd knows by their published name."""
    known = [board for board in map(load_board, board_names()) if CMAKE_O2 in board.builds]
    boards = {b.published_name: b.with_build(CMAKE_O2) for b in known if b.published_name}
    with latency.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(line for line in file if not line.startswith("#"))
        return [
            Row(
                found["model"],
                read_graph((models / f"{found['model']}.tflite").read_bytes(), found["model"]),
                boards[found["board"]],
                float(found["latency_ms"]),
                found["runtime"].startswith("tflm"),
            )
            for found in table
            if found["kernels"] == KERNELS
        ]


def fit(
    rows: Sequence[Row], core: str, factor: Callable[[Row], float] = lambda row: row.factor
) -> float:
    """Returns a core's factor: the geometric mean of its rows and of one row like all the cores.

    The row like all cores keeps one with few rows from being taken at its word.
    """
    cores = {row.board.core for row in rows}
    of_core = {c: [factor(row) for row in rows if row.board.core == c] for c in cores}
    common = geometric_mean([geometric_mean(values) for values in of_core.values()])
    return geometric_mean([*of_core.get(core, []), common])


def estimate_ms(row: Row, factor: float) -> float:
    """Returns the estimate of a row under a factor, in milliseconds."""
    instructions = sum(count or 0.0 for count in count_instructions(row.graph))
    rest = sum(
        other_cycles(row.graph, op, row.board, row.interpreted) for op in row.graph.operators
    )
    return 1000 * (factor * instructions + rest) / row.board.clock_hz


def mean_of(errors: Sequence[float]) -> float:
    """Returns the mean size of the errors."""
    return sum(map(abs, errors)) / len(errors)


def write(rows: Sequence[Row], mean: float, worst: float) -> None:
    """Writes the data file."""
    lines = [
        "# Cycles an instruction of each core with CMSIS-NN: a geometric mean of published rows.",
        f"# Made by: {COMMAND}",
        "# Rows: MLPerf Tiny, kernels cmsis-nn. Errors: each model left out of the fit in turn.",
        f"mean_error = {mean:.3f}",
        f"worst_error = {worst:.3f}",
        "",
    ]
    for core in sorted({row.board.core for row in rows}):
        names = sorted({row.board.published_name for row in rows if row.board.core == core})
        lines += [
            f"[cores.{core}]",
            f"cycles_per_instruction = {fit(rows, core):.3f}",
            f"n_rows = {sum(row.board.core == core for row in rows)}",
            f"boards = {names}".replace("'", '"'),
            "",
        ]
    path = DATA / "cores.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    print(f"{path} written")


if __name__ == "__main__":
    main()
