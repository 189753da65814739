"""One table of a sweep file in, its frozen type out: the one place where a rule gets its words."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sprd.config.budget import Budget
from sprd.config.dimensions import Choice, Range
from sprd.config.frozen import Section, SectionT
from sprd.config.params import Params, Vocabulary
from sprd.config.recognizer import FIT, RecognizerSection
from sprd.config.sweep import SweepSection
from sprd.config.trial import (
    AugmentSection,
    DataSection,
    FeaturesSection,
    ModelSection,
    TrainSection,
)
from sprd.errors import ConfigError, suggest

SECTIONS: Mapping[str, type[Section]] = {
    "sweep": SweepSection,
    "data": DataSection,
    "features": FeaturesSection,
    "augment": AugmentSection,
    "train": TrainSection,
    "recognizer": RecognizerSection,
    "budget": Budget,
}
INSTEAD: Mapping[type[Section], Mapping[str, tuple[str, ...]]] = {
    AugmentSection: {"background_volume": ("snr_low_db", "snr_high_db")},
    DataSection: {"source": ("sources",)},
}
"""By the type of a table, and a key of it, the keys that say it otherwise: not both."""

_FRAME = re.compile(r"(\d{1,4})/(\d{1,4})x(\d{1,3})", re.ASCII)
FRAME_KEYS = ("window_size_ms", "window_stride_ms", "n_channels")


class BrokenRule(ValueError):
    """The key of a table whose value breaks a rule, and the rule; not where the table stands."""

    def __init__(self, key: str, rule: str) -> None:
        """Takes the rule as a sentence that may follow the key, such as "must ..., got 0."."""
        super().__init__(f"{key}: {rule}")
        self.key, self.rule = key, rule


def read_section(where: str, kind: type[SectionT], table: Mapping[str, object]) -> SectionT:
    """Checks a table; `where` starts the message.

    Raises:
        ConfigError: It has an unknown key, lacks one, or a value breaks a rule.
    """
    try:
        return validated(kind, table)
    except BrokenRule as broken:
        raise ConfigError(f"{where} {broken}") from broken


def validated(kind: type[SectionT], table: Mapping[str, object]) -> SectionT:
    """Returns a table as its type.

    Raises:
        BrokenRule: It has an unknown key, lacks one, or a value breaks a rule.
    """
    values = _expand_frame(table) if kind is FeaturesSection else dict(table)
    try:
        section = kind.model_validate(values)
    except ValidationError as error:
        raise _broken_rule(kind, error.errors(include_url=False)) from error
    if isinstance(section, TrainSection):
        _check_phases(section)
    for key, others in INSTEAD.get(kind, {}).items():
        _check_not_beside(key, [other for other in others if other in table], table)
    return section


def check_value(kind: type[Section], key: str, value: object) -> None:
    """Checks the value of one key, whatever else its table holds.

    Raises:
        BrokenRule: The table has no such key, or the value breaks a rule.
    """
    values = _expand_frame({key: value}) if kind is FeaturesSection else {key: value}
    try:
        kind.model_validate(values)
    except ValidationError as error:
        found = [one for one in error.errors(include_url=False) if {*one["loc"][:1]} & {*values}]
        if found:
            raise _broken_rule(kind, found) from error


def _broken_rule(kind: type[Section], found: list[ErrorDetails]) -> BrokenRule:
    """Puts what pydantic found first into the words of a message."""
    details, is_fit = found[0], False
    for one in found[1:]:
        if one["loc"][:1] == details["loc"][:1] and f"'{FIT}'" in one["msg"]:
            is_fit = True
    if is_fit:  # of a list what is wrong in it
        details = max(found, key=lambda one: len(one["loc"]))
    key = str(details["loc"][0]) if details["loc"] else ""
    field = kind.model_fields.get(key)
    if details["type"] == "extra_forbidden" or field is None:
        return BrokenRule(key, f"unknown key. {suggest(key, kind.model_fields)}")
    description = f" {field.description}" if field.description else ""
    if details["type"] == "missing":
        return BrokenRule(key, f"must be given.{description}")
    rule = re.sub(r"^\w+ should ", "must ", details["msg"]).replace("tuple", "list")
    rule = rule.split(" after validation", 1)[0]
    rule = rule.replace("a valid integer", "an integer").replace("a valid ", "a ")
    if details["type"] in ("greater_than_equal", "less_than_equal") and len(details["loc"]) == 1:
        rule = _both_bounds(field) or rule
    if is_fit and len(details["loc"]) == 2:
        rule += f' or "{FIT}"'
    return BrokenRule(key, f"{rule}, got {details['input']!r}.{description}")


def _both_bounds(field: FieldInfo) -> str | None:
    """The rule of a number that is bounded on both sides, or None."""
    lows = [rule.ge for rule in field.metadata if hasattr(rule, "ge")]
    highs = [rule.le for rule in field.metadata if hasattr(rule, "le")]
    return f"must lie in {lows[-1]} .. {highs[-1]}" if lows and highs else None


def _expand_frame(table: Mapping[str, object]) -> dict[str, Any]:
    """Replaces the preset `frame = "30/20x40"` by the three values that it names."""
    values = dict(table)
    if "frame" not in values:
        return values
    frame = values.pop("frame")
    match = _FRAME.fullmatch(frame) if isinstance(frame, str) else None
    if match is None:
        raise BrokenRule(
            "frame", f"must be window/stride x channels, like '30/20x40', got {frame!r}."
        )
    clash = [key for key in FRAME_KEYS if key in values]
    if clash:
        raise BrokenRule(
            "frame",
            f"must not stand beside {clash[0]}, which it sets, got both. Remove one of them.",
        )
    return {**values, **dict(zip(FRAME_KEYS, map(int, match.groups()), strict=True))}


def read_model(
    where: str,
    table: Mapping[str, object],
    space: Mapping[str, Choice | Range],
    vocabulary: Vocabulary,
) -> ModelSection:
    """Fills in the defaults; drops parameters of architectures that were not chosen.

    `where` starts the message.

    Raises:
        ConfigError: No known architecture is chosen, none of them has one of the parameters, or
            the value of one breaks a rule.
    """
    candidates = candidate_architectures(table, space)
    if not candidates:
        known = ", ".join(sorted(vocabulary.architectures))
        raise ConfigError(f"{where} architecture: must be given. Known: {known}.")
    try:
        kinds = [params_of(name, vocabulary) for name in candidates]
        _check_params(str(candidates[0]), kinds, table)
    except BrokenRule as broken:
        raise ConfigError(f"{where} {broken}") from broken
    params = {key: table.get(key, default) for key, default in kinds[0].defaults().items()}
    return ModelSection.model_validate({"architecture": candidates[0], "params": params})


def candidate_architectures(
    table: Mapping[str, object], space: Mapping[str, Choice | Range]
) -> tuple[object, ...]:
    """Returns what `[model]` and the space name as architectures, that of `[model]` first."""
    names = [table["architecture"]] if "architecture" in table else []
    dimension = space.get("model.architecture")
    if isinstance(dimension, Choice):
        names += [value for value in dimension.values if value not in names]
    return tuple(names)


def params_of(architecture: object, vocabulary: Vocabulary) -> type[Params]:
    """Returns the parameters of an architecture.

    Raises:
        BrokenRule: There is none of this name.
    """
    known = vocabulary.architectures
    if not isinstance(architecture, str) or architecture not in known:
        raise BrokenRule(
            "architecture",
            f"unknown architecture {architecture!r}. {suggest(str(architecture), known)}",
        )
    return known[architecture]


def _check_params(
    architecture: str, kinds: list[type[Params]], table: Mapping[str, object]
) -> None:
    """Checks each parameter by every architecture that has it; the first of them is chosen."""
    given = table.keys() - {"architecture"}
    owned = [given & kind.model_fields.keys() for kind in kinds]
    for key in sorted(given.difference(*owned)):
        known = kinds[0].model_fields
        raise BrokenRule(key, f"unknown key of {architecture}. {suggest(key, known)}")
    for kind, keys in zip(kinds, owned, strict=True):
        validated(kind, {key: table[key] for key in keys})


def _check_not_beside(key: str, others: list[str], table: Mapping[str, object]) -> None:
    if key in table and others:
        raise BrokenRule(
            key, f"must not stand beside {others[0]}, in whose place it is, got both. Remove one."
        )


def _check_phases(train: TrainSection) -> None:
    steps, rates = train.steps, train.learning_rate
    n_steps = len(steps) if isinstance(steps, tuple) else 1
    if (isinstance(rates, tuple) and len(rates) != n_steps) or n_steps == 0:
        raise BrokenRule(
            "learning_rate",
            f"must have one entry a phase of steps, got steps={steps}, learning_rate={rates}.",
        )
