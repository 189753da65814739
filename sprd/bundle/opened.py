"""What a user names in, a bundle or a bare .tflite, and what is to be known to run it out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any

from sprd.bundle.cpp_sources import Thresholds
from sprd.bundle.manifest import MANIFEST, read_manifest
from sprd.bundle.record import config_of
from sprd.config.reader import load_recipe
from sprd.config.recognizer import FIT
from sprd.config.trial import Config
from sprd.device.footprint import measure_untrusted
from sprd.device.foreign import name_folder
from sprd.errors import InputError
from sprd.listening.recognizers import Recognizer
from sprd.sweep.paths import MODEL
from sprd.sweep.run import VOCABULARY


@dataclass(frozen=True)
class Opened:
    """A model that was checked in a child process, and what it hears.

    `moved` tells whom rank moved to another split; None for a bare model, which tells nothing of
    its speakers. `recognizer` is the bundle's; of a bare model what its sweep file fixes, and for
    the rest what bundles of old carry.
    """

    config: Config
    content: bytes
    moved: Mapping[str, str] | None
    recognizer: Recognizer


def open_model(model: Path, sweep_file: Path | None) -> Opened:
    """Opens a model and what belongs to it.

    Args:
        model: Folder of a bundle, or a .tflite with `sweep_file`.
        sweep_file: What a bare .tflite hears: labels and front end.

    Raises:
        InputError: Model or sweep file cannot be used.
    """
    if model.is_dir():
        if (model / "saved_model.pb").exists():
            raise InputError(f"{model}: must be a bundle, got {'. '.join(name_folder(model))}.")
        manifest = read_manifest(model)
        config = config_of(manifest)
        measure_untrusted(model / MODEL, None)
        moved = manifest["record"]["data"].get("moved", {})
        recognizer = recognizer_of(manifest["thresholds"], config)
        return Opened(config, (model / MODEL).read_bytes(), moved, recognizer)
    if model.exists() or sweep_file is not None:
        measure_untrusted(model, None)
    if sweep_file is None:
        raise InputError(
            f"{model}: must be the folder of a bundle, or a .tflite file with --sweep FILE, which"
            " tells its labels and front end."
        )
    config = load_recipe(sweep_file, VOCABULARY)
    return Opened(config, model.read_bytes(), None, recognizer_of({}, config))


def recognizer_of(told: Mapping[str, Any], config: Config) -> Recognizer:
    """Returns the recogniser that thresholds of a manifest tell; what they lack the file fixes.

    What neither tells is as of old: bundles of old name no interval, and their firmware infers at
    each new frame, or as often as their budget asked.

    Raises:
        InputError: There are more or fewer thresholds than keywords.
    """
    n_keywords = len(config.data.keywords)
    usual_ms = config.budget.inference_interval_ms or config.features.window_stride_ms
    interval = {"interval_ms": config.interval_ms or ceil(usual_ms)}
    known = {**asdict(Thresholds()), **interval, **_fixed(config), **told}
    every = known["detection_thresholds"] or [known["detection_threshold"]] * n_keywords
    if len(every) != n_keywords:
        raise InputError(
            f"{MANIFEST}: thresholds.detection_thresholds: must be one a keyword, {n_keywords}, got"
            f" {len(every)}. Export the bundle again."
        )
    return Recognizer(
        kind=known["kind"],
        average_window_ms=known["average_window_ms"],
        thresholds=tuple(every),
        suppression_ms=known["suppression_ms"],
        minimum_count=known["minimum_count"],
        interval_ms=known["interval_ms"],
    )


def _fixed(config: Config) -> dict[str, Any]:
    """Returns what `[recognizer]` fixes, under the keys of a manifest's thresholds."""
    if config.recognizer is None:
        return {}
    keys = ("kind", "average_window_ms", "suppression_ms", "minimum_count")
    fixed: dict[str, Any] = {key: getattr(config.recognizer, key) for key in keys}
    own = config.recognizer.threshold
    if isinstance(own, tuple) and len(own) > 1:
        fixed["detection_thresholds"] = own
    else:
        fixed["detection_threshold"] = own[0] if isinstance(own, tuple) else own
    return {key: value for key, value in fixed.items() if value != FIT}
