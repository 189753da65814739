"""What each sampler makes of a toy search space, against random search.

    python -m benchmarks.samplers [--seeds 8] [--n 24]

Nothing is trained: `tests/toy.py` computes what a point gives, from the root of the project. Per
sampler, the mean of the seeds and its standard error: the best of one objective, the share of the
candidates that fit, the volume that the frontier of two objectives covers (errors up to 0.3, bytes
up to the limit, each to 1), and in how many seeds that is more than random search covers.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from sprd.sweep.search.bayes import BayesSampler
from sprd.sweep.search.sampler import Sampler
from tests.toy import MAX_BYTES, make_toy_sweep, searched, toy, tried, volume

SAMPLERS = ("random", "nsga2", "tpe", "bayes")


def main() -> None:
    """Prints one line a sampler."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--n", type=int, default=24, help="trained trials")
    args = parser.parse_args()
    print("sampler  best of one objective  that fit  volume           more  seconds")
    chance: list[float] = []
    for name in SAMPLERS:
        start = time.perf_counter()
        best = [best_of_one(name, seed, args.n) for seed in range(args.seeds)]
        found = [frontier_of_two(name, seed, args.n) for seed in range(args.seeds)]
        shares, volumes = ([one[i] for one in found] for i in (0, 1))
        chance = chance or volumes
        n_more = sum(ours > theirs for ours, theirs in zip(volumes, chance, strict=True))
        print(
            f"{name:7}  {told(best):21}  {statistics.mean(shares):8.2f}  {told(volumes):15}"
            f"  {n_more} of {args.seeds}  {time.perf_counter() - start:.0f}"
        )


def best_of_one(name: str, seed: int, n: int) -> float:
    """Returns the best balanced accuracy of n trials without a budget."""
    sweep = make_toy_sweep(sampler=name, seed=seed, n_trials=n, lines="")
    sampler = BayesSampler(sweep) if name == "bayes" else Sampler(sweep)
    rows = tried(sampler, n, lambda number, point: toy(number, point, limit=10**9))
    return max(row.value("balanced_accuracy") for row in rows)


def frontier_of_two(name: str, seed: int, n: int) -> tuple[float, float]:
    """Returns the share of the candidates that fit, and the volume under the frontier."""
    budget = f"model_bytes = {MAX_BYTES}"
    sweep = make_toy_sweep(sampler=name, seed=seed, n_trials=n, budget=budget)
    with tempfile.TemporaryDirectory() as folder:
        rows = searched(sweep, Path(folder) / "trials.jsonl")
    return n / len(rows), volume(rows, sweep)


def told(values: list[float]) -> str:
    """Words a mean and its standard error."""
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.4f} +- {error:.4f}"


if __name__ == "__main__":
    main()
