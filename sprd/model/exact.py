"""Counts of clips in, intervals out that hold however few they are.

They take each clip for itself: of one speaker's clips they tell how that voice fares, not others.
"""

from collections.abc import Sequence
from math import lgamma, log, sqrt

import numpy as np

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
"""What may lie beyond either end."""

_N_HALVINGS = 50

Interval = tuple[float, float]


def exact_interval(n_hits: int, n_clips: int) -> Interval:
    """Returns the exact 95 % interval of a rate, of which `n_hits` of `n_clips` clips were seen.

    Clips whose chances differ vary less than a binomial count of the same mean (Hoeffding, "On the
    distribution of the number of successes in independent trials", 1956): it holds for them too.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case
    of the binomial", Biometrika 26, 1934.

    Raises:
        ValueError: There is no clip, or more hits than clips.
    """
    if not 0 <= n_hits <= n_clips or n_clips == 0:
        raise ValueError(f"hits must be 0 to n_clips > 0, got {n_hits} of {n_clips}")
    return _lower(n_hits, n_clips), 1 - _lower(n_clips - n_hits, n_clips)


def mean_interval(rates: Sequence[tuple[float, float, float]]) -> Interval:
    """Returns the 95 % interval of the mean of independent rates from (value, low, high) of each.

    The distances of the ends add up as standard errors do, so the interval is narrower than the
    mean of the intervals, and as lopsided as they are.

    Source: Zou and Donner, "Construction of confidence limits about effect measures: a general
    approach", Statistics in Medicine 27, 2008; of two rates Newcombe's method 10, 1998.
    """
    n = len(rates)
    mean = sum(value for value, _, _ in rates) / n
    down = sqrt(sum((value - low) ** 2 for value, low, _ in rates)) / n
    up = sqrt(sum((high - value) ** 2 for value, _, high in rates)) / n
    return max(0.0, mean - down), min(1.0, mean + up)


def _lower(n_hits: int, n: int) -> float:
    """The rate at which so many hits, or more, come about with the chance `TAIL`."""
    if n_hits == 0:
        return 0.0
    if n_hits == n:
        return float(TAIL ** (1 / n))
    counts = np.arange(n_hits, n + 1)
    first = lgamma(n + 1) - lgamma(n_hits + 1) - lgamma(n - n_hits + 1)
    steps = np.log((n - counts[:-1]) / (counts[:-1] + 1))
    ways = first + np.concatenate([[0.0], np.cumsum(steps)])  # log of n over each count
    low, high = 0.0, n_hits / n
    for _ in range(_N_HALVINGS):
        rate = (low + high) / 2
        chance = np.exp(ways + counts * log(rate) + (n - counts) * log(1 - rate)).sum()
        low, high = (rate, high) if chance < TAIL else (low, rate)
    return high
