"""A bundle in, what is wrong with it out: files changed or gone, or a budget that it breaks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from sprd.bundle.manifest import check_files, config_of, read_manifest
from sprd.device.footprint import Footprint, measure_untrusted
from sprd.sweep.budget import board_of, take_up

EXACT = ("model_bytes", "arena_host_bytes", "macs")
"""Numbers that are the same wherever the same model is measured."""


@dataclass(frozen=True)
class Verdict:
    """What a look at a bundle found; empty lists where nothing is wrong."""

    changed_files: tuple[str, ...]
    """Missing, or with another SHA-256 than the manifest tells."""
    changed_numbers: tuple[str, ...]
    """Of the footprint: told otherwise in the manifest than measured now."""
    violations: tuple[Mapping[str, Any], ...]
    """Limits of the sweep's budget that the model breaks now."""

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON types."""
        return {key: list(value) for key, value in asdict(self).items()}


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
    if "model.tflite" in changed:
        return Verdict(changed, (), ())
    told = manifest["footprint"]
    found = measure_untrusted(folder / "model.tflite", board_of(config))
    if told.get("latency_source") == "emulated":
        found = _with_emulated(found, told)
    taken = take_up(config, found)
    differing = tuple(
        f"{key}: manifest {told.get(key)}, measured {taken.footprint.get(key)}"
        for key in EXACT
        if told.get(key) != taken.footprint.get(key)
    )
    return Verdict(changed, differing, tuple(one.as_dict() for one in taken.violations))


def _with_emulated(found: Footprint, told: Mapping[str, Any]) -> Footprint:
    names = {one.name for one in fields(Footprint)}
    kept = ("instructions", "latency_ms", "latency_low_ms", "latency_high_ms", "latency_source")
    return replace(found, **{key: told[key] for key in kept if key in told and key in names})
