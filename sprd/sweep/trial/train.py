"""One trial, a plain function: a configuration in, models and scores out. No Ray.

Before it trains, the model's size and time are measured on random weights; what does not fit is
not trained. After it, the real artifact is measured again and scored: clips in TensorFlow Lite
Micro, streams by fast kernels.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sprd.audio.corpus import Corpus
from sprd.audio.split import Split
from sprd.audio.store import Features, open_features, without_missing_cuts
from sprd.config.limits import UNMEASURABLE
from sprd.config.trial import Config
from sprd.device.footprint import measure
from sprd.device.tflm import Runner
from sprd.errors import ConfigError, TrainingError
from sprd.listening.score import STREAMS, listen, prepare
from sprd.model.evaluate import Scores, score
from sprd.model.quantize import calibration_clips, convert_float, convert_int8
from sprd.model.train import Trained, fit, predict
from sprd.sweep.paths import FLOAT_MODEL, MODEL, RECORD
from sprd.sweep.rows.guessing import guess_violations
from sprd.sweep.trial.measure import (
    ACCURACY_DROP,
    check_footprint,
    measure_candidate,
    score_violations,
)
from sprd.sweep.trial.outcome import Outcome
from sprd.sweep.trial.provenance import provenance

Report = Callable[[dict[str, float], Callable[[Path], None]], None]


def run_trial(
    config: Config, corpus: Corpus, report: Report, restore: Path | None = None
) -> Outcome:
    """Measures, trains, quantizes and scores one configuration.

    Args:
        config: The trial. Where no training reader speaks it is one without cuts of speech.
        corpus: Its audio.
        report: Called while it trains, see `sprd.model.train.fit`.
        restore: A checkpoint of this very configuration to go on from.

    Returns:
        The outcome: "infeasible" before any training step, "trained", or "failed" when the loss
        is not finite.
    """
    config = without_missing_cuts(config, corpus)
    clock = _Clock()
    try:
        with clock.time("measure"):
            checked = check_footprint(config, measure_candidate(config))
    except ConfigError as error:
        return Outcome("infeasible", violations=(UNMEASURABLE,), error=str(error))
    if checked.violations:
        return Outcome(
            "infeasible",
            footprint=checked.footprint,
            violations=checked.violations,
            seconds=clock.seconds,
        )
    with clock.time("features"):
        training, validation = _open_audio(config, corpus)
    try:
        with clock.time("train"):
            trained = fit(config, training, validation, report, restore)
    except TrainingError as error:
        return Outcome(
            "failed", footprint=checked.footprint, error=str(error), seconds=clock.seconds
        )
    return _finish(config, corpus, trained, training, validation, clock)


def quantize_trained(
    config: Config, trained: Trained, training: Features
) -> tuple[bytes, bytes, list[int]]:
    """Converts a trained model.

    Returns:
        The int8 and the float .tflite, and the training clips that the ranges of the int8 model
        were measured on.
    """
    chosen = calibration_clips(training.labels(config.labels), config.seed)
    calibration = training.raw[chosen, 0].astype(np.float32) * np.float32(training.scale)
    fixed_input = config.features.preprocess == "micro"
    int8 = convert_int8(trained.model, calibration.reshape(len(chosen), -1), fixed_input)
    return int8, convert_float(trained.model), [int(i) for i in chosen]


def score_split(
    models: tuple[bytes, bytes], config: Config, clips: Features
) -> dict[str, dict[str, Any]]:
    """Scores the int8 and the float .tflite of one model: {"int8": ..., "float": ...}."""
    return {
        "int8": _score_int8(models[0], config, clips).as_dict(),
        "float": _score_float(models[1], config, clips).as_dict(),
    }


def _score_int8(model: bytes, config: Config, clips: Features) -> Scores:
    probabilities = Runner(model).predict(clips.scaled())
    return score(probabilities, clips.labels(config.labels), clips.speakers, config.labels)


def _score_float(model: bytes, config: Config, clips: Features) -> Scores:
    from sprd.model.quantize import FloatRunner

    probabilities = FloatRunner(model).predict(clips.scaled())
    return score(probabilities, clips.labels(config.labels), clips.speakers, config.labels)


def _finish(
    config: Config,
    corpus: Corpus,
    trained: Trained,
    training: Features,
    validation: Features,
    clock: "_Clock",
) -> Outcome:
    with clock.time("quantize"):
        model, float_model, chosen = quantize_trained(config, trained, training)
    with clock.time("score"):
        checked = check_footprint(config, measure(model, config.budget.board))
        labels, speakers = validation.labels(config.labels), validation.speakers
        int8 = _score_int8(model, config, validation)
        floats = score(predict(trained.model, validation.scaled()), labels, speakers, config.labels)
    drop = round(floats.balanced_accuracy - int8.balanced_accuracy, 6)
    metrics = _metrics(trained, int8, floats, drop)
    streams = _listen(config, corpus, model, metrics, clock)
    misses = checked.violations + guess_violations(metrics)
    misses += score_violations(config.budget, metrics)
    record = {
        "config": config.model_dump(mode="json"),
        "validation": {"int8": int8.as_dict(), "float": floats.as_dict()},
        "calibration_clips": chosen,
        "footprint": checked.footprint,
        "provenance": provenance(config, corpus),
        **streams,
    }
    return Outcome(
        "trained",
        metrics,
        checked.footprint,
        misses,
        clock.seconds,
        files={
            MODEL: model,
            FLOAT_MODEL: float_model,
            RECORD: (json.dumps(record, indent=1, sort_keys=True) + "\n").encode(),
        },
    )


def _open_audio(config: Config, corpus: Corpus) -> tuple[Features, Features]:
    """Opens training and validation clips; makes the streams that will be heard, if any."""
    if config.recognizer is not None:
        prepare(corpus, config)
    training = open_features(corpus, config, Split.TRAINING)
    return training, open_features(corpus, config, Split.VALIDATION)


def _listen(
    config: Config, corpus: Corpus, model: bytes, metrics: dict[str, Any], clock: "_Clock"
) -> dict[str, Any]:
    """Adds the scores on streams to the metrics, where there is a recognizer.

    Returns:
        What a record keeps of them.
    """
    if config.recognizer is None:
        return {}
    with clock.time("listen"):
        listened = listen(config, corpus, model)
    metrics |= listened.metrics
    metrics["intervals"] = {**metrics["intervals"], **listened.record["intervals"]}
    return {STREAMS: {"validation": listened.record}}


def _metrics(trained: Trained, int8: Scores, floats: Scores, drop: float) -> dict[str, Any]:
    return {
        **int8.as_metrics(),
        "float_balanced_accuracy": floats.balanced_accuracy,
        ACCURACY_DROP: drop,
        "val_balanced_accuracy": trained.val_balanced_accuracy,
        "best_step": trained.best_step,
        "ms_per_step": trained.ms_per_step and round(trained.ms_per_step, 4),
    }


class _Clock:
    """Seconds of the parts of a trial."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = round(time.perf_counter() - start, 4)
