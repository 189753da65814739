"""A model and clips in, scores out: those of a folder, or the validation speakers of a run."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sprd.audio.corpus import Corpus, look_into, open_corpus
from sprd.audio.finding import accept
from sprd.audio.findings import find
from sprd.audio.maker import Unvaried, hear_unvaried
from sprd.audio.split import Clip, Split
from sprd.audio.store import Features, compute_features, open_features
from sprd.bundle.heard import HeardClip, heard_clips, wav_bytes
from sprd.bundle.opened import Opened, open_model
from sprd.config.frozen import replaced
from sprd.config.reader import load_recipe
from sprd.config.trial import Config
from sprd.device.footprint import measure_untrusted
from sprd.device.tflm import Runner
from sprd.disk.child import call_in_child
from sprd.disk.process import Progress
from sprd.errors import ConfigError, DataError
from sprd.model.evaluate import score
from sprd.model.start import load_tensorflow
from sprd.sweep.rows.row import OutsideModel
from sprd.sweep.run import VOCABULARY, Run, check_data, reopen_run
from sprd.sweep.trial.measure import check_footprint
from sprd.sweep.trial.provenance import SPLITS


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on a folder, and each clip of it as it was heard."""

    scores: dict[str, Any]
    labels: tuple[str, ...]
    clips: tuple[HeardClip, ...]
    """Recordings, then cuts of silence."""
    sound: Callable[[int], bytes]
    """Returns what the model heard of the clip with this number, as the content of a WAV file."""


def evaluate_model(
    model: Path,
    data: Sequence[Path],
    sweep_file: Path | None,
    split: str,
    n_silence: int,
    seed: int,
    progress: Progress | None = None,
    allowed: Collection[str] = (),
    tell: Callable[[str], None] = lambda line: None,
    speech: Sequence[Path] = (),
) -> Evaluation:
    """Scores a bundle's int8 model, or a bare .tflite, in TFLM.

    Args:
        model: Folder of a bundle, or a .tflite with `sweep_file`.
        data: Folders of clips; every clip is scored, words that are no label as `_unknown_`.
        sweep_file: What a bare .tflite hears: labels and front end.
        split: "all", or "training", "validation", "test": only those speakers.
        n_silence, seed: `_silence_` clips cut from the folder's noise, and the seed of the cuts.
        allowed, tell: What may be wrong with the clips, and who is told what is: see `accept`.
        speech: Folders of running speech: looked at, not scored, for they hold no clips.

    Raises:
        InputError: Model, sweep file or data cannot be used.
    """
    opened = open_model(model, sweep_file)
    config, corpus = opened.config, _look_at(data, speech, opened, allowed, tell)
    clips = _clips_of(corpus, split, data)
    heard = hear_unvaried(corpus, config, SPLITS.get(split), seed)
    features = compute_features(clips, heard, n_silence, progress)
    probabilities, labels = _predicted(opened.content, str(model), config, features), config.labels
    scores = score(probabilities, features.labels(labels), features.speakers, labels)
    others = sorted({clip.word for clip in clips} - set(labels))
    return Evaluation(
        scores={**_told(model, data, split), "other_words": others, **scores.as_dict()},
        labels=labels,
        clips=tuple(heard_clips(clips, probabilities, labels)),
        sound=_sounds(clips, heard),
    )


def _told(model: Path, data: Sequence[Path], split: str) -> dict[str, object]:
    """Returns what was scored on what: one folder by its name, several as a list."""
    names = [str(folder) for folder in data]
    return {"model": str(model), "data": names if len(names) > 1 else names[0], "split": split}


def _look_at(
    data: Sequence[Path],
    speech: Sequence[Path],
    opened: Opened,
    allowed: Collection[str],
    tell: Callable[[str], None],
) -> Corpus:
    """Opens the clips and tells all that is wrong with them."""
    config = opened.config
    index = look_into(data[0], config.data, None, opened.moved, data[1:], speech)
    findings = find(index, config.data, config.features, is_trained=False)
    return accept(index, findings, allowed, tell)


def _predicted(model: bytes, name: str, config: Config, clips: Features) -> NDArray[np.float32]:
    """(n, n_labels): probabilities in TFLM."""
    runner = Runner(model, name)
    runner.check_shape(config.features.shape, len(config.labels))
    return runner.predict(clips.scaled())


def _clips_of(corpus: Corpus, split: str, data: Sequence[Path]) -> list[Clip]:
    clips = [c for c in corpus.clips if split == "all" or c.split == SPLITS[split]]
    if not clips:
        raise DataError(
            f"{', '.join(map(str, data))}: must hold clips of the {split} split, got none."
        )
    return clips


def _sounds(clips: Sequence[Clip], heard: Unvaried) -> Callable[[int], bytes]:
    """Returns a function: number of a clip, cuts of silence last -> its WAV, as it was scored."""

    def sound(number: int) -> bytes:
        own = number < len(clips)
        samples = heard.clip(clips[number]) if own else heard.silence(number - len(clips))
        return wav_bytes(samples, heard.features.sample_rate_hz)

    return sound


def score_reference(run: Run, model: Path, sweep_file: Path) -> OutsideModel:
    """Scores an int8 model as a run's trials were: its validation speakers, in TFLM, on its board.

    TensorFlow, which computes the features, is loaded in a process of its own.

    Args:
        run: Gives data, split and board.
        model: A .tflite file.
        sweep_file: What it hears: the order of its labels, and its front end.

    Returns:
        Its scores and its footprint, labelled by the file's name; what it breaks of the run's
        budget is told, though it is never exported.

    Raises:
        ConfigError: Its keywords are not the run's, or the data are others.
        InputError: Model, sweep file or data cannot be used.
    """
    own, ours = load_recipe(sweep_file, VOCABULARY), run.sweep.default
    if set(own.labels) != set(ours.labels):
        raise ConfigError(
            f"{sweep_file} [data] keywords: must be those of {run.folder}, {_words(ours)}, got"
            f" {_words(own)}. Give the sweep file of a model for the same words."
        )
    args = (run.folder, run.data, run.speech, model, sweep_file)
    return call_in_child(f"{model}: scoring it", _score_reference, *args)


def _score_reference(
    run_folder: Path,
    data: Sequence[Path],
    speech: Sequence[Path],
    model: Path,
    sweep_file: Path,
) -> OutsideModel:
    load_tensorflow()
    run = reopen_run(run_folder, data, speech)
    own, ours = load_recipe(sweep_file, VOCABULARY), run.sweep.default
    footprint = measure_untrusted(model, ours.budget.board)
    runner = Runner(model.read_bytes(), str(model))
    runner.check_shape(own.features.shape, len(own.labels))
    # The split must be the run's, and what is heard before a clip; the order of the labels the
    # model's.
    words = replaced(ours.data, keywords=own.data.keywords)
    config = replaced(own, data=words, augment=ours.augment, budget=ours.budget)
    corpus = open_corpus(ours.data, run.data, run.speech)
    check_data(run, corpus.fingerprint)
    clips = open_features(corpus, config, Split.VALIDATION)
    labels = config.labels
    probabilities = runner.predict(clips.scaled())
    scores = score(probabilities, clips.labels(labels), clips.speakers, labels)
    checked = check_footprint(config, footprint)
    return OutsideModel(
        label=model.name,
        metrics=scores.as_metrics(),
        footprint=checked.footprint,
        violations=checked.violations,
    )


def _words(config: Config) -> str:
    return ", ".join(map(repr, config.data.keywords))
