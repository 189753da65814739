"""`[space]` and `[[start]]` of a sweep file in, dimensions and points out."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sprd.config.dimensions import Choice, Range, contains, read_dimension
from sprd.config.frozen import Section
from sprd.config.params import Params, Scalar, Vocabulary
from sprd.config.sections import (
    FRAME_KEYS,
    SECTIONS,
    BrokenRule,
    candidate_architectures,
    check_value,
    params_of,
)
from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError, suggest

SEARCHABLE_SECTIONS = ("features", "augment", "model", "train", "recognizer")
UNSEARCHABLE = tuple(
    f"recognizer.{key}"
    for key in ("kind", "max_false_accepts_per_hour", "max_false_accepts_per_hour_words")
)
"""What is asked of every trial of a sweep."""
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


def is_active(name: str, point: Mapping[str, Scalar], sweep: SweepConfig) -> bool:
    """Tells whether a dimension has an effect at a point, which may be filled in meanwhile.

    A parameter of an architecture exists only where that is chosen; some, only where another
    parameter has a certain value, by the point or else by the file.
    """
    return not _is_parameter(name) or name.removeprefix("model.") in _active_params(point, sweep)


def active_names(point: Mapping[str, Scalar], sweep: SweepConfig) -> frozenset[str]:
    """Returns the dimensions that have an effect at a point: see `is_active`."""
    active = _active_params(point, sweep)
    return frozenset(
        name
        for name in sweep.space
        if not _is_parameter(name) or name.removeprefix("model.") in active
    )


def _is_parameter(name: str) -> bool:
    return name.startswith("model.") and name != ARCHITECTURE


def _active_params(point: Mapping[str, Scalar], sweep: SweepConfig) -> frozenset[str]:
    """Returns the parameters of a point's architecture that have an effect, by their own names."""
    architecture = str(point.get(ARCHITECTURE, sweep.default.model.architecture))
    params = dict(sweep.base.get("model", {}))
    params |= {
        name.removeprefix("model."): value
        for name, value in point.items()
        if name.startswith("model.")
    }
    return sweep.vocabulary.architectures[architecture].active(params)


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
    candidates = candidate_architectures(base.get("model", {}), space)
    known = {k: kind for k, kind in vocabulary.architectures.items() if k in candidates}
    for name, dimension in space.items():
        where = f'{path} [space."{name}"]'
        section, _, key = name.partition(".")
        values = dimension.values if isinstance(dimension, Choice) else _ends(dimension)
        _check_searchable(where, name)
        if name == ARCHITECTURE:
            _check_architectures(where, values, vocabulary)
            continue
        if section == "features":
            _check_frame_once(where, key, space, base)
        kinds = _owners(where, key, known) if section == "model" else {f"{key}:": SECTIONS[section]}
        for subject, kind in kinds.items():
            _check_values(where, subject, kind, key, values)
    return space


def _check_searchable(where: str, name: str) -> None:
    data = tuple(f"data.{key}" for key in SEARCHABLE_DATA)
    if name in UNSEARCHABLE:
        raise ConfigError(
            f"{where}: must not be searched, got {name!r}. It is what is asked of every trial:"
            " write it in [recognizer]."
        )
    if name.partition(".")[0] not in SEARCHABLE_SECTIONS and name not in data:
        raise ConfigError(
            f"{where}: must name a key of {', '.join(SEARCHABLE_SECTIONS)}, or "
            f"{' or '.join(data)}, got {name!r}. Other data would change what is measured."
        )


def _ends(dimension: Range) -> tuple[float, float]:
    return dimension.low, dimension.high


def _check_architectures(where: str, values: Iterable[Scalar], vocabulary: Vocabulary) -> None:
    try:
        for value in values:
            params_of(value, vocabulary)
    except BrokenRule as broken:
        raise ConfigError(f"{where}: {broken.rule}") from broken


def _check_frame_once(
    where: str, key: str, space: Mapping[str, Choice | Range], base: Tables
) -> None:
    """Checks that the preset and what it sets do not stand side by side."""
    given = base.get("features", {})
    if key in FRAME_KEYS and ("features.frame" in space or "frame" in given):
        raise ConfigError(
            f"{where}: must not stand beside features.frame, which sets {key}. Remove one of them."
        )
    clash = [name for name in FRAME_KEYS if name in given]
    if key == "frame" and clash:
        raise ConfigError(
            f"{where}: must not stand beside {clash[0]} in [features], which it sets."
            " Remove one of them."
        )


def _owners(where: str, key: str, known: Mapping[str, type[Params]]) -> dict[str, type[Section]]:
    """Returns the architectures that have a parameter, each under the words for it there."""
    owners = {f"{key} of {k}": kind for k, kind in known.items() if key in kind.model_fields}
    if not owners:
        names = {name for kind in known.values() for name in kind.model_fields}
        raise ConfigError(f"{where}: no chosen architecture has {key!r}. {suggest(key, names)}")
    return dict(owners)


def _check_values(
    where: str, subject: str, kind: type[Section], key: str, values: Iterable[Scalar]
) -> None:
    """Checks each value of a dimension by itself, as if the file had given it."""
    try:
        for value in values:
            check_value(kind, key, value)
    except BrokenRule as broken:
        raise ConfigError(f"{where}: {subject} {broken.rule}") from broken
