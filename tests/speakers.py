"""Speakers of whom the truth is known: what a 95 % interval must say of them.

Either every speaker is right or wrong throughout, so that resampling speakers is a binomial draw
and the bounds are its quantiles; or speakers are drawn from a population whose rates are known, so
that the share of intervals that hold the truth can be counted.
"""

from collections.abc import Callable, Iterator, Mapping
from math import comb

import numpy as np
from numpy.typing import NDArray

LABELS = ("_silence_", "_unknown_", "up", "down")

ERRORS = ("false_accept_rate", "false_reject_rate")
RATES = ("balanced_accuracy", "accuracy", *ERRORS, *(f"recall {label}" for label in LABELS))

TRUE_RATES = {name: 0.25 if name in ERRORS else 0.75 for name in RATES}
"""Of the population that `simulated` draws from."""

N_SIMULATED = 600

Labels = NDArray[np.int64]
Intervals = Mapping[str, tuple[float, float]]
Clips = tuple[Labels, Labels, list[str]]
"""Predicted labels, true labels, speakers."""


def right_or_wrong(n_speakers: int, n_right: int) -> Clips:
    """Speakers with one clip a label; those who are not right are wrong at every label.

    Wrong is a keyword for what is none, and the other way round: all scores move together.
    """
    truth = np.tile(np.arange(4), n_speakers)
    is_right = np.repeat(np.arange(n_speakers) < n_right, 4)
    speakers = np.repeat([f"s{n:03d}" for n in range(n_speakers)], 4)
    return np.where(is_right, truth, (truth + 2) % 4), truth, speakers.tolist()


def quantile(n: int, k: int, share: float) -> int:
    """The least count that a binomial of n draws at k / n stays at or below with this share."""
    total, count = 0.0, -1
    while total < share:
        count += 1
        total += comb(n, count) * (k / n) ** count * (1 - k / n) ** (n - count)
    return count


def binomial_intervals(n: int, k: int) -> Intervals:
    """The exact 95 % interval of every rate of `right_or_wrong(n, k)`."""
    low, high = (quantile(n, k, share) / n for share in (0.025, 0.975))
    wrong_low, wrong_high = (quantile(n, n - k, share) / n for share in (0.025, 0.975))
    return {name: (wrong_low, wrong_high) if name in ERRORS else (low, high) for name in RATES}


def simulated(n_speakers: int = 40, n_clips: int = 5) -> Iterator[Clips]:
    """`N_SIMULATED` data sets, seeded: people whose clips of a label stand or fall together.

    How often a person is understood at a label is drawn from a beta distribution of mean 3/4.
    """
    rng = np.random.default_rng(0)
    truth = np.tile(np.repeat(np.arange(4), n_clips), n_speakers)
    who = np.repeat(np.arange(n_speakers), 4 * n_clips)
    speakers = [f"s{n:03d}" for n in who]
    for _ in range(N_SIMULATED):
        understood = rng.beta(3, 1, (n_speakers, 4))[who, truth]
        is_right = rng.random(len(truth)) < understood
        yield np.where(is_right, truth, (truth + 2) % 4), truth, speakers


def coverage(intervals_of: Callable[[Labels, Labels, list[str]], Intervals]) -> dict[str, float]:
    """For each rate the share of simulated data sets whose interval holds the true rate."""
    counts = dict.fromkeys(RATES, 0)
    for clips in simulated():
        for name, (low, high) in intervals_of(*clips).items():
            counts[name] += low <= TRUE_RATES[name] <= high
    return {name: count / N_SIMULATED for name, count in counts.items()}
