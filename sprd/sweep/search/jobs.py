"""What is to be trained, who hands it out, and who is told: between a search and a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sprd.config.params import Scalar
from sprd.config.trial import Config
from sprd.sweep.rows.row import Row
from sprd.sweep.trial.outcome import Outcome


@dataclass(frozen=True)
class Candidate:
    """A training that is to be done, numbered among those of its `Jobs`.

    `point` is of the search space, empty for what has none. `fold` is the one to hold out and how
    many there are, None for an ordinary training. What `is_apart`, a reference or a fold, is
    compared with no other while it trains, and never stopped.
    """

    number: int
    name: str
    point: Mapping[str, Scalar]
    config: Config
    is_apart: bool = False
    fold: tuple[int, int] | None = None


class Jobs(Protocol):
    """Trainings to be done: the candidates of a search, or the folds of a cross-validation."""

    kind: str
    """What they are, as a name of a folder: "trials" or "folds"."""

    @property
    def scheduler(self) -> str:
        """What may stop one that lags behind, as in `[sweep] scheduler`."""

    @property
    def is_done(self) -> bool:
        """Whether nothing more will come."""

    @property
    def ended_by(self) -> str | None:
        """The rule of the sweep file that ended it early, or None."""

    def resume(self, points: Mapping[int, Mapping[str, Scalar]]) -> None:
        """Takes in the points of trainings, by their numbers, that can go on."""

    def next(self) -> Candidate | None:
        """Returns the next training; None while enough are running, or when done."""

    def ended(self, number: int, outcome: Outcome) -> None:
        """Takes in how a training ended."""

    def drain(self) -> list[Row]:
        """Returns what ended since the last call."""


class Watcher(Protocol):
    """Is told what happens in a run; shows it or does not."""

    def started(self, candidate: Candidate) -> None:
        """A candidate went to a worker."""

    def progressed(self, number: int, metrics: Mapping[str, float]) -> None:
        """A training evaluated its model."""

    def ended(self, row: Row) -> None:
        """A training became a row."""

    def note(self, text: str) -> None:
        """Something that is worth a line."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Something other than a training moved on: reading, speaking, computing features."""
