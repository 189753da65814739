"""How long a candidate's measurement takes before training: build, convert, arena, latency.

    python benchmarks/measure_candidate.py [SWEEP.toml] [--n 30]

One process, one thread, TensorFlow loaded and one model measured beforehand: what a worker that
lives on pays. Points are drawn at random from the sweep's own space; those that are no valid
configuration are drawn again.
"""

import argparse
import statistics
import time
from pathlib import Path

from sprd.model.start import load_tensorflow, set_threads

load_tensorflow()
set_threads(1)

from sprd.config.reader import load_sweep, resolve  # noqa: E402
from sprd.config.trial import Config  # noqa: E402
from sprd.errors import ConfigError  # noqa: E402
from sprd.sweep.run import VOCABULARY  # noqa: E402
from sprd.sweep.search.sampler import Sampler  # noqa: E402
from sprd.sweep.trial.measure import check_footprint, measure_candidate  # noqa: E402

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sweep", type=Path, nargs="?", default=ROOT / "sweeps/up_down_nano33ble.toml"
    )
    parser.add_argument("--n", type=int, default=30)
    args = parser.parse_args()
    sweep = load_sweep(args.sweep, VOCABULARY)
    sweep = sweep.model_copy(update={"sweep": sweep.sweep.model_copy(update={"sampler": "random"})})
    sampler = Sampler(sweep)
    measure_candidate(sweep.default)
    first: list[float] = []
    again: list[float] = []
    number = 0
    while len(first) < args.n and number < 100 * args.n:
        number += 1
        try:
            config = resolve(sweep, sampler.ask(number))
        except ConfigError:
            continue
        seconds = [timed(config), timed(config)]
        if seconds[0] > 5 * seconds[1]:  # a shape that was seen before is no first time
            first.append(seconds[0])
        again.append(seconds[1])
    print(f"new shape: median {statistics.median(first):.2f} s, worst {max(first):.2f} s")
    print(f"shape seen before: median {1000 * statistics.median(again):.2f} ms,"
          f" worst {1000 * max(again):.2f} ms; {len(again)} candidates")  # fmt: skip


def timed(config: Config) -> float:
    """Returns the seconds of one measurement, the comparison with the budget included."""
    start = time.perf_counter()
    check_footprint(config, measure_candidate(config))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
