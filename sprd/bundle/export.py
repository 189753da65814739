"""The last look at a trained trial before it leaves: measured again, scored on test speakers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sprd.audio.corpus import Corpus
from sprd.audio.split import Split
from sprd.audio.store import open_features
from sprd.bundle.cpp_sources import Quantization
from sprd.bundle.manifest import Export
from sprd.bundle.record import read_config
from sprd.bundle.write import write_bundle
from sprd.config.limits import EMULATION, Violation
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config
from sprd.device.emulation.emulate import N_CLIPS, emulate
from sprd.device.footprint import Footprint, measure, with_instructions
from sprd.device.graph import read_graph
from sprd.device.tflm import Runner
from sprd.errors import ConfigError, EmulationError, SprdError
from sprd.listening.recognizers import Recognizer
from sprd.sweep.paths import KEPT_OF_A_TRIAL, TrialPaths
from sprd.sweep.rows.guessing import guess_violations
from sprd.sweep.rows.row import Trial
from sprd.sweep.trial.measure import check_footprint


def export(
    sweep: SweepConfig,
    trial: Trial,
    files: TrialPaths,
    corpus: Corpus | None,
    folder: Path,
    attempts: Mapping[int, tuple[Violation, ...]],
) -> tuple[Violation, ...]:
    """Writes a bundle; without a corpus no test scores. `attempts`: what better trials broke here.

    Returns:
        What breaks the budget now, or that it guesses; nothing is written then.

    Raises:
        SprdError: The trial's files are gone or damaged.
    """
    kept = _read_trial(files)
    try:
        footprint = _measure_again(kept, corpus, str(files.model))
    except EmulationError as error:  # another trial may do; this one is not let out
        return (Violation(EMULATION, None, None, error=str(error)),)
    checked = check_footprint(kept.config, footprint)
    violations = checked.violations + guess_violations(kept.record["validation"]["int8"])
    if not violations:
        contents = Export(
            config=kept.config,
            sweep_name=sweep.sweep.name,
            sweep_text=sweep.text,
            model=kept.model,
            float_model=kept.float_model,
            trial=trial.as_dict(),
            footprint=checked.footprint,
            ops=footprint.ops,
            quantization=_quantization(kept.model),
            scores=_scores(kept, corpus),
            record=_making(kept.record, attempts),
            **_listening(kept, corpus),
        )
        write_bundle(folder, contents)
    return violations


@dataclass(frozen=True)
class _Kept:
    """What is kept of a trained trial."""

    model: bytes
    float_model: bytes
    record: Mapping[str, Any]
    config: Config


def _measure_again(kept: _Kept, corpus: Corpus | None, name: str) -> Footprint:
    footprint = measure(kept.model, kept.config.budget.board, name)
    if kept.config.budget.verify == "emulated":
        return _emulated(kept.model, kept.config, corpus, footprint)
    return footprint


def _quantization(model: bytes) -> Quantization:
    runner = Runner(model)
    return Quantization(
        input_scale=runner.input_scale,
        input_zero_point=runner.input_zero_point,
        output_scale=runner.output_scale,
        output_zero_point=runner.output_zero_point,
        input_length=runner.n_inputs,
    )


def _scores(kept: _Kept, corpus: Corpus | None) -> dict[str, Any]:
    """Those on validation speakers as they were; those on test speakers, made for this export."""
    from sprd.sweep.trial.train import score_split

    validation = kept.record["validation"]
    if corpus is None:
        return {"validation": validation, "test": None}
    clips = open_features(corpus, kept.config, Split.TESTING)
    models = (kept.model, kept.float_model)
    return {"validation": validation, "test": score_split(models, kept.config, clips)}


def _listening(kept: _Kept, corpus: Corpus | None) -> dict[str, Any]:
    """Returns the recognizer, and what it does with validation and test speakers.

    Without a corpus those of its trial: nobody new was heard.
    """
    from sprd.listening.score import STREAMS, listen_for_export, nameless

    if kept.config.recognizer is None:
        return {}
    if corpus is not None:
        listened = listen_for_export(kept.config, corpus, kept.model)
        return {"recognizer": listened.recognizer, "streams": listened.streams}
    told = kept.record.get(STREAMS, {}).get("validation", {})
    if "recognizer" not in told:
        return {}
    fields = told["recognizer"]
    recognizer = Recognizer(**{**fields, "thresholds": tuple(fields["thresholds"])})
    return {"recognizer": recognizer, "streams": {"validation": nameless(told), "test": None}}


def _making(
    record: Mapping[str, Any], attempts: Mapping[int, tuple[Violation, ...]]
) -> dict[str, Any]:
    """What a manifest tells of how the model was made, and what was tried before it."""
    return {
        **record["provenance"],
        "calibration_clips": record["calibration_clips"],
        "attempts": [
            {"trial": number, "violations": [one.as_dict() for one in violations]}
            for number, violations in attempts.items()
        ],
    }


def _emulated(
    model: bytes, config: Config, corpus: Corpus | None, footprint: Footprint
) -> Footprint:
    """Counts the instructions on the board's core, on clips of validation speakers.

    Raises:
        EmulationError: It cannot run, or gave other bytes than TensorFlow Lite Micro.
    """
    board = config.budget.board
    if board is None:
        raise ConfigError("[budget] verify: must come with a board, got none. Name a board.")
    inputs = None
    if corpus is not None:
        features = open_features(corpus, config, Split.VALIDATION).scaled()
        chosen = np.linspace(0, len(features) - 1, N_CLIPS).astype(int)
        inputs = Runner(model).quantized(features[chosen])
    found = emulate(model, board.core, inputs, flags=board.build.flags)
    if not found.outputs_equal:
        raise EmulationError(
            f"emulated {board.core}: must give the outputs of TensorFlow Lite Micro, but"
            f" {found.n_outputs_different:,} bytes of {found.n_clips} clips differ."
            " Do not flash this model; report it."
        )
    return with_instructions(footprint, read_graph(model), board, found.instructions)


def _read_trial(files: TrialPaths) -> _Kept:
    try:
        record = json.loads(files.record.read_text(encoding="utf-8"))
        model, float_model = files.model.read_bytes(), files.float_model.read_bytes()
        if not {"config", "validation", "provenance", "calibration_clips"} <= set(record):
            raise ValueError("record.json lacks what a trial writes")
        if not isinstance(record["validation"]["int8"], dict):
            raise TypeError("record.json lacks the scores of validation speakers")
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise SprdError(
            f"{files.folder}: must hold {', '.join(KEPT_OF_A_TRIAL)} of the trial:"
            f" {error}. Choose another trial."
        ) from error
    config = read_config(record["config"], str(files.record), "Choose another trial.")
    return _Kept(model, float_model, record, config)
