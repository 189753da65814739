"""The cost model of instructions against the emulated core, on random models of the zoo.

    python benchmarks/instructions_against_emulation.py [--n 100] [--seed 1] [--build arduino]

Draws architectures and their parameters at random from what a sweep file may name, converts each
with random weights, and counts its instructions both ways on a Cortex-M4: with the flags of a build
of the Nano 33 BLE, -O2 unless one is named, for the kernels that the emulation runs. Beside it, a
rule of multiply-accumulates alone with the best single factor. Also checks every output byte.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from sprd.config.build import CMAKE_O2
from sprd.config.params import Scalar

FRAMES = ((49, 40), (49, 20), (25, 20), (24, 32), (32, 40), (25, 10))
MAX_MACS = 12_000_000


def main() -> None:
    """Prints a line a model, then the errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default=CMAKE_O2)
    args = parser.parse_args()
    rows = []
    with ProcessPoolExecutor(2) as pool:
        for row in pool.map(
            partial(one, build=args.build), range(args.seed * 10_000, args.seed * 10_000 + args.n)
        ):
            rows.append(row)
            name, counted, told, _, equal, _ = row
            print(
                f"{name:76}{counted / 1e6:>8.3f} M{told / counted - 1:>+8.1%}"
                f"{'' if equal else '  OUTPUTS DIFFER'}",
                flush=True,
            )
    counts, estimates, sizes = (np.array([row[i] for row in rows], float) for i in (1, 2, 3))
    errors = abs(estimates / counts - 1)
    rate = np.exp(np.log(counts / sizes).mean())
    by_macs = abs(rate * sizes / counts - 1)
    print(f"{len(rows)} models: mean error {errors.mean():.1%}, worst {errors.max():.1%}")
    print(
        f"{rate:.1f} instructions a MAC: mean error {by_macs.mean():.1%}, worst {by_macs.max():.1%}"
    )
    print(f"outputs equal on {sum(row[4] for row in rows)} of {len(rows)};"
          f" slowest emulation {max(row[5] for row in rows):.1f} s")  # fmt: skip


def one(seed: int, build: str) -> tuple[str, int, float, int, bool, float]:
    """Draws models until one can be built, and counts it both ways."""
    from sprd.model.start import load_tensorflow, set_threads

    load_tensorflow()
    set_threads(1)
    from sprd.config.trial import ModelSection
    from sprd.device.board import load_board
    from sprd.device.costs import costs
    from sprd.device.emulation.emulate import emulate
    from sprd.device.footprint import measure
    from sprd.device.graph import read_graph
    from sprd.device.instructions import count_instructions
    from sprd.model.params import ARCHITECTURES
    from sprd.model.quantize import convert_untrained

    rng = np.random.default_rng(seed)
    while True:
        architecture = str(rng.choice(sorted(ARCHITECTURES)))
        defaults = ARCHITECTURES[architecture].defaults()
        params = {key: draw(rng, key, default) for key, default in defaults.items()}
        shape = FRAMES[rng.integers(len(FRAMES))]
        try:
            model = convert_untrained(
                ModelSection(architecture=architecture, params=params), shape, 4
            )
            footprint = measure(model, None)
        except ValueError:
            continue
        if footprint.macs <= MAX_MACS and footprint.instructions is not None:
            break
    chosen = load_board("arduino_nano_33_ble", build).build
    counts = count_instructions(read_graph(model), costs(chosen.cost).emulated)
    found = emulate(model, "cortex-m4", n_inputs=4, flags=chosen.flags)
    shown = ",".join(str(value) for key, value in params.items() if key != "dropout")
    name = f"{architecture} {shape[0]}x{shape[1]} {shown}"[:75]
    return (
        name,
        found.instructions,
        sum(count or 0.0 for count in counts),
        footprint.macs,
        found.outputs_equal,
        found.seconds,
    )


def draw(rng: np.random.Generator, key: str, default: Scalar) -> Scalar:
    """Draws a value of a parameter: of the kind of its default, smaller or somewhat larger."""
    if key == "dropout":
        return 0.0
    if isinstance(default, int):
        most = {"n_blocks": 5, "rank": 4}.get(key, 2 * default)
        return int(rng.integers(1, min(most, 160) + 1))
    text = str(default)
    if "x" in text:
        return "x".join(str(rng.integers(1, int(part) + 3)) for part in text.split("x"))
    if key == "layer_strides":
        return "-".join(str(rng.integers(1, 3)) for _ in range(rng.integers(1, 5)))
    return "-".join(str(rng.integers(4, 41)) for _ in range(rng.integers(2, 6)))


if __name__ == "__main__":
    main()
