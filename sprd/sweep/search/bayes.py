"""Proposes the candidate that is expected to push the frontier furthest within the budget.

What a model takes follows from its configuration and is known of every candidate that was measured,
trained or not: a Gaussian process for each cost soon tells which points fit. Another one for each
score learns from what was trained. Of a pool of points the one is taken whose expected hypervolume
improvement times its chance to fit is the largest. Source: Emmerich et al. 2006 and Yang et al.
2019 (expected hypervolume improvement), Gardner et al. 2014 (constraints).
"""

import random
from collections.abc import Mapping, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from sprd.config.dimensions import random_value
from sprd.config.limits import Limit
from sprd.config.numbers import COSTS, KEYS
from sprd.config.objectives import Objective
from sprd.config.params import Scalar
from sprd.config.reader import resolve
from sprd.config.seeds import hash_seed
from sprd.config.space import is_active, ordered_names, point_key
from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError
from sprd.sweep.rows.ranking import frontier
from sprd.sweep.rows.row import Trial
from sprd.sweep.search.encoding import Encoder
from sprd.sweep.search.surrogate import GaussianProcess

N_POOL = 400
"""Points that are compared for one candidate; a quarter of them are neighbours of the frontier."""

N_PROBES = 1500
"""Places of the objective space at which the improvement is measured."""

MAX_ROWS = 300
"""Trials that a Gaussian process learns from, latest and frontier: bounds what an ask costs."""

MIN_MISSES = 3
"""Candidates that did not fit before the costs are guessed for the random points of the start."""

PROBABLY = 0.5
"""A chance to fit from which on points of the start are alike."""

Array = NDArray[np.float64]
Point = dict[str, Scalar]
Guess = tuple[Array, Array]
"""Mean and standard deviation at each point of the pool."""


class BayesSampler:
    """A sampler with a model of its own. Depends on what was told, in order."""

    def __init__(self, sweep: SweepConfig) -> None:
        self._sweep = sweep
        self._names = ordered_names(sweep.space)
        self._encoder = Encoder(sweep.space)
        self._start = dict(enumerate(sweep.start, sweep.first_number))
        self._n_startup = max(4, min(8, sweep.sweep.n_trials // 6))
        self._rows: list[Trial] = []
        self._asked: dict[int, Point] = {}
        self._told: list[Mapping[str, Scalar]] = []
        self._failed: list[Mapping[str, Scalar]] = []
        limits = sweep.default.budget.all_limits
        self._limits = {one.key: one for one in limits if one.key in KEYS}

    def start_from(self, points: Sequence[Mapping[str, Scalar]]) -> None:
        """Adds points to try first, behind those of the sweep file."""
        first_free = self._sweep.first_number + len(self._start)
        self._start |= dict(enumerate(points, first_free))

    def ask(self, number: int, attempt: int = 0) -> Point:
        """Returns the point of candidate `number`; from attempt 1 on one drawn at random."""
        seed = hash_seed(self._sweep.sweep.seed, number)
        rng = random.Random(hash_seed(seed, attempt) if attempt else seed)
        given = self._start.get(number) if not attempt else None
        trained = [row for row in self._rows if row.status == "trained"]
        is_early = len(trained) < self._n_startup
        n_misses = sum(row.status == "infeasible" for row in self._rows)
        if given is not None or attempt or (is_early and n_misses < MIN_MISSES):
            point = self._random(rng, given or {})
        else:
            point = self._best(rng, seed, [] if is_early else trained)
        self._asked[number] = point
        return point

    def adopt(self, number: int, point: Mapping[str, Scalar]) -> None:
        """Takes a point as that of candidate `number`, as if it had been asked for."""
        self._asked[number] = dict(point)

    def forget(self, number: int) -> None:
        """Drops a candidate that is not tried."""
        self._asked.pop(number, None)

    def tell(self, row: Trial) -> None:
        """Takes in a trial that ended.

        One that was stopped says nothing but that it was tried; one that failed, that others like
        it may fail too.
        """
        self._asked.pop(row.number, None)
        self.learn(row)

    def learn(self, row: Trial) -> None:
        """Takes in a trial of an earlier run, whose number says nothing here."""
        self._told.append(row.params)
        if row.status == "failed":
            self._failed.append(row.params)
        if row.footprint and row.status in ("trained", "infeasible"):
            self._rows.append(row)

    def _random(self, rng: random.Random, given: Mapping[str, Scalar]) -> Point:
        point: Point = {}
        for name in self._names:
            drawn = random_value(rng, self._sweep.space[name])
            if is_active(name, point, self._sweep):
                point[name] = given.get(name, drawn)
        return point

    def _best(self, rng: random.Random, seed: int, trained: list[Trial]) -> Point:
        """Returns the best point of a pool; with too few trained, any that probably fits."""
        objectives = self._sweep.objectives if trained else ()
        leaders = frontier(self._rows, objectives) if trained else []
        pool = self._pool(rng, [row.params for row in leaders])
        if not pool:
            return self._random(rng, {})
        rows = _latest(self._rows, leaders)
        encoded = self._encoder.encode([*pool])
        guesses = {
            key: self._guess(key, rows, encoded, seed)
            for key in dict.fromkeys([*(o.key for o in objectives), *self._limits])
        }
        value = _chance_to_fit(guesses, self._limits, len(pool))
        value *= self._chance_to_end(rows, encoded, seed)
        if trained:
            value *= self._improvement(guesses, trained, leaders, objectives, seed)
        else:
            value = np.minimum(value, PROBABLY)
        ordered = (pool[i] for i in np.argsort(-value, kind="stable"))
        return next((point for point in ordered if self._is_whole(point)), pool[0])

    def _is_whole(self, point: Point) -> bool:
        try:
            resolve(self._sweep, point)
        except ConfigError:
            return False
        return True

    def _pool(self, rng: random.Random, leaders: list[Mapping[str, Scalar]]) -> list[Point]:
        seen = {point_key(point) for point in (*self._told, *self._asked.values())}
        pool: dict[tuple[tuple[str, Scalar], ...], Point] = {}
        for i in range(N_POOL):
            given: dict[str, Scalar] = {}
            if leaders and i % 4 == 0:
                given = dict(rng.choice(leaders))
                for name in rng.sample(sorted(given), min(len(given), rng.choice((1, 1, 2)))):
                    del given[name]
            point = self._random(rng, given)
            if point_key(point) not in seen:
                pool[point_key(point)] = point
        return list(pool.values())

    def _guess(self, key: str, rows: list[Trial], pool: Array, seed: int) -> Guess:
        """Guesses a number at each point; costs on a log scale, where effects add up."""
        known = [(row, row.known(key)) for row in rows]
        found = [(row, value) for row, value in known if value is not None]
        is_cost = key in COSTS
        if len(found) < 2:
            return np.zeros(len(pool)), np.ones(len(pool))
        x = self._encoder.encode([row.params for row, _ in found])
        y = np.array([value for _, value in found], np.float64)
        y = np.log(np.maximum(y, 1e-9)) if is_cost else y
        # What runs at this moment counts as if it had come out as guessed.
        running = [p for p in self._asked.values() if p]
        process = GaussianProcess(x, y, seed, is_cost, self._encoder.groups)
        if running and not is_cost:
            at = self._encoder.encode([*running])
            believed, _ = process.predict(at)
            process = process.extended(at, believed)
        return process.predict(pool)

    def _chance_to_end(self, rows: list[Trial], pool: Array, seed: int) -> Array:
        """Returns how likely each point does not fail, a diverging loss say."""
        ended = [row.params for row in rows if row.status == "trained"]
        failed = self._failed[-MAX_ROWS:]
        if not failed or not ended:
            return np.ones(len(pool))
        x = self._encoder.encode([*ended, *failed])
        y = np.repeat([1.0, 0.0], [len(ended), len(failed)])
        mean, _ = GaussianProcess(x, y, seed, groups=self._encoder.groups).predict(pool)
        return np.clip(mean, 0.01, 1.0)

    def _improvement(
        self,
        guesses: Mapping[str, Guess],
        trained: list[Trial],
        leaders: list[Trial],
        objectives: Sequence[Objective],
        seed: int,
    ) -> Array:
        """Returns the expected gain in hypervolume of each point of the pool.

        The volume is measured between the median of what was trained (for a cost: the limit, or
        the most that was seen) and the best that is thinkable, at random places that no row of the
        frontier covers. Objectives are taken as independent.
        """
        probes = np.random.default_rng(seed).random((N_PROBES, len(objectives)))
        covered = np.zeros(N_PROBES, bool)
        bounds = [self._bounds(objective, trained) for objective in objectives]
        for row in leaders:
            gains = [
                (o.gain(row.value(o.key)) - worst) / (best - worst)
                for o, (worst, best) in zip(objectives, bounds, strict=True)
            ]
            covered |= (np.array(gains) >= probes).all(1)
        probes = probes[~covered]
        chance: Array = np.ones((len(next(iter(guesses.values()))[0]), len(probes)))
        for i, (objective, (worst, best)) in enumerate(zip(objectives, bounds, strict=True)):
            places = objective.gain(1.0) * (worst + probes[:, i] * (best - worst))
            mean, deviation = guesses[objective.key]
            if objective.key in COSTS:
                places, deviation = np.log(np.maximum(places, 1e-9)), np.maximum(deviation, 1e-3)
            sign = 1.0 if objective.maximize else -1.0
            chance *= _normal((mean[:, None] - places[None]) * sign / deviation[:, None])
        gained: Array = chance.sum(1) + 1e-12
        return gained

    def _bounds(self, objective: Objective, trained: list[Trial]) -> tuple[float, float]:
        """The worst and the best gain of an objective that count."""
        values = [v for row in trained if (v := row.known(objective.key)) is not None]
        if objective.key in COSTS:
            most = max(values, default=1.0) * (2 if objective.maximize else 1)
            limit = self._limits.get(objective.key)
            low, high = 0.0, limit.bound if limit else most
        else:
            middle = float(np.median(values or [0.5]))
            low, high = (middle, 1.0) if objective.maximize else (0.0, middle)
        worst, best = sorted((objective.gain(low), objective.gain(high)))
        return worst, max(best, worst + 1e-6)


def _latest(rows: list[Trial], leaders: list[Trial]) -> list[Trial]:
    if len(rows) <= MAX_ROWS:
        return rows
    late = rows[-(MAX_ROWS - min(len(leaders), MAX_ROWS // 2)) :]
    kept = {id(row) for row in late}
    return [row for row in leaders[: MAX_ROWS // 2] if id(row) not in kept] + late


def _chance_to_fit(guesses: Mapping[str, Guess], limits: Mapping[str, Limit], n: int) -> Array:
    chance: Array = np.ones(n)
    for key, limit in limits.items():
        mean, deviation = guesses[key]
        place = log(max(limit.bound, 1e-9)) if key in COSTS else limit.bound
        sign = -1.0 if limit.is_minimum else 1.0
        chance *= _normal(sign * (place - mean) / np.maximum(deviation, 1e-3))
    return chance


def _normal(z: Array) -> Array:
    """The normal distribution function, to 0.01: the logistic function comes close."""
    chance: Array = 1 / (1 + np.exp(-1.702 * np.clip(z, -30, 30)))
    return chance
