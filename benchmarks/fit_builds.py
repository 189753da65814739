"""Fits what measured boards and counted firmware tell of the builds that Arduino and TFLM make.

    python benchmarks/fit_builds.py --shared DIR [--write]

Reads calibration/nano33ble_measured.csv and calibration/tflm_cortex_m4.csv under DIR, and the
models. One factor for the core, and one for each kernel that is drawn towards it: rows differ by
5 %, kernels by 8 % of what Arm's table of timings says of them (average pooling by far more: the
Arduino core's older compiler keeps its sums in registers). Prints each row beside the fit, and
beside a fit that never saw the model; `--write` puts the fit into
sprd/device/data/cores_nano33ble.toml.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

import numpy as np

from sprd.config.board import Board
from sprd.device.board import load_board
from sprd.device.costs import DATA, costs
from sprd.device.graph import Graph, read_graph
from sprd.device.instructions import work_of
from sprd.device.latency import instructions_on, interpreter_instructions, other_cycles

COMMAND = "python benchmarks/fit_builds.py --shared DIR --write"
ALL = "Invoke"
"""What the table calls a whole inference."""
BOARD, BUILD = "arduino_nano_33_ble", "arduino"
ROW_ERROR, KERNEL_ERROR = 0.05, 0.08
WIDE = {"average_pool": 0.7}
RESTS_ON = "Arduino Nano 33 BLE rows of the build arduino, times Cortex-M33 over M4 at -O2"
MEAN_LENGTH = 1.393
"""Of the grid at -Os (data/cycles_os.toml): a unit, which cancels in all that is told."""
NO_ROWS = "cortex-m33"
"""A core whose rows are all of -O2: it takes there what it takes of a Cortex-M4's cycles."""


@dataclass(frozen=True)
class Row:
    """A measured row: cycles that are known, and those at one cycle an instruction by kernel."""

    model: str
    what: str
    cycles: float
    known: float
    kernels: Mapping[str, float]

    def told(self, factors: Mapping[str, float]) -> float:
        """Returns the cycles of the row under factors by kernel."""
        return self.known + sum(factors[kernel] * n for kernel, n in self.kernels.items())


def read_rows(shared: Path, board: Board) -> list[Row]:
    """Returns the measured rows: each model's inference, and its kinds of operator."""
    path = shared / "calibration" / "nano33ble_measured.csv"
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(line for line in file if not line.startswith("#")))
    rows = []
    for found in table:
        known, kernels = parts(read_model(shared, found["model"]), found["what"], board)
        cycles = float(found["ms"]) * board.clock_hz / 1000
        rows.append(Row(found["model"], found["what"], cycles, known, kernels))
    return rows


def parts(graph: Graph, what: str, board: Board) -> tuple[float, dict[str, float]]:
    """Returns the cycles beside the kernels, and weighted instructions by kernel.

    Args:
        graph: The model.
        what: A kind of operator, or "Invoke" for all.
        board: Where it runs, with its build.
    """
    table = costs(board.build.cost).weighted
    known, kernels = 0.0, dict[str, float]()
    for operator in graph.operators:
        if what in (ALL, operator.op):
            known += other_cycles(graph, operator, board)
            for work in work_of(graph, operator, pads_inside=True) or ():
                cost = sum(n * table[work.kernel][loop] for loop, n in work.loops.items())
                kernels[work.kernel] = kernels.get(work.kernel, 0.0) + cost
    return known, kernels


def main() -> None:
    """Prints the rows; writes the fit if told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    print_counts(args.shared)
    rows = read_rows(args.shared, load_board(BOARD, BUILD))
    fitted = fit(rows)
    print(f"\n{'model':26}{'what':20}{'measured':>10}{'fit':>10}{'error':>8}{'left out':>10}")
    missed = []
    for row in rows:
        others = fit([other for other in rows if other.model != row.model])
        told, unseen = (row.told(of_all(factors)) for factors in (fitted, others))
        missed += [unseen / row.cycles - 1] if row.what == ALL else []
        print(
            f"{row.model:26}{row.what:20}{row.cycles / 64e3:>10.3f}{told / 64e3:>10.3f}"
            f"{told / row.cycles - 1:>+8.1%}{unseen / row.cycles - 1:>+10.1%}"
        )
    for kernel, factor in fitted.items():
        print(f"{kernel or 'core':20}{factor:>8.3f}")
    if args.write:
        write(fitted, missed)


def print_counts(shared: Path) -> None:
    """Prints TFLM's own counts beside what is told, and the factor that would close each gap."""
    path = shared / "calibration" / "tflm_cortex_m4.csv"
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(line for line in file if not line.startswith("#")))
    print(f"{'model':26}{'build':14}{'counted':>11}{'told':>11}{'error':>8}")
    for found in table:
        board = load_board(BOARD, build_of(found))
        told = tflm_instructions(read_model(shared, found["model"]), board)
        counted = int(found["invoke_instructions"])
        print(
            f"{found['model']:26}{board.build.name:14}{counted:>11,}{told:>11,.0f}"
            f"{told / counted - 1:>+8.1%}"
        )


def build_of(row: Mapping[str, str]) -> str:
    """Returns the build that a row of tflm_cortex_m4.csv is of."""
    name = f"{row['build']}{row['optimisation']}"
    return "arduino" if name == "arduino-Os" else name


def read_model(shared: Path, name: str) -> Graph:
    """Returns a model of the tables."""
    return read_graph(path_of(shared, name).read_bytes(), name)


def path_of(shared: Path, name: str) -> Path:
    """Returns where a model of the tables lies; `default_demo` is a bundle."""
    models = shared / "models"
    return models / name / "model.tflite" if (models / name).is_dir() else models / f"{name}.tflite"


def tflm_instructions(graph: Graph, board: Board) -> float:
    """Returns what all of TFLM takes: kernels, and its interpreter, softmax and reshape."""
    kernels = sum(count or 0.0 for count in instructions_on(graph, board))
    return kernels + interpreter_instructions(graph)


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """Returns the cycles an instruction of mean length by kernel, each drawn to the core's.

    The least sum of squared errors of logarithms, of rows and of kernels from the core's factor.
    """
    names = sorted({kernel for row in rows for kernel in row.kernels})
    x = np.zeros(1 + len(names))  # log of the core's factor, then of each kernel's over it
    spreads = np.array([WIDE.get(name, KERNEL_ERROR) for name in names])
    for _ in range(30):
        factors = {name: exp(x[0] + x[i]) for i, name in enumerate(names, 1)}
        slopes, misses = [], []
        for row in rows:
            told = row.told(factors)
            error = ROW_ERROR + 2_000 / row.cycles  # what starts and ends an operator
            by_kernel = [factors[n] * row.kernels.get(n, 0.0) / told for n in names]
            slopes.append(np.array([sum(by_kernel), *by_kernel]) / error)
            misses.append(log(row.cycles / told) / error)
        prior = np.hstack([np.zeros((len(names), 1)), np.diag(1 / spreads)])
        a, b = np.vstack([*slopes, *prior]), np.array([*misses, *(-x[1:] / spreads)])
        x = x + np.linalg.lstsq(a, b, rcond=None)[0]
    return {"": exp(x[0]), **{name: exp(x[0] + x[i]) for i, name in enumerate(names, 1)}}


def of_all(factors: Mapping[str, float]) -> dict[str, float]:
    """Returns a factor for every kernel: the core's where no row has it."""
    return {kernel: factors.get(kernel, factors[""]) for kernel in costs().instructions}


def write(fitted: Mapping[str, float], missed: Sequence[float]) -> None:
    """Writes the data file."""
    core = fitted[""]
    at_o2 = costs().cores
    ratio = at_o2[NO_ROWS].cycles_per_instruction / at_o2["cortex-m4"].cycles_per_instruction
    lines = [
        "# Cycles an instruction of mean length, Cortex-M4 at -Os, and of each kernel over it.",
        f"# Made by: {COMMAND}",
        "# Rows: Arduino Nano 33 BLE Sense Rev2, totals and kinds of operator of two models.",
        f"# Left out in turn, they were missed by {' and '.join(f'{e:+.1%}' for e in missed)}.",
        "# mean_length: cycles by Arm's table of timings of an instruction of mean length.",
        f"mean_length = {MEAN_LENGTH}",
        "",
        "[cores.cortex-m4]",
        f"cycles_per_instruction = {core:.3f}",
        f'boards = ["{BOARD}"]',
        "",
        "[cores.cortex-m4.kernels]",
        *(f"{kernel} = {factor / core:.3f}" for kernel, factor in fitted.items() if kernel),
        "",
        "# The Cortex-M4's, times what this core takes of its cycles at -O2 (cores.toml).",
        f"[cores.{NO_ROWS}]",
        f"cycles_per_instruction = {core * ratio:.3f}",
        "boards = []",
        f'rests_on = "{RESTS_ON}"',
        "",
    ]
    path = DATA / "cores_nano33ble.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    print(f"{path} written")


if __name__ == "__main__":
    main()
