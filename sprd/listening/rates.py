"""False accepts and hours in, rates an hour with limits that hold however few they are out.

Hours are of different audio: what is heard with several seeds counts once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log, sqrt

import numpy as np
from numpy.typing import NDArray

from sprd.audio.streams import Stream
from sprd.model.evaluate import N_BOOTSTRAP
from sprd.model.exact import TAIL, Interval

LEAST_EVENTS = 2.0
"""A rate is told where the hours would have so many false accepts at it.

Source: notes/streaming.md: no recall at x an hour where x * hours < 2.
"""

_N_HALVINGS = 60


@dataclass(frozen=True)
class Rate:
    """False accepts in so many hours: `n` is the mean of the seeds; exact limits of 95 %."""

    n: float
    hours: float
    low: float
    high: float

    @property
    def per_hour(self) -> float:
        """The rate."""
        return self.n / self.hours

    @property
    def text(self) -> str:
        """In words: of none the figure that the rate is below."""
        if self.n == 0:
            return f"below {_figure(self.high)}"
        return f"{_figure(self.per_hour)} ({_figure(self.low)}..{_figure(self.high)})"

    def as_dict(self) -> dict[str, object]:
        """Returns what a record keeps."""
        ends = [round(self.low, 4), round(self.high, 4)]
        return {
            "n": round(self.n, 3),
            "hours": round(self.hours, 4),
            "per_hour": round(self.per_hour, 4),
            "interval": ends,
        }


def _figure(rate: float) -> str:
    return f"{rate:.2g}" if rate < 99.5 else f"{rate:,.0f}"


def rate_of(n: float, hours: float) -> Rate:
    """Returns a rate with its limits; of a mean of seeds those of the whole numbers around it."""
    return Rate(n, hours, poisson_interval(floor(n), hours)[0], poisson_interval(ceil(n), hours)[1])


def poisson_interval(n: int, hours: float) -> Interval:
    """Returns the exact 95 % interval of a rate an hour at which `n` events came in `hours`.

    Of none it ends at 3.7 / hours.

    Source: Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936.

    Raises:
        ValueError: There is no time, or fewer events than none.
    """
    if n < 0 or hours <= 0:
        raise ValueError(f"events must be 0 or more in hours > 0, got {n} in {hours}")
    low = 0.0 if n == 0 else _mean_with(n - 1, 1 - TAIL)
    return low / hours, _mean_with(n, TAIL) / hours


def hours_of(streams: Iterable[Stream]) -> float:
    """Returns the hours of different audio: the mean of the seeds."""
    different = {stream.key: stream for stream in streams}.values()
    n_seeds = len({stream.seed for stream in different})
    return sum(stream.hours for stream in different) / max(n_seeds, 1)


def bootstrap_rate(n: Sequence[float], hours: Sequence[float]) -> Interval:
    """Returns the 95 % interval of a rate an hour, as readers are drawn: events and hours of each.

    It tells how readers differ, and nothing where hardly anyone has an event.
    """
    return _percentiles(np.asarray(n, np.float64), np.asarray(hours, np.float64))


def bootstrap_mean(values: NDArray[np.float64], groups: Sequence[str]) -> Interval:
    """Returns the 95 % interval of the mean of `values`, (n,), as `groups`, n names, are drawn."""
    _, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    counts = np.bincount(group).astype(np.float64)
    return _percentiles(np.bincount(group, values).astype(np.float64), counts)


def _percentiles(sums: NDArray[np.float64], weights: NDArray[np.float64]) -> Interval:
    rng = np.random.default_rng(0)
    n = len(sums)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=N_BOOTSTRAP)
    means = (drawn @ sums) / (drawn @ weights)
    low, high = np.percentile(means, [100 * TAIL, 100 - 100 * TAIL])
    return float(low), float(high)


def _mean_with(n: int, chance: float) -> float:
    """The mean at which `n` events or fewer come about with this chance."""
    counts = np.arange(n + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])  # log of each factorial
    low, high = 0.0, n + 10 * sqrt(n + 10)
    for _ in range(_N_HALVINGS):
        mean = (low + high) / 2
        is_low = np.exp(counts * log(mean) - mean - ways).sum() > chance
        low, high = (mean, high) if is_low else (low, mean)
    return high
