"""One table of a sweep file in, its frozen type out."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sprd.config.dimensions import Choice, Range
from sprd.config.params import Param, Vocabulary
from sprd.config.sweep import ReferenceSection, SweepSection
from sprd.config.trial import (
    AugmentSection,
    Budget,
    DataSection,
    FeaturesSection,
    ModelSection,
    Section,
    TrainSection,
)
from sprd.errors import ConfigError, suggest

SECTIONS: Mapping[str, type[Section]] = {
    "sweep": SweepSection,
    "data": DataSection,
    "features": FeaturesSection,
    "augment": AugmentSection,
    "train": TrainSection,
    "budget": Budget,
}
_TYPES: Mapping[str, type[Section]] = {**SECTIONS, "reference": ReferenceSection}
_FRAME = re.compile(r"(\d{1,4})/(\d{1,4})x(\d{1,3})", re.ASCII)
FRAME_KEYS = ("window_size_ms", "window_stride_ms", "n_channels")


def read_section(path: Path, name: str, table: Mapping[str, object]) -> Section:
    where = f"{path} [{name}]" if name in SECTIONS else f"{path} [[{name}]]"
    values: dict[str, Any] = dict(table)
    for key in _TYPES[name].filled_in & values.keys():
        raise ConfigError(f"{where} {key}: unknown key. {suggest(key, _TYPES[name].key_names())}")
    if name == "features":
        values = _expand_frame(where, values)
    try:
        section = _TYPES[name].model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where} {_explain(_TYPES[name], error)}") from error
    if isinstance(section, TrainSection):
        _check_phases(where, section)
    return section


def _explain(section: type[Section], error: ValidationError) -> str:
    """One line for the first error that pydantic found."""
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key. {suggest(key, section.key_names())}"
    if first["type"] == "missing":
        return f"{key}: must be given. {section.model_fields[key].description}"
    rule = re.sub(r"^\w+ should ", "must ", str(first["msg"])).replace("tuple", "list")
    rule = rule.split(" after validation", 1)[0]
    description = section.model_fields[key].description if key in section.model_fields else None
    return f"{key}: {rule}, got {first['input']!r}." + (f" {description}" if description else "")


def _expand_frame(where: str, values: dict[str, Any]) -> dict[str, Any]:
    """Replaces the preset `frame = "30/20x40"` by the three values that it names."""
    if "frame" not in values:
        return values
    frame = values.pop("frame")
    match = _FRAME.fullmatch(frame) if isinstance(frame, str) else None
    if match is None:
        raise ConfigError(
            f"{where} frame: must be window/stride x channels, like '30/20x40', got {frame!r}."
        )
    clash = [key for key in FRAME_KEYS if key in values]
    if clash:
        raise ConfigError(
            f"{where} frame: must not stand beside {clash[0]}, which it sets, got both."
            " Remove one of them."
        )
    return {**values, **dict(zip(FRAME_KEYS, map(int, match.groups()), strict=True))}


def read_model(
    path: Path,
    table: Mapping[str, object],
    space: Mapping[str, Choice | Range],
    vocabulary: Vocabulary,
) -> ModelSection:
    """Fills in the defaults; drops parameters of architectures that were not chosen."""
    where = f"{path} [model]"
    candidates = candidate_architectures(table, space)
    architecture = table.get("architecture", candidates[0] if candidates else None)
    if architecture is None:
        raise ConfigError(
            f"{where} architecture: must be given. Known: "
            f"{', '.join(sorted(vocabulary.architectures))}."
        )
    for name in (architecture, *candidates):
        if not isinstance(name, str) or name not in vocabulary.architectures:
            raise ConfigError(
                f"{where} architecture: unknown architecture {name!r}. "
                f"{suggest(str(name), vocabulary.architectures)}"
            )
    assert isinstance(architecture, str)
    for key, value in table.items():
        if key == "architecture":
            continue
        owners = owners_of(key, candidates or (architecture,), vocabulary)
        if not owners:
            known = vocabulary.architectures[architecture]
            raise ConfigError(
                f"{where} {key}: unknown key of {architecture}. {suggest(key, known)}"
            )
        for param in owners.values():
            if problem := param.problem(value):
                raise ConfigError(f"{where} {key}: {problem}, got {value!r}. {param.doc}")
    known = vocabulary.architectures[architecture]
    params = {key: table.get(key, param.default) for key, param in known.items()}
    return ModelSection(architecture=architecture, params=params)  # type: ignore[arg-type]


def candidate_architectures(
    table: Mapping[str, object], space: Mapping[str, Choice | Range]
) -> tuple[str, ...]:
    names = [table["architecture"]] if "architecture" in table else []
    dimension = space.get("model.architecture")
    if isinstance(dimension, Choice):
        names += [value for value in dimension.values if value not in names]
    return tuple(str(name) for name in names)


def owners_of(key: str, architectures: tuple[str, ...], vocabulary: Vocabulary) -> dict[str, Param]:
    """Returns the parameter `key` of each of the architectures that has it."""
    all_params = {name: vocabulary.architectures.get(name, {}) for name in architectures}
    return {name: params[key] for name, params in all_params.items() if key in params}


def _check_phases(where: str, train: TrainSection) -> None:
    steps, rates = train.steps, train.learning_rate
    n_steps = len(steps) if isinstance(steps, tuple) else 1
    if (isinstance(rates, tuple) and len(rates) != n_steps) or n_steps == 0:
        raise ConfigError(
            f"{where} learning_rate: must have one entry a phase of steps, got "
            f"steps={steps}, learning_rate={rates}."
        )
