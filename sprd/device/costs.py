"""The name of a build's cost tables in, the tables out: what its kernels take on which core.

`data/costs.toml` names the files of each. Instructions were counted on an emulated Cortex-M4 for
what the build's flags make of the kernels (`benchmarks/fit_instructions.py`); cycles add what Arm's
table of timings makes of each loop, for loads and branches take longer (`benchmarks/
layer_cycles.py`). What is left, waits and refills that no table tells, is one factor a core that
was fitted to measured milliseconds (`benchmarks/fit_cores.py`, `benchmarks/fit_builds.py`). Knows
no model and no board.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sprd.config.build import CMAKE_O2

DATA = Path(__file__).parent / "data"

Table = Mapping[str, Mapping[str, float]]
"""What one round of each loop takes, by kernel."""


@dataclass(frozen=True)
class Core:
    """Cycles an instruction of a core, and what they rest on.

    `weighted` are the costs of a build in instructions of mean length, as this core has them. The
    truth is expected between estimate / `spread` and estimate x `spread`, on a board without
    rows between estimate / `spread_elsewhere` and so on. `boards` are those with rows. `rests_on`
    says in words where the factor comes from.
    """

    cycles_per_instruction: float
    weighted: Table
    spread: float
    spread_elsewhere: float
    boards: tuple[str, ...]
    rests_on: str


@dataclass(frozen=True)
class Costs:
    """The tables of one build.

    `instructions` are those of the kernels that the build runs, `emulated` those of the kernels
    that the emulation runs: they differ where bakenn's wheel lacks a kernel. `weighted` counts an
    instruction as more or less than one by the cycles that it takes, one being the mean of the
    grid of layers. `as_tflm` is whether a convolution pads its input by itself, as TFLM's do, and
    the second reading of its weights is told apart where no cache holds them.
    """

    instructions: Table
    emulated: Table
    weighted: Table
    cores: Mapping[str, Core]
    as_tflm: bool


@cache
def names() -> tuple[str, ...]:
    """Returns the names under which a build may have costs (`Build.cost`)."""
    return tuple(_read("costs.toml"))


@cache
def costs(name: str = CMAKE_O2) -> Costs:
    """Returns the costs of that name, one of `names()`."""
    entry = _read("costs.toml")[name]
    emulated: Table = _read(entry["instructions"])["kernels"]
    replaced = entry.get("replaced", {})
    instructions = _own(emulated, entry.get("factors", {}), replaced, "instructions")
    weighted = instructions
    if "cycles" in entry:
        timed = _read(entry["cycles"])
        length = _read(entry["cores"])["mean_length"]
        mean = dict.fromkeys(timed["kernels"], 1 / length)
        weighted = _scaled(_own(timed["kernels"], {}, replaced, "cycles"), mean)
    cores = {
        core: _core({**entry["all_cores"], **found}, weighted)
        for core, found in _read(entry["cores"])["cores"].items()
    }
    return Costs(instructions, emulated, weighted, cores, entry["as_tflm"])


def _core(found: Mapping[str, Any], weighted: Table) -> Core:
    kernels = found.get("kernels")
    return Core(
        cycles_per_instruction=found["cycles_per_instruction"],
        weighted=_scaled(weighted, kernels) if kernels else weighted,
        spread=found["spread"],
        spread_elsewhere=found["spread_elsewhere"],
        boards=tuple(found["boards"]) if found.get("has_rows", True) else (),
        rests_on=found["rests_on"],
    )


def _own(
    table: Table, factors: Mapping[str, float], replaced: Mapping[str, Any], unit: str
) -> Table:
    """Returns the table for the kernels that the build runs."""
    return _scaled(table, factors) | {kernel: found[unit] for kernel, found in replaced.items()}


def _scaled(table: Table, factors: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns the table with the costs of each kernel multiplied; by 1 where no factor is told."""
    return {
        kernel: {loop: factors.get(kernel, 1.0) * cost for loop, cost in loops.items()}
        for kernel, loops in table.items()
    }


@cache
def _read(name: str) -> Mapping[str, Any]:
    with (DATA / name).open("rb") as file:
        return tomllib.load(file)
