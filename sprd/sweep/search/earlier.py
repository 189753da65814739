"""What a sweep learns from earlier runs: which trials count here, and which are tried anew.

A trial counts as a result where data and configuration are what this sweep would train; its
violations are told anew against this budget. Of the others, those on the frontier of their run are
points to start from, if they lie in this space.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sprd.config.budget import Budget
from sprd.config.dimensions import contains
from sprd.config.frozen import replaced
from sprd.config.limits import LIMITED_KEYS, Limit, Violation, find_violations
from sprd.config.params import Scalar
from sprd.config.reader import resolve
from sprd.config.space import active_names
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config
from sprd.errors import ConfigError
from sprd.sweep.rows.guessing import GUESSING
from sprd.sweep.rows.ranking import frontier
from sprd.sweep.rows.row import Trial

MAX_START_POINTS = 10
"""Points of one earlier run that are tried anew."""


@dataclass(frozen=True)
class Earlier:
    """Trials to learn from, points to try first, and a line for the user about each run."""

    trials: tuple[Trial, ...] = ()
    points: tuple[Mapping[str, Scalar], ...] = ()
    notes: tuple[str, ...] = ()

    def tell(self, note: Callable[[str], None]) -> None:
        """Says what was taken."""
        for text in self.notes:
            note(text)


def learn_from(
    sweep: SweepConfig,
    limits: Sequence[Limit],
    name: str,
    old: SweepConfig,
    rows: list[Trial],
    has_same_data: bool,
) -> Earlier:
    """Sorts the rows of one earlier run.

    Args:
        sweep: The sweep that is to begin.
        limits: Of its budget, the board's included.
        name: What to call the run in the note.
        old: The sweep file of the earlier run.
        rows: Its rows.
        has_same_data: Whether it was made with the same clips.
    """
    measured = [row for row in rows if row.status in ("trained", "infeasible") and row.footprint]
    leaders = [row.number for row in frontier(rows, sweep.objectives)]
    taken: list[Trial] = []
    anew: list[Mapping[str, Scalar]] = []
    n_outside = n_other = n_fit_now = 0
    for row in measured:
        if not _is_inside(sweep, row.params):
            n_outside += 1
        elif has_same_data and _is_same(sweep, old, row.params):
            violations = _violations(row, limits)
            if row.status == "infeasible" and not violations:
                n_fit_now += 1
                continue
            taken.append(replace(row, violations=violations))
        else:
            n_other += 1
            if row.number in leaders and len(anew) < MAX_START_POINTS:
                anew.append(row.params)
    reason = "of other settings" if has_same_data else "of other data"
    note = f"warm start from {name}: {len(taken)} of {len(measured)} measured trials taken"
    if n_other:
        note += f"; {n_other} are {reason}: {len(anew)} of its frontier are trained anew"
    if n_fit_now:
        note += f"; {n_fit_now} did not fit then and do now: they are open"
    if n_outside:
        note += f"; {n_outside} lie outside [space]"
    return Earlier(tuple(taken), tuple(anew), (note,))


def _is_inside(sweep: SweepConfig, point: Mapping[str, Scalar]) -> bool:
    """Whether a point names just the dimensions that exist there, with values that they have."""
    space = sweep.space
    inside = all(name in space and contains(space[name], point[name]) for name in point)
    return inside and active_names(point, sweep) == frozenset(point)


def _is_same(sweep: SweepConfig, old: SweepConfig, point: Mapping[str, Scalar]) -> bool:
    if old.default.budget.board != sweep.default.budget.board:
        return False  # its costs are of another board
    try:
        return _without_budget(resolve(sweep, point)) == _without_budget(resolve(old, point))
    except ConfigError:
        return False


def _without_budget(config: Config) -> dict[str, Any]:
    return replaced(config, budget=Budget()).model_dump(exclude={"seed"})


def _violations(row: Trial, limits: Sequence[Limit]) -> tuple[Violation, ...]:
    """What a row breaks; one that was not trained has no scores to hold against a limit."""
    is_trained = row.status == "trained"
    applied = [limit for limit in limits if is_trained or limit.key in LIMITED_KEYS]
    guesses = tuple(one for one in row.violations if one.key == GUESSING)
    return find_violations(row.known, applied) + guesses
