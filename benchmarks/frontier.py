"""What a run of `sweeps/frontier_up_down.toml` holds: two picks, their folds, the shipped model.

    sprd sweep sweeps/frontier_up_down.toml --data FOLDER --out RUN
    python benchmarks/frontier.py RUN --data FOLDER --shipped MODEL.tflite

Each pick is made by the limits alone, then trained anew on five folds of training and validation
speakers. The first is the sweep's own winner, compared with SPRD's shipped model on test speakers.
Last, `pick --by ram_bytes` must give the smallest RAM of what is within the limits, and the trial's
very model.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LARGE = {"model-bytes": 18_960, "arena-host-bytes": 9_776, "instructions": 1_000_000}
SMALL = {"model-bytes": 12_000, "arena-host-bytes": 4_500, "instructions": 300_000}


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shipped", type=Path, required=True)
    args = parser.parse_args()
    manifest = json.loads((args.run / "bundle" / "manifest.json").read_text())
    picks = {
        "winner": (manifest["trial"]["number"], args.run / "bundle"),
        "small": picked(args.run, args.data, "balanced_accuracy", SMALL, "small"),
    }
    for name, (number, bundle) in picks.items():
        counted = sprd("emulate", bundle / "model.tflite", "--board", "arduino_nano_33_ble")
        taken = sprd("check", bundle / "model.tflite", "--board", "arduino_nano_33_ble")
        folds = sprd("crossval", args.run, "--trial", number, "--data", args.data)
        print(
            f"{name}: trial {number}: {taken['model_bytes']:,} B, host arena"
            f" {taken['arena_host_bytes']:,} B, {counted['instructions']:,} instructions emulated,"
            f" outputs equal: {counted['outputs_equal']}"
        )
        print(f"  five folds: {interval(folds, 'balanced_accuracy')}; recall {folds['recall']}")
    compared = json.loads(
        run("benchmarks/against_shipped.py", picks["winner"][1], "--data", args.data, "--shipped",
            args.shipped, "--json")
    )  # fmt: skip
    print(f"winner against the shipped model on test speakers: {compared['difference']}")
    by_ram(args.run, args.data)


def picked(
    folder: Path, data: Path, by: str, limits: dict[str, int], name: str
) -> tuple[int, Path]:
    """Exports the best by one key within limits; returns its trial and its bundle."""
    flags = [word for key, limit in limits.items() for word in (f"--max-{key}", str(limit))]
    bundle = folder / f"bundle-{name}"
    found = sprd("pick", folder, "--by", by, *flags, "--data", data, "--out", bundle)
    return found["trial"], bundle


def by_ram(folder: Path, data: Path) -> None:
    """Checks the pick with the smallest RAM."""
    number, bundle = picked(folder, data, "ram_bytes", LARGE, "ram")
    rows = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    fitting = [
        row
        for row in rows
        if row["status"] == "trained"
        and not row["violations"]
        and all(row["footprint"][key.replace("-", "_")] <= limit for key, limit in LARGE.items())
    ]
    smallest = min(row["footprint"]["ram_bytes"] for row in fitting)
    mine = next(row for row in rows if row["number"] == number)["footprint"]["ram_bytes"]
    kept = (folder / "trials" / str(number) / "model.tflite").read_bytes()
    same = (bundle / "model.tflite").read_bytes() == kept
    print(
        f"by RAM: trial {number}, {mine:,} B, smallest of {len(fitting)} within the limits:"
        f" {mine == smallest}; model equals the trial's byte for byte: {same}"
    )


def interval(scores: dict[str, Any], key: str) -> str:
    """Words a score with its interval."""
    low, high = scores["intervals"][key]
    return f"{scores[key]:.3f} ({low:.3f} .. {high:.3f})"


def sprd(*words: object) -> dict[str, Any]:
    """Runs a command of sprd and returns its JSON."""
    return json.loads(run("-m", "sprd", *words, "--json"))  # type: ignore[no-any-return]


def run(*words: object) -> str:
    """Runs Python and returns what it printed."""
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
