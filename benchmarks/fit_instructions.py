"""Fits the cost model of instructions to a grid of layers that ran on an emulated Cortex-M4.

    python benchmarks/fit_instructions.py [--board NAME --build NAME] [--emulate] [--write]

`--build` names a build of a board or a board file, and fits what its flags make of the kernels;
without it -O2. `--emulate` runs the grid again (about 500 layers, five minutes on 2 cores) and
writes it to benchmarks/layers_cortex_m4.csv, with other flags to layers_cortex_m4_os.csv and the
like; without it that table is read. `--write` puts the fit into sprd/device/data/instructions.toml,
instructions_os.toml and so on. Prints the errors of the fit and of a fit that never saw the layer
(five folds), for layers above 5,000 instructions.
"""

import argparse
import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import layers
import numpy as np
from numpy.typing import NDArray

from sprd.config.build import CMAKE_O2
from sprd.device.board import load_board
from sprd.device.costs import DATA
from sprd.device.emulation.toolchain import FLAGS
from sprd.device.graph import macs_of, read_graph
from sprd.device.instructions import Work, work_of

FOLDER = Path(__file__).parent
CORE = "cortex-m4"
UNITS = ("instructions", "cycles")
"""Columns of the table of layers; cycles come from benchmarks/layer_cycles.py."""
SMALL = 5_000
"""Layers below are not counted in the printed errors: they decide nothing."""
MAX_MACS, MAX_INPUT_BYTES = 4_000_000, 60_000
CHANNELS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 22, 24, 28, 32, 40, 48, 64)
COMMAND = "python benchmarks/fit_instructions.py "

Arguments = tuple[str, tuple[Any, ...]]
"""A function of `layers` and its arguments without the generator."""


@dataclass(frozen=True)
class Sample:
    """A layer that ran: the kernels before and the one it is about, and what they took."""

    layer: str
    works: tuple[Work, ...]
    count: float


def main() -> None:
    """Runs, fits, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="arduino_nano_33_ble")
    parser.add_argument("--build", default=CMAKE_O2)
    parser.add_argument("--emulate", action="store_true")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    flags = flags_of(args.build, args.board)
    if args.emulate:
        emulate_grid(flags)
    more = f"--build {args.build} " if flags != FLAGS else ""
    for unit in UNITS:
        samples = read_samples(flags, unit)
        if samples:
            fitted, lines = fit(samples)
            print(f"{unit}\n" + "\n".join(lines))
            if args.write:
                write(fitted, lines, flags, f"{COMMAND}{more}", mean_cycles(flags, unit))


def flags_of(build: str, board: str = "arduino_nano_33_ble") -> tuple[str, ...]:
    """Returns how a build of a board compiles what is counted."""
    return load_board(board, build).build.flags


def _suffix(flags: Sequence[str]) -> str:
    """Returns what tells the files of some flags from those of -O2."""
    text = "_".join(re.sub(r"[^A-Za-z0-9]+", "_", flag.strip("-")) for flag in flags).lower()
    return "" if tuple(flags) == FLAGS else f"_{text}"


def grid_of(flags: Sequence[str]) -> Path:
    """Returns the table of layers that were compiled with these flags."""
    return FOLDER / f"layers_cortex_m4{_suffix(flags)}.csv"


def data_of(flags: Sequence[str], unit: str) -> Path:
    """Returns where the package keeps the fit of these flags."""
    return DATA / f"{unit}{_suffix(flags)}.toml"


def grid(seed: int = 0) -> Iterator[Arguments]:
    """Yields layers as keyword spotting has them, drawn at random."""
    rng = np.random.default_rng(seed)

    def one(*values: int) -> int:
        return int(rng.choice(values))

    def window(kernel: tuple[int, int], *strides: int) -> tuple[Any, ...]:
        return kernel, (one(*strides), one(*strides)), bool(one(0, 1))

    for _ in range(50):  # over time, channels as depth
        image = one(98, 65, 49, 33, 25, 13), 1, one(10, 16, 20, 24, 32, 40)
        kernel = one(3, 5, 7, 9, 15), 1
        yield "convolution", (image, one(*CHANNELS[3:]), *window(kernel, 1, 2))
        image = one(98, 49, 33, 25), one(10, 20, 40), 1  # over time and frequency
        kernel = one(3, 5, 8, 10, 20), one(3, 4, 8, 10)
        yield "convolution", (image, one(*CHANNELS[:14]), *window(kernel, 1, 2, 2, 4))
        image = one(25, 12, 10, 7, 5), one(20, 10, 8, 5), one(*CHANNELS)
        kernel = one(1, 2, 3, 4, 5, 10), one(2, 3, 4, 8)
        yield "convolution", (image, one(*CHANNELS), *window(kernel, 1, 2))
    for _ in range(45):
        image = one(1, 5, 10, 13, 25), one(1, 4, 5, 10), one(*CHANNELS, 96, 128)
        yield "convolution", (image, one(*CHANNELS, 96, 128), (1, 1), (1, 1), False)
    for _ in range(25):
        image = one(5, 10, 13, 25), one(1, 5, 8, 10), one(*CHANNELS)
        yield "convolution", (image, one(*CHANNELS), (1, 1), (2, one(1, 2)), False)
    for _ in range(45):
        image = one(5, 10, 13, 25, 48), one(3, 5, 10, 20), one(*CHANNELS[2:], 96, 128)
        yield "depthwise", (image, 1, *window((3, 3), 1, 2))
    for _ in range(55):
        kernel = one(2, 5, 7, 9, 10), one(1, 1, 3, 5)
        image = one(10, 13, 25, 49), max(one(1, 5, 10), kernel[1]), one(*CHANNELS[2:], 96)
        yield "depthwise", (image, 1, *window(kernel, 1, 2))
    for _ in range(8):
        frames = one(25, 49, 98)
        image = frames, 1, one(32, 64, 128, 256)
        yield "depthwise", (image, 1, (frames, 1), (1, 1), False)
    for _ in range(40):
        image = one(5, 10, 25), one(5, 10, 20), one(1, 1, 2, 4, 8)
        kernel = one(3, 5, 10), one(3, 4, 8)
        yield "depthwise", (image, one(2, 3, 4, 8), *window(kernel, 1, 2))
    for _ in range(40):
        depth = one(8, 16, 24, 25, 32, 63, 64, 100, 128, 250, 512, 1000, 2000, 4000)
        yield "fully_connected", (depth, one(2, 3, 4, 5, 8, 10, 12, 16, 32, 64, 128))
    for _ in range(15):
        yield "residual", ((one(5, 10, 25, 49), one(1, 5, 8, 10), one(*CHANNELS[3:])),)
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for _ in range(14):
            size = one(5, 10, 13, 25), one(1, 5, 8, 10)
            yield "pool", (op, (*size, one(*CHANNELS, 128)), size, size, False)
        for _ in range(20):
            image = one(10, 13, 25, 49), one(5, 10, 20), one(*CHANNELS)
            yield "pool", (op, image, (2, 2), (2, 2), bool(one(0, 1)))
        for _ in range(10):
            image = one(10, 13, 25), one(5, 10, 20), one(*CHANNELS)
            yield "pool", (op, image, (3, 3), (one(1, 2), one(1, 2)), False)
    for _ in range(30):
        image = one(5, 10, 25, 49, 98), one(1, 5, 10, 40), one(*CHANNELS)
        rows, columns = (one(0, 1, 2, 4), one(1, 2, 5)), (one(0, 0, 1, 3), one(0, 0, 1, 4))
        yield "pad", (image, rows, columns)


def models() -> Iterator[tuple[Arguments, bytes]]:
    """Yields the layers of the grid that exist and are of a size that a microcontroller runs."""
    rng = np.random.default_rng(1)
    for name, arguments in grid():
        image = arguments[1] if name == "pool" else arguments[0]
        if name in ("convolution", "depthwise", "pool"):
            kernel, same = arguments[2], arguments[4]
            if not same and (kernel[0] > image[0] or kernel[1] > image[1]):
                continue
        model = getattr(layers, name)(*arguments, rng)
        graph = read_graph(model)
        is_large = graph.tensors[graph.inputs[0]].n_bytes > MAX_INPUT_BYTES
        if not is_large and macs_of(graph, graph.operators[0]) <= MAX_MACS:
            yield (name, arguments), model


def emulate_grid(flags: Sequence[str]) -> None:
    """Runs every layer and writes the table."""
    found = list(models())
    with ProcessPoolExecutor() as pool:
        jobs = [(model, flags) for _, model in found]
        counts = pool.map(instructions_of, *zip(*jobs, strict=True), chunksize=4)
        with grid_of(flags).open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("layer", "arguments", "instructions"))
            for i, (((name, arguments), _), count) in enumerate(zip(found, counts, strict=True)):
                table.writerow((name, repr(arguments), count))
                print(f"\r{i + 1} of {len(found)} layers", end="", flush=True)
    print()


def instructions_of(model: bytes, flags: Sequence[str] = FLAGS) -> int:
    """Emulates a layer; returns the instructions of its last operator."""
    from sprd.device.emulation.emulate import emulate

    result = emulate(model, CORE, n_inputs=1, flags=flags)
    return result.instructions if len(result.layers) == 1 else result.layers[-1].instructions


def mean_cycles(flags: Sequence[str], unit: str) -> float | None:
    """Returns the cycles an instruction of the grid; None where no cycles are fitted."""
    if unit != "cycles":
        return None
    cycles = {sample.layer: sample.count for sample in read_samples(flags, unit)}
    alone = [sample for sample in read_samples(flags) if len(sample.works) == 1]
    return float(np.mean([cycles[s.layer] / s.count for s in alone if s.layer in cycles]))


def read_samples(flags: Sequence[str] = FLAGS, unit: str = "instructions") -> list[Sample]:
    """Returns the layers of the table that have a count in this unit, and the kernels of each."""
    import ast

    rng = np.random.default_rng(1)
    samples = []
    with grid_of(flags).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            model = getattr(layers, row["layer"])(*ast.literal_eval(row["arguments"]), rng)
            graph = read_graph(model)
            works = work_of(graph, graph.operators[-1])
            if unit == "cycles":
                works = works and works[-1:]  # a padding before the kernel is not in them
            if works and row.get(unit):
                name = f"{row['layer']}{row['arguments']}"
                samples.append(Sample(name, works, float(row[unit])))
    return samples


def fit(samples: list[Sample]) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Fits each kernel by least squares of relative errors, costs not negative.

    PAD comes first: what an uneven padding costs is taken off the layer behind it.
    """
    by_kernel = defaultdict(list)
    for sample in samples:
        by_kernel[sample.works[-1].kernel].append(sample)
    fitted: dict[str, dict[str, float]] = {}
    lines = [f"{'kernel':24}{'layers':>7}{'mean':>8}{'worst':>8}{'unseen':>8}{'worst':>8}"]
    for kernel in sorted(by_kernel, key=lambda name: (name != "pad", name)):
        found = by_kernel[kernel]
        loops = list(found[0].works[-1].loops)
        rounds = np.array([[s.works[-1].loops[loop] for loop in loops] for s in found], float)
        before = [
            sum(n * fitted[w.kernel][loop] for w in s.works[:-1] for loop, n in w.loops.items())
            for s in found
        ]
        counts = np.array([s.count for s in found]) - before
        costs = least_squares(rounds, counts)
        unseen = np.empty(len(found))
        fold = np.arange(len(found)) % 5
        for k in range(5):
            seen = fold != k
            unseen[~seen] = rounds[~seen] @ least_squares(rounds[seen], counts[seen])
        large = counts > SMALL
        errors = [abs(guess[large] / counts[large] - 1) for guess in (rounds @ costs, unseen)]
        figures = "".join(f"{e.mean():>8.1%}{e.max():>8.1%}" for e in errors)
        lines.append(f"{kernel:24}{len(found):>7}{figures}")
        fitted[kernel] = {
            loop: float(f"{cost:.5g}") for loop, cost in zip(loops, costs, strict=True)
        }
    return fitted, lines


def least_squares(rounds: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """Returns the costs, none below 0, of the least sum of squared relative errors.

    Source: Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23.
    """
    weights = 1 / np.maximum(counts, 2_000)
    a, b = rounds * weights[:, None], counts * weights
    costs, active = np.zeros(a.shape[1]), np.zeros(a.shape[1], bool)
    for _ in range(10 * len(costs)):
        slope = a.T @ (b - a @ costs)
        if active.all() or slope[~active].max() <= 1e-9:
            break
        active[np.flatnonzero(~active)[slope[~active].argmax()]] = True
        while active.any():
            trial = np.zeros(len(costs))
            trial[active] = np.linalg.lstsq(a[:, active], b, rcond=None)[0]
            if trial[active].min() > 0:
                costs = trial
                break
            below = active & (trial <= 0)
            step = (costs[below] / (costs[below] - trial[below])).min()
            costs = costs + step * (trial - costs)
            active &= costs > 1e-12
            costs[~active] = 0
    return costs


def write(
    fitted: dict[str, dict[str, float]],
    lines: list[str],
    flags: Sequence[str],
    command: str,
    mean: float | None,
) -> None:
    """Writes the data file: instructions, or cycles where their mean an instruction is given."""
    told = " ".join(flags)
    emulate = "" if mean else "--emulate "
    if mean is None:
        what = (
            f"Instructions of one round of each loop of CMSIS-NN's kernels (Cortex-M4, gcc {told})."
        )
    else:
        what = (
            f"Cycles of one round of each loop by Arm's table of timings (Cortex-M4, gcc {told})."
        )
    head = [
        f"# {what}",
        f"# Made by: {command}{emulate}--write",
        "# Relative errors above 5,000 instructions; unseen: of a fit without the layer.",
        *(f"#   {line}" for line in lines),
        "",
    ]
    if mean is not None:
        head += [f"cycles_per_instruction = {mean:.3f}  # mean of the grid", ""]
    for kernel, costs in fitted.items():
        head += [f"[kernels.{kernel}]", *(f"{loop} = {cost}" for loop, cost in costs.items()), ""]
    path = data_of(flags, "instructions" if mean is None else "cycles")
    path.write_text("\n".join(head), encoding="utf-8")
    print(f"{path} written")


if __name__ == "__main__":
    main()
