"""How a training ended: the value that comes back from wherever it ran, as text but for its files.

The text is JSON, so that an outcome is plain numbers whatever a library computed them with.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sprd.config.limits import Violation
from sprd.config.params import Scalar
from sprd.sweep.rows.row import FoldResult, Reference, Status, Trial


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    `fold` is what one of a cross-validation was scored with. `is_disk_full` tells that it failed
    for want of room alone, so that it can go on once there is some. `worker` is the process that
    ran it, `ran` when it began and ended there, in seconds since the epoch. `files` holds what is
    kept of a trial, by name.
    """

    status: Status
    metrics: Mapping[str, Any] = field(default_factory=dict)
    footprint: Mapping[str, Any] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    step: int = 0
    node: str = ""
    fold: FoldResult | None = None
    is_disk_full: bool = False
    worker: str = ""
    ran: tuple[float, float] = (0.0, 0.0)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def to_json(self) -> str:
        """Returns all but the files."""
        fields = {name: value for name, value in vars(self).items() if name != "files"}
        fields["violations"] = [violation.as_dict() for violation in self.violations]
        fields["fold"] = None if self.fold is None else asdict(self.fold)
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """Reads what `to_json` gave."""
        fields = json.loads(text)
        fold = fields["fold"]
        return cls(
            **{
                **fields,
                "violations": tuple(map(Violation.from_dict, fields["violations"])),
                "fold": None if fold is None else FoldResult(**fold),
                "ran": (fields["ran"][0], fields["ran"][1]),
            }
        )


def to_trial(
    outcome: Outcome, number: int, params: Mapping[str, Scalar], started_at: str, ended_at: str
) -> Trial:
    """Returns the row of a trial that ended so."""
    return Trial(
        number=number,
        status=outcome.status,
        params=params,
        started_at=started_at,
        ended_at=ended_at,
        node=outcome.node,
        error=outcome.error,
        metrics=outcome.metrics,
        footprint=outcome.footprint,
        violations=outcome.violations,
        seconds=outcome.seconds,
        step=outcome.step,
    )


def to_reference(
    outcome: Outcome, number: int, label: str, started_at: str, ended_at: str
) -> Reference:
    """Returns the row of a reference that ended so."""
    return Reference(
        number=number,
        label=label,
        status=outcome.status,
        started_at=started_at,
        ended_at=ended_at,
        node=outcome.node,
        error=outcome.error,
        metrics=outcome.metrics,
        footprint=outcome.footprint,
        violations=outcome.violations,
        seconds=outcome.seconds,
        step=outcome.step,
    )
