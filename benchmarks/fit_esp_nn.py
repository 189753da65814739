"""Fits the cost model of ESP-NN's C kernels: loops on an emulated core, cycles on an ESP32.

    python benchmarks/fit_esp_nn.py [--emulate] [--write] [--shared DIR]

`--emulate` runs the layers of `fit_instructions.py` with ESP-NN's kernels (ESP-NN 1.2.6, out of
bakenn's wheel) on an emulated Cortex-M4 at -O2 and writes benchmarks/layers_esp_nn.csv, one minute;
without it that table is read. `--write` puts the fit into sprd/device/data/esp_nn.toml. Prints the
errors of the fit, of a fit that never saw the layer, and each row of
DIR/calibration/esp32_measured.csv beside the fit, a fit that saw no such operator and one that did
not see the model (in DIR/models).
"""

import argparse
import ast
import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import layers
import numpy as np
from fit_instructions import CORE, Sample, fit, models

from sprd.device import esp_nn
from sprd.device.board import load_board
from sprd.device.esp_nn import DATA, Coefficients
from sprd.device.graph import Graph, Operator, read_graph
from sprd.device.instructions import Work

HERE = Path(__file__).parent
GRID = HERE / "layers_esp_nn.csv"
SHARED = HERE.parents[1] / "shared"
BOARD = "esp32"
COMMAND = "python benchmarks/fit_esp_nn.py --emulate --write"
CLASSES = (2, 3, 4, 5, 6, 8, 10, 12, 20, 35)
SOURCES = (
    "convolution/esp_nn_conv_opt.c",
    "convolution/esp_nn_conv_ansi.c",
    "convolution/esp_nn_depthwise_conv_opt.c",
    "fully_connected/esp_nn_fully_connected_ansi.c",
    "pooling/esp_nn_avg_pool_ansi.c",
    "pooling/esp_nn_max_pool_ansi.c",
    "basic_math/esp_nn_add_ansi.c",
    "softmax/esp_nn_softmax_opt.c",
)
KINDS = (
    "CONVOLUTION",
    "DEPTHWISE",
    "FULLY_CONNECTED",
    "AVERAGE_POOL",
    "MAX_POOL",
    "ADD",
    "SOFTMAX",
)
TICK = 40
OWN_CODE_LINES = 32.0
"""Of a fit without the row that tells: 1 KB."""
FITTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "AVERAGE_POOL_2D")
"""Operators with rows that depend on their arithmetic; a softmax is mostly fetched code."""

Rows = Mapping[tuple[str, str], float]
"""Milliseconds by model and kind of operator."""
Models = Mapping[str, Graph]
Kernels = Mapping[str, Mapping[str, float]]


def main() -> None:
    """Runs, fits, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulate", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--shared", type=Path, default=SHARED)
    args = parser.parse_args()
    if args.emulate:
        emulate_grid()
    kernels, lines = fit(read_samples())
    rows, models = read_rows(args.shared)
    lines += compared(rows, models, kernels)
    print("\n".join(lines))
    if args.write:
        write(fit_board(rows, models, kernels), lines)


def cases() -> Iterator[tuple[str, str, str]]:
    """Yields layers: the function of `layers`, its arguments, the row of `cases.h`."""
    for (name, arguments), model in models():
        graph = read_graph(model)
        operator = graph.operators[-1]
        if name != "pad" and esp_nn.work_of(graph, operator) is not None:
            yield name, repr(arguments), case_of(graph, operator)
    for n in CLASSES:
        yield "softmax", repr((n,)), row_of("SOFTMAX", (1, 1, n), (1, 1, n))


def case_of(graph: Graph, operator: Operator) -> str:
    """Returns a layer as `esp_nn_layers.c` takes it."""
    kind = operator.op.removesuffix("_2D").removesuffix("_CONV").replace("CONV", "CONVOLUTION")
    if operator.op == "FULLY_CONNECTED":
        filters, depth = graph.shape(operator.inputs[1], rank=2)
        return row_of(kind, (1, 1, depth), (1, 1, filters))
    shape = graph.shape(operator.inputs[0], rank=4)[1:]
    if operator.op == "ADD":
        return row_of(kind, shape, shape)
    window = esp_nn.window_of(graph, operator)
    assert window is not None
    return row_of(kind, shape, window.outputs, window.filter, window.stride, window.padding)


def row_of(kind: str, inputs: Any, outputs: Any, *window: tuple[int, int]) -> str:
    """Returns an initializer of C."""
    numbers = [*inputs, *outputs, *(n for pair in window or ((1, 1), (1, 1), (0, 0)) for n in pair)]
    return f"{{{kind}, {', '.join(map(str, numbers))}}},"


def emulate_grid() -> None:
    """Runs every layer and writes the table."""
    found = list(cases())
    counts = instructions_of([case for _, _, case in found])
    with GRID.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("layer", "arguments", "instructions"))
        for (layer, arguments, _), count in zip(found, counts, strict=True):
            table.writerow((layer, arguments, count))


def instructions_of(rows: Sequence[str]) -> list[int]:
    """Runs layers on the emulated core, given as rows of `cases.h`; returns their instructions."""
    import bakenn

    from sprd.device.emulation import toolchain

    vendor = Path(bakenn.__file__).parent / "backend/esp_nn/vendor/esp_nn"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cases.h").write_text("\n".join(rows), encoding="utf-8")
        sources = [vendor / "src" / source for source in SOURCES]
        includes = [vendor / "include", vendor / "src/common"]
        harness = [HERE / "esp_nn_layers.c"]
        elf = toolchain.build(folder, sources, CORE, includes, ["CONFIG_NN_OPTIMIZED=1"], harness)
        ticks = toolchain.values(toolchain.run(elf, CORE, timeout_s=600), "ticks")
    return [TICK * n for n in ticks]


def read_samples() -> list[Sample]:
    """Returns the layers of the table with the kernel that each runs."""
    rng = np.random.default_rng(1)
    samples = []
    with GRID.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            arguments = ast.literal_eval(row["arguments"])
            if row["layer"] == "softmax":
                work = Work("softmax", {"call": 1, "class": arguments[0]})
            else:
                graph = read_graph(getattr(layers, row["layer"])(*arguments, rng))
                found = esp_nn.work_of(graph, graph.operators[-1])
                assert found is not None
                extra = esp_nn.EXTRA_INSTRUCTIONS[found.kernel]
                costly = {loop: n for loop, n in found.loops.items() if loop not in extra}
                work = Work(found.kernel, costly)
            name = f"{row['layer']}{row['arguments']}"
            samples.append(Sample(name, (work,), float(row["instructions"])))
    return samples


def read_rows(shared: Path) -> tuple[Rows, Models]:
    """Returns what was measured, and the models."""
    lines = (shared / "calibration/esp32_measured.csv").read_text(encoding="utf-8").splitlines()
    found = csv.DictReader(line for line in lines if not line.startswith("#"))
    rows = {(row["model"], row["what"]): float(row["ms"]) for row in found}
    models = {
        name: read_graph((shared / "models" / f"{name}.tflite").read_bytes())
        for name in sorted({model for model, _ in rows})
    }
    return rows, models


@dataclass(frozen=True)
class Kind:
    """All operators of one kind in one model: cycles measured, and what they follow from.

    `lines` are those of weights; those of code come to it, `n` times.
    """

    cycles: float
    instructions: float
    lines: float
    n: int

    def factor(self, code_lines: float, line_cycles: float) -> float:
        """Returns the cycles an instruction that are left."""
        return (self.cycles - line_cycles * (self.lines + self.n * code_lines)) / self.instructions


def kinds_of(rows: Rows, models: Models, kernels: Kernels) -> dict[tuple[str, str], Kind]:
    """Returns each row but the totals with its counts."""
    board = load_board(BOARD)
    kinds = {}
    for (model, op), ms in rows.items():
        if op == "Invoke":
            continue
        graph = models[model]
        found = [operator for operator in graph.operators if operator.op == op]
        works = [esp_nn.work_of(graph, operator) for operator in found]
        counts = [esp_nn.work_instructions(work, kernels) for work in works if work is not None]
        lines = sum(esp_nn.lines_once(graph, operator, board) for operator in found)
        kinds[model, op] = Kind(ms * board.clock_hz / 1000, sum(counts), lines, len(found))
    return kinds


def fit_board(rows: Rows, models: Models, kernels: Kernels) -> Coefficients:
    """Fits a factor an operator, lines of code and the interpreter to the rows.

    FULLY_CONNECTED has two rows, of few weights and of many: they tell its code from its factor.
    The code of the others is taken to be as large; softmax has its own, which is far larger, and
    the others' factor. RESHAPE, which has no row, is in the interpreter's cycles.
    """
    kinds, wait = kinds_of(rows, models, kernels), load_board(BOARD).wait_states
    code = code_lines_of([kind for (_, op), kind in kinds.items() if op == "FULLY_CONNECTED"], wait)
    factors = {}
    for op in FITTED:
        found = [kind for (_, other), kind in kinds.items() if other == op]
        if found:
            factors[op] = max(found, key=lambda kind: kind.cycles).factor(code, wait)
    other = float(np.exp(np.mean(np.log(list(factors.values())))))
    code_lines = {"other": code, "RESHAPE": 0.0}
    for (_, op), kind in kinds.items():
        if op == "SOFTMAX":
            code_lines[op] = (kind.cycles - other * kind.instructions) / wait - kind.lines
            factors[op] = other
    seen = {model for model, _ in rows}
    left = sum(2 * rows[m, "Invoke"] - sum(rows[r] for r in rows if r[0] == m) for m in seen)
    n_operators = sum(len(models[model].operators) for model in seen)
    operator_cycles = left * load_board(BOARD).clock_hz / 1000 / n_operators
    factors |= {"RESHAPE": 1.0, "other": other}
    return Coefficients(kernels, factors, code_lines, operator_cycles)


def code_lines_of(kinds: list[Kind], line_cycles: float) -> float:
    """Returns the lines of code of a kind with which all rows of it have one factor."""
    if len(kinds) < 2:
        return OWN_CODE_LINES
    few, many = sorted(kinds, key=lambda kind: kind.instructions)
    share = few.instructions / many.instructions
    rest = few.cycles - share * many.cycles - line_cycles * (few.lines - share * many.lines)
    return rest / (line_cycles * (few.n - share * many.n))


def compared(rows: Rows, models: Models, kernels: Kernels) -> list[str]:
    """Returns each row beside the fit, and fits that saw no such operator, or not this model."""
    lines = [f"{'measured on an ESP32':46}{'ms':>9}{'fit':>9}{'no kind':>9}{'no model':>9}"]
    for (model, what), ms in rows.items():
        no_kind = {key: value for key, value in rows.items() if key[1] != what}
        no_model = {key: value for key, value in rows.items() if key[0] != model}
        fits = [fit_board(rows, models, kernels), None, fit_board(no_model, models, kernels)]
        if what in FITTED:
            fits[1] = _without(no_kind, rows, models, kernels)
        guesses = [None if one is None else guess_ms(models[model], what, one) for one in fits]
        errors = "".join(f"{'' if one is None else f'{one / ms - 1:+.1%}':>9}" for one in guesses)
        lines.append(f"{model + ' ' + what:46}{ms:>9.3f}{errors}")
    return lines


def _without(some: Rows, rows: Rows, models: Models, kernels: Kernels) -> Coefficients:
    """Returns a fit without a kind of operator, which then has the factor of the others."""
    fit = fit_board(
        {**some, **{key: rows[key] for key in rows if key[1] == "Invoke"}}, models, kernels
    )
    return replace(fit, operator_cycles=fit_board(rows, models, kernels).operator_cycles)


def guess_ms(graph: Graph, what: str, fit: Coefficients) -> float:
    """Returns the milliseconds of a kind of operator, without the interpreter's, or of a model."""
    board = load_board(BOARD)
    found = zip(graph.operators, esp_nn.cycles_of(graph, board, fit), strict=True)
    cycles = sum(
        one.total - (what != "Invoke") * one.interpreting
        for operator, one in found
        if one is not None and what in ("Invoke", operator.op)
    )
    return 1000 * cycles / board.clock_hz


def write(fitted: Coefficients, lines: list[str]) -> None:
    """Writes the data file."""
    head = [
        "# Instructions of one round of each loop of ESP-NN's C kernels (Cortex-M4, gcc -O2), and",
        "# what makes cycles of an ESP32 of them.",
        f"# Made by: {COMMAND}",
        "# Relative errors above 5,000 instructions; unseen: of a fit without the layer. On the",
        "# board also of a fit without this kind of operator, and without this model.",
        *(f"#   {line}" for line in lines),
        "",
    ]
    tables = {f"kernels.{kernel}": costs for kernel, costs in fitted.kernels.items()}
    tables["esp32"] = {"operator_cycles": fitted.operator_cycles}
    tables |= {"esp32.factors": fitted.factors, "esp32.code_lines": fitted.code_lines}
    for name, values in tables.items():
        head += [f"[{name}]", *(f"{key} = {float(f'{n:.5g}')}" for key, n in values.items()), ""]
    DATA.write_text("\n".join(head), encoding="utf-8")
    print(f"{DATA} written")


if __name__ == "__main__":
    main()
