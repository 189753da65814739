"""What commands print: results to standard output, all else to standard error; JSON on request."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console


def console() -> Console:
    """Returns the console of everything that is not a command's result: standard error."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def amount(key: str, value: Any) -> str:
    """Words a number of a footprint with its unit."""
    if value is None:
        return "unknown"
    if key.endswith("_bytes"):
        return f"{int(value):,} B"
    if key.endswith("_ms"):
        return f"{value:.1f} ms"
    if key.endswith("_uj"):
        return f"{value:,.0f} uJ"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def output() -> Console:
    """Returns the console of a command's result, standard output; long lines are not broken."""
    return Console(highlight=False, markup=False, soft_wrap=True)


def show_json(value: Mapping[str, Any]) -> None:
    """Prints one JSON object to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, default=list) + "\n")


def show_bundle(folder: Path) -> None:
    """Shows what a bundle holds: the trial, what it takes, its scores."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    out = output()
    out.print(f"trial {manifest['trial']['number']} exported to {folder}")
    footprint = manifest["footprint"]
    sizes = [
        f"{name} {amount(key, footprint[key])}"
        for name, key in (("model", "model_bytes"), ("flash", "flash_bytes"), ("RAM", "ram_bytes"))
        if footprint.get(key) is not None
    ]
    if footprint.get("latency_ms") is not None:
        low, high = footprint["latency_low_ms"], footprint["latency_high_ms"]
        sizes.append(f"latency {footprint['latency_ms']:.0f} ms ({low:.0f} .. {high:.0f})")
    out.print(", ".join(sizes))
    for split in ("validation", "test"):
        scores = (manifest["scores"].get(split) or {}).get("int8")
        if scores:
            low, high = scores["intervals"]["balanced_accuracy"]
            out.print(
                f"{split} speakers: balanced accuracy {scores['balanced_accuracy']:.3f}"
                f" ({low:.3f} .. {high:.3f}), int8 in TFLM, {scores['n_clips']:,} clips"
            )
    if (manifest["record"].get("data") or {}).get("is_synthetic"):
        out.print("The voices are synthetic: this model never heard a person.")
