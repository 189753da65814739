"""The arena of TFLM of August 2026 against mcufit's sizer, which is that version for 32 bits.

    python benchmarks/arena_against_sizer.py [--n 50] [--seed 1]

Takes the models of the shared folder and random ones of the default search space: its
architecture, its frames, and layers like its own. Prints the sizer's arena, what our count for its
own kernels and for CMSIS-NN's without scratch is above it, and what scratch adds. Needs Node.js and
mcufit; a second a model.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from sprd.device.memory import arena_of
from sprd.device.sizer import arena_sizer_bytes
from sprd.device.tflm import Runner

TFLM = "2026-08"
FRAMES = ((25, 20), (49, 20))
FILTERS = (16, 20, 24, 28, 32)
SHARED = Path(__file__).parents[2] / "shared" / "models"


def main() -> None:
    """Prints a line a model, then the extremes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    models = {path.stem: path.read_bytes() for path in sorted(SHARED.glob("*.tflite"))}
    models |= drawn(args.n, args.seed)
    print(f"{'model':40}{'sizer B':>9}{'same kernels':>14}{'cmsis-nn':>10}{'scratch B':>11}")
    found = [compare(name, model) for name, model in models.items()]
    same, fast = ([row[i] for row in found] for i in (0, 1))
    print(f"{len(found)} models: same kernels {min(same):+d} .. {max(same):+d} B,"
          f" cmsis-nn {min(fast):+.2%} .. {max(fast):+.2%}")  # fmt: skip


def compare(name: str, model: bytes) -> tuple[int, float]:
    """Prints one model; returns bytes above the sizer, and CMSIS-NN's part above it."""
    runner = Runner(model, name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        told = arena_sizer_bytes(path)
    reference = arena_of(runner.graph, runner.arena_split, "reference", TFLM)
    fast = arena_of(runner.graph, runner.arena_split, "cmsis-nn", TFLM)
    if reference is None or fast is None:
        raise SystemExit(f"{name}: has an operator of unknown scratch")
    above = reference.total_bytes - told
    part = (fast.total_bytes - fast.scratch_bytes) / told - 1
    print(f"{name:40}{told:>9,}{above:>+12d} B{part:>+10.2%}{fast.scratch_bytes:>11,}", flush=True)
    return above, part


def drawn(n: int, seed: int) -> dict[str, bytes]:
    """Returns n models of the default search space and its neighbourhood, with random weights."""
    from sprd.model.start import load_tensorflow, set_threads

    load_tensorflow()
    set_threads(1)
    from sprd.config.trial import ModelSection
    from sprd.model.params import ARCHITECTURES
    from sprd.model.quantize import convert_untrained

    rng = np.random.default_rng(seed)
    models: dict[str, bytes] = {}
    defaults = ARCHITECTURES["temporal_conv"].defaults()
    while len(models) < n:
        layers = "-".join(str(c) for c in rng.choice(FILTERS, rng.integers(2, 6)))
        shape = FRAMES[rng.integers(len(FRAMES))]
        section = ModelSection(
            architecture="temporal_conv", params={**defaults, "layer_filters": layers}
        )
        models[f"temporal_conv {shape[0]}x{shape[1]} {layers}"] = convert_untrained(
            section, shape, 4
        )
    return models


if __name__ == "__main__":
    main()
