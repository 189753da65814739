"""`[space]` and `[[start]]` of a sweep file in, dimensions and points out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sprd.config.dimensions import Choice, Range, contains, read_dimension
from sprd.config.params import Scalar, Vocabulary
from sprd.config.sections import FRAME_KEYS, candidate_architectures, owners_of, read_section
from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError, suggest

SEARCHABLE_SECTIONS = ("features", "augment", "model", "train")
SEARCHABLE_DATA = ("silence_percentage", "unknown_percentage")
ARCHITECTURE = "model.architecture"

Tables = Mapping[str, Mapping[str, object]]
PointKey = tuple[tuple[str, Scalar], ...]


def read_start(
    path: Path, points: object, space: Mapping[str, Choice | Range]
) -> tuple[dict[str, Scalar], ...]:
    """Reads the points to try first.

    Raises:
        ConfigError: One names what is no dimension, or a value outside it.
    """
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise ConfigError(f"{path}: start must be tables, got {points!r}. Write [[start]].")
    for number, point in enumerate(points, 1):
        where = f"{path} [[start]] {number}"
        for name, value in point.items():
            if name not in space:
                raise ConfigError(
                    f"{where}: must name dimensions of [space], got {name!r}."
                    f" {suggest(name, tuple(space))} A dotted name stands in quotes."
                )
            if not contains(space[name], value):
                raise ConfigError(
                    f"{where}: {name} must lie in its dimension of [space], {space[name]}, got"
                    f" {value!r}. Widen [space], or change the point."
                )
    return tuple(points)


def active_names(point: Mapping[str, Scalar], sweep: SweepConfig) -> frozenset[str]:
    """Returns the dimensions that have an effect at a point, which may be filled in meanwhile.

    A parameter of an architecture exists only where that is chosen; some, only where another
    parameter has a certain value, by the point or else by the file.
    """
    space = sweep.space
    architecture = str(point.get(ARCHITECTURE, sweep.default.model.architecture))
    params: dict[str, Any] = {**sweep.base.get("model", {})}
    params |= {
        name.removeprefix("model."): value
        for name, value in point.items()
        if name.startswith("model.")
    }
    active = sweep.vocabulary.active_params(architecture, params)
    return frozenset(
        name
        for name in space
        if name == ARCHITECTURE
        or not name.startswith("model.")
        or name.removeprefix("model.") in active
    )


def point_key(point: Mapping[str, Scalar]) -> PointKey:
    """Returns what equal points have in common, whatever the order of their names."""
    return tuple(sorted(point.items()))


def ordered_names(space: Mapping[str, Choice | Range]) -> list[str]:
    """Returns the dimensions in the order in which a point is filled in.

    Which parameters exist depends on the architecture, then on those of them that choose among
    words: these come first.
    """

    def rank(name: str) -> int:
        return 0 if name == ARCHITECTURE else 1 if decides(name, space[name]) else 2

    return sorted(space, key=rank)


def decides(name: str, dimension: Choice | Range) -> bool:
    """Whether a dimension may decide which others exist: one of the model that chooses words."""
    words = isinstance(dimension, Choice) and isinstance(dimension.values[0], str)
    return name.startswith("model.") and words


def read_space(
    path: Path, table: Mapping[str, object], base: Tables, vocabulary: Vocabulary
) -> dict[str, Choice | Range]:
    """Reads the search space; each value of it is checked as if the file had given it.

    Raises:
        ConfigError: A dimension names no searchable key, or holds a value that the key cannot take.
    """
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
