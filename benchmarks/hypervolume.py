"""How much of the space a sampler's first 40 trained trials cover, against random search.

    python benchmarks/hypervolume.py [--seeds 5] [--n 40]
    python benchmarks/hypervolume.py --table RUN      # writes hypervolume.csv anew from a run

Nothing is trained: each candidate's result is looked up in `hypervolume.csv`, where every point of
the grid of `hypervolume.toml` stands, trained on real speech. The search is sprd's own: numbering,
rejection of what does not fit and no point twice are the same for every sampler. The volume is
between balanced accuracy 0.5 .. 1, model bytes 60,000 .. 0 (what the model adds to the flash; the
firmware takes the same in every trial) and latency 60 .. 0 ms; 1 is all of it.
"""

import argparse
import csv
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sprd.config.dimensions import Choice
from sprd.config.limits import at_most, find_violations
from sprd.config.params import Scalar
from sprd.config.reader import load_sweep
from sprd.config.sweep import SweepConfig
from sprd.sweep.rows.hypervolume import hypervolume
from sprd.sweep.rows.row import Reference, Trial
from sprd.sweep.rows.table import Table, read_rows
from sprd.sweep.run import VOCABULARY
from sprd.sweep.search.search import Search
from sprd.sweep.trial.outcome import Outcome

HERE = Path(__file__).parent
GRID, TABLE = HERE / "hypervolume.toml", HERE / "hypervolume.csv"
SAMPLERS = ("random", "nsga2", "tpe", "bayes")
NUMBERS = ("balanced_accuracy", "accuracy_drop", "model_bytes", "latency_ms")
SCALES = np.array([0.5, 60_000, 60])

Key = tuple[tuple[str, Scalar], ...]


class InMemory(Table):
    """A table without a file."""

    def __init__(self) -> None:
        self.rows: list[Trial | Reference] = []

    def append(self, row: Trial | Reference) -> None:
        """Adds a row."""
        self.rows.append(row)


def main() -> None:
    """Prints one line a sampler."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n", type=int, default=40, help="trained trials")
    parser.add_argument("--table", type=Path, metavar="RUN", help="a finished run of the grid")
    args = parser.parse_args()
    grid = load_sweep(GRID, VOCABULARY)
    if args.table:
        rows = read_rows(args.table / "trials.jsonl")
        write_table(grid, [row for row in rows if isinstance(row, Trial)])
        return
    table = read_table(grid)
    trained = [outcome for outcome in table.values() if outcome.status == "trained"]
    print(f"{len(table)} points, {len(trained)} of them trained; all: {volume(trained):.4f}")
    medians = {}
    for sampler in SAMPLERS:
        start = time.perf_counter()
        runs = [search(grid, table, sampler, seed, args.n) for seed in range(args.seeds)]
        seconds = (time.perf_counter() - start) / args.seeds
        volumes = [one for one, _ in runs]
        medians[sampler] = statistics.median(volumes)
        print(
            f"{sampler:7}{' '.join(f'{one:.4f}' for one in volumes)}   median"
            f" {medians[sampler]:.4f} = {medians[sampler] / medians['random']:.3f} x random;"
            f" {statistics.mean(n for _, n in runs):.1f} candidates, {seconds:.1f} s a search"
        )


def search(
    grid: SweepConfig, table: Mapping[Key, Outcome], sampler: str, seed: int, n_trials: int
) -> tuple[float, int]:
    """Returns the hypervolume of the trained trials and how many candidates were asked for."""
    rules = {"sampler": sampler, "seed": seed, "n_trials": n_trials}
    sweep = grid.model_copy(update={"sweep": grid.sweep.model_copy(update=rules)})
    running = Search(sweep, InMemory())
    while not running.is_done:
        candidate = running.next()
        if candidate is None:
            break
        running.ended(candidate.number, table[tuple(sorted(candidate.point.items()))])
    trained = [trial for trial in running.trials if trial.status == "trained"]
    return volume(trained), len(running.trials)


def volume(trained: Sequence[Trial | Outcome]) -> float:
    """Returns the share of the space that the trained trials within the budget cover."""
    points = [
        [
            1 - one.metrics["balanced_accuracy"],
            one.footprint["model_bytes"],
            one.footprint["latency_ms"],
        ]
        for one in trained
        if not one.violations
    ]
    return hypervolume(np.array(points) / SCALES, np.ones(3))


def read_table(grid: SweepConfig) -> dict[Key, Outcome]:
    """Returns how the training of each point ended."""
    found = {}
    budget = grid.default.budget
    bounds = {key: getattr(budget, key) for key in ("model_bytes", "latency_ms")}
    limits = at_most({**bounds, "accuracy_drop": budget.max_accuracy_drop})
    with TABLE.open(newline="") as file:
        for line in csv.DictReader(file):
            point = {name: _value(grid, name, line[name]) for name in grid.space if line[name]}
            known = {name: float(line[name]) for name in NUMBERS if line[name]}
            found[tuple(sorted(point.items()))] = Outcome(
                "trained" if line["status"] == "trained" else "infeasible",
                metrics={k: known[k] for k in NUMBERS[:2] if k in known},
                footprint={k: known[k] for k in NUMBERS[2:]},
                violations=find_violations(known.get, [one for one in limits if one.key in known]),
            )
    return found


def _value(grid: SweepConfig, name: str, text: str) -> Scalar:
    dimension = grid.space[name]
    assert isinstance(dimension, Choice)
    return next(value for value in dimension.values if str(value) == text)


def write_table(grid: SweepConfig, rows: list[Trial]) -> None:
    """Writes the table of a finished run."""
    names = sorted(grid.space)
    lines = [
        [
            *(str(row.params.get(name, "")) for name in names),
            row.status,
            *(row.metrics.get(name, row.footprint.get(name, "")) for name in NUMBERS),
        ]
        for row in rows
        if row.status in ("trained", "infeasible")
    ]
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "status", *NUMBERS])
        writer.writerows(sorted(lines, key=lambda line: [str(one) for one in line]))


if __name__ == "__main__":
    main()
