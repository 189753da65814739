"""Exact intervals against values of tables, and how often they hold the truth."""

import numpy as np
import pytest

from sprd.model.exact import exact_interval, mean_interval


@pytest.mark.parametrize(
    ("n_hits", "n_clips", "expected"),
    [
        (0, 1, (0.0, 0.975)),
        (1, 1, (0.025, 1.0)),
        (0, 10, (0.0, 0.308497)),  # 1 - 0.025 ** (1 / 10)
        (19, 19, (0.823534, 1.0)),  # 0.025 ** (1 / 19)
        (1, 2, (0.012579, 0.987421)),  # 1 - 0.975 ** 0.5 from either end
    ],
)
def test_interval_has_a_closed_form_at_its_ends(
    n_hits: int, n_clips: int, expected: tuple[float, float]
) -> None:
    """Worked out by hand."""
    assert exact_interval(n_hits, n_clips) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("n_hits", "n_clips", "expected"),
    [
        (81, 263, (0.2527, 0.3676)),
        (15, 148, (0.0578, 0.1617)),
        (0, 20, (0.0000, 0.1684)),
        (1, 29, (0.0009, 0.1776)),
    ],
)
def test_interval_is_that_of_the_table(
    n_hits: int, n_clips: int, expected: tuple[float, float]
) -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998, method 5."""
    assert exact_interval(n_hits, n_clips) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize(("n_hits", "n_clips"), [(0, 0), (3, 2), (-1, 2)])
def test_interval_of_nothing_is_refused(n_hits: int, n_clips: int) -> None:
    """Hits are clips."""
    with pytest.raises(ValueError, match="hits must be 0 to n_clips > 0"):
        exact_interval(n_hits, n_clips)


def test_interval_of_many_clips_is_that_of_the_normal_law() -> None:
    """Of 100,000 at a half: 1.96 standard errors either way, and half a clip."""
    low, high = exact_interval(50_000, 100_000)
    assert (low, high) == pytest.approx((0.5 - 0.003104, 0.5 + 0.003104), abs=2e-6)


def test_mean_of_one_rate_has_its_interval() -> None:
    """Of several like ones it is narrower by the root of their number, at either end."""
    assert mean_interval([(0.5, 0.3, 0.6)]) == pytest.approx((0.3, 0.6))
    assert mean_interval([(0.5, 0.3, 0.6)] * 4) == pytest.approx((0.4, 0.55))
    assert mean_interval([(1.0, 0.7, 1.0), (1.0, 0.6, 1.0)]) == pytest.approx((0.75, 1.0))


@pytest.mark.parametrize("rates", [(0.5, 0.5, 0.5), (0.95, 0.99, 0.9), (1.0, 0.6, 0.98)])
def test_intervals_hold_the_truth_in_95_of_100_data_sets(rates: tuple[float, ...]) -> None:
    """Of 1,000 with 12 clips of each of three labels, seeded; exact ones hold it a little more."""
    rng, n = np.random.default_rng(0), 12
    table = [exact_interval(k, n) for k in range(n + 1)]
    counts = rng.binomial(n, rates, (1000, len(rates)))
    bounds = np.array([[table[k] for k in row] for row in counts])
    inside = (bounds[..., 0] <= rates) & (np.array(rates) <= bounds[..., 1])
    assert inside.mean(0).min() >= 0.95
    means = np.array([mean_interval([(k / n, *table[k]) for k in row]) for row in counts])
    truth = np.mean(rates)
    assert ((means[:, 0] <= truth) & (truth <= means[:, 1])).mean() >= 0.95
