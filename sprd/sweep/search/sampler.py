"""Asks Optuna for points of the search space, and tells it how they went."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from sprd.config.dimensions import Choice, Range
from sprd.config.params import Scalar
from sprd.config.seeds import hash_seed
from sprd.config.space import is_active, ordered_names
from sprd.config.sweep import SweepConfig
from sprd.sweep.rows.ranking import excess, gains
from sprd.sweep.rows.row import Trial
from sprd.sweep.search import compat
from sprd.sweep.search.grid import Grid


class Sampler:
    """Proposes candidates from what it was told.

    A candidate that does not fit is told with by how much, a trial that was stopped as pruned
    (with several objectives as failed: Optuna prunes only single ones), a failed one as failed:
    only trained trials count as results.
    """

    def __init__(self, sweep: SweepConfig) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._sweep = sweep
        self._names = ordered_names(sweep.space)
        self._objectives = sweep.objectives
        self._kind, self._seed = sweep.sweep.sampler, sweep.sweep.seed
        self._start = dict(enumerate(sweep.start, sweep.first_number))
        self._n_startup = max(4, min(10, sweep.sweep.n_trials // 3))
        self._n_population = max(4, min(50, sweep.sweep.n_trials // 4))
        self._n_complete = 0
        self._grid = Grid(sweep) if self._kind == "grid" else None
        self._study = optuna.create_study(directions=["maximize"] * len(self._objectives))
        self._asked: dict[int, optuna.trial.Trial] = {}

    @property
    def trials(self) -> list[FrozenTrial]:
        """What Optuna knows, in the order in which it was told."""
        return self._study.trials

    def start_from(self, points: Sequence[Mapping[str, Scalar]]) -> None:
        """Adds points to try first, behind those of the sweep file."""
        first_free = self._sweep.first_number + len(self._start)
        self._start |= dict(enumerate(points, first_free))

    def ask(self, number: int, attempt: int = 0) -> dict[str, Scalar]:
        """Returns the point of candidate `number`.

        It depends on the seed, the number and, but for a random search, on what was told and is
        still running: with one slot, a sampler that is made anew from the rows of a run goes on as
        the old one would have.

        Args:
            number: Of the candidate.
            attempt: From 1 on where the point before was tried already: drawn at random then.
        """
        if self._grid is not None:
            return self._grid.point(number)
        if number in self._start and not attempt:
            self._study.enqueue_trial(dict(self._start[number]))
        seed = hash_seed(self._seed, number)
        if attempt:
            seed = hash_seed(seed, attempt)
        return self._ask(number, "random" if attempt else self._kind, seed)

    def _ask(self, number: int, kind: str, seed: int) -> dict[str, Scalar]:
        self._study.sampler = self._make(kind, seed)
        trial = self._study.ask()
        self._asked[number] = trial
        point: dict[str, Scalar] = {}
        for name, distribution in self._distributions(point):
            point[name] = compat.suggest(trial, name, distribution)
        return point

    def adopt(self, number: int, point: Mapping[str, Scalar]) -> None:
        """Takes a point as that of candidate `number`, as if it had been asked for."""
        if self._grid is None:
            self._study.enqueue_trial(dict(point))
            self._ask(number, "random", hash_seed(self._seed, number))

    def forget(self, number: int) -> None:
        """Drops a candidate that is not tried: its point was."""
        if number not in self._asked:
            return
        self._study.tell(self._asked.pop(number), state=TrialState.FAIL)

    def learn(self, row: Trial) -> None:
        """Takes in a trial of an earlier run, whose number says nothing here."""
        self._take_in(self._frozen(row), None)

    def tell(self, row: Trial) -> None:
        """Takes in a trial that ended, of this run or of the one that it continues."""
        self._take_in(self._frozen(row), self._asked.pop(row.number, None))

    def _take_in(self, finished: FrozenTrial, asked: optuna.trial.Trial | None) -> None:
        if asked is None:
            self._study.add_trial(finished)
        else:
            for name, value in finished.constraints.items():
                asked.set_constraint(name, value)
            for name, value in finished.system_attrs.items():
                compat.note(self._study, asked, name, value)
            for step, value in finished.intermediate_values.items():
                asked.report(value, step)
            self._study.tell(asked, values=finished.values, state=finished.state)
        self._n_complete += finished.state is TrialState.COMPLETE

    def completed(self, row: Trial, values: Sequence[float], **fields: Any) -> FrozenTrial:
        """Returns a row as Optuna's trial that ended with these values."""
        return self._trial(row, TrialState.COMPLETE, values=values, **fields)

    def _trial(self, row: Trial, state: TrialState, **fields: Any) -> FrozenTrial:
        point = dict(row.params)
        distributions = {n: d for n, d in self._distributions(point) if n in point}
        params = {name: point[name] for name in distributions}
        return create_trial(state=state, params=params, distributions=distributions, **fields)

    def _frozen(self, row: Trial) -> FrozenTrial:
        if row.status == "stopped" and row.step and len(self._objectives) == 1:
            reported = {row.step: float(row.metrics["val_balanced_accuracy"])}
            return self._trial(row, TrialState.PRUNED, intermediate_values=reported)
        values = None
        if row.status == "trained":
            values = gains(row, self._objectives)
        elif row.status == "infeasible" and row.violations:
            # The values do not matter: the sampler ranks what breaks a constraint by how far.
            values = (0.0,) * len(self._objectives)
        if values is None:
            return self._trial(row, TrialState.FAIL)
        generation = self._n_complete // self._n_population
        return self.completed(
            row,
            values,
            constraints={"budget": excess(row) or -1.0},
            system_attrs={compat.GENERATION: generation},
        )

    def _make(self, kind: str, seed: int) -> optuna.samplers.BaseSampler:
        if kind == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        if kind == "nsga2":
            return compat.Evolution(population_size=self._n_population, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                seed=seed,
                n_startup_trials=self._n_startup,
                multivariate=True,
                group=True,
                constant_liar=True,
            )

    def _distributions(self, point: Mapping[str, Scalar]) -> Iterator[tuple[str, BaseDistribution]]:
        """Yields the dimensions that exist at a point, which may be filled in meanwhile."""
        for name in self._names:
            if is_active(name, point, self._sweep):
                yield name, _distribution(self._sweep.space[name])


def _distribution(dimension: Choice | Range) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    low, high, step, log = dimension.low, dimension.high, dimension.step, dimension.log
    with warnings.catch_warnings():
        # Steps that do not end at high: Optuna lowers high to the last one, and says so.
        warnings.simplefilter("ignore", UserWarning)
        if dimension.is_integer:
            return IntDistribution(int(low), int(high), log=log, step=int(step or 1))
        return FloatDistribution(low, high, log=log, step=step)
