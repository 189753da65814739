"""Trainings of a few steps, for the tests of this room."""

import hashlib
from pathlib import Path
from typing import Any

from sprd.audio.store import Features
from sprd.config.reader import resolve
from sprd.config.trial import Config
from sprd.model.quantize import convert_int8
from sprd.model.train import Trained, fit
from tests.builders import make_sweep

SWITCHES = {
    "label_smoothing": {"label_smoothing": 0.1},
    "mixup": {"mixup_alpha": 0.4},
    "average": {"average_decay": 0.9},
    "offset": {"keyword_offset": 1.0},
    "teacher": {"teacher_weight": 0.5, "teacher_filters": 8, "teacher_steps": 60},
}
ALL = {key: value for switch in SWITCHES.values() for key, value in switch.items()}
CALM = {"learning_rate": 0.001}
"""A rate at which no training loses its units for good."""


def make_config(
    seed: int = 0,
    train: dict[str, Any] | None = None,
    augment: dict[str, int] | None = None,
    data: dict[str, Any] | None = None,
    model: dict[str, int] | None = None,
) -> Config:
    """A tiny_conv of 25 x 20 features that learns for 40 steps; the arguments replace keys."""
    sweep = make_sweep('"features.frame" = ["40/40x20"]', f"seed = {seed}")
    config = resolve(sweep, {"features.frame": "40/40x20"})
    steps = {"batch_size": 16, "steps": 40, "learning_rate": 0.005, "eval_interval": 10}
    sections = {
        "train": {**steps, "optimizer": "adam", **(train or {})},
        "augment": augment or {},
        "data": data or {},
    }
    updates = {k: getattr(config, k).model_copy(update=v) for k, v in sections.items()}
    params = {**config.model.params, "filters": 4, **(model or {})}
    updates["model"] = config.model.model_copy(update={"params": params})
    return config.model_copy(update=updates)


def reports_of(
    config: Config,
    training: Features,
    validation: Features | None,
    restore: Path | None = None,
    save_at: tuple[int, Path] | None = None,
    **keep: Any,
) -> tuple[Any, ...]:
    """Trains; returns the result, the metrics of each report, and saves at step `save_at[0]`."""
    seen = []

    def report(metrics: Any, save: Any) -> None:
        seen.append(metrics)
        if save_at and metrics["step"] == save_at[0]:
            save(save_at[1])

    return fit(config, training, validation, report, restore, **keep), seen


def digest(trained: Trained, training: Features) -> str:
    """SHA-256 of the int8 file of a trained model."""
    calibration = training.scaled()[:20]
    return hashlib.sha256(convert_int8(trained.model, calibration, True)).hexdigest()
