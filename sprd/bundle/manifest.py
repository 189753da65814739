"""What a bundle is made of in, `manifest.json` out, and back: the record of how a model came about.

A bundle is handed on, so the manifest holds no absolute path, host or user name. Knows the schema
of `manifest.schema.json`; knows nothing of C++ beyond the names in `cpp_sources`.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from sprd.bundle.cpp_sources import (
    Quantization,
    Thresholds,
    has_firmware_code,
    resolver_methods,
)
from sprd.bundle.listened import basis_of
from sprd.config.frontend import FEATURE_DENOMINATOR, FEATURE_NUMERATOR
from sprd.config.numbers import number_of
from sprd.config.reader import NAMED_SOURCES
from sprd.config.trial import Config
from sprd.errors import InputError
from sprd.listening.recognizers import Recognizer
from sprd.sweep.paths import FLOAT_MODEL, MODEL

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
HASHED_FILES = (
    MODEL,
    FLOAT_MODEL,
    "model.h",
    "model.cc",
    "model_settings.h",
    "model_settings.cc",
    "frontend_config.h",
    "op_resolver.h",
    "sweep.toml",
    "README.md",
)
"""Every file of a bundle but its manifest."""

MAX_MANIFEST_BYTES = 8_000_000

_PRIVATE_KEYS = frozenset({"node", "host", "hostname", "user", "username", "cwd", "home"})
_WHOLE_PATH = re.compile(r"(?:/|~|file:)[^\n]*")
_QUOTED_PATH = re.compile(r"""(["'])((?:/|~|file:)(?:(?!\1)[^\n])*)\1""")
_FOLDERS_OF_PATH = re.compile(r"""(?<![\w.~/:<-])(?:~[\w.-]*)?/(?:[^\s/'",:;]+/)+""")
_STORAGE = re.compile(r"""(\bstorage\s*=\s*)(["'])(?:(?!\2)[^\n])*\2""")


@dataclass(frozen=True)
class Export:
    """Everything a bundle is made of."""

    config: Config
    """Of the winner."""
    sweep_name: str
    sweep_text: str
    """The sweep file as read."""
    model: bytes
    """The int8 .tflite."""
    float_model: bytes
    trial: Mapping[str, object]
    """The trial's row of trials.jsonl."""
    footprint: Mapping[str, object]
    ops: tuple[str, ...]
    """Builtin ops of the model in order of first use."""
    quantization: Quantization
    scores: Mapping[str, object]
    """{"validation" or "test": {"int8" or "float": metrics, confusion, intervals} or None}."""
    record: Mapping[str, object]
    """Seeds, versions, data fingerprint and what else tells how the model came about."""
    recognizer: Recognizer | None = None
    """With which it listens; None: what every bundle had, which nobody fitted."""
    streams: Mapping[str, object] = field(default_factory=dict)
    """{"validation" and "test": what it heard there all day long}; empty where nothing listened."""

    @property
    def board(self) -> str | None:
        """The name of its board, or of the board's file."""
        board = self.config.budget.board
        return file_name(board.origin) if board else None

    @property
    def thresholds(self) -> Thresholds:
        """Those of its recognizer."""
        one, section = self.recognizer, self.config.recognizer
        if one is None or section is None:
            return Thresholds()
        n_keywords = len(self.config.data.keywords)
        every = one.thresholds * (n_keywords if len(one.thresholds) == 1 else 1)
        return Thresholds(
            average_window_ms=one.average_window_ms,
            detection_threshold=min(every),
            suppression_ms=one.suppression_ms,
            minimum_count=one.minimum_count,
            detection_thresholds=every,
            interval_ms=one.interval_ms,
            kind=one.kind,
            basis=basis_of(section, self.streams),
        )

    @property
    def build(self) -> str | None:
        """The name of the build of its board, which its numbers are of."""
        board = self.config.budget.board
        return board.build.name if board else None


def build(export: Export, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Returns the manifest of a bundle with these other files.

    Raises:
        InputError: The export does not make a valid manifest.
    """
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "sweep_name": export.sweep_name,
        "labels": list(export.config.labels),
        "front_end": _front_end(export.config),
        "fits_sprd_sketch": has_firmware_code(export.config.features),
        "quantization": shareable(asdict(export.quantization)),
        "thresholds": export.thresholds.as_json(),
        "arena": {key: export.footprint.get(key) for key in ("arena_bytes", "arena_host_bytes")},
        "resolver": {"ops": list(export.ops), "methods": list(resolver_methods(export.ops))},
        "scores": shareable(export.scores),
        "footprint": shareable(export.footprint),
        "footprint_sources": footprint_sources(export.footprint),
        "board": export.board,
        "build": export.build,
        "sweep_text": shareable_toml(export.sweep_text),
        "config": _shareable_config(export.config),
        "seed": export.config.seed,
        "n_threads": export.config.n_threads,
        "trial": shareable(export.trial),
        "record": shareable(export.record),
        "files": {name: describe(content) for name, content in files.items()},
    }
    if export.streams:
        manifest["streams"] = shareable(export.streams)
    validate(manifest)
    return manifest


def footprint_sources(footprint: Mapping[str, object]) -> dict[str, str]:
    """Returns where each number of a footprint comes from."""
    latency_source = str(footprint.get("latency_source"))
    numbers = (number_of(key) for key in footprint)
    sources = {one.key: one.source_when.get(latency_source, one.source) for one in numbers}
    return {key: source for key, source in sources.items() if source}


def describe(content: bytes) -> dict[str, object]:
    """Returns size and SHA-256 of a file."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def dump(value: object) -> str:
    """Returns JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def validate(manifest: Mapping[str, Any]) -> None:
    """Checks a manifest against `manifest.schema.json`.

    Raises:
        InputError: It breaks the schema; the message names the first place.
    """
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{MANIFEST} schema_version: must be {SCHEMA_VERSION}, got {shortened(version)}. "
            "Use the version of sprd that made the bundle."
        )
    error = best_match(_validator().iter_errors(dict(manifest)))
    if error is not None:
        place = error.json_path.removeprefix("$").lstrip(".") or "top level"
        raise InputError(
            f"{MANIFEST} {place}: must match schema version {SCHEMA_VERSION}: "
            f"{shortened(error.message, quote=False)}. Export the bundle again."
        )


def read_manifest(bundle_folder: Path) -> dict[str, Any]:
    """Reads and checks the manifest of a bundle.

    Raises:
        InputError: The folder is no bundle, or its manifest is damaged.
    """
    path = bundle_folder / MANIFEST
    text = _read_text(bundle_folder, path)
    try:
        manifest = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or shortened(str(error), quote=False)
        raise InputError(
            f"{path}: must be JSON: {reason}. The file is damaged: export the bundle again."
        ) from error
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: must be a JSON object, got {shortened(manifest)}.")
    try:
        validate(manifest)
    except InputError as error:
        raise InputError(f"{bundle_folder}: {error}") from error
    return manifest


def shortened(value: object, quote: bool = True) -> str:
    """Returns a value as one line of a message shows it."""
    text = repr(value) if quote else " ".join(str(value).split())
    return text if len(text) <= 160 else f"{text[:157]}..."


def check_files(folder: Path, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the files of a bundle that are missing or not those that were exported."""
    files: Mapping[str, Mapping[str, object]] = manifest["files"]
    return tuple(name for name in sorted(files) if not _is_same(folder / name, files[name]))


def shareable(value: object) -> Any:
    """Returns `value` as plain JSON types without what tells about a machine.

    Texts under keys such as `node` go, paths keep their last component, numbers of numpy become
    Python's, and what is no number becomes null.
    """
    if isinstance(value, Mapping):
        return {str(k): shareable(v) for k, v in value.items() if not _is_private(k, v)}
    if isinstance(value, (list, tuple)):
        return [shareable(item) for item in value]
    if isinstance(value, (str, Path)):
        return _without_paths(str(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if hasattr(value, "tolist"):
        return shareable(value.tolist())
    raise TypeError(f"manifest: must hold plain values, got {type(value).__name__}.")


def shareable_toml(text: str) -> str:
    """Returns a sweep or board file without absolute paths and the place of a storage."""
    without_storage = _STORAGE.sub(lambda m: f"{m[1]}{m[2]}storage{m[2]}", text)
    quoted = _QUOTED_PATH.sub(lambda m: f"{m[1]}{file_name(m[2])}{m[1]}", without_storage)
    return _FOLDERS_OF_PATH.sub("", quoted)


def file_name(path: str) -> str:
    """Returns the last component of a path; a path without one becomes `data`.

    A folder that is called like a named data source stays a folder: `./synthetic`.
    """
    name = path.rstrip("/").rsplit("/", 1)[-1].lstrip("~") or "data"
    return f"./{name}" if name in NAMED_SOURCES and name != path else name


def _front_end(config: Config) -> dict[str, object]:
    features = config.features
    has_firmware = has_firmware_code(features)
    return {
        **features.model_dump(mode="json"),
        "n_frames": features.shape[0],
        "has_firmware_code": has_firmware,
        "feature_scale": [FEATURE_NUMERATOR, FEATURE_DENOMINATOR] if has_firmware else None,
    }


def _shareable_config(config: Config) -> dict[str, Any]:
    """Only what names a place is shortened: a changed salt, say, would be another split."""
    dumped: dict[str, Any] = config.model_dump(mode="json")
    data, budget = dumped["data"], dumped["budget"]
    data["source"] = file_name(data["source"])
    for key in ("extra", "sources", "speech"):
        if key in data:
            data[key] = [file_name(folder) for folder in data[key]]
    budget["board"] = shareable(budget["board"])
    return dumped


def _is_private(key: object, value: object) -> bool:
    """A keyword may be called `home`: what is keyed by labels holds numbers, not text."""
    return key in _PRIVATE_KEYS and isinstance(value, str)


def _without_paths(text: str) -> str:
    whole = _WHOLE_PATH.fullmatch(text)
    return file_name(text) if whole else _FOLDERS_OF_PATH.sub("", text)


def _read_text(bundle_folder: Path, path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise FileNotFoundError(path)
        with path.open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
        if len(content) > MAX_MANIFEST_BYTES:
            raise InputError(f"{path}: must be at most {MAX_MANIFEST_BYTES:,} bytes, got more.")
        return content.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{bundle_folder}: must be a bundle, a folder that holds {MANIFEST}. "
            "Give the folder that `sprd export` wrote."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: must be UTF-8 text. Export the bundle again.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: must be a readable file: {reason}.") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def _is_same(path: Path, expected: Mapping[str, object]) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        if path.stat().st_size != expected["bytes"]:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == expected["sha256"]
    except OSError:
        return False


@cache
def _validator() -> Draft202012Validator:
    text = resources.files("sprd.bundle").joinpath("manifest.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text))
