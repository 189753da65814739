"""Counts at many thresholds in, which of them to take out. Knows no stream.

Thresholds are places in a grid, from low to high: `false` and `hits` are (n_levels, n_keywords)
with one threshold for all keywords, or (n_levels,) of a path through such thresholds.
"""

from collections.abc import Sequence
from itertools import product
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

MAX_OFFSET = 16
"""How many places the thresholds of two keywords may lie apart."""

RATES_OF_LIMIT = np.geomspace(2, 16, 8)
"""Paths are compared by their mean recall at so many times the limit: near it one false accept
decides, and the path with the fewest by chance would be taken for the best."""

OFFSET_WORTH = 0.001
"""Recall that a threshold of its own has to gain."""

EXPECTED_UNSEEN = 1.0
"""False accepts that come on top of those seen, in as many hours of other speech.

Of n events above a threshold and one more just at it, n + 1 are expected above it in as much time
that nobody looked at, whatever the law of their heights.
Source: order statistics of a Poisson process; Angelopoulos et al., "Conformal risk control", 2022.
"""

Table = NDArray[np.float64]


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
    return int(_lowest_levels(false, np.array([allowed]))[0])


def mean_recall(false: Table, hits: Table, hours: float, limit: float) -> float:
    """Returns the mean of the recalls at `RATES_OF_LIMIT`."""
    return float(hits[_lowest_levels(false, limit * hours * RATES_OF_LIMIT)].mean())


def choose_offsets(
    false: Table, hits: Table, hours: float, limit: float
) -> tuple[tuple[int, ...], float]:
    """Returns how far apart the thresholds of keywords lie for the most recall, and that recall.

    One keyword after the other, twice round; the first stays where it is.

    Args:
        false: (n_levels, n_keywords), false accepts in `hours`.
        hits: The same of recall: all keywords together 1 at most.
        hours: Of running speech.
        limit: False accepts an hour.
    """
    offsets = [0] * false.shape[1]
    best = mean_recall(path_of(false, offsets), path_of(hits, offsets), hours, limit)
    for _, keyword in product(range(2), range(1, len(offsets))):
        for offset in sorted(range(-MAX_OFFSET, MAX_OFFSET + 1), key=abs):
            tried = [*offsets[:keyword], offset, *offsets[keyword + 1 :]]
            recall = mean_recall(path_of(false, tried), path_of(hits, tried), hours, limit)
            if recall > best + OFFSET_WORTH:
                offsets, best = tried, recall
    return tuple(offsets), best


def choose_level(false: Table, hours: float, limit: float) -> int:
    """Returns the lowest level at which unseen speech is expected to keep to the limit.

    Between two levels that whole numbers of false accepts ask for it takes the share that the
    hours ask for. With too few hours for any statement it takes the lowest without a false accept.

    Args:
        false: (n_levels,), false accepts in `hours`.
        hours: Of running speech.
        limit: False accepts an hour.
    """
    allowed = max(limit * hours - EXPECTED_UNSEEN, 0.0)
    strict, loose = lowest_level(false, floor(allowed)), lowest_level(false, ceil(allowed))
    return loose + ceil((strict - loose) * (1 - (allowed - floor(allowed))) - 1e-9)


def _lowest_levels(false: Table, allowed: Table) -> NDArray[np.intp]:
    found = np.searchsorted(-from_above(false), -allowed)
    return np.minimum(found, len(false) - 1)
