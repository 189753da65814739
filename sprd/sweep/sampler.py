"""Asks for points of the search space and tells how they went. The only importer of optuna."""

import hashlib
import warnings
from collections.abc import Iterator, Mapping

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from sprd.config import SweepConfig
from sprd.parameters import Choice, Range, Scalar
from sprd.sweep.result import Row, excess, objective_score

ARCHITECTURE = "model.architecture"


class Sampler:
    """Proposes candidates from what it was told.

    A candidate that does not fit is told with by how much, a trial that was stopped as pruned, a
    failed one as failed: only trained trials count as results.
    """

    def __init__(self, sweep: SweepConfig) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = sweep.space
        self._architectures = sweep.vocabulary.architectures
        self._default_architecture = sweep.default.model.architecture
        self._objective = sweep.sweep.objectives[0]
        self._name, self._seed = sweep.sweep.sampler, sweep.sweep.seed
        self._n_startup = max(4, min(10, sweep.sweep.n_trials // 3))
        self._study = optuna.create_study(direction="maximize")
        self._asked: dict[int, optuna.trial.Trial] = {}

    def ask(self, number: int, attempt: int = 0) -> dict[str, Scalar]:
        """Returns the point of candidate `number`.

        It depends on the seed, the number and, with TPE, on what was told and is still running: a
        sampler that is made anew from the rows of a run goes on as the old one would have.

        Args:
            number: Of the candidate.
            attempt: From 1 on where the point before was tried already: drawn at random then.
        """
        seed = hash_seed(self._seed, number)
        if attempt:
            seed = hash_seed(seed, attempt)
        kind = "random" if attempt else self._name
        self._study.sampler = _make(kind, seed, self._n_startup)
        trial = self._study.ask()
        self._asked[number] = trial
        point: dict[str, Scalar] = {}
        for name, distribution in self._distributions(point):
            point[name] = trial._suggest(name, distribution)
        return point

    def forget(self, number: int) -> None:
        """Drops a candidate that is not tried: its point was."""
        self._study.tell(self._asked.pop(number), state=TrialState.FAIL)

    def tell(self, row: Row) -> None:
        """Takes in a trial that ended, of this run or of the one that it continues."""
        finished = self._frozen(row)
        asked = self._asked.pop(row.number, None)
        if asked is None:
            self._study.add_trial(finished)
            return
        for name, value in finished.constraints.items():
            asked.set_constraint(name, value)
        for step, value in finished.intermediate_values.items():
            asked.report(value, step)
        self._study.tell(asked, finished.value, state=finished.state)

    def _frozen(self, row: Row) -> FrozenTrial:
        point = dict(row.params)
        distributions = {n: d for n, d in self._distributions(point) if n in point}
        state, value = TrialState.FAIL, None
        reported: dict[int, float] = {}
        if row.status == "trained":
            state, value = TrialState.COMPLETE, objective_score(row, self._objective)
        elif row.status == "infeasible":
            # The value does not matter: the sampler ranks what breaks a constraint by how far.
            state, value = TrialState.COMPLETE, 0.0
        elif row.status == "stopped" and row.step:
            state = TrialState.PRUNED
            reported = {row.step: float(row.metrics["val_balanced_accuracy"])}
        constraints = {"budget": excess(row) or -1.0} if state is TrialState.COMPLETE else None
        return create_trial(
            state=state,
            value=value,
            params={name: point[name] for name in distributions},
            distributions=distributions,
            intermediate_values=reported,
            constraints=constraints,
        )

    def _distributions(self, point: Mapping[str, Scalar]) -> Iterator[tuple[str, BaseDistribution]]:
        """Yields the dimensions that exist at a point, which may be filled in meanwhile.

        The architecture comes first: which other parameters exist depends on it.
        """
        for name in sorted(self._space, key=lambda name: name != ARCHITECTURE):
            section, _, key = name.partition(".")
            if section == "model" and name != ARCHITECTURE:
                architecture = str(point.get(ARCHITECTURE, self._default_architecture))
                if key not in self._architectures[architecture]:
                    continue
            yield name, _distribution(self._space[name])


def hash_seed(seed: int, number: int) -> int:
    """Returns a seed for one candidate, unrelated to its neighbours'."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:4], "big")


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


def _make(name: str, seed: int, n_startup: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=n_startup, multivariate=True, group=True, constant_liar=True
        )
