"""Counts at many thresholds in, which of them to take out. Knows no stream.

Thresholds are places in a grid, from low to high. Tables are (n_levels, n_keywords) with one
threshold for all keywords, or (n_levels,) of a path through such thresholds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

MAX_OFFSET = 16
"""How many places the thresholds of two keywords may lie apart."""

RATES_OF_LIMIT = np.geomspace(1, 4, 8)
"""Paths are compared by their mean recall at so many times the limit: at it alone a few false
accepts would decide; far above it another path is the best."""

OFFSET_WORTH = 0.01
"""Recall that a threshold of its own has to gain: less is chance, and costs false accepts."""

EXPECTED_UNSEEN = 1.0
"""False accepts that come on top of those seen, in as many hours of other speech.

Of n events above a threshold and one more just at it, n + 1 are expected above it in as much time
that nobody looked at, whatever the law of their heights.
Source: order statistics of a Poisson process; Angelopoulos et al., "Conformal risk control", 2022.
"""

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Limited:
    """False accepts in one material, and how many of them the limit allows in its hours."""

    false: Table
    allowed: float

    def along(self, offsets: Sequence[int]) -> "Limited":
        """Returns them on a path, see `path_of`."""
        return Limited(path_of(self.false, offsets), self.allowed)


def path_of(table: Table, offsets: Sequence[int]) -> Table:
    """Returns the sums over keywords, (n_levels,), each threshold being so many places higher."""
    places = np.arange(len(table))[:, None] + np.asarray(offsets)
    held: Table = np.take_along_axis(table, np.clip(places, 0, len(table) - 1), 0).sum(1)
    return held


def from_above(false: Table) -> Table:
    """Returns the most false accepts at each level or at one above it, (n_levels,)."""
    return np.maximum.accumulate(false[::-1])[::-1]


def lowest_level(false: Table, allowed: float) -> int:
    """Returns the lowest level from which on there are at most so many; the highest if none."""
    return int(_lowest_levels(from_above(false), np.array([allowed]))[0])


def mean_recall(limits: Sequence[Limited], hits: Table) -> float:
    """Returns the mean of the recalls at `RATES_OF_LIMIT`, every material keeping to its own."""
    loads = [from_above(one.false) / one.allowed for one in limits]
    return float(hits[_lowest_levels(np.maximum.reduce(loads), RATES_OF_LIMIT)].mean())


def choose_offsets(limits: Sequence[Limited], hits: Table) -> tuple[tuple[int, ...], float]:
    """Returns how far apart the thresholds of keywords lie for the most recall, and that recall.

    One keyword after the other, twice round; the first stays where it is.

    Args:
        limits: False accepts of each material, (n_levels, n_keywords).
        hits: The same of recall: all keywords together 1 at most.
    """
    offsets = [0] * hits.shape[1]
    best = mean_recall([one.along(offsets) for one in limits], path_of(hits, offsets))
    for _, keyword in product(range(2), range(1, len(offsets))):
        for offset in sorted(range(-MAX_OFFSET, MAX_OFFSET + 1), key=abs):
            tried = [*offsets[:keyword], offset, *offsets[keyword + 1 :]]
            recall = mean_recall([one.along(tried) for one in limits], path_of(hits, tried))
            if recall > best + OFFSET_WORTH:
                offsets, best = tried, recall
    return tuple(offsets), best


def choose_level(limits: Sequence[Limited]) -> int:
    """Returns the lowest level at which every material that nobody saw is expected to keep to it.

    Args:
        limits: False accepts of each material, (n_levels,).
    """
    return max(_level_of(one.false, one.allowed) for one in limits)


def _level_of(false: Table, allowed: float) -> int:
    """Between two levels that whole numbers ask for the share of the way that is allowed.

    With too few hours for any statement it is the lowest without a false accept.
    """
    left = max(allowed - EXPECTED_UNSEEN, 0.0)
    strict, loose = lowest_level(false, floor(left)), lowest_level(false, ceil(left))
    return loose + ceil((strict - loose) * (1 - (left - floor(left))) - 1e-9)


def _lowest_levels(falling: Table, allowed: Table) -> NDArray[np.intp]:
    return np.minimum(np.searchsorted(-falling, -allowed), len(falling) - 1)
