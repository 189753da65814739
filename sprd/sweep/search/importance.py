"""The trials of a sweep in, which parameters mattered out."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.importance import PedAnovaImportanceEvaluator

from sprd.config.numbers import COSTS
from sprd.config.sweep import SweepConfig
from sprd.disk.atomic import write_atomically
from sprd.sweep.rows.ranking import gains
from sprd.sweep.rows.row import Trial
from sprd.sweep.search.sampler import Sampler

MIN_TRIALS_TO_JUDGE = 8
"""Trained trials before anything is said about which parameters mattered."""

TOP_SHARE = 0.25
"""The best share of the trials, whose parameters are compared with those of all."""


def keep_importances(sweep: SweepConfig, trials: Sequence[Trial], path: Path) -> None:
    """Writes which parameters mattered, if enough trials were trained."""
    shares = importances(sweep, trials)
    if shares:
        write_atomically(path, json.dumps(shares, indent=1) + "\n")


def importances(sweep: SweepConfig, trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    """Returns how much each dimension mattered for each score that is an objective.

    Shares that add up to 1. Costs are left out: they follow from the configuration, and where the
    search looked closely would pass for what mattered.

    How differently a parameter is spread among the best quarter of the trained trials than among
    all. Source: PED-ANOVA, Watanabe et al. 2023, arXiv:2304.10255. Empty where fewer than
    `MIN_TRIALS_TO_JUDGE` trials were trained, or where nothing varied.
    """
    found: dict[str, dict[str, float]] = {}
    sampler = Sampler(sweep)
    for objective in sweep.objectives:
        if objective.key in COSTS:
            continue
        study = optuna.create_study(direction="maximize")
        for row in trials:
            if row.status == "trained" and (gain := gains(row, (objective,))):
                study.add_trial(sampler.completed(row, gain))
        values = {trial.value for trial in study.trials}
        if len(study.trials) < MIN_TRIALS_TO_JUDGE or len(values) == 1:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shares = optuna.importance.get_param_importances(
                study,
                evaluator=PedAnovaImportanceEvaluator(target_quantile=TOP_SHARE),
                normalize=False,  # of nothing but zeros it would make equal shares
            )
        if (total := sum(shares.values())) > 0:
            found[objective.key] = {name: round(share / total, 4) for name, share in shares.items()}
    return found
