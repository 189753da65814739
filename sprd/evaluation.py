"""A model and a folder of clips in, scores out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sprd.audio.augment import noise_of
from sprd.audio.corpus import Split, index_folder, read_noise
from sprd.audio.store import compute_features
from sprd.bundle.manifest import config_of, read_manifest
from sprd.config import Config
from sprd.device.footprint import measure_untrusted
from sprd.device.tflm import Runner
from sprd.errors import DataError, InputError, ModelFileError
from sprd.model.evaluate import score
from sprd.sweep.run import VOCABULARY
from sprd.sweepfile import load_sweep

SPLITS = {"training": Split.TRAINING, "validation": Split.VALIDATION, "test": Split.TESTING}

Progress = Callable[[str, int, int], None]


def evaluate_model(
    model: Path,
    data: Path,
    sweep_file: Path | None,
    split: str,
    n_silence: int,
    seed: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Scores a bundle's int8 model, or a bare .tflite, in TFLM.

    Args:
        model: Folder of a bundle, or a .tflite with `sweep_file`.
        data: Folder of clips; every clip is scored, words that are no label as `_unknown_`.
        sweep_file: What a bare .tflite hears: labels and front end.
        split: "all", or "training", "validation", "test": only those speakers.
        n_silence: `_silence_` clips cut from the folder's noise.
        seed: Of those cuts.

    Raises:
        InputError: Model, sweep file or data cannot be used.
    """
    config, content = _open(model, sweep_file)
    corpus = index_folder(data, config.data)
    clips = [c for c in corpus.clips if split == "all" or c.split == SPLITS[split]]
    if not clips:
        raise DataError(f"{data}: must hold clips of the {split} split, got none.")
    recordings = read_noise(corpus, config.features.sample_rate_hz)
    noise = noise_of(recordings, config.features.n_samples, SPLITS.get(split))
    features = compute_features(clips, noise, config.features, n_silence, seed, progress)
    runner = Runner(content, str(model))
    _check_shape(model, runner, config)
    probabilities = runner.predict(features.scaled())
    labels = config.labels
    scores = score(probabilities, features.labels(labels), features.speakers, labels)
    return {"model": str(model), "data": str(data), "split": split, **scores.as_dict()}


def _open(model: Path, sweep_file: Path | None) -> tuple[Config, bytes]:
    """Returns what the model hears and its bytes; the file is checked in a child process first."""
    if model.is_dir():
        config = config_of(read_manifest(model))
        file = model / "model.tflite"
    elif sweep_file is None:
        raise InputError(
            f"{model}: must be the folder of a bundle, or a .tflite file with --sweep FILE, which"
            " tells its labels and front end."
        )
    else:
        config, file = load_sweep(sweep_file, VOCABULARY).default, model
    measure_untrusted(file, None)
    return config, file.read_bytes()


def _check_shape(model: Path, runner: Runner, config: Config) -> None:
    frames, channels = config.features.shape
    if runner.n_inputs != frames * channels or runner.n_outputs != len(config.labels):
        raise ModelFileError(
            f"{model}: must take {frames} frames x {channels} channels and give"
            f" {len(config.labels)} labels, got {runner.n_inputs} inputs and {runner.n_outputs}"
            " outputs. Give the sweep file that it was trained with."
        )
