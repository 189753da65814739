"""An `Export` in, the folder that a user keeps out, whole or not at all.

C++ comes from `cpp_sources`, the record from `manifest`; here are the README and the files.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from sprd import __version__
from sprd.bundle.cpp_sources import (
    ArenaBytes,
    Quantization,
    comment_text,
    frontend_source,
    has_firmware_code,
    model_sources,
    render,
    resolver_source,
    settings_sources,
)
from sprd.bundle.listened import recognizer_step, streams_text, thresholds_text
from sprd.bundle.manifest import (
    HASHED_FILES,
    MANIFEST,
    Export,
    build,
    dump,
    footprint_sources,
    shareable_toml,
)
from sprd.bundle.origin import is_all_synthetic, origin_sentences, split_noun
from sprd.config.build import CMAKE_O2
from sprd.config.numbers import COSTS, SCORES, number_of
from sprd.device.power import listening_power, range_text
from sprd.disk.atomic import unwritable, whole_folder
from sprd.errors import InputError, OutputError
from sprd.sweep.paths import FLOAT_MODEL, MODEL
from sprd.sweep.rows.counts import told_clips
from sprd.sweep.rows.guessing import guess_of

__all__ = ["Export", "Quantization", "write_bundle"]

WIDTH = 110
"""Of the README's lines."""

_COLUMNS = (("test", "int8"), ("test", "float"), ("validation", "int8"), ("validation", "float"))


def write_bundle(folder: Path, export: Export) -> Path:
    """Writes a bundle, all or nothing. A bundle that is already there is replaced.

    Raises:
        InputError: The export breaks a rule (an op that TFLM lacks, say); nothing is written.
        OutputError: The folder cannot be written, or holds something else than a bundle.
    """
    target = check_target(folder)
    files = bundle_files(export)
    files[MANIFEST] = dump(build(export, files)).encode()
    with whole_folder(target) as temporary:
        for name, content in files.items():
            write_file(temporary / name, content)
    return folder


def bundle_files(export: Export) -> dict[str, bytes]:
    """Returns the files of a bundle but its manifest.

    Raises:
        InputError: The export breaks a rule.
    """
    _check(export)
    config = export.config
    banner = comment_text(
        f"Exported by sprd {__version__}, sweep {export.sweep_name}, trial "
        f"{export.trial.get('number')}. Do not edit: export again."
    )
    texts = {
        **model_sources(export.model, banner),
        **settings_sources(
            config.labels,
            config.features,
            export.quantization,
            _arena(export),
            export.thresholds,
            banner,
        ),
        "frontend_config.h": frontend_source(config.features, export.quantization, banner),
        "op_resolver.h": resolver_source(export.ops, banner),
        "sweep.toml": shareable_toml(export.sweep_text),
        "README.md": readme(export),
    }
    models = {MODEL: export.model, FLOAT_MODEL: export.float_model}
    files = models | {name: text.encode() for name, text in texts.items()}
    return {name: files[name] for name in HASHED_FILES}


def readme(export: Export) -> str:
    """Returns the bundle's README: what the model hears, how well, how big, how to use it."""
    config = export.config
    keywords = ", ".join(f'"{_cell(word)}"' for word in config.data.keywords)
    return render(
        "README.md.in",
        title=_cell(f"Keyword spotter: {', '.join(config.data.keywords)}"),
        keywords=keywords,
        version=__version__,
        sweep=_cell(export.sweep_name),
        trial=_cell(str(export.trial.get("number"))),
        architecture=_cell(config.model.architecture),
        origin=_origin(export),
        scores=_score_table(export.scores, config.labels),
        counts=_counts(export.scores),
        test=_test_note(export.scores, split_noun(_data_of(export))),
        streams=streams_text(export.streams),
        thresholds=thresholds_text(export.thresholds, [_cell(w) for w in config.data.keywords]),
        footprint=_footprint_table(export.footprint, export.board, export.build)
        + _power_row(export),
        firmware=_firmware(export, keywords),
        seed=config.seed,
        n_threads=config.n_threads,
    )


def write_file(path: Path, content: bytes) -> None:
    """Writes one file to the disk, not only to its cache."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def check_target(folder: Path) -> Path:
    """Returns where a bundle would go; refuses a folder that holds anything but a bundle.

    Raises:
        OutputError: It does, or cannot be read.
    """
    target = folder.resolve()
    try:
        if not target.exists():
            return target
        others = sorted({path.name for path in target.iterdir()} - {*HASHED_FILES, MANIFEST})
    except OSError as error:
        raise unwritable(folder, error) from error
    if others:
        raise OutputError(
            f"{folder}: must be new, empty or a bundle, got a folder with {others[0]!r}. "
            "Choose another folder."
        )
    return target


def _check(export: Export) -> None:
    features, length = export.config.features, export.quantization.input_length
    n_frames, n_channels = features.shape
    if length != n_frames * n_channels:
        raise InputError(
            f"model: input_length == n_frames * n_channels must hold, got {length} and "
            f"{n_frames} * {n_channels}. The model belongs to another front end."
        )
    if not export.model:
        raise InputError("model: must be a .tflite file, got 0 bytes.")


def _arena(export: Export) -> ArenaBytes:
    sizes = export.footprint
    board = sizes.get("arena_reserve_bytes") or sizes.get("arena_bytes")
    board, host = (
        None if size is None else int(str(size)) for size in (board, sizes.get("arena_host_bytes"))
    )
    where = f"{export.board}, build {export.build}" if export.board else None
    return ArenaBytes(board, host, where)


def _data_of(export: Export) -> Mapping[str, Any]:
    data = export.record.get("data")
    return data if isinstance(data, Mapping) else {}


def _origin(export: Export) -> str:
    """Returns whom the model heard: nothing may be believed of its scores without it."""
    data = _data_of(export)
    if is_all_synthetic(data):
        return (
            "**This model never heard a person.** All its data, the test included, is synthetic "
            "speech: its scores tell\nthat the machinery works, not how well it hears you. Train "
            "on recordings before you rely on it."
        )
    sentences = origin_sentences(data)
    if not sentences:
        return (
            "Trained, validated and tested on recordings, each speaker in one of the three alone. "
            "`manifest.json` holds\nthe fingerprint of the data."
        )
    first, *rest = sentences
    if split_noun(data) == "speakers":
        rest.append("Each speaker is in one of the three splits alone.")
    return fill(" ".join([f"**{first}**", *rest]), WIDTH)


def _test_note(scores: Mapping[str, object], noun: str) -> str:
    if scores.get("test"):
        return f"Test {noun} were scored once, for this export; validation {noun} chose the trial."
    return f"**Test {noun} were not scored**: validation {noun} chose the trial, which flatters it."


def _score_table(scores: Mapping[str, object], labels: tuple[str, ...]) -> str:
    rows = [_score_row(scores, (key,)) for key in SCORES]
    rows += [_score_row(scores, ("recall", label)) for label in labels]
    head = "| | " + " | ".join(f"{split}, {kind}" for split, kind in _COLUMNS) + " |"
    known = [row for row in rows if row]
    return "\n".join([head, "| --- |" + " --- |" * len(_COLUMNS), *known])


def _counts(scores: Mapping[str, object]) -> str:
    """Says how much each split's scores are of, and what those of one voice cannot tell."""
    found = [(split, _get(scores, (split, "int8"))) for split in ("test", "validation")]
    told = {split: told_clips(one) for split, one in found if isinstance(one, Mapping)}
    lines = [f"{split.capitalize()}: {text}." for split, text in told.items()]
    guesses = [(split, guess_of(one)) for split, one in found if isinstance(one, Mapping)]
    lines += [f"**{split.capitalize()}: {guess}.**" for split, guess in guesses if guess]
    if any(" of 1 speaker" in text for text in told.values()):
        lines.append("Intervals of 1 speaker hold for that voice, and say nothing of other people.")
    return "\n".join(lines)


def _score_row(scores: Mapping[str, object], path: tuple[str, ...]) -> str:
    cells = [_score_cell(_get(scores, column), path) for column in _COLUMNS]
    title = _cell(number_of(" ".join(path)).title)
    return f"| {title} | {' | '.join(cells)} |" if any(cells) else ""


def _score_cell(score: object, path: tuple[str, ...]) -> str:
    """Returns a value and its interval: 0.914 (0.880 .. 0.940)."""
    key = " ".join(path)
    value, interval = _get(score, path), _get(score, ("intervals", key))
    if value is None and path[-1] in _keys(score, path[:-1]):
        return "unknown: no clip"
    if not isinstance(value, (int, float)):
        return ""
    bounds = interval if isinstance(interval, (list, tuple)) else None
    return number_of(key).text(value, bounds)


def _footprint_table(footprint: Mapping[str, object], board: str | None, build: str | None) -> str:
    sources = footprint_sources(footprint)
    rows = [
        f"| {number_of(key).title} | {_quantity(footprint, key)} | {_cell(sources.get(key, ''))} |"
        for key in COSTS
        if footprint.get(key) is not None
    ]
    where = (
        f"`{_cell(board)}`, build `{build}`" if board else f"no board chosen, build `{CMAKE_O2}`"
    )
    return "\n".join([f"| {where} | | where it comes from |", "| --- | --- | --- |", *rows])


def _power_row(export: Export) -> str:
    """Returns one more row, power while listening, for a board of which it is published."""
    board, share = export.config.budget.board, export.footprint.get("cpu_share")
    if board is None or not isinstance(share, (int, float)):
        return ""
    found = listening_power(board, share)
    low, high = found.listening_mw_low, found.listening_mw_high
    if low is None or high is None:
        return ""
    return f"\n| Power while listening | {range_text(low, high)} mW | {found.listening_basis} |"


def _quantity(footprint: Mapping[str, object], key: str) -> str:
    value, low, high = (
        None if found is None else float(str(found))
        for found in map(footprint.get, (key, "latency_low_ms", "latency_high_ms"))
    )
    return number_of(key).text(value, (low, high) if key == "latency_ms" else None)


def _firmware(export: Export, keywords: str) -> str:
    features = export.config.features
    if not has_firmware_code(features):
        return render("README_no_sketch.md.in", preprocess=features.preprocess)
    rate, audio = features.sample_rate_hz, ""
    if rate != 16000:
        audio = f"\n7. Let the audio provider sample at {rate} Hz; the sketch samples at 16000 Hz."
    return render(
        "README_sketch.md.in",
        arena_size=_arena(export).size,
        ops=", ".join(export.ops),
        overlap_samples=features.window_samples - features.stride_samples,
        keywords=keywords,
        audio=audio,
        recognizer=recognizer_step(export.thresholds),
        settling=_settling(export.config.augment.context_ms),
    )


def _settling(context_ms: int) -> str:
    """Tells what the device does otherwise than training: its noise reduction runs on."""
    if context_ms:
        return (
            f"As on the device, noise reduction ran for {context_ms:,} ms before each clip of"
            " training and of the scores."
        )
    return (
        "One thing the device does otherwise: its noise reduction runs on from second to second,"
        " whereas\ntraining and the scores of clips start it anew for each clip."
    )


def _keys(value: object, path: tuple[str, ...]) -> Mapping[str, object]:
    found = _get(value, path)
    return found if isinstance(found, Mapping) else {}


def _get(value: object, path: tuple[str, ...]) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _cell(text: str) -> str:
    """Returns `text` on one line, without what Markdown or HTML would take for itself."""
    escaped = "".join(f"\\{c}" if c in "|`*[]\\" else c for c in text)
    return " ".join(escaped.replace("<", "&lt;").split())
