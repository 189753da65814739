"""Rows of a run in, the points of its plots and tables out.

Every room that shows a run starts from here, so that a plot, its page and the terminal agree on
what is on the frontier.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sprd.config.limits import LEAST_KEYS, Limit, Violation, find_violations
from sprd.config.numbers import COSTS
from sprd.config.objectives import Objective, natural
from sprd.config.params import Scalar
from sprd.sweep.rows.ranking import frontier
from sprd.sweep.rows.row import Compared, Reference, Trial

Kind = Literal["frontier", "trial", "over", "reference"]
ACCURACY = "balanced_accuracy"
PANEL_COSTS = ("model_bytes", "ram_bytes", "latency_ms")
"""What accuracy is plotted against, unless the objectives name other costs."""
MOST_PANELS = 4


@dataclass(frozen=True)
class Point:
    """A model to draw: its name, what it is among the others, and its numbers.

    "over" breaks a limit of the budget, or one that was given later; "reference" is no trial.
    """

    label: str
    kind: Kind
    row: Trial | Compared
    score: str = ACCURACY
    """The key of what is drawn against the costs."""

    @property
    def params(self) -> Mapping[str, Scalar]:
        """The point of a trial; what is no trial has none."""
        return self.row.params if isinstance(self.row, Trial) else {}

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What it breaks."""
        return self.row.violations

    def value(self, key: str) -> float | None:
        """Returns a metric or a number of the footprint, None where it is unknown."""
        return self.row.known(key)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the score."""
        return interval_of(self.row, self.score)


def interval_of(row: Trial | Compared, key: str = ACCURACY) -> tuple[float, float] | None:
    """Returns the 95 % interval of a score, None where it is unknown."""
    bounds = (row.metrics.get("intervals") or {}).get(key)
    return (float(bounds[0]), float(bounds[1])) if bounds else None


def is_of_one_speaker(row: Trial | Compared) -> bool:
    """Whether the scores are of one voice alone, so that intervals say nothing of other people."""
    return row.known("n_speakers") == 1


def points_of(
    trials: Iterable[Trial],
    objectives: Sequence[Objective],
    references: Iterable[Compared] = (),
) -> list[Point]:
    """Returns what there is to draw: the frontier in its order, other trials, references.

    Recall on streams is drawn where it is the first of the objectives that is such a score.
    """
    trained = [row for row in trials if row.status == "trained" and row.known(ACCURACY)]
    best = frontier(trained, objectives)
    score = next((o.key for o in objectives if o.key in (ACCURACY, *LEAST_KEYS)), ACCURACY)
    on_frontier = {row.number for row in best}
    others = [row for row in trained if row.number not in on_frontier]
    return [
        *(Point(str(row.number), "frontier", row, score) for row in best),
        *(
            Point(str(row.number), "trial" if row.is_eligible else "over", row, score)
            for row in others
        ),
        *(Point(row.label, "reference", row, score) for row in references),
    ]


def scored_references(references: Iterable[Reference]) -> list[Compared]:
    """Returns the references of a run that were trained to their end."""
    return [row for row in references if row.status == "trained" and row.known(ACCURACY)]


def under_limits(trials: Iterable[Trial], limits: Sequence[Limit]) -> list[Trial]:
    """Returns trials as they stand under limits given now: what breaks one has a violation more.

    Those that were not trained stay as they are, and a number that broke the budget is told once.
    """
    return [replace(row, violations=(*row.violations, *_misses(row, limits))) for row in trials]


def _misses(row: Trial, limits: Sequence[Limit]) -> tuple[Violation, ...]:
    if row.status != "trained":
        return ()
    told = {(violation.key, violation.is_minimum) for violation in row.violations}
    new = [limit for limit in limits if (limit.key, limit.is_minimum) not in told]
    return find_violations(row.known, new)


def shown_objectives(
    objectives: Sequence[Objective], trials: Iterable[Trial], by: str | None = None
) -> tuple[Objective, ...]:
    """Returns what the frontier is taken over.

    These are the sweep's objectives. Of one objective alone the frontier is one trial, no choice at
    all: then accuracy and what a model takes, as far as it is known, stand beside it. `by` is added
    if it is none of them.
    """
    known = list(objectives)
    if len(known) == 1:
        eligible = [trial for trial in trials if trial.is_eligible]
        keys = (ACCURACY, *_known_costs(eligible))
        known += [natural(key) for key in keys if key != known[0].key]
    if by is not None and by not in {objective.key for objective in known}:
        known.append(natural(by))
    return tuple(known)


def panel_keys(points: Iterable[Point], objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Returns the costs that accuracy is plotted against: those of the objectives, then others."""
    rows = [point.row for point in points if isinstance(point.row, Trial)]
    costs = [objective.key for objective in objectives if objective.key in COSTS]
    keys = dict.fromkeys([*costs, *_known_costs(rows)])
    return tuple(key for key in keys if _known(rows, key))[:MOST_PANELS] or PANEL_COSTS[:1]


def _known_costs(rows: Sequence[Trial]) -> list[str]:
    """The usual costs that some row has; without a board there is an arena but no RAM."""
    wanted = [
        "arena_bytes" if key == "ram_bytes" and not _known(rows, key) else key
        for key in PANEL_COSTS
    ]
    return [key for key in wanted if _known(rows, key)]


def _known(rows: Sequence[Trial], key: str) -> bool:
    return any(row.known(key) is not None for row in rows)
