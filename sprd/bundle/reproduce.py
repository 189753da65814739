"""A bundle in, the same model made again: what differs here, and what came of it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sprd.audio.corpus import Corpus, index_data, split_digest
from sprd.audio.finding import accept
from sprd.audio.findings import find
from sprd.audio.split import Split
from sprd.audio.store import open_features
from sprd.bundle.manifest import check_files, read_manifest
from sprd.bundle.record import config_of
from sprd.config.trial import Config
from sprd.device.footprint import measure_untrusted
from sprd.device.tflm import Runner
from sprd.device.weights import distance
from sprd.disk.process import Progress
from sprd.errors import DataError, InputError, SprdError
from sprd.model.start import set_threads
from sprd.sweep.paths import MODEL
from sprd.sweep.trial.outcome import Outcome
from sprd.sweep.trial.provenance import surroundings
from sprd.sweep.trial.train import run_trial

Result = Literal["identical", "equivalent", "different"]

CONSEQUENCES: Mapping[str, str] = {
    "versions": "another version may compute, convert or lay out otherwise",
    "code": "another state of sprd's own code may train otherwise",
    "cpu_features": "TensorFlow picks its kernels by them: rounding differs, and so do the weights",
    "platform": "another system's libraries round otherwise",
}
"""Keys of the record, and why a difference matters."""


@dataclass(frozen=True)
class Reproduction:
    """What became of making a model again.

    `identical`: the bytes of `model.tflite` are the same. `equivalent`: they are not, but its
    balanced accuracy on validation speakers lies within the 95 % interval of the bundle's.
    """

    result: Result
    differences: tuple[str, ...]
    """What is not as it was when the bundle was made."""
    sha256: tuple[str, str]
    """Of the bundle's model and of the one that was made now."""
    balanced_accuracy: tuple[float, float]
    """Theirs on validation speakers, int8."""
    interval: tuple[float, float]
    n_bytes_different: int
    """Bytes of the files that differ; of the shorter's length, and what one has more."""
    weights_moved: float | None
    """Euclidean distance of their weights as a share of the bundle's; None where shapes differ."""
    largest_output_difference: float
    """Between their probabilities of any label of any validation clip."""
    n_decided_otherwise: int
    """Validation clips that the two hear as different labels."""
    n_clips: int

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON types."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}


def open_record(folder: Path) -> tuple[dict[str, Any], Config]:
    """Reads what a bundle tells of its making.

    Raises:
        InputError: It is no bundle, or its model is not the one that was exported, or none that
            its configuration makes.
    """
    manifest = read_manifest(folder)
    if MODEL in check_files(folder, manifest):
        raise InputError(
            f"{folder}: model.tflite must be the file that was exported, got another or none."
            " See 'sprd verify'."
        )
    config = config_of(manifest)
    model = folder / MODEL
    measure_untrusted(model, None)
    runner = Runner(model.read_bytes(), str(model))
    runner.check_shape(config.features.shape, len(config.labels))
    return manifest, config


def open_same_data(
    manifest: Mapping[str, Any],
    config: Config,
    data: Sequence[Path],
    speech: Sequence[Path],
    progress: Progress | None,
    tell: Callable[[str], None] = lambda line: None,
) -> Corpus:
    """Opens the recordings that the model was made from, and tells what is wrong with them.

    What can be allowed stops nothing: it was let through when the model was made.

    Raises:
        DataError: They are others, or lie elsewhere.
    """
    told = manifest["record"]["data"]
    index = index_data(config.data, data, speech, progress, told.get("moved", {}))
    corpus = index.corpus
    if corpus.fingerprint == told["fingerprint"] and split_digest(corpus) != told["split_digest"]:
        raise DataError(
            f"{corpus.source}: must be split as in the bundle, digest {told['split_digest'][:12]},"
            f" got {split_digest(corpus)[:12]}. Other speakers would train: restore"
            " validation_list.txt and testing_list.txt as they were, or their absence."
        )
    if corpus.fingerprint != told["fingerprint"]:
        raise DataError(
            f"{corpus.source}: must be the {told['n_clips']:,} clips of the bundle, fingerprint"
            f" {told['fingerprint'][:12]}, got {len(corpus.clips):,}, {corpus.fingerprint[:12]}."
            " Other recordings give another model. Give the folder with --data."
        )
    babble = config.augment.babble_frequency
    findings = find(index, config.data, config.features, True, babble)
    return accept(index, findings, (), tell, goes_on=True)


def differences(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Tells what is not as it was when the bundle was made, and what that can change."""
    told, now = manifest["record"], surroundings()
    found = []
    for key, consequence in CONSEQUENCES.items():
        before, after = told.get(key), now.get(key)
        if before == after:
            continue
        if isinstance(before, str) or isinstance(after, str):
            what = f"{str(before)[:12]} -> {str(after)[:12]}"
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            names = sorted({*before, *after})
            what = ", ".join(
                f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
                for name in names
                if before.get(name) != after.get(name)
            )
        else:
            gone = sorted(set(before or ()) - set(after or ()))  # type: ignore[call-overload]
            new = sorted(set(after or ()) - set(before or ()))  # type: ignore[call-overload]
            what = ", ".join([*(f"without {one}" for one in gone), *(f"with {one}" for one in new)])
        found.append(f"{key}: {what}: {consequence}")
    return tuple(found)


def reproduce(
    folder: Path,
    manifest: Mapping[str, Any],
    config: Config,
    corpus: Corpus,
    report: Callable[[dict[str, float], Callable[[Path], None]], None],
) -> Reproduction:
    """Trains the configuration of a bundle again, in this process, and compares the models.

    Raises:
        SprdError: The training failed, or its model does not fit the budget any more.
    """
    set_threads(config.n_threads)
    outcome = run_trial(config, corpus, report)
    if outcome.status != "trained":
        reason = outcome.error or ", ".join(map(str, outcome.violations))
        raise SprdError(f"{folder}: making it again: must train, got {outcome.status}: {reason}.")
    return _compare(folder, manifest, config, corpus, outcome)


def _compare(
    folder: Path, manifest: Mapping[str, Any], config: Config, corpus: Corpus, outcome: Outcome
) -> Reproduction:
    before, now = (folder / MODEL).read_bytes(), outcome.files[MODEL]
    told = manifest["scores"]["validation"]["int8"]
    low, high = told["intervals"]["balanced_accuracy"]
    score = float(outcome.metrics["balanced_accuracy"])
    clips = open_features(corpus, config, Split.VALIDATION).scaled()
    first, second = (Runner(model).predict(clips) for model in (before, now))
    result: Result = "different"
    if before == now:
        result = "identical"
    elif low <= score <= high:
        result = "equivalent"
    a, b = (np.frombuffer(model, np.uint8) for model in (before, now))
    n_common = min(len(a), len(b))
    return Reproduction(
        result=result,
        differences=differences(manifest),
        sha256=(hashlib.sha256(before).hexdigest(), hashlib.sha256(now).hexdigest()),
        balanced_accuracy=(float(told["balanced_accuracy"]), score),
        interval=(float(low), float(high)),
        n_bytes_different=int((a[:n_common] != b[:n_common]).sum()) + abs(len(a) - len(b)),
        weights_moved=distance(before, now),
        largest_output_difference=round(float(np.abs(first - second).max()), 6),
        n_decided_otherwise=int((first.argmax(1) != second.argmax(1)).sum()),
        n_clips=len(clips),
    )
