"""Runs a sweep and tells what it costs beside the trials' own work: waiting, memory, the start.

    python benchmarks/orchestration.py --data DIR [--sweep FILE] [--trials N]

No trial is stopped early. The features are made before (a first command, not timed). Prints:
seconds from the command to the first trial; wall time after that, until the last trial ended, over
(the sum of the trials' own seconds / slots); how long a reused worker stood idle between two
trials; peak memory of driver and workers (RSS without the mapped features, with the libraries that
they share; PSS with each one's part of all). Linux.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MEGABYTE = 10**6


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sweep", type=Path, default=ROOT / "sweeps/up_down_nano33ble.toml")
    parser.add_argument("--trials", type=int, default=16)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sweep = Path(folder) / "sweep.toml"
        text = args.sweep.read_text()
        sweep.write_text(re.sub(r'^scheduler = ".*"', 'scheduler = "none"', text, flags=re.M))
        command = [sys.executable, "-m", "sprd", "sweep", str(sweep), "--data", str(args.data)]
        run(command, Path(folder) / "first", 1)
        started_at = time.time()
        memory = run(command, Path(folder) / "out", args.trials)
        lines = (Path(folder) / "out/trials.jsonl").read_text().splitlines()
        tell([json.loads(line) for line in lines], started_at, memory)


def run(command: list[str], out: Path, n_trials: int) -> dict[str, list[tuple[int, int]]]:
    """Runs the command; returns the memory of the driver and its workers over time, in bytes."""
    process = subprocess.Popen(
        [*command, "--out", str(out), "--trials", str(n_trials)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found: dict[str, list[tuple[int, int]]] = {}
    watcher = threading.Thread(target=watch, args=(process, found))
    watcher.start()
    if process.wait() not in (0, 3):  # 3: the first trial alone may break a limit
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    watcher.join()
    return found


def watch(driver: "subprocess.Popen[bytes]", found: dict[str, list[tuple[int, int]]]) -> None:
    """Notes RSS and PSS once a second until the process has ended."""
    while driver.poll() is None:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                name = (folder / "cmdline").read_bytes().decode(errors="replace")
                is_driver = folder.name == str(driver.pid)
                if is_driver or name.startswith("ray::ImplicitFunc"):
                    key = "driver" if is_driver else f"worker {folder.name}"
                    text = (folder / "smaps_rollup").read_text()
                    sizes = [re.search(rf"^{k}: *(\d+) kB", text, re.M) for k in ("Rss", "Pss")]
                    rss, pss = (int(one[1]) * 1024 for one in sizes if one)
                    found.setdefault(key, []).append((rss - mapped(folder), pss))
            except OSError:
                continue
        time.sleep(1)


def mapped(folder: Path) -> int:
    """Returns how much of the feature store a process has mapped, in bytes: pages shared by all."""
    total, is_store = 0, False
    for line in (folder / "smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_store = line.endswith("features.npy")
        elif is_store and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def tell(
    rows: list[dict[str, Any]], started_at: float, memory: dict[str, list[tuple[int, int]]]
) -> None:
    """Prints what the table and the memory say."""
    starts = [datetime.fromisoformat(row["started_at"]).timestamp() for row in rows]
    ends = [datetime.fromisoformat(row["ended_at"]).timestamp() for row in rows]
    own = [sum(v for k, v in row["seconds"].items() if k not in ("total", "idle")) for row in rows]
    n_slots = sum(key.startswith("worker") for key in memory)
    wall = max(ends) - min(starts)
    print(f"{len(rows)} trials on {n_slots} slots, {statistics.median(own):.1f} s each (median)")
    print(f"first trial {min(starts) - started_at:.1f} s after the command")
    ratio = wall / (sum(own) / n_slots)
    print(f"wall {wall:.1f} s, own {sum(own):.1f} s / {n_slots} slots: {ratio:.3f}")
    idle = [row["seconds"]["idle"] for row in rows if "idle" in row["seconds"]]
    print(f"idle between trials: median {statistics.median(idle):.3f} s, worst {max(idle):.3f} s")
    for name, seen in sorted(memory.items()):
        rss, pss = (max(one[i] for one in seen) / MEGABYTE for i in (0, 1))
        half, last = (seen[i][0] / MEGABYTE for i in (len(seen) // 2, -1))
        print(
            f"{name}: peak {rss:.0f} MB RSS, {pss:.0f} MB PSS;"
            f" RSS {half:.0f} MB half way, {last:.0f} MB at the end"
        )


if __name__ == "__main__":
    main()
