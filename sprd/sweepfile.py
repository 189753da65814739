"""Sweep file in, `SweepConfig` out: the only reader of sweep files.

Checks happen in three steps. Each field alone (type, range, legal names), each dimension of the
search space alone, and a whole configuration (`resolve`): a sampled point that breaks a rule
between two fields is a `ConfigError`, which the sweep records as an infeasible row.
"""

import random
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sprd.config import (
    RESERVED_WORDS,
    Budget,
    Config,
    DataSection,
    SweepConfig,
    SweepSection,
)
from sprd.dimensions import random_value, read_dimension
from sprd.errors import ConfigError, suggest
from sprd.parameters import Choice, Range, Scalar, Vocabulary
from sprd.sections import (
    FRAME_KEYS,
    SECTIONS,
    candidate_architectures,
    owners_of,
    read_model,
    read_section,
)

TABLES = (*SECTIONS, "model", "space")
SEARCHABLE_SECTIONS = ("features", "augment", "model", "train")
SEARCHABLE_DATA = ("silence_percentage", "unknown_percentage")
OBJECTIVES = ("balanced_accuracy", "accuracy", "false_accept_rate", "false_reject_rate")
NAMED_SOURCES = ("synthetic", "speech_commands", "speech_commands_v0.01")
MAX_FILE_BYTES = 1_000_000
N_TRIED_POINTS = 1000


Tables = Mapping[str, Mapping[str, object]]


def load_sweep(path: Path, vocabulary: Vocabulary) -> SweepConfig:
    """Reads and checks a sweep file.

    Raises:
        ConfigError: The file is missing, is no TOML, or breaks a rule.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: must be a sweep file, at most {MAX_FILE_BYTES:,} bytes.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(
            f"{path}: must be a readable sweep file: {reason}. Give the path of a TOML file."
        ) from error
    return parse_sweep(text, path, vocabulary)


def parse_sweep(text: str, path: Path, vocabulary: Vocabulary) -> SweepConfig:
    """Checks the text of a sweep file; `path` is where messages and relative folders start."""
    try:
        tables = tomllib.loads(text)
        _check_plain(path, tables)
    except (ValueError, RecursionError) as error:  # ValueError also for an integer too long
        raise ConfigError(f"{path}: must be TOML: {error}.") from error
    for name, table in tables.items():
        if name not in TABLES:
            raise ConfigError(f"{path}: unknown table [{name}]. {suggest(name, TABLES)}")
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {name} must be a table, got {table!r}. Write [{name}].")
    sweep = read_section(path, "sweep", tables.pop("sweep", {}))
    assert isinstance(sweep, SweepSection)
    _check_objectives(path, sweep)
    raw_space = tables.pop("space", {})
    base = _resolve_paths(tables, path.parent)
    space = _read_space(path, raw_space, base, vocabulary)
    default = _resolve(path, base, sweep, space, {}, vocabulary)
    parsed = SweepConfig(
        path=path,
        text=text,
        sweep=sweep,
        base=base,
        space=space,
        vocabulary=vocabulary,
        default=default,
    )
    _check_not_contradictory(parsed)
    return parsed


def resolve(sweep: SweepConfig, point: Mapping[str, Scalar]) -> Config:
    """Applies a point of the search space to the file and checks the whole.

    Raises:
        ConfigError: A rule between two fields is broken (stride longer than the window, say).
    """
    config = _resolve(sweep.path, sweep.base, sweep.sweep, sweep.space, point, sweep.vocabulary)
    check_whole(sweep.path, config)
    return config


def check_whole(path: Path, config: Config) -> None:
    """Checks the rules between fields of one configuration.

    Raises:
        ConfigError: One is broken.
    """
    features, train, data = config.features, config.train, config.data
    if features.window_stride_ms > features.window_size_ms:
        raise ConfigError(
            f"{path} [features]: window_stride_ms <= window_size_ms must hold, got "
            f"window_stride_ms={features.window_stride_ms}, window_size_ms="
            f"{features.window_size_ms}. The micro front end cannot skip samples."
        )
    if features.window_size_ms > features.clip_duration_ms:
        raise ConfigError(
            f"{path} [features]: window_size_ms <= clip_duration_ms must hold, got "
            f"{features.window_size_ms} and {features.clip_duration_ms}."
        )
    if not features.lower_band_limit_hz < features.upper_band_limit_hz:
        raise ConfigError(
            f"{path} [features]: lower_band_limit_hz < upper_band_limit_hz must hold, got "
            f"{features.lower_band_limit_hz:g} and {features.upper_band_limit_hz:g}."
        )
    if features.upper_band_limit_hz >= features.sample_rate_hz / 2:
        raise ConfigError(
            f"{path} [features]: upper_band_limit_hz < sample_rate_hz / 2 must hold, got "
            f"{features.upper_band_limit_hz:g} Hz at {features.sample_rate_hz} Hz."
        )
    if features.preprocess == "micro" and features.sample_rate_hz % 1000:
        raise ConfigError(
            f"{path} [features]: sample_rate_hz must be a multiple of 1000 for the micro front end,"
            f" got {features.sample_rate_hz}. Audio is resampled to what stands here."
        )
    if data.validation_percentage + data.testing_percentage > 80:
        raise ConfigError(
            f"{path} [data]: validation_percentage + testing_percentage <= 80 must hold, got "
            f"{data.validation_percentage:g} + {data.testing_percentage:g}. Leave some to train on."
        )
    if train.schedule == "cosine" and len(train.phases) > 1:
        raise ConfigError(
            f"{path} [train]: schedule 'cosine' takes one number of steps, got {train.steps}."
        )


def _resolve(
    path: Path,
    base: Tables,
    sweep: SweepSection,
    space: Mapping[str, Choice | Range],
    point: Mapping[str, Scalar],
    vocabulary: Vocabulary,
) -> Config:
    tables: dict[str, dict[str, object]] = {name: dict(table) for name, table in base.items()}
    for name, value in point.items():
        section, key = name.split(".", 1)
        tables.setdefault(section, {})[key] = value
    sections = {
        name: read_section(path, name, tables.get(name, {})) for name in SECTIONS if name != "sweep"
    }
    model = read_model(path, tables.get("model", {}), space, vocabulary)
    budget, data = sections["budget"], sections["data"]
    assert isinstance(budget, Budget) and isinstance(data, DataSection)
    _check_board(path, budget, vocabulary)
    _check_keywords(path, data)
    config = Config(
        seed=sweep.seed,
        n_threads=sweep.cpus_per_trial,
        model=model,
        **sections,  # type: ignore[arg-type]
    )
    if not space or point:
        check_whole(path, config)
    return config


def _check_plain(path: Path, value: object) -> None:
    """Checks that keys and values can be shown in one line, stored as JSON and used as paths."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not key.isprintable():
                raise ConfigError(f"{path}: keys must be printable, got {key!r}. Rename it.")
            _check_plain(path, item)
    elif isinstance(value, list):
        for item in value:
            _check_plain(path, item)
    elif isinstance(value, str) and "\0" in value:
        raise ConfigError(f"{path}: text must not hold a null character, got {value!r}.")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ConfigError(f"{path}: integers must have at most 64 bits, got {hex(value)[:20]}...")


def _check_not_contradictory(sweep: SweepConfig) -> None:
    """Checks that one of many random points, at least, is a whole configuration."""
    rng = random.Random(0)
    for _ in range(N_TRIED_POINTS if sweep.space else 0):
        point = {name: random_value(rng, dimension) for name, dimension in sweep.space.items()}
        try:
            resolve(sweep, point)
        except ConfigError as error:
            problem = error
        else:
            return
    if sweep.space:
        raise ConfigError(
            f"{sweep.path} [space]: some point must be a valid configuration, got none in "
            f"{N_TRIED_POINTS}: {str(problem).removeprefix(f'{sweep.path} ')}"
        ) from problem


def _read_space(
    path: Path, table: Mapping[str, object], base: Tables, vocabulary: Vocabulary
) -> dict[str, Choice | Range]:
    space = {name: read_dimension(f'{path} [space."{name}"]', v) for name, v in table.items()}
    for name, dimension in space.items():
        where = f'{path} [space."{name}"]'
        section, _, key = name.partition(".")
        if section not in SEARCHABLE_SECTIONS and name not in _searchable():
            raise ConfigError(
                f"{where}: must name a key of {', '.join(SEARCHABLE_SECTIONS)}, or "
                f"{' or '.join(_searchable())}, got {name!r}. "
                "Other data would change what is measured."
            )
        if section == "features" and key in FRAME_KEYS:
            _check_frame_once(where, key, space, base)
        values = dimension.values if isinstance(dimension, Choice) else _ends(dimension)
        for value in values:
            _check_space_value(where, section, key, value, base, space, vocabulary)
    return space


def _searchable() -> tuple[str, ...]:
    return tuple(f"data.{key}" for key in SEARCHABLE_DATA)


def _ends(dimension: Range) -> tuple[float, float]:
    return dimension.low, dimension.high


def _check_frame_once(
    where: str, key: str, space: Mapping[str, Choice | Range], base: Tables
) -> None:
    if "features.frame" in space or "frame" in base.get("features", {}):
        raise ConfigError(
            f"{where}: must not stand beside features.frame, which sets {key}. Remove one of them."
        )


def _check_space_value(
    where: str,
    section: str,
    key: str,
    value: Scalar,
    base: Tables,
    space: Mapping[str, Choice | Range],
    vocabulary: Vocabulary,
) -> None:
    """Checks one value of one dimension by itself, as if the file had given it."""
    if section == "model":
        if key == "architecture":
            if value not in vocabulary.architectures:
                raise ConfigError(
                    f"{where}: unknown architecture {value!r}. "
                    f"{suggest(str(value), vocabulary.architectures)}"
                )
            return
        candidates = candidate_architectures(base.get("model", {}), space)
        owners = owners_of(key, candidates, vocabulary)
        if not owners:
            known = {k for name in candidates for k in vocabulary.architectures.get(name, {})}
            raise ConfigError(f"{where}: no chosen architecture has {key!r}. {suggest(key, known)}")
        for name, param in owners.items():
            if problem := param.problem(value):
                raise ConfigError(f"{where}: {key} of {name} {problem}, got {value!r}.")
        return
    table = dict(base.get(section, {}))
    if section == "features" and key == "frame":
        clash = [k for k in FRAME_KEYS if k in table]
        if clash:
            raise ConfigError(
                f"{where}: must not stand beside {clash[0]} in [features], which it sets."
                " Remove one of them."
            )
    if section == "train" and key in ("steps", "learning_rate"):
        table = {k: v for k, v in table.items() if not isinstance(v, list)}
        table.setdefault("steps", 1)
        table.setdefault("learning_rate", 0.001)
    table[key] = value
    try:
        read_section(Path("space"), section, table)
    except ConfigError as error:
        raise ConfigError(f"{where}: {str(error).split('] ', 1)[-1]}") from error


def _check_board(path: Path, budget: Budget, vocabulary: Vocabulary) -> None:
    board = budget.board
    if board is not None and not board.endswith(".toml") and board not in vocabulary.boards:
        raise ConfigError(
            f"{path} [budget] board: unknown board {board!r}. {suggest(board, vocabulary.boards)}"
        )


def _check_keywords(path: Path, data: DataSection) -> None:
    for word in data.keywords:
        if word in RESERVED_WORDS or word.startswith("_"):
            raise ConfigError(
                f"{path} [data] keywords: must not use a reserved label, got {word!r}."
                f" Reserved: {', '.join(RESERVED_WORDS)}, and what starts with '_'."
            )
        if not re.fullmatch(r"[^\W_][\w' -]*", word):
            raise ConfigError(
                f"{path} [data] keywords: must be letters, digits, spaces, ', - or _, got {word!r}."
            )
        if data.keywords.count(word) > 1:
            raise ConfigError(f"{path} [data] keywords: must differ, got {word!r} twice.")


def _check_objectives(path: Path, sweep: SweepSection) -> None:
    if len(sweep.objectives) != 1:
        raise ConfigError(
            f"{path} [sweep] objectives: must be one metric, got {list(sweep.objectives)}."
            " Several at once are not supported yet."
        )
    if sweep.objectives[0] not in OBJECTIVES:
        raise ConfigError(
            f"{path} [sweep] objectives: unknown metric {sweep.objectives[0]!r}. "
            f"{suggest(sweep.objectives[0], OBJECTIVES)}"
        )


def _resolve_paths(tables: dict[str, Any], folder: Path) -> Tables:
    """Makes relative paths relative to the sweep file, not to where sprd is run."""
    data = dict(tables.get("data", {}))
    source = data.get("source")
    if isinstance(source, str) and source and source not in NAMED_SOURCES:
        data["source"] = str((folder / source).resolve())
    if isinstance(data.get("extra"), list):
        data["extra"] = [
            str((folder / item).resolve()) if isinstance(item, str) else item
            for item in data["extra"]
        ]
    budget = dict(tables.get("budget", {}))
    if isinstance(board := budget.get("board"), str) and board.endswith(".toml"):
        budget["board"] = str((folder / board).resolve())
    return {**tables, "data": data, "budget": budget}
