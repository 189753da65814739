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

from sprd.config.dimensions import Choice, Range, random_value
from sprd.config.frontend import check_frames
from sprd.config.frozen import SectionT, replaced
from sprd.config.labels import RESERVED_WORDS
from sprd.config.numbers import COSTS_OF_A_BOARD
from sprd.config.objectives import Objective, natural, parse_objectives
from sprd.config.params import Scalar, Vocabulary
from sprd.config.sections import SECTIONS, read_model, read_section
from sprd.config.space import Tables, read_space, read_start
from sprd.config.sweep import ReferenceSection, SweepConfig, SweepSection
from sprd.config.trial import (
    AugmentSection,
    Budget,
    Config,
    DataSection,
    FeaturesSection,
    TrainSection,
)
from sprd.errors import ConfigError, suggest

TABLES = (*SECTIONS, "model", "space")
LISTS = ("start", "reference")
_STORAGE_LINE = re.compile(r"""^[ \t]*storage[ \t]*=[ \t]*(["'])([^"'\\\n]*)\1""", re.MULTILINE)
_SECRET = re.compile(
    r"^(?!abfss?://[^:@/]+@)[^:/]+://[^/?]*@"  # Azure's containers stand before an @
    r"|^[^:/]+://[^/?@:]*:(?!\d+(/|\?|$))"
    r"|[?&][^=&]*(key|secret|token|password|credential|sig)[^=&]*=",
    re.IGNORECASE,
)
NAMED_SOURCES = ("synthetic", "speech_commands", "speech_commands_v0.01")
MAX_FILE_BYTES = 1_000_000
N_TRIED_POINTS = 1000


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
    lists = {name: tables.pop(name, []) for name in LISTS}
    for name, table in tables.items():
        if name not in TABLES:
            raise ConfigError(f"{path}: unknown table [{name}]. {suggest(name, (*TABLES, *LISTS))}")
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {name} must be a table, got {table!r}. Write [{name}].")
    sweep = read_section(f"{path} [sweep]", SweepSection, tables.pop("sweep", {}))
    try:
        objectives = parse_objectives(sweep.objectives)
    except ValueError as error:
        raise ConfigError(f"{path} [sweep] objectives: {error}") from error
    _check_storage(path, text, sweep.storage)
    if sweep.storage and "://" not in sweep.storage:
        sweep = replaced(sweep, storage=str((path.parent / sweep.storage).resolve()))
    raw_space = tables.pop("space", {})
    base = _resolve_paths(tables, path.parent)
    space = read_space(path, raw_space, base, vocabulary)
    default = _resolve(path, base, sweep, space, {}, vocabulary)
    if not space:
        check_whole(path, default)
    _check_reported(path, objectives, default.budget)
    if sweep.confirm_folds is not None and objectives[0] != natural("balanced_accuracy"):
        raise ConfigError(
            f"{path} [sweep] confirm_folds: must come with balanced_accuracy as the first"
            f" objective, got '{objectives[0]}'. It is what the folds confirm."
        )
    parsed = SweepConfig(
        path=path,
        text=text,
        sweep=sweep,
        start=read_start(path, lists["start"], space),
        references=_read_references(path, lists["reference"]),
        base=base,
        space=space,
        vocabulary=vocabulary,
        default=default,
    )
    _check_not_contradictory(parsed)
    return parsed


def _read_references(path: Path, tables: object) -> tuple[ReferenceSection, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{path}: reference must be tables, got {tables!r}. Write [[reference]].")
    found: list[ReferenceSection] = []
    for table in tables:
        section = read_section(f"{path} [[reference]]", ReferenceSection, table)
        if section.name in [other.name for other in found]:
            raise ConfigError(
                f"{path} [[reference]] name: must differ, got {section.name!r} twice."
            )
        file = (path.parent / section.sweep).resolve()
        found.append(replaced(section, sweep=str(file)))
    return tuple(found)


def _check_reported(path: Path, objectives: tuple[Objective, ...], budget: Budget) -> None:
    """Checks that each objective will be reported: some numbers nobody knows without a board."""
    for objective in objectives:
        if objective.key in COSTS_OF_A_BOARD and budget.board is None:
            raise ConfigError(
                f"{path} [sweep] objectives: {objective.key} must come with a board, got none."
                " Name one in [budget] board: without it no trial reports this number."
            )


def resolve(sweep: SweepConfig, point: Mapping[str, Scalar]) -> Config:
    """Applies a point of the search space to the file and checks the whole.

    Raises:
        ConfigError: A rule between two fields is broken (stride longer than the window, say).
    """
    config = _resolve(sweep.path, sweep.base, sweep.sweep, sweep.space, point, sweep.vocabulary)
    check_whole(sweep.path, config)
    return replaced(config, budget=sweep.default.budget)


def check_whole(path: Path, config: Config) -> None:
    """Checks the rules between fields of one configuration.

    Raises:
        ConfigError: One is broken.
    """
    features, train, data = config.features, config.train, config.data
    check_frames(f"{path} [features]", features)
    interval_ms = config.budget.inference_interval_ms
    if interval_ms is not None and interval_ms < features.window_stride_ms:
        raise ConfigError(
            f"{path} [features] window_stride_ms <= [budget] inference_interval_ms must hold, got"
            f" {features.window_stride_ms} and {interval_ms:g}. There are no new features before."
        )
    if features.window_size_ms > features.clip_duration_ms:
        raise ConfigError(
            f"{path} [features]: window_size_ms <= clip_duration_ms must hold, got "
            f"{features.window_size_ms} and {features.clip_duration_ms}."
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

    def read(name: str, kind: type[SectionT]) -> SectionT:
        return read_section(f"{path} [{name}]", kind, tables.get(name, {}))

    config = Config(
        seed=sweep.seed,
        n_threads=sweep.cpus_per_trial,
        data=read("data", DataSection),
        features=read("features", FeaturesSection),
        augment=read("augment", AugmentSection),
        train=read("train", TrainSection),
        budget=read("budget", Budget),
        model=read_model(path, tables.get("model", {}), space, vocabulary),
    )
    _check_board(path, config.budget, vocabulary)
    _check_keywords(path, config.data)
    return config


def _check_storage(path: Path, text: str, storage: str | None) -> None:
    """Checks that no secret is in a file that every bundle holds a copy of.

    A bundle's copy has no storage at all, so where that is written must be plain to see.
    """
    if not storage:
        return
    if "://" in storage and _SECRET.search(storage):
        raise ConfigError(
            f"{path} [sweep] storage: must hold no user, password or key, got a URI with one. Leave"
            " them to the environment, such as AWS_ACCESS_KEY_ID, or to the role of the machines."
        )
    written = [line[2] for line in _STORAGE_LINE.finditer(text)]
    if storage not in written:
        raise ConfigError(
            f'{path} [sweep] storage: must be written in a line of its own, as storage = "...",'
            " without escapes. Write it so."
        )


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
