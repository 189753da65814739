"""A search space whose results follow from a formula: samplers are tried on it without training."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sprd.config.limits import Violation
from sprd.config.reader import parse_sweep
from sprd.config.sweep import SweepConfig
from sprd.sweep.rows.hypervolume import hypervolume
from sprd.sweep.rows.ranking import frontier
from sprd.sweep.rows.row import Trial
from sprd.sweep.rows.table import Table
from sprd.sweep.search.bayes import BayesSampler
from sprd.sweep.search.sampler import Sampler
from sprd.sweep.search.search import Search
from sprd.sweep.trial.outcome import Outcome
from tests.strategies import VOCABULARY

TOY = """
"model.filters" = { low = 4, high = 200 }
"train.momentum" = { low = 0.0, high = 0.9 }
"augment.gain_db" = { low = 0.0, high = 12.0 }
"model.kernel" = ["4x4", "8x4", "8x8", "16x8", "16x16", "20x20"]
"""
TWO = 'objectives = ["balanced_accuracy", "model_bytes"]'
MAX_BYTES = 6000


def make_toy_sweep(
    space: str = TOY,
    sampler: str = "bayes",
    seed: int = 0,
    n_trials: int = 60,
    lines: str = TWO,
    budget: str = "",
) -> SweepConfig:
    """A sweep with a budget."""
    text = (
        f'[sweep]\nname = "x"\nsampler = "{sampler}"\nseed = {seed}\nn_trials = {n_trials}\n'
        f"{lines}\n"
        '[data]\nkeywords = ["up", "down"]\n[model]\narchitecture = "tiny_conv"\n[train]\n'
        "steps = 40\nlearning_rate = 0.01\n"
        f"[budget]\n{budget}\n[space]\n{space}\n"
    )
    return parse_sweep(text, Path("/sweeps/x.toml"), VOCABULARY)


def toy(number: int, point: dict[str, Any], limit: int = MAX_BYTES) -> Trial:
    """What a point of `TOY` gives: more bytes are better, up to luck; momentum has an optimum."""
    filters = point.get("model.filters", 8)
    first, second = (int(n) for n in str(point.get("model.kernel", "8x8")).split("x"))
    n_bytes = 500 + filters * first * second
    lost = 0.3 * (point.get("train.momentum", 0.5) - 0.6) ** 2
    lost += 0.1 * (point.get("augment.gain_db", 3.0) / 12 - 0.25) ** 2
    luck = random.Random(f"{sorted(point.items())}").gauss(0, 0.004)
    accuracy = min(0.999, 0.95 - 2 / n_bytes**0.5 - lost + luck)
    footprint = {"model_bytes": n_bytes}
    if n_bytes > limit:
        violations = (Violation("model_bytes", n_bytes, limit),)
        return Trial(
            number, "infeasible", point, "", "", footprint=footprint, violations=violations
        )
    metrics = {"balanced_accuracy": accuracy, "false_accept_rate": 1 - accuracy}
    return Trial(number, "trained", point, "", "", metrics=metrics, footprint=footprint)


def tried(
    sampler: BayesSampler | Sampler, n: int, fate: Callable[..., Any] = toy, first: int = 0
) -> list[Trial]:
    """Asks for n points one after another, and tells how each went; returns the rows."""
    rows = []
    for number in range(first, first + n):
        rows.append(fate(number, sampler.ask(number)))
        sampler.tell(rows[-1])
    return rows


def searched(sweep: SweepConfig, path: Path, fate: Callable[..., Any] = toy) -> list[Trial]:
    """A whole search; returns its rows."""
    search = Search(sweep, Table(path))
    while (candidate := search.next()) is not None:
        row = fate(candidate.number, candidate.point)
        fields = {"metrics": row.metrics, "footprint": row.footprint, "violations": row.violations}
        search.ended(candidate.number, Outcome(row.status, **fields))
    return search.trials


def volume(rows: list[Trial], sweep: SweepConfig) -> float:
    """What the frontier covers: errors up to 0.3, bytes up to the limit, each to 1."""
    found = [
        [(1 - row.value("balanced_accuracy")) / 0.3, row.value("model_bytes") / MAX_BYTES]
        for row in frontier(rows, sweep.objectives)
    ]
    return hypervolume(np.array(found).reshape(-1, 2), np.ones(2))
