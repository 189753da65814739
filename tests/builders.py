"""What several tests start from: rows of a table, sweep files."""

from pathlib import Path
from typing import Any

import numpy as np

from sprd.config.reader import parse_sweep
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config
from sprd.model.evaluate import score_predicted
from sprd.sweep.cluster.checkpoints import training_key, training_label
from sprd.sweep.rows.row import FoldResult, OutsideModel, Reference, Status, Trial
from tests.strategies import VOCABULARY

FOLD_LABELS = ("_silence_", "_unknown_", "up", "down")


def make_row(number: int, status: Status = "trained", score: float = 0.9, **fields: Any) -> Trial:
    """A trial with a score and a footprint; `fields` add to them or replace other fields."""
    return Trial(
        number=number, status=status, params=fields.pop("params", {}), **_ended(score, fields)
    )


def make_reference(
    number: int, label: str, status: Status = "trained", score: float = 0.9, **fields: Any
) -> Reference:
    """A reference with a score and a footprint; `fields` as those of `make_row`."""
    return Reference(number=number, label=label, status=status, **_ended(score, fields))


def make_outside_model(label: str, score: float = 0.9, **fields: Any) -> OutsideModel:
    """A model that no run trained; `fields` as those of `make_row`."""
    ended = _ended(score, fields)
    return OutsideModel(label, ended["metrics"], ended["footprint"], ended.get("violations", ()))


def _ended(score: float, fields: dict[str, Any]) -> dict[str, Any]:
    metrics = {
        "balanced_accuracy": score,
        "accuracy": score,
        "false_accept_rate": 1 - score,
        "false_reject_rate": 1 - score,
        "val_balanced_accuracy": score,
    }
    footprint = {"flash_bytes": 200_000, "ram_bytes": 50_000, "model_bytes": 10_000}
    return {
        "started_at": "2026-01-01T00:00:00.000+00:00",
        "ended_at": "2026-01-01T00:00:01.000+00:00",
        **fields,
        "metrics": metrics | fields.get("metrics", {}),
        "footprint": footprint | fields.get("footprint", {}),
    }


def make_sweep(space: str = "", sweep: str = "", model: str = "tiny_conv") -> SweepConfig:
    """A sweep with these lines in `[space]` and `[sweep]`."""
    text = (
        f'[sweep]\nname = "x"\n{sweep}\n[data]\nkeywords = ["up", "down"]\n'
        f'[model]\narchitecture = "{model}"\n[train]\nsteps = 40\nlearning_rate = 0.01\n'
        f"eval_interval = 20\n[space]\n{space}\n"
    )
    return parse_sweep(text, Path("/sweeps/x.toml"), VOCABULARY)


def make_fold(
    fold: int, truth: list[int], predicted: list[int], speakers: list[str], n_folds: int = 2
) -> FoldResult:
    """The result of a fold, made by hand."""
    scores = score_predicted(np.array(predicted), np.array(truth), speakers, FOLD_LABELS)
    return FoldResult(
        fold=fold,
        n_folds=n_folds,
        predicted=predicted,
        truth=truth,
        speakers=speakers,
        scores=scores.as_dict(),
        model_bytes=1000,
        seconds=1.5,
    )


def leave_checkpoint(
    folder: Path,
    config: Config,
    step: int,
    data: str = "f" * 64,
    number: int = 0,
    point: dict[str, Any] | None = None,
) -> Path:
    """Writes what a trial reports while it trains; returns the file of its state."""
    folder.mkdir(parents=True)
    (folder / "training.json").write_text(
        training_label(training_key(config, data), number, point or {})
    )
    path = folder / "state.npz"
    np.savez(path, numbers=np.array([step, 0.5, step, 1.0]), v0=np.zeros(100))
    return path
