"""How much sooner two slots end a sweep than one, and whether they make the same models.

    python benchmarks/slots.py --data DIR [--trials N] [--steps N]

`sweeps/up_down_nano33ble.toml` with random candidates, none stopped; features exist before. The
time is that of the whole command less the start of its first trial. Beside it: what the machine
gives two bare loops at once, before and after, and how much longer a trial takes beside another.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

SETTINGS: Mapping[str, str | None] = {
    "sampler": '"random"',
    "scheduler": '"none"',
    "confirm_folds": None,
    "grace_steps": None,
    "reduction_factor": None,
}
"""Keys of `[sweep]` that are set, or removed."""


def main() -> None:
    """Prints the time with one slot and with two, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds, models, busy = {}, {}, {}
        before = ceiling()
        for name, n_slots in (("features", 2), ("one", 1), ("two", 2)):
            out = Path(folder) / name
            n_trials = 1 if name == "features" else args.trials
            file = Path(folder) / f"{name}.toml"
            file.write_text(text(n_slots, 50 if name == "features" else args.steps))
            command = [sys.executable, "-m", "sprd", "sweep", str(file), "--trials", str(n_trials)]
            subprocess.run([*command, "--data", args.data, "--out", out], check=True)
            rows = [json.loads(line) for line in (out / "trials.jsonl").read_text().splitlines()]
            times = [[datetime.fromisoformat(row[key]) for row in rows] for key in KEYS]
            seconds[name] = (max(times[1]) - min(times[0])).total_seconds()
            busy[name] = sum((b - a).total_seconds() for a, b in zip(*times, strict=True))
            trained = sorted(row["number"] for row in rows if row["status"] == "trained")
            assert len(trained) == n_trials == len(set(trained))
            models[name] = [(out / f"trials/{n}/model.tflite").read_bytes() for n in trained]
    print(
        f"{args.trials} trials: one slot {seconds['one']:.1f} s, two {seconds['two']:.1f} s,"
        f" {seconds['one'] / seconds['two']:.2f} times; models"
        f" {'identical' if models['one'] == models['two'] else 'DIFFER'}"
    )
    print(
        f"bare loops, two at once: {before:.2f} times before, {ceiling():.2f} after; a trial beside"
        f" another takes {busy['two'] / busy['one']:.2f} times as long; slots are busy"
        f" {busy['one'] / seconds['one']:.0%} (one), {busy['two'] / seconds['two'] / 2:.0%} (two)"
    )


def ceiling(n_repeats: int = 5) -> float:
    """Returns how many times as much two processes compute as one: the median of some rounds."""
    loop = [sys.executable, "-c", "sum(i * i for i in range(30_000_000))"]
    found = []
    for _ in range(n_repeats):
        spent = []
        for n in (1, 2):
            begun = time.perf_counter()
            for process in [subprocess.Popen(loop) for _ in range(n)]:
                process.wait()
            spent.append(time.perf_counter() - begun)
        found.append(2 * spent[0] / spent[1])
    return statistics.median(found)


KEYS = ("started_at", "ended_at")


def text(n_slots: int, steps: int) -> str:
    """Returns the sweep file."""
    found = (Path(__file__).parents[1] / "sweeps/up_down_nano33ble.toml").read_text()
    for key, value in SETTINGS.items():
        found = re.sub(rf"^{key} = .*\n", "", found, flags=re.MULTILINE)
        if value is not None:
            found = found.replace("[sweep]\n", f"[sweep]\n{key} = {value}\n", 1)
    found = found.replace("[sweep]\n", f"[sweep]\nmax_concurrent_trials = {n_slots}\n", 1)
    found = re.sub(r"^steps = .*$", f"steps = {steps}", found, flags=re.MULTILINE)
    return re.sub(r"^\[\[reference\]\]\n(?:[^\[]*)", "", found, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
