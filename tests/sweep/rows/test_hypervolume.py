"""The volume that a frontier covers, against hand-made cases and against counting cells."""

import itertools
from typing import Any

import numpy as np
import pytest

from sprd.sweep.rows.hypervolume import hypervolume


@pytest.mark.parametrize(
    ("points", "reference", "expected"),
    [
        ([[1.0]], [4.0], 3.0),
        ([[1, 1]], [3, 4], 6.0),
        ([[1, 2], [2, 1]], [3, 3], 3.0),
        ([[1, 2], [2, 1], [2, 2]], [3, 3], 3.0),
        ([[1, 2], [1, 2]], [3, 3], 2.0),
        ([[1, 2], [1, 1]], [3, 3], 4.0),
        ([[3, 0], [0, 5]], [3, 3], 0.0),
        ([[-1, -1]], [0, 0], 1.0),
        ([[0, 0, 0]], [2, 3, 4], 24.0),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [2, 2, 2], 4.0),
        ([[0, 0, 1], [1, 1, 0]], [2, 2, 2], 5.0),
        ([[0, 0, 0, 0], [1, 1, 1, 1]], [2, 2, 2, 2], 16.0),
    ],
)
def test_volume_of_hand_made_points(
    points: list[Any], reference: list[Any], expected: float
) -> None:
    """Dominated, repeated and outside points add nothing."""
    assert hypervolume(np.array(points, float), np.array(reference, float)) == expected


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_no_point_covers_nothing(n_axes: int) -> None:
    """A run of which nothing fits."""
    assert hypervolume(np.empty((0, n_axes)), np.ones(n_axes)) == 0.0


@pytest.mark.parametrize("n_axes", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(8))
def test_volume_is_the_number_of_dominated_cells(n_axes: int, seed: int) -> None:
    """Points on a grid of whole numbers: each unit cell is covered or not."""
    rng = np.random.default_rng(seed)
    size = 7
    points = rng.integers(0, size + 2, (rng.integers(1, 12), n_axes)).astype(float)
    cells = np.array(list(itertools.product(range(size), repeat=n_axes)))
    covered = np.count_nonzero(np.any(np.all(points[None] <= cells[:, None], axis=2), axis=1))
    assert hypervolume(points, np.full(n_axes, float(size))) == pytest.approx(covered, abs=1e-9)


def test_order_of_points_and_axes_does_not_matter() -> None:
    """Up to rounding."""
    rng = np.random.default_rng(3)
    points, limit = rng.random((20, 3)), np.array([1.0, 1.1, 0.9])
    expected = hypervolume(points, limit)
    assert hypervolume(points[::-1], limit) == pytest.approx(expected, abs=1e-12)
    assert hypervolume(points[:, [2, 0, 1]], limit[[2, 0, 1]]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("points", "reference"),
    [([[1.0, 2.0]], [3.0, 3.0, 3.0]), ([[np.nan, 1.0]], [2.0, 2.0]), ([[0.0]], [np.inf]), ([], [])],
)
def test_unfit_numbers_are_refused(points: list[Any], reference: list[Any]) -> None:
    """Rather than a volume of nonsense."""
    with pytest.raises(ValueError, match="reference"):
        hypervolume(np.array(points), np.array(reference))
