"""Adds to the grid of layers the cycles that Arm's table of timings makes of their instructions.

    python benchmarks/layer_cycles.py [--board NAME] --build NAME

Runs each layer of the grid on the emulated core with every block of instructions logged, adds up
the cycles of the table of timings (Cortex-M4 Technical Reference Manual, 3.3.1), with memory that
never waits, and writes them as the column `cycles` of the table (ten minutes on 2 cores): of the
last kernel, without a padding put before it. Layers above 3 million instructions are left out, as
the log has a line a block.

A load takes 2 cycles, 1 behind another load that does not make its address. The table leaves two
open: a taken branch is told as 1 + 1 to 3 cycles, here 3 in all, a division as 2 to 12, here 7.
"""

import argparse
import ast
import csv
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import layers
import numpy as np
from fit_instructions import CORE, flags_of, grid_of

from sprd.device.emulation.emulate import program
from sprd.device.emulation.toolchain import QEMU, core_named

MAX_INSTRUCTIONS = 3_000_000
BRANCH, DIVISION = 2.0, 7.0
"""Cycles of a refill of the pipeline; of a division."""
_INSTRUCTION = re.compile(r"0x([0-9a-f]{8}):\s+([0-9a-f]{4}(?: [0-9a-f]{4})?)\s+(\S+)\s*(.*)$")
_CONDITION = r"(eq|ne|cs|cc|hs|lo|hi|ls|mi|pl|vs|vc|ge|lt|gt|le)?"
_LOAD = re.compile(rf"ldr(b|h|sb|sh)?{_CONDITION}$")
_REGISTER = re.compile(r"\b(?:r\d+|lr|pc|ip|fp|sl|sb)\b")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a block, as QEMU lists it."""

    address: int
    n_bytes: int
    name: str
    operands: str

    @property
    def kind(self) -> str:
        """Which row of the table of timings it is of, "" for one cycle."""
        name = self.name.split(".")[0]
        if _LOAD.match(name):
            return "load"
        if name.startswith(("ldrd", "strd")):
            return "double"
        if name.startswith(("ldm", "stm", "push", "pop")):
            return "multiple"
        return "division" if name.startswith(("udiv", "sdiv")) else ""


def main() -> None:
    """Runs the grid and writes the column."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="arduino_nano_33_ble")
    parser.add_argument("--build", required=True)
    args = parser.parse_args()
    flags = flags_of(args.build, args.board)
    with grid_of(flags).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rng = np.random.default_rng(1)
    models = [
        getattr(layers, row["layer"])(*ast.literal_eval(row["arguments"]), rng) for row in rows
    ]
    small = [i for i, row in enumerate(rows) if int(row["instructions"]) < MAX_INSTRUCTIONS]
    with ProcessPoolExecutor() as pool:
        found = pool.map(partial(cycles_of, flags=flags), [models[i] for i in small])
        for n, (i, cycles) in enumerate(zip(small, found, strict=True), 1):
            rows[i]["cycles"] = str(round(cycles))
            print(f"\r{n} of {len(small)} layers", end="", flush=True)
    with grid_of(flags).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, (*list(rows[0])[:3], "cycles"), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"\n{grid_of(flags)} written")


def cycles_of(model: bytes, flags: Sequence[str]) -> float:
    """Returns the cycles of the last kernel of a model by the table."""
    with tempfile.TemporaryDirectory(prefix="sprd-cycles-") as folder:
        elf = program(model, CORE, Path(folder), flags)
        command = [QEMU, "-M", core_named(CORE).machine, "-display", "none", "-monitor", "none",
                   "-serial", "none", "-semihosting-config", "enable=on,target=native",
                   "-d", "in_asm,exec,nochain", "-D", "/dev/stdout",
                   "-kernel", str(elf)]  # fmt: skip
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(command, stdout=pipe, stderr=null, text=True) as process:
            assert process.stdout is not None
            blocks, steps = last_layer(process.stdout)
    counts: Counter[int] = Counter()
    taken = 0
    for (block, after), n in steps.items():
        counts[block] += n
        last = blocks[block][-1]
        taken += n * (after != last.address + last.n_bytes)
    return BRANCH * taken + sum(n * timed(blocks[block]) for block, n in counts.items())


def last_layer(
    lines: Iterable[str],
) -> tuple[dict[int, list[Instruction]], Counter[tuple[int, int]]]:
    """Reads QEMU's log: the blocks, and each step between the last two marks with what followed."""
    blocks: dict[int, list[Instruction]] = {}
    listed: list[Instruction] = []
    layer: Counter[tuple[int, int]] = Counter()
    steps: Counter[tuple[int, int]] = Counter()
    before = -1
    for line in lines:
        if line.startswith("Trace"):
            block = int(line.split("/", 2)[1], 16)
            if before >= 0:
                steps[before, block] += 1
            is_mark = line.endswith("sprd_mark\n")
            before = -1 if is_mark or line.endswith("sprd_ticks\n") else block
            if is_mark and steps:
                layer, steps = steps, Counter()
        elif line.startswith("IN:"):
            listed = []
        elif found := _INSTRUCTION.match(line):
            n_bytes = len(found[2].replace(" ", "")) // 2
            listed.append(Instruction(int(found[1], 16), n_bytes, found[3], found[4]))
            if len(listed) == 1:
                blocks[listed[0].address] = listed
    return blocks, layer


def timed(block: Sequence[Instruction]) -> float:
    """Returns the cycles of a block by the table, without the branch at its end."""
    cycles, before = 0.0, None
    for instruction in block:
        kind = instruction.kind
        if kind == "load":
            cycles += 1 if before is not None and _is_pipelined(before, instruction) else 2
        elif kind == "double":
            cycles += 3
        elif kind == "multiple":
            cycles += 1 + len(_REGISTER.findall(instruction.operands.split("{")[-1]))
        else:
            cycles += DIVISION if kind == "division" else 1
        before = instruction if kind == "load" else None
    return cycles


def _is_pipelined(first: Instruction, second: Instruction) -> bool:
    loaded = first.operands.split(",")[0].strip()
    return re.search(rf"\b{loaded}\b", second.operands.split("[")[-1]) is None


if __name__ == "__main__":
    main()
