"""The folder of a run in, the name of every file in it out: the only place that knows them."""

from dataclasses import dataclass
from pathlib import Path

MODEL, FLOAT_MODEL, RECORD = "model.tflite", "model_float.tflite", "record.json"

KEPT_OF_A_TRIAL = (MODEL, FLOAT_MODEL, RECORD)
"""What a trained trial leaves: `pick` and `export` need no more, and never train again."""


@dataclass(frozen=True)
class TrialPaths:
    """`trials/<number>/`: what is kept of one trained trial."""

    folder: Path

    @property
    def model(self) -> Path:
        """The int8 model."""
        return self.folder / MODEL

    @property
    def float_model(self) -> Path:
        """The same before quantization."""
        return self.folder / FLOAT_MODEL

    @property
    def record(self) -> Path:
        """Configuration, scores and provenance."""
        return self.folder / RECORD


@dataclass(frozen=True)
class RunPaths:
    """What a sweep leaves."""

    folder: Path

    @property
    def source(self) -> Path:
        """Where the run comes from; it marks a folder as a run's, so it is written first."""
        return self.folder / "run.json"

    @property
    def sweep(self) -> Path:
        """The sweep file, as read."""
        return self.folder / "sweep.toml"

    @property
    def board(self) -> Path:
        """The user's own board, as read; no file where the board is one of the package's."""
        return self.folder / "board.toml"

    @property
    def table(self) -> Path:
        """One object a trial that ended: the state of the run."""
        return self.folder / "trials.jsonl"

    @property
    def folds(self) -> Path:
        """What cross-validation trained, one object a fold."""
        return self.folder / "folds.jsonl"

    @property
    def importances(self) -> Path:
        """Which parameters mattered, by objective."""
        return self.folder / "importance.json"

    @property
    def bundle(self) -> Path:
        """The exported winner."""
        return self.folder / "bundle"

    @property
    def tensorboard(self) -> Path:
        """Scalars, one folder a trial."""
        return self.folder / "tensorboard"

    @property
    def ray(self) -> Path:
        """Checkpoints of what is not finished, where no storage is named; disposable."""
        return self.folder / "ray"

    @property
    def lock(self) -> Path:
        """Held by the command that writes."""
        return self.folder / ".lock"

    @property
    def frontier_plot(self) -> Path:
        """The trials that no other beats, drawn."""
        return self.folder / "frontier.png"

    @property
    def frontier_page(self) -> Path:
        """The same, to look at in a browser."""
        return self.folder / "frontier.html"

    def trial(self, number: int) -> TrialPaths:
        """What is kept of a trained trial."""
        return TrialPaths(self.folder / "trials" / str(number))

    def bundle_of(self, number: int) -> Path:
        """The bundle of a trial that was picked."""
        return self.folder / f"bundle-{number}"

    def unfinished(self, kind: str) -> Path:
        """There for as long as checkpoints of "trials" or "folds" may lie, here or elsewhere."""
        return self.ray / kind
