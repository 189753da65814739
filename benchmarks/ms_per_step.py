"""Times a training of SPRD's recipe against SPRD's own trainer, one after the other.

    python benchmarks/ms_per_step.py --data DIR --trainer-loop FILE [--steps N] [--rounds N]

`ms_per_step` includes gathering batches and evaluation, not start-up. SPRD's trainer decodes,
varies and computes features anew for each clip of each batch; ours reads stored variants.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Prints the milliseconds of each round and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trainer-loop", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    alone, together = [], []
    for number in range(args.rounds):
        theirs = trainer_loop(args.trainer_loop, args.data, 20)
        (ours,) = trainings(args.data, args.steps, 1)
        both = trainings(args.data, args.steps, 2)
        alone.append(theirs / ours)
        together.append(sum(theirs / one for one in both))
        print(
            f"round {number}: SPRD's {theirs:.1f} ms; ours {ours:.2f} ms, {alone[-1]:.1f} times;"
            f" two at once {both[0]:.2f} and {both[1]:.2f} ms, {together[-1]:.1f} times the steps"
        )
    print(f"one: median {statistics.median(alone):.1f} times faster")
    print(f"two at once: median {statistics.median(together):.1f} times the steps")


def trainer_loop(script: Path, data: Path, steps: int) -> float:
    """Runs SPRD's trainer; returns its milliseconds a step."""
    done = subprocess.run(
        [sys.executable, str(script), str(data), str(steps)], capture_output=True, text=True
    )
    return float(re.search(r"total ([\d.]+) ms/step", done.stdout)[1])  # type: ignore[index]


def trainings(data: Path, steps: int, n: int) -> list[float]:
    """Trains SPRD's recipe for some steps, `n` at once; returns milliseconds a step of each."""
    text = (ROOT / "sweeps/sprd.toml").read_text()
    text = text.replace("steps = [12000, 3000]", f"steps = [{steps}, {steps // 4}]")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sprd.toml").write_text(text)
        command = [sys.executable, "-m", "sprd", "train", f"{folder}/sprd.toml", "--json"]
        command += ["--data", str(data), "--out"]
        running = [
            subprocess.Popen([*command, f"{folder}/{i}"], stdout=subprocess.PIPE, text=True)
            for i in range(n)
        ]
        outputs = [process.communicate()[0] for process in running]
    return [float(json.loads(output)["ms_per_step"]) for output in outputs]


if __name__ == "__main__":
    main()
