"""Points of a search space as vectors, so that points that compute alike lie close together."""

import math
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sprd.config.dimensions import Choice, Range
from sprd.config.params import Scalar

_LOG_RATIO = 4
"""A list of numbers whose largest is so many times its smallest is taken on a log scale."""

_WORD_WEIGHT = 0.5
"""Distance of two words, 1 being that of the ends of a range."""


class Encoder:
    """Turns points into features, each in 0 .. 1; what does not exist at a point is in the middle.

    A word becomes one feature a word that may be chosen. Where the words hold numbers ("16-16-24",
    "30/20x40"), what these say is added: how many there are, their mean, the first and the last.
    """

    def __init__(self, space: Mapping[str, Choice | Range]) -> None:
        self._tables = {
            name: _table(dimension.values)
            for name, dimension in space.items()
            if isinstance(dimension, Choice) and isinstance(dimension.values[0], str)
        }
        self._scales = {
            name: _scale(dimension) for name, dimension in space.items() if name not in self._tables
        }

    @property
    def groups(self) -> NDArray[np.int64]:
        """(n_features,): features of the same group tell of one thing, and share a length.

        A dimension is a group; of one whose words hold numbers, these are a group of their own.
        """
        sizes = []
        for table in self._tables.values():
            n_features = len(next(iter(table.values())))
            sizes += [n for n in (len(table), n_features - len(table)) if n]
        sizes += [1] * len(self._scales)
        return np.repeat(np.arange(len(sizes)), sizes)

    def encode(self, points: list[Mapping[str, Scalar]]) -> NDArray[np.float64]:
        """Returns (n, n_features) of n points."""
        return np.array([self._one(point) for point in points], np.float64)

    def _one(self, point: Mapping[str, Scalar]) -> list[float]:
        features: list[float] = []
        for name, table in self._tables.items():
            known = table.get(str(point[name])) if name in point else None
            features += known or [0.5 * _WORD_WEIGHT] * len(next(iter(table.values())))
        for name, (low, high, is_log) in self._scales.items():
            value = float(point[name]) if name in point else None
            if value is not None and is_log:
                value = math.log(value)
            is_point = value is None or high == low
            features.append(0.5 if is_point else (value - low) / (high - low))  # type: ignore[operator]
        return features


def _scale(dimension: Choice | Range) -> tuple[float, float, bool]:
    """Lower end, upper end, and whether both are logarithms."""
    if isinstance(dimension, Range):
        low, high, is_log = dimension.low, dimension.high, dimension.log
    else:
        numbers = [float(value) for value in dimension.values]
        low, high = min(numbers), max(numbers)
        is_log = low > 0 and high / low >= _LOG_RATIO
    return (math.log(low), math.log(high), True) if is_log else (float(low), float(high), False)


def _table(words: tuple[Scalar, ...]) -> dict[str, list[float]]:
    chosen = np.eye(len(words)) * _WORD_WEIGHT
    numbers = [[int(n) for n in re.findall(r"\d+", str(word))] for word in words]
    if all(numbers):
        told = np.array([_told(n) for n in numbers])
        span = np.ptp(told, axis=0)
        chosen = np.hstack([chosen, ((told - told.min(0)) / np.where(span > 0, span, 1))])
    return {str(word): [float(x) for x in row] for word, row in zip(words, chosen, strict=True)}


def _told(numbers: list[int]) -> list[float]:
    logs = [math.log1p(n) for n in numbers]
    return [len(numbers), math.log1p(sum(numbers) / len(numbers)), logs[0], logs[-1]]
