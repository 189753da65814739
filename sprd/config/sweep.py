"""The frozen types of a sweep file that say what is searched, how, and which number decides.

What one trial computes is in `sprd.config.trial`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from sprd.config.dimensions import Choice, Range
from sprd.config.frozen import Section
from sprd.config.objectives import Objective, parse_objectives
from sprd.config.params import Scalar, Vocabulary
from sprd.config.trial import Config, PositiveInt, Words


class SweepSection(Section):
    """How many trials run, how they are chosen and which number decides."""

    name: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="Name of the sweep; the run goes to `runs/<name>` unless `--out` says where.",
    )
    n_trials: PositiveInt = Field(
        1,
        le=100_000,
        description="Trials trained to their end. Rejected and stopped candidates do not count.",
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="Seed of the sampler, the weights and the batch order."
    )
    sampler: Literal["bayes", "tpe", "nsga2", "random", "grid"] = Field(
        "bayes",
        description="How candidates are proposed: by our model of scores and costs (`bayes`), by "
        "Optuna's (`tpe`), by evolution, at random, or every point of a grid in random order.",
    )
    scheduler: Literal["asha", "hyperband", "median", "none"] | None = Field(
        None,
        description="Stops trials that lag behind at the same step; `hyperband` is ASHA with three "
        "brackets, `median` stops what is below the median, `none` never stops one. Unset: `asha` "
        "with one objective; `none` with several, where a small model may lag and still win.",
    )
    reduction_factor: int = Field(
        3, ge=2, le=10, description="ASHA and Hyperband let the best 1 in this many go on."
    )
    grace_steps: int | None = Field(
        None, ge=1, description="Steps before a trial may be stopped; unset: a fifth of the steps."
    )
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="After so many minutes of a command no trial starts; those that run end.",
    )
    patience_trials: PositiveInt | None = Field(
        None, description="Ends the sweep when so many trained trials left the frontier as it was."
    )
    max_concurrent_trials: PositiveInt | None = Field(
        None, description="Trials at the same time; unset: what the CPUs of the cluster hold."
    )
    cpus_per_trial: PositiveInt = Field(
        1, le=256, description="CPUs, and TensorFlow threads, of one trial. Part of the record."
    )
    gpus_per_trial: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of a GPU for one trial: 0.25 lets four share one. 0: none is used.",
    )
    objectives: Words = Field(
        ("balanced_accuracy",),
        description="What decides, the most important first: scores of the int8 model on "
        "validation speakers, and what it takes. Less of a cost is better; `max` or `min` before "
        "a name says otherwise.",
    )
    warm_start: Words = Field(
        (),
        description="Folders of earlier runs to learn from, relative to the sweep file. What was "
        "made from other data or other settings is tried anew, if it was on its frontier.",
    )
    confirm_folds: int | None = Field(
        None,
        ge=2,
        le=20,
        description="Trains the best few anew on so many folds of the training and validation "
        "speakers; the best mean within `max_false_accept_rate` is exported. Unset: no.",
    )
    confirm_trials: PositiveInt = Field(
        3, le=100, description="How many of the best are confirmed that way."
    )
    storage: str | None = Field(
        None, description="Folder or URI that all nodes of a cluster share; unset: inside `--out`."
    )


class ReferenceSection(Section):
    """A recipe to compare with: trained on the same data, outside the space and the budget."""

    name: str = Field(min_length=1, max_length=40, description="How it is called in plots.")
    sweep: str = Field(min_length=1, description="Its sweep file, relative to this one.")


class SweepConfig(Section):
    """A sweep file: the trial it starts from, the space it searches, and how."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    path: Path
    text: str
    sweep: SweepSection
    start: tuple[Mapping[str, Scalar], ...]
    """Points to try first; what a point does not name is sampled."""
    references: tuple[ReferenceSection, ...]
    base: Mapping[str, Mapping[str, object]]
    """The tables of the file as read, from which every trial's configuration is resolved."""
    space: Mapping[str, Choice | Range]
    vocabulary: Vocabulary
    board_text: str | None
    """The user's own board file, as read; None where the board is one of the package's."""
    default: Config
    """The configuration with no point of the space applied: data, budget and seed are always so."""

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What decides, the most important first."""
        return parse_objectives(self.sweep.objectives)

    @property
    def first_number(self) -> int:
        """Number of the first trial: references are numbered before."""
        return len(self.references)

    @property
    def scheduler(self) -> str:
        """What stops a lagging trial: by accuracy alone, so not where small models may win."""
        unset = "asha" if len(self.objectives) == 1 else "none"
        return self.sweep.scheduler or unset
