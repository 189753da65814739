"""What commands print: results to standard output, all else to standard error; JSON on request."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from sprd.config.numbers import number_of
from sprd.sweep.rows.counts import told_clips

if TYPE_CHECKING:
    from sprd.config.board import Board


def console() -> Console:
    """Returns the console of everything that is not a command's result: standard error."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def output() -> Console:
    """Returns the console of a command's result, standard output; long lines are not broken."""
    return Console(highlight=False, markup=False, soft_wrap=True)


def show_json(value: Mapping[str, Any]) -> None:
    """Prints one JSON object to standard output."""
    print(json.dumps(value, indent=2, default=list))  # nothing, where standard output is closed


def board_words(board: "Board") -> str:
    """Names a board and its build, which every cost that is told belongs to."""
    return f"{Path(board.origin or board.name).stem}, build {board.build.name}"


def costs_words(board: "Board | None") -> str:
    """Says whose the costs are that are told; without a board their build is the one of old."""
    if board is not None:
        return f"costs are those of {board_words(board)}"
    from sprd.config.build import CMAKE_O2

    return f"no board is named: arena and instructions are those of the build {CMAKE_O2}"


def show_bundle(folder: Path) -> None:
    """Shows what a bundle holds: the trial, what it takes, its scores."""
    from sprd.bundle.manifest import MANIFEST
    from sprd.bundle.origin import origin_sentences, split_noun
    from sprd.sweep.rows.guessing import guess_of

    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    out = output()
    out.print(f"trial {manifest['trial']['number']} exported to {folder}")
    footprint = manifest["footprint"]
    sizes = [
        number_of(key).phrase(footprint[key])
        for key in ("model_bytes", "flash_bytes", "ram_bytes")
        if footprint.get(key) is not None
    ]
    if footprint.get("latency_ms") is not None:
        interval = footprint["latency_low_ms"], footprint["latency_high_ms"]
        sizes.append(number_of("latency_ms").phrase(footprint["latency_ms"], interval))
    build = manifest.get("build")
    where = f"{manifest['board']}, build {build}: " if build else ""
    out.print(where + ", ".join(sizes))
    data = manifest["record"].get("data") or {}
    for split in ("validation", "test"):
        scores = (manifest["scores"].get(split) or {}).get("int8")
        if scores:
            key = "balanced_accuracy"
            told = number_of(key).phrase(scores[key], scores["intervals"][key])
            who = f"{split} {split_noun(data)}"
            out.print(f"{who}: {told}, int8 in TFLM, {told_clips(scores)}")
            if guess := guess_of(scores):
                out.print(f"{who}: {guess}")
    for sentence in origin_sentences(data):
        out.print(sentence)
    tell_shortfall(folder)


def tell_shortfall(folder: Path) -> None:
    """Tells on standard error where the recogniser of a bundle breaks a limit of its fit."""
    from sprd.bundle.manifest import MANIFEST

    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    validation = (manifest.get("streams") or {}).get("validation") or {}
    if shortfall := (validation.get("fit") or {}).get("shortfall"):
        console().print(Text(f"recogniser: {shortfall}", style="yellow"))
