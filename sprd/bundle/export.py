"""The last look at a trained trial before it leaves: measured again, scored on test speakers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sprd.audio.corpus import Corpus, Split
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
from sprd.sweep.paths import KEPT_OF_A_TRIAL, TrialPaths
from sprd.sweep.rows.row import Trial
from sprd.sweep.trial.measure import take_up


def export(
    sweep: SweepConfig,
    trial: Trial,
    files: TrialPaths,
    corpus: Corpus | None,
    folder: Path,
    attempts: Mapping[int, tuple[Violation, ...]],
) -> tuple[Violation, ...]:
    """Writes the bundle of a trained trial; no training.

    Args:
        sweep: The sweep file of the run.
        trial: The trial.
        files: What is kept of it.
        corpus: The audio, for the scores on test speakers; None leaves them out.
        folder: The bundle.
        attempts: What better trials broke at this check, by their numbers.

    Returns:
        What breaks the budget now; nothing is written then.

    Raises:
        SprdError: The trial's files are gone or damaged.
    """
    model, float_model, record = _read_trial(files)
    config = read_config(record["config"], str(files.record), "Choose another trial.")
    footprint = measure(model, config.budget.board, str(files.model))
    if config.budget.verify == "emulated":
        try:
            footprint = _emulated(model, config, corpus, footprint)
        except EmulationError as error:
            # Another trial may do; this one is not let out.
            return (Violation(EMULATION, None, None, error=str(error)),)
    taken = take_up(config, footprint)
    if taken.violations:
        return taken.violations
    scores = {"validation": record["validation"], "test": None}
    if corpus is not None:
        scores["test"] = _score_test(model, float_model, config, corpus)
    runner = Runner(model)
    write_bundle(
        folder,
        Export(
            config=config,
            sweep_name=sweep.sweep.name,
            sweep_text=sweep.text,
            model=model,
            float_model=float_model,
            trial=trial.as_dict(),
            footprint=taken.footprint,
            ops=footprint.ops,
            quantization=Quantization(
                input_scale=runner.input_scale,
                input_zero_point=runner.input_zero_point,
                output_scale=runner.output_scale,
                output_zero_point=runner.output_zero_point,
                input_length=runner.n_inputs,
            ),
            scores=scores,
            record={
                **record["provenance"],
                "calibration_clips": record["calibration_clips"],
                "attempts": [
                    {"trial": number, "violations": [one.as_dict() for one in violations]}
                    for number, violations in attempts.items()
                ],
            },
        ),
    )
    return ()


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
    found = emulate(model, board.core, inputs)
    if not found.outputs_equal:
        raise EmulationError(
            f"emulated {board.core}: must give the outputs of TensorFlow Lite Micro, but"
            f" {found.n_outputs_different:,} bytes of {found.n_clips} clips differ."
            " Do not flash this model; report it."
        )
    return with_instructions(footprint, read_graph(model), board, found.instructions)


def _score_test(
    model: bytes, float_model: bytes, config: Config, corpus: Corpus
) -> Mapping[str, Any]:
    from sprd.sweep.trial.train import score_split

    return score_split((model, float_model), config, open_features(corpus, config, Split.TESTING))


def _read_trial(files: TrialPaths) -> tuple[bytes, bytes, dict[str, Any]]:
    try:
        record = json.loads(files.record.read_text(encoding="utf-8"))
        model = files.model.read_bytes()
        if not {"config", "validation", "provenance", "calibration_clips"} <= set(record):
            raise ValueError("record.json lacks what a trial writes")
        return model, files.float_model.read_bytes(), record
    except (OSError, ValueError, TypeError) as error:
        raise SprdError(
            f"{files.folder}: must hold {', '.join(KEPT_OF_A_TRIAL)} of the trial:"
            f" {error}. Choose another trial."
        ) from error
