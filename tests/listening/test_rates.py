"""Rates against tables and against what was drawn, and hours that count once."""

import numpy as np
import pytest

from sprd.listening.rates import (
    bootstrap_mean,
    bootstrap_rate,
    hours_of,
    poisson_interval,
    rate_of,
)
from tests.listening.heard import stream


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, (0.0, 3.6889)), (1, (0.0253, 5.5716)), (3, (0.6187, 8.7673)), (10, (4.7954, 18.3904))],
)
def test_interval_is_that_of_the_table(n: int, expected: tuple[float, float]) -> None:
    """Garwood's, as textbooks print it; over two hours its half."""
    assert poisson_interval(n, 1.0) == pytest.approx(expected, abs=6e-5)
    assert poisson_interval(n, 2.0) == pytest.approx([end / 2 for end in expected], abs=6e-5)


def test_interval_of_many_is_that_of_the_normal_law() -> None:
    """Of 10,000 events: 1.96 roots either way, and a little more above."""
    assert poisson_interval(10_000, 1.0) == pytest.approx((9805.0, 10197.9), abs=1)


def test_interval_holds_the_truth() -> None:
    """At least 95 times of a hundred, whatever the rate."""
    rng = np.random.default_rng(0)
    for rate in (0.3, 2.0, 7.0):
        counts = np.bincount(rng.poisson(rate, 2000))
        ends = [poisson_interval(n, 1.0) for n in range(len(counts))]
        n_held = sum(n for n, (low, high) in zip(counts, ends, strict=True) if low <= rate <= high)
        assert n_held >= 0.945 * 2000


@pytest.mark.parametrize(("n", "hours"), [(-1, 1.0), (0, 0.0)])
def test_interval_of_nothing_is_refused(n: int, hours: float) -> None:
    """There are events only in some time."""
    with pytest.raises(ValueError, match="events must be 0 or more in hours > 0"):
        poisson_interval(n, hours)


def test_rate_is_told_with_its_limits() -> None:
    """None in two hours is below 1.8; the mean of two seeds lies between whole numbers."""
    assert rate_of(0, 2.0).text == "below 1.8"
    assert rate_of(3, 2.0).text == "1.5 (0.31..4.4)"
    assert rate_of(3, 2.0).as_dict() == {
        "n": 3,
        "hours": 2.0,
        "per_hour": 1.5,
        "interval": [0.3093, 4.3836],
    }
    mean = rate_of(1.5, 1.0)
    assert (mean.low, mean.high) == (poisson_interval(1, 1.0)[0], poisson_interval(2, 1.0)[1])


def test_hours_count_once() -> None:
    """The same stream twice, and other seeds of one material, are no further audio."""
    first, second = stream("words", 3600, seed=0), stream("words", 3600, seed=1)
    assert hours_of([]) == 0
    assert hours_of([first, first]) == 1
    assert hours_of([first, second]) == 1
    assert hours_of([first, stream("words", 1800)]) == 1.5


def test_readers_alike_leave_no_doubt() -> None:
    """The bootstrap tells how readers differ: not at all, or as much as one makes of ten."""
    assert bootstrap_rate([1] * 10, [0.5] * 10) == (2.0, 2.0)
    low, high = bootstrap_rate([10, *[0] * 9], [0.5] * 10)
    assert low == 0.0 and 4 <= high <= 8  # drawn never, up to four times of ten


def test_speakers_are_drawn_whole() -> None:
    """Many words of two speakers say no more than two speakers do."""
    values = np.repeat([1.0, 0.0], 500)
    assert bootstrap_mean(values, ["a"] * 500 + ["b"] * 500) == (0.0, 1.0)
    low, high = bootstrap_mean(values, [str(i) for i in range(1000)])
    assert 0.45 < low < high < 0.55
