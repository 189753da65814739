"""Two runs in, what sets them apart out: how far each came, which lines of their files differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sprd.config.objectives import Objective
from sprd.config.written import written_keys
from sprd.report.frontier import ACCURACY, interval_of
from sprd.sweep.rows.hypervolume import hypervolume
from sprd.sweep.rows.ranking import frontier, gains, ranking
from sprd.sweep.rows.row import Status, Trial

COUNTED: tuple[Status, ...] = ("trained", "infeasible", "stopped", "failed")
MARGIN = 0.1
"""The reference lies this share of the range beyond the worst, so that the ends count too."""


@dataclass(frozen=True)
class Side:
    """What is compared of a run: its name, its trials and the text of its sweep file."""

    name: str
    trials: Sequence[Trial]
    sweep_text: str


@dataclass(frozen=True)
class Standing:
    """How one run came out.

    `best` holds number and value of the best trial by each objective. `hypervolume` is the share of
    the box between the best of both runs and the reference that the frontier covers, 0 .. 1; None
    if neither run has an eligible trial. `n_dominated` counts the trials of the frontier that one
    of the other run's dominates.
    """

    name: str
    counts: Mapping[str, int]
    n_eligible: int
    best: Mapping[str, tuple[int, float]]
    frontier: tuple[int, ...]
    hypervolume: float | None
    n_dominated: int
    interval: tuple[float, float] | None
    """Of the best balanced accuracy, 95 %; None where it is no objective, or unknown."""


@dataclass(frozen=True)
class Difference:
    """A line of two sweep files, "[section] key"; None where a file does not have it."""

    key: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side. `reference` is the point that both hypervolumes are taken from."""

    objectives: tuple[Objective, ...]
    first: Standing
    second: Standing
    reference: Mapping[str, float]
    differences: tuple[Difference, ...]

    @property
    def has_overlap(self) -> bool:
        """Whether the intervals of the best balanced accuracies overlap."""
        first, second = self.first.interval, self.second.interval
        if first is None or second is None:
            return False
        return max(first[0], second[0]) <= min(first[1], second[1])


def compare_runs(first: Side, second: Side, objectives: Sequence[Objective]) -> Comparison:
    """Compares two runs by the same objectives.

    Trials of which an objective is unknown count for nothing but their number. The reference is the
    worst value of any eligible trial of both runs, moved on by 10 % of the range.
    """
    sides = (first, second)
    fronts = [frontier(side.trials, objectives) for side in sides]
    losses = [_losses(front, objectives) for front in fronts]
    every = _losses([row for side in sides for row in side.trials if row.is_eligible], objectives)
    ideal, reference = _box(every)
    volumes = [
        round(hypervolume(loss, reference) / float(np.prod(reference - ideal)), 6)
        if len(every)
        else None
        for loss in losses
    ]
    standings = [
        Standing(
            name=side.name,
            counts={status: sum(r.status == status for r in side.trials) for status in COUNTED},
            n_eligible=sum(row.is_eligible for row in side.trials),
            best=_best(side.trials, objectives),
            frontier=tuple(row.number for row in front),
            hypervolume=volume,
            n_dominated=sum(_is_dominated(loss, others) for loss in own),
            interval=_interval(side.trials, objectives),
        )
        for side, front, volume, own, others in zip(
            sides, fronts, volumes, losses, reversed(losses), strict=True
        )
    ]
    told = [-o.gain(float(value)) for o, value in zip(objectives, reference, strict=True)]
    return Comparison(
        objectives=tuple(objectives),
        first=standings[0],
        second=standings[1],
        reference={o.key: v for o, v in zip(objectives, told, strict=True)} if len(every) else {},
        differences=tuple(_differences(first.sweep_text, second.sweep_text)),
    )


def _losses(rows: Sequence[Trial], objectives: Sequence[Objective]) -> np.ndarray[Any, Any]:
    """(n, m), less is better; rows of which an objective is unknown are left out."""
    known = [gain for row in rows if (gain := gains(row, objectives)) is not None]
    return -np.array(known, np.float64).reshape(-1, len(objectives))


def _box(losses: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Returns the best of each axis, and the worst moved on a little."""
    if len(losses) == 0:
        return np.zeros(losses.shape[1]), np.ones(losses.shape[1])
    ideal, worst = losses.min(0), losses.max(0)
    ranges = worst - ideal
    # Where all are the same any margin does: it cancels out.
    return ideal, worst + np.where(ranges > 0, MARGIN * ranges, np.maximum(abs(worst), 1.0))


def _is_dominated(loss: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> bool:
    return bool(((others <= loss).all(1) & (others < loss).any(1)).any())


def _best(rows: Sequence[Trial], objectives: Sequence[Objective]) -> dict[str, tuple[int, float]]:
    ranked = [(o.key, ranking(rows, o)) for o in objectives]
    return {key: (found[0].number, found[0].value(key)) for key, found in ranked if found}


def _interval(rows: Sequence[Trial], objectives: Sequence[Objective]) -> tuple[float, float] | None:
    wanted = [objective for objective in objectives if objective.key == ACCURACY]
    best = ranking(rows, wanted[0])[:1] if wanted else []
    return interval_of(best[0]) if best else None


def _differences(first: str, second: str) -> Iterator[Difference]:
    """What the files say, not how: comments, order and spaces do not count."""
    ours, theirs = (written_keys(text) for text in (first, second))
    for key in dict.fromkeys([*ours, *theirs]):
        if ours.get(key) != theirs.get(key):
            yield Difference(key, ours.get(key), theirs.get(key))
