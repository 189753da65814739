"""Counts what the micro front end costs at -O2 and -Os: its start, and a frame of usual sound.

    python benchmarks/frontend_builds.py [--sources DIR] [--write]

A part of the grid of frontend_cost.py, with its program and its sources, compiled at each level. A
frame is the mean of those sounds that are like a room: silence, faint noise, a saw, a square. On
20 clips of Speech Commands the same code takes within 2 % of it. `--write` puts the fits into
sprd/device/data/frontend_builds.toml.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from frontend_cost import (
    SOUNDS,
    USUAL,
    build_program,
    fit_pieces,
    grid,
    read_results,
    sources,
)
from numpy.typing import NDArray

from sprd.device.emulation import toolchain
from sprd.device.frontend_cost import BUILDS_DATA, FrontendSettings, pieces, setup_pieces

LEVELS = ("O2", "Os")
BUILDS = {"cmake-O2": "O2", "arduino": "Os", "arduino-O2": "O2", "head-Os": "Os"}
USUAL_SOUNDS = ("silence", "noise of +-16", "saw 125 Hz", "square 1 kHz")
N_ENDS = 51
"""The last rows of the grid: every size of FFT, with three filter banks each."""
COMMAND = "python benchmarks/frontend_builds.py --write"
HEADER = """\
# What the micro front end costs on a Cortex-M core by optimisation level, soft float.
#
# instructions: of one stride, the mean of these sounds: {sounds}.
# setup: of the start, once (windows, filter bank, tables of FFT and gain). A build that computes
# floats in an FPU takes about half of it: 3.27 M instead of 6.53 M for 40/40 ms x 20.
# Errors are relative, each of {n} settings left out in turn.
command = "{command}"
compiler = "arm-none-eabi-gcc 12.2"

# The level of each build, by the name of its cost tables.
[levels]
{levels}"""


def part() -> list[FrontendSettings]:
    """Returns every fourth usual setting of the grid, and two of each at the ends of the ranges."""
    everything = grid()
    n_usual = len(everything) - N_ENDS
    ends = [setting for i, setting in enumerate(everything[n_usual:]) if i % 3 != 1]
    return list(dict.fromkeys([USUAL, *everything[:n_usual:4], *ends]))


def count(
    root: Path, core: str, level: str, settings: Sequence[FrontendSettings]
) -> tuple[list[float], list[int]]:
    """Returns instructions of a mean frame and of the start, setting by setting."""
    with tempfile.TemporaryDirectory() as folder:
        elf = build_program(root, Path(folder), core, settings, flags=(f"-{level}",))
        results = read_results(toolchain.run(elf, core, timeout_s=900), core, len(settings))
    usual = [SOUNDS.index(sound) for sound in USUAL_SOUNDS]
    frames = [np.reshape(r.frames, (len(SOUNDS), -1))[usual].mean() for r in results]
    return [float(frame) for frame in frames], [r.setup_instructions for r in results]


def table(name: str, costs: Mapping[str, float], errors: NDArray[np.float64]) -> str:
    """Returns the TOML of one fit."""
    lines = [f"[{name}]", f"mean_error = {errors.mean():.4f}"]
    lines += [f"worst_error = {errors.max():.4f}", f"\n[{name}.instructions]"]
    return "\n".join(lines + [f"{key} = {costs[key]:.2f}" for key in sorted(costs)])


def main() -> int:
    """Counts, fits, prints the errors, and writes if told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, help="folder of the unpacked source package")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    settings, texts = part(), []
    with sources(args.sources) as root:
        for level in LEVELS:
            for core in toolchain.CORES:
                frames, setups = count(root, core, level, settings)
                for what, counted, work in (
                    ("frame", frames, pieces), ("setup", setups, setup_pieces)
                ):  # fmt: skip
                    costs, errors = fit_pieces([work(s) for s in settings], counted)
                    texts.append(table(f"{what}.{level}.{core}", costs, errors))
                    print(
                        f"-{level} {core} {what}: mean error {errors.mean():.2%}, worst"
                        f" {errors.max():.1%}; 30/20 ms x 40: {counted[0]:,.0f}",
                        flush=True,
                    )
    if args.write:
        levels = "\n".join(f'{build} = "{level}"' for build, level in BUILDS.items())
        head = HEADER.format(
            sounds=", ".join(USUAL_SOUNDS), n=len(settings), command=COMMAND, levels=levels
        )
        BUILDS_DATA.write_text("\n\n".join([head, *texts]) + "\n", encoding="utf-8")
        print(f"wrote {BUILDS_DATA}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
