"""How much of the space a frontier covers: one number for how good a whole run is.

Source: Zitzler and Thiele, "Multiobjective optimization using evolutionary algorithms", 1998.
"""

import numpy as np
from numpy.typing import NDArray


def hypervolume(points: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Returns the volume between the points and a reference that they dominate; exact.

    By slices along the last axis: between two neighbouring values of it the cut is the same, a
    hypervolume of one dimension less. Meant for the two or three objectives of a sweep.

    Args:
        points: (n, m), less is better. Those not better than the reference in every axis add
            nothing.
        reference: (m,), m >= 1.

    Raises:
        ValueError: The shapes do not go together, or a number is not finite.
    """
    found, limit = np.asarray(points, np.float64), np.asarray(reference, np.float64)
    if limit.ndim != 1 or limit.size < 1 or found.ndim != 2 or found.shape[1] != limit.size:
        raise ValueError(f"points (n, m), reference (m,), got {found.shape}, {limit.shape}")
    if not (np.isfinite(found).all() and np.isfinite(limit).all()):
        raise ValueError("points and reference must be finite")
    return _volume(found[(found < limit).all(1)], limit)


def _volume(points: NDArray[np.float64], limit: NDArray[np.float64]) -> float:
    if len(points) == 0:
        return 0.0
    if limit.size == 1:
        return float(limit[0] - points.min())
    if limit.size == 2:
        return _area(points, limit)
    ordered = points[np.argsort(points[:, -1], kind="stable")]
    edges = np.append(ordered[:, -1], limit[-1])
    return sum(
        float(edges[i + 1] - edges[i]) * _volume(ordered[: i + 1, :-1], limit[:-1])
        for i in range(len(ordered))
        if edges[i + 1] > edges[i]
    )


def _area(points: NDArray[np.float64], limit: NDArray[np.float64]) -> float:
    """The area under a staircase."""
    ordered = points[np.argsort(points[:, 0], kind="stable")]
    lowest = np.minimum.accumulate(ordered[:, 1])
    widths = np.diff(np.append(ordered[:, 0], limit[0]))
    return float((widths * (limit[1] - lowest)).sum())
