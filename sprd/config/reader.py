"""Sweep file in, `SweepConfig` out: all that a run does follows from it.

Checks happen in three steps. Each field alone (type, range, legal names), each dimension of the
search space alone, and a whole configuration (`resolve`): a sampled point that breaks a rule
between two fields is a `ConfigError`, which the sweep records as an infeasible row.
"""

import random
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sprd.config.defaults import Defaults, read_defaults
from sprd.config.dimensions import Choice, Range, random_value
from sprd.config.frozen import Section, replaced
from sprd.config.labels import RESERVED_WORDS
from sprd.config.numbers import COSTS_OF_A_BOARD, STREAM_SCORES
from sprd.config.objectives import Objective, natural, parse_objectives
from sprd.config.params import Scalar, Vocabulary
from sprd.config.reader_board import kept_or_default, resolve_board
from sprd.config.recognizer import RecognizerSection
from sprd.config.sections import SECTIONS, read_model, read_section
from sprd.config.space import Tables, read_space, read_start
from sprd.config.sweep import ReferenceSection, SweepConfig, SweepSection
from sprd.config.text import read_sweep_text
from sprd.config.trial import Config, DataSection
from sprd.config.whole import check_rules, check_whole
from sprd.errors import ConfigError, suggest

OF_A_TRIAL = (*(name for name in SECTIONS if name != "sweep"), "model")
"""The tables that a trial's configuration consists of."""
TABLES = ("sweep", *OF_A_TRIAL, "space")
LISTS = ("start", "reference")
_STORAGE_LINE = re.compile(r"""^[ \t]*storage[ \t]*=[ \t]*(["'])([^"'\\\n]*)\1""", re.MULTILINE)
_SECRET = re.compile(
    r"^(?!abfss?://[^:@/]+@)[^:/]+://[^/?]*@"  # Azure's containers stand before an @
    r"|^[^:/]+://[^/?@:]*:(?!\d+(/|\?|$))"
    r"|[?&][^=&]*(key|secret|token|password|credential|sig)[^=&]*=",
    re.IGNORECASE,
)
NAMED_SOURCES = ("synthetic", "speech_commands", "speech_commands_v0.01")
N_TRIED_POINTS = 1000


def load_sweep(path: Path, vocabulary: Vocabulary) -> SweepConfig:
    """Reads and checks a sweep file.

    Raises:
        ConfigError: The file is missing, is no TOML, or breaks a rule.
        BoardError: The user's own board file that it names cannot be read or breaks a rule.
    """
    return parse_sweep(read_sweep_text(path), path, vocabulary)


def load_recipe(path: Path, vocabulary: Vocabulary) -> Config:
    """Reads what a sweep file trains, where its budget does not count.

    A board file of the user's own is not read, and may be gone: there is no board then.

    Raises:
        ConfigError: The file is missing, is no TOML, or breaks a rule.
    """
    return _parse(read_sweep_text(path), path, vocabulary, lambda named: None).default


def parse_sweep(
    text: str,
    path: Path,
    vocabulary: Vocabulary,
    board_file: Path | None = None,
    build: str | None = None,
) -> SweepConfig:
    """Checks the text of a sweep file.

    Args:
        text: Of the file.
        path: Where messages and relative folders start.
        vocabulary: The names that it may use.
        board_file: Is read in place of the user's own board file that the text names.
        build: Of the board, where the text names none; None: as its `defaults` say.

    Raises:
        ConfigError: The text is no TOML, or breaks a rule.
        BoardError: The board file cannot be read or breaks a rule, or lacks the build.
    """
    return _parse(text, path, vocabulary, lambda named: board_file or named, build)


def _parse(
    text: str,
    path: Path,
    vocabulary: Vocabulary,
    own_board: Callable[[Path], Path | None],
    build: str | None = None,
) -> SweepConfig:
    """Reads a sweep file, see `parse_sweep`.

    `own_board` tells which file to read as the user's own board, from the one that the text names;
    None: none, and no board is in the configuration.
    """
    lists, tables, defaults = _read_tables(path, text)
    sweep, objectives = _read_sweep(path, text, tables.pop("sweep", {}))
    raw_space = tables.pop("space", {})
    named = _resolve_paths(tables, path.parent)
    space = read_space(path, raw_space, named, vocabulary)
    chosen = kept_or_default(build, defaults)
    base, board_text = resolve_board(path, named, vocabulary, own_board, chosen)
    default = _read_default(path, base, sweep, space, vocabulary)
    if not space:
        check_whole(path, default)
    _check_reported(path, objectives, default.recognizer, has_board="board" in named["budget"])
    parsed = SweepConfig(
        path=path,
        text=text,
        sweep=sweep,
        start=read_start(path, lists["start"], space),
        references=_read_references(path, lists["reference"]),
        base=base,
        space=space,
        vocabulary=vocabulary,
        board_text=board_text,
        default=default,
    )
    _check_not_contradictory(parsed)
    return parsed


def _read_tables(path: Path, text: str) -> tuple[dict[str, Any], dict[str, Any], Defaults]:
    """Returns the lists of tables and the tables, by name, and what holds where they are silent."""
    try:
        tables = tomllib.loads(text)
        _check_plain(path, tables)
    except (ValueError, RecursionError) as error:  # ValueError also for an integer too long
        raise ConfigError(f"{path}: must be TOML: {error}.") from error
    defaults = read_defaults(str(path), tables.pop("defaults", 1))
    lists = {name: tables.pop(name, []) for name in LISTS}
    for name, table in tables.items():
        if name not in TABLES:
            known = (*TABLES, *LISTS, "defaults")
            raise ConfigError(f"{path}: unknown table [{name}]. {suggest(name, known)}")
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {name} must be a table, got {table!r}. Write [{name}].")
    return lists, defaults.beneath(tables), defaults


def _read_sweep(
    path: Path, text: str, table: Mapping[str, object]
) -> tuple[SweepSection, tuple[Objective, ...]]:
    """Reads how to search, and what decides."""
    sweep = read_section(f"{path} [sweep]", SweepSection, table)
    try:
        objectives = parse_objectives(sweep.objectives)
    except ValueError as error:
        raise ConfigError(f"{path} [sweep] objectives: {error}") from error
    if sweep.confirm_folds is not None and objectives[0] != natural("balanced_accuracy"):
        raise ConfigError(
            f"{path} [sweep] confirm_folds: must come with balanced_accuracy as the first"
            f" objective, got '{objectives[0]}'. It is what the folds confirm."
        )
    _check_storage(path, text, sweep.storage)
    if sweep.storage and "://" not in sweep.storage:
        sweep = replaced(sweep, storage=str((path.parent / sweep.storage).resolve()))
    return sweep, objectives


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


def _check_reported(
    path: Path,
    objectives: tuple[Objective, ...],
    recognizer: RecognizerSection | None,
    has_board: bool,
) -> None:
    """Checks that each objective will be reported: some take a board, some a recognizer."""
    for objective in objectives:
        if objective.key in STREAM_SCORES and recognizer is None:
            raise ConfigError(
                f"{path} [sweep] objectives: {objective.key} must come with [recognizer], got none."
                " Add the table, it may be empty: without it nothing is scored on streams."
            )
        if objective.key in COSTS_OF_A_BOARD and not has_board:
            raise ConfigError(
                f"{path} [sweep] objectives: {objective.key} must come with a board, got none."
                " Name one in [budget] board: without it no trial reports this number."
            )


def resolve(sweep: SweepConfig, point: Mapping[str, Scalar]) -> Config:
    """Applies a point of the search space to the file and checks the whole.

    What the point leaves as it is comes from `sweep.default`, read and checked already: a sampler
    may resolve hundreds of points for each candidate.

    Raises:
        ConfigError: A rule between two fields is broken (stride longer than the window, say).
    """
    return _resolve(f"{sweep.path} ", sweep, point)


def _resolve(file: str, sweep: SweepConfig, point: Mapping[str, Scalar]) -> Config:
    """Does so; `file`, "" or one with a space behind it, stands before what is wrong."""
    tables: dict[str, dict[str, object]] = {}
    for name, value in point.items():
        section, key = name.split(".", 1)
        if section not in tables:
            tables[section] = dict(sweep.base.get(section, {}))
        tables[section][key] = value
    changed = _read_sections(file, tables, sweep.space, sweep.vocabulary)
    config = sweep.default.model_copy(update=changed)
    check_rules(file, config)
    return config


def _read_default(
    path: Path,
    base: Tables,
    sweep: SweepSection,
    space: Mapping[str, Choice | Range],
    vocabulary: Vocabulary,
) -> Config:
    """Reads the configuration with no point of the space applied."""
    tables: Tables = {
        name: base.get(name, {}) for name in OF_A_TRIAL if name != "recognizer" or name in base
    }
    sections = _read_sections(f"{path} ", tables, space, vocabulary)
    config = Config.model_validate(
        {"seed": sweep.seed, "n_threads": sweep.cpus_per_trial, **sections}
    )
    _check_keywords(path, config.data)
    return config


def _read_sections(
    file: str, tables: Tables, space: Mapping[str, Choice | Range], vocabulary: Vocabulary
) -> dict[str, Section]:
    """Reads the sections of a configuration that are among some tables."""
    sections: dict[str, Section] = {
        name: read_section(f"{file}[{name}]", SECTIONS[name], tables[name])
        for name in OF_A_TRIAL
        if name in tables and name != "model"
    }
    if "model" in tables:
        sections["model"] = read_model(f"{file}[model]", tables["model"], space, vocabulary)
    return sections


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
            _resolve("", sweep, point)
        except ConfigError as error:
            problem = error
        else:
            return
    if sweep.space:
        raise ConfigError(
            f"{sweep.path} [space]: some point must be a valid configuration, got none in "
            f"{N_TRIED_POINTS}: {problem}"
        ) from problem


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
    if "source" in data:
        data["source"] = _of_file(data["source"], folder, NAMED_SOURCES)
    for key, names in (("sources", NAMED_SOURCES), ("extra", ()), ("speech", ())):
        if isinstance(data.get(key), list):
            data[key] = [_of_file(item, folder, names) for item in data[key]]
    return {**tables, "data": data, "budget": tables.get("budget", {})}


def _of_file(item: object, folder: Path, names: tuple[str, ...]) -> object:
    """Returns a path relative to the sweep file's folder as an absolute one; names as they are."""
    if not isinstance(item, str) or item in names:
        return item
    return str((folder / item).resolve()) if item else item
