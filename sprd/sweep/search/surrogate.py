"""Guesses what a point would give from the points that were tried: a Gaussian process in numpy.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, chapters 2 and 5. The
kernel is Matern 5/2 with one length a feature, chosen by marginal likelihood.
"""

from copy import copy

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

N_LENGTHS = 60
"""Settings of the kernel that are compared for each fit."""

N_PATIENCE = 25
"""Settings in a row without a better one after which the search for lengths narrows."""

MIN_LENGTH, MAX_LENGTH = 0.15, 8.0
MIN_NOISE, MAX_NOISE = 1e-4, 0.5


class GaussianProcess:
    """A function known at some points, guessed with its uncertainty at others.

    Args:
        x: (n, d) features, of the order of 1.
        y: (n,) values; standardised inside.
        seed: Of the search for lengths.
        is_exact: Whether y has no noise.
        groups: (d,) numbers from 0; features of the same group share a length. Unset: each its own.
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        seed: int,
        is_exact: bool = False,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        self._x = x
        self._groups = np.arange(x.shape[1]) if groups is None else groups
        self._mean, spread = float(y.mean()), float(y.std())
        is_constant = spread <= 1e-12 * max(abs(self._mean), 1e-12)  # up to rounding
        self._scale = 1.0 if is_constant else spread
        self._y = (y - self._mean) / self._scale
        self._fit(np.random.default_rng(seed), is_exact)

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Returns (m,) means and (m,) standard deviations at (m, d) points, noise left out."""
        cross = matern_5_2(x, self._x, self.lengths)
        mean = cross @ self._weights
        solved = np.linalg.solve(self._root, cross.T)
        variance = np.maximum(1.0 - (solved**2).sum(0), 1e-8)
        return self._mean + self._scale * mean, self._scale * np.sqrt(variance)

    def extended(self, x: Array, y: Array) -> "GaussianProcess":
        """Returns the same function, known at more points too; its lengths stay."""
        more = copy(self)
        more._x = np.vstack([self._x, x])
        more._y = np.append(self._y, (y - self._mean) / self._scale)
        more.condition(self.lengths, self.noise)
        return more

    def _fit(self, rng: np.random.Generator, is_exact: bool) -> None:
        n_lengths = int(self._groups.max()) + 1
        log_low, log_high = np.log(MIN_LENGTH), np.log(MAX_LENGTH)
        noise_low, noise_high = np.log(MIN_NOISE), np.log(MIN_NOISE if is_exact else MAX_NOISE)
        best = -np.inf
        lengths, noise = np.full(n_lengths, 0.0), (noise_low + noise_high) / 2
        spread, misses = 1.0, 0
        for i in range(N_LENGTHS):
            tried = lengths if i == 0 else lengths + rng.normal(0, spread, n_lengths)
            tried = np.clip(tried, log_low, log_high)
            tried_noise = noise if i == 0 else noise + rng.normal(0, spread)
            tried_noise = float(np.clip(tried_noise, noise_low, noise_high))
            found = self.condition(np.exp(tried)[self._groups], np.exp(tried_noise))
            if found > best:
                best, lengths, noise, misses = found, tried, tried_noise, 0
            else:
                misses += 1
                spread = spread if misses < N_PATIENCE else 0.3
        self.condition(np.exp(lengths)[self._groups], float(np.exp(noise)))

    def condition(self, lengths: Array, noise: float) -> float:
        """Takes these lengths, (d,), and this noise for its own.

        Returns:
            Their log marginal likelihood up to a constant, with a weak prior for lengths near 1:
            log-normal, of width 1.5.
        """
        self.lengths, self.noise = lengths, noise
        n = len(self._x)
        covariance = matern_5_2(self._x, self._x, lengths) + (noise + 1e-8) * np.eye(n)
        self._root = np.linalg.cholesky(covariance)
        half = np.linalg.solve(self._root, self._y)
        self._weights = np.linalg.solve(self._root.T, half)
        fit = -0.5 * half @ half - np.log(np.diag(self._root)).sum()
        prior = -0.5 * (np.log(lengths) ** 2).sum() / 1.5**2
        return float(fit + prior)


def matern_5_2(a: Array, b: Array, lengths: Array) -> Array:
    """Returns (n, m): the kernel between (n, d) and (m, d) points; equation 4.17 of the source."""
    a, b = a / lengths, b / lengths
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    distance = np.sqrt(5 * np.maximum(squared, 0))
    kernel: Array = (1 + distance + distance**2 / 3) * np.exp(-distance)
    return kernel
