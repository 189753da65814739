"""What ended, one type each: a trial, a reference, a fold. Knows no file and no training.

Trial         a point of the search space: what a sweep ranks, and may export
Reference     a recipe trained beside the sweep, outside space and budget, to compare with
OutsideModel  a model that no run trained, to compare with
Fold          a trial's configuration, trained anew and scored on speakers held out
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sprd.config.limits import Violation
from sprd.config.params import Scalar
from sprd.errors import InputError

Status = Literal["trained", "infeasible", "stopped", "failed"]

_REFERENCE = "reference"
"""The status of a trained reference in `trials.jsonl`."""


@dataclass(frozen=True)
class Trial:
    """One trial that ended.

    A trained one may have violations too, when the real artifact or the int8 drop breaks the
    budget: it is never exported. `metrics` are scores of the int8 model on validation speakers,
    `footprint` what it takes on the board, `step` the last that was reported, `seconds` the time
    of each part.
    """

    number: int
    status: Status
    params: Mapping[str, Scalar]
    started_at: str
    ended_at: str
    node: str = ""
    error: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    footprint: Mapping[str, Any] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    step: int = 0

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"trial {self.number}"

    @property
    def is_eligible(self) -> bool:
        """Whether the trial can be exported: trained, and within the budget."""
        return self.status == "trained" and not self.violations

    def known(self, key: str) -> float | None:
        """Returns a metric or a number of the footprint by its name; None where it is unknown."""
        return known_number(self.metrics, self.footprint, key)

    def value(self, key: str) -> float:
        """Returns a metric or a number of the footprint that must be there.

        Raises:
            InputError: It is not.
        """
        number = self.known(key)
        if number is None:
            raise InputError(f"{self.name}: has no number named {key!r}.")
        return number

    def as_dict(self) -> dict[str, Any]:
        """Returns what a line of `trials.jsonl` holds."""
        return {**vars(self), "violations": [v.as_dict() for v in self.violations], "label": ""}


@dataclass(frozen=True)
class Reference:
    """One reference that ended; `number` is its place among the references of the sweep file."""

    number: int
    label: str
    status: Status
    started_at: str
    ended_at: str
    node: str = ""
    error: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    footprint: Mapping[str, Any] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    step: int = 0

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.label

    def known(self, key: str) -> float | None:
        """Returns a metric or a number of the footprint by its name; None where it is unknown."""
        return known_number(self.metrics, self.footprint, key)

    def as_dict(self) -> dict[str, Any]:
        """Returns what a line of `trials.jsonl` holds."""
        fields = {**vars(self), "violations": [v.as_dict() for v in self.violations], "params": {}}
        return fields | ({"status": _REFERENCE} if self.status == "trained" else {})


@dataclass(frozen=True)
class OutsideModel:
    """A model that no run trained, scored and measured as a run's trials were."""

    label: str
    metrics: Mapping[str, Any]
    footprint: Mapping[str, Any]
    violations: tuple[Violation, ...] = ()

    def known(self, key: str) -> float | None:
        """Returns a metric or a number of the footprint by its name; None where it is unknown."""
        return known_number(self.metrics, self.footprint, key)


@dataclass(frozen=True)
class FoldResult:
    """What a fold was scored with: each clip of the speakers held out.

    `predicted` and `truth` are indices into the labels, a clip each, as `speakers` is; `scores`
    are those of `sprd.model.evaluate`.
    """

    fold: int
    n_folds: int
    predicted: list[int]
    truth: list[int]
    speakers: list[str]
    scores: Mapping[str, Any]
    model_bytes: int
    seconds: float


@dataclass(frozen=True)
class Fold:
    """One fold of a trial that ended; `result` is None where it failed, and `error` says why."""

    trial: int
    fold: int
    n_folds: int
    result: FoldResult | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return fold_name(self.trial, self.fold, self.n_folds)


Row = Trial | Reference | Fold
"""Whatever ended, for who watches."""

Compared = Reference | OutsideModel
"""What trials are compared with."""


def fold_name(trial: int, fold: int, n_folds: int) -> str:
    """Returns what a person calls a fold: they count from 1."""
    return f"trial {trial}, fold {fold + 1} of {n_folds}"


def timestamp() -> str:
    """Returns now as a row tells it: in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def known_number(
    metrics: Mapping[str, Any], footprint: Mapping[str, Any], key: str
) -> float | None:
    """Returns a number by its key; None where it is unknown, or is no number."""
    value = metrics.get(key, footprint.get(key))
    return float(value) if isinstance(value, (int, float)) else None


def read_row(fields: Any) -> Trial | Reference:
    """Reads what `as_dict` gave; fields that a newer version added are left out.

    Raises:
        KeyError, TypeError, ValueError: It is no row.
    """
    is_reference = bool(fields["label"]) if "label" in fields else False
    kind = Reference if is_reference else Trial
    values = {name: fields[name] for name in kind.__dataclass_fields__ if name in fields}
    violations = tuple(map(Violation.from_dict, fields["violations"]))
    if is_reference and values["status"] == _REFERENCE:
        values["status"] = "trained"
    row = kind(**{**values, "violations": violations})
    if type(row.number) is not int or row.status not in get_args(Status):
        raise TypeError(row.status)
    for table in (row.metrics, row.footprint, row.seconds, fields["params"]):
        if not isinstance(table, dict):
            raise TypeError(table)
    return row
