"""What a sampler needs of Optuna 5.0 that it does not offer: the one file that knows inner parts.

`pyproject.toml` bounds Optuna to the versions that this was tried with.
"""

from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial


class Evolution(optuna.samplers.NSGAIISampler):
    """NSGA-II whose parents always come in the same order: a resumed run goes on as it would have.

    Optuna's first call of a generation gives them in the order of their rank, later ones in the
    order of their numbers.
    """

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        super().get_parent_population(study, generation)
        return super().get_parent_population(study, generation)


GENERATION = Evolution._get_generation_key()
"""The attribute in which NSGA-II notes which generation a trial is of."""


def suggest(trial: optuna.trial.Trial, name: str, distribution: BaseDistribution) -> Any:
    """Asks for a value of a distribution, whichever its kind."""
    return trial._suggest(name, distribution)


def note(study: optuna.Study, trial: optuna.trial.Trial, name: str, value: Any) -> None:
    """Sets an attribute of a trial that samplers read."""
    study._storage.set_trial_system_attr(trial._trial_id, name, value)
