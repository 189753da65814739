"""A bundle in, what is wrong with it out: files changed or gone, or a budget that it breaks."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from math import isclose
from pathlib import Path
from typing import Any, cast

from sprd.bundle.manifest import check_files, read_manifest
from sprd.bundle.record import config_of
from sprd.config.labels import NOT_KEYWORDS
from sprd.config.limits import Violation
from sprd.config.trial import Config
from sprd.device.footprint import Footprint, measure_untrusted
from sprd.sweep.paths import MODEL
from sprd.sweep.trial.measure import (
    ACCURACY_DROP,
    FALSE_ACCEPT_RATE,
    check_footprint,
    score_violations,
)
from sprd.sweep.trial.provenance import surroundings

TFLM = "tflite-micro"
EXACT = ("model_bytes", "arena_host_bytes", "macs")
"""Numbers that are the same wherever the same model is measured."""

_HEADER, _SOURCE = "model_settings.h", "model_settings.cc"
_CONSTANTS = {
    "average_window_ms": "kAverageWindowDurationMs",
    "detection_threshold": "kDetectionThreshold",
    "suppression_ms": "kSuppressionMs",
    "minimum_count": "kMinimumCount",
    "interval_ms": "kInferenceIntervalMs",
}
"""By the key of a manifest's thresholds the constant of the header; 0 and none are the same."""


@dataclass(frozen=True)
class Verdict:
    """What a look at a bundle found; empty lists where nothing is wrong."""

    changed_files: tuple[str, ...]
    """Missing, or with another SHA-256 than the manifest tells."""
    changed_numbers: tuple[str, ...]
    """What the manifest tells otherwise than measured now, or in two ways."""
    violations: tuple[Violation, ...]
    """Limits of the sweep's budget that the model breaks now."""

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON types."""
        return {
            "changed_files": list(self.changed_files),
            "changed_numbers": list(self.changed_numbers),
            "violations": [violation.as_dict() for violation in self.violations],
        }


def verify(folder: Path) -> Verdict:
    """Checks a bundle: its schema, the hash of each file, its footprint against its budget.

    Nothing is trained and no audio is needed. Where the budget was verified on an emulated core,
    its instructions and milliseconds are taken from the manifest: `sprd emulate` counts them.

    Raises:
        InputError: The folder is no bundle, or its manifest or model is damaged beyond reading.
    """
    manifest = read_manifest(folder)
    config = config_of(manifest)
    changed = check_files(folder, manifest)
    if MODEL in changed:
        return Verdict(changed, (), ())
    told = manifest["footprint"]
    found = measure_untrusted(folder / MODEL, config.budget.board)
    if config.budget.verify == "emulated" and told.get("latency_source") == "emulated":
        found = _with_emulated(found, told)
    checked = check_footprint(config, found)
    differing = [*_other_sizes(manifest, checked.footprint), *_contradictions(manifest, config)]
    if not {_HEADER, _SOURCE} & set(changed):
        differing += other_settings(folder, manifest)
    broken = checked.violations + _of_scores(manifest, config)
    return Verdict(changed, tuple(differing), broken)


def _other_sizes(manifest: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Words what is told otherwise than it was measured.

    Estimates are compared where sprd's code is that of the export, and what TFLM allocates here
    where its version is.
    """
    told, record, now = manifest["footprint"], manifest["record"], surroundings()
    has_same_tflm = record["versions"].get(TFLM) == cast(Mapping[str, str], now["versions"])[TFLM]
    has_same_code = record["code"] == now["code"]
    for key, value in found.items():
        if key == "arena_host_bytes" and not has_same_tflm:
            continue
        if key in EXACT or has_same_code:
            before = told.get(key)
            is_number = isinstance(value, (int, float)) and isinstance(before, (int, float))
            if not (isclose(before, value, rel_tol=1e-9) if is_number else before == value):
                yield f"footprint {key}: manifest {before}, measured {value}"


def _contradictions(manifest: Mapping[str, Any], config: Config) -> Iterator[str]:
    """Words what the manifest tells twice, and not alike."""
    frames, channels = config.features.shape
    board, build = config.budget.board, manifest.get("build")  # bundles of old tell no build
    text = hashlib.sha256(manifest["sweep_text"].encode()).hexdigest()
    for name, told, expected in (
        ("labels", manifest["labels"], list(config.labels)),
        ("build", build, board.build.name if board and build else None),
        ("seed", manifest["seed"], config.seed),
        ("record.seed", manifest["record"]["seed"], config.seed),
        ("n_threads", manifest["n_threads"], config.n_threads),
        ("record.n_threads", manifest["record"]["n_threads"], config.n_threads),
        ("quantization.input_length", manifest["quantization"]["input_length"], frames * channels),
        ("SHA-256 of sweep_text", text, manifest["files"]["sweep.toml"]["sha256"]),
    ):
        if told != expected:
            yield f"{name}: must be {expected}, as the manifest tells elsewhere, got {told}"


def other_settings(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Words what a manifest tells of the recogniser otherwise than the sources beside it.

    `sprd stream` and `sprd listen` take it from the manifest, a device from the sources.
    """
    told, labels = manifest["thresholds"], manifest["labels"]
    header, source = ((folder / name).read_text("utf-8", "replace") for name in (_HEADER, _SOURCE))
    constants = dict(re.findall(r"^constexpr int (k\w+) = (\d{1,9});", header, re.MULTILINE))
    for key, constant in _CONSTANTS.items():
        in_header, in_manifest = int(constants.get(constant, 0)), told.get(key) or 0
        if in_manifest != in_header:
            yield f"thresholds.{key}: manifest {in_manifest}, {constant} {in_header}"
    listed = re.search(r"^const int kDetectionThresholds\[\w+\] = \{([\d, ]*)\};", source, re.M)
    one = told["detection_threshold"]
    own = told.get("detection_thresholds") or [one] * (len(labels) - len(NOT_KEYWORDS))
    every = [one] * len(NOT_KEYWORDS) + own
    of_source = (
        [int(n) for n in re.findall(r"\d{1,9}", listed[1])] if listed else [one] * len(labels)
    )
    if every != of_source:
        yield (
            f"thresholds.detection_thresholds: manifest {every} with silence and unknown,"
            f" kDetectionThresholds {of_source}"
        )


def _of_scores(manifest: Mapping[str, Any], config: Config) -> tuple[Violation, ...]:
    """Holds the scores of validation speakers against the budget."""
    scores = manifest["scores"]["validation"]
    int8 = scores["int8"]
    drop = scores.get("float", int8)["balanced_accuracy"] - int8["balanced_accuracy"]
    told = {ACCURACY_DROP: round(drop, 6), FALSE_ACCEPT_RATE: int8.get(FALSE_ACCEPT_RATE)}
    return score_violations(config.budget, {**(manifest["trial"].get("metrics") or {}), **told})


def _with_emulated(found: Footprint, told: Mapping[str, Any]) -> Footprint:
    names = {one.name for one in fields(Footprint)}
    counted = ("instructions", "energy_uj", "latency_source")
    kept = (*counted, "latency_ms", "latency_low_ms", "latency_high_ms")
    return replace(found, **{key: told[key] for key in kept if key in told and key in names})
