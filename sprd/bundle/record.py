"""What a manifest or a trial's record tells of a configuration in, the `Config` out, checked.

Reads what earlier versions wrote, too: they told a board by its name, or by the text of its file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sprd.bundle.manifest import MANIFEST, shortened
from sprd.config.board import NO_BOARD, parse_board
from sprd.config.defaults import FIRST
from sprd.config.sections import BrokenRule, validated
from sprd.config.trial import Config, ModelSection
from sprd.config.whole import check_whole
from sprd.device.board import load_board
from sprd.errors import BoardError, InputError
from sprd.model.params import ARCHITECTURES


def config_of(manifest: Mapping[str, Any]) -> Config:
    """Rebuilds the configuration that the model was trained with.

    Folders of [data] are only their last component: tell where the data lies.

    Raises:
        InputError: It breaks a rule, alone or between two fields.
    """
    config = read_config(manifest["config"], MANIFEST, "Export the bundle again.")
    check_whole(Path(MANIFEST), config)
    _check_model(config.model)
    return config


def read_config(told: object, where: str, remedy: str) -> Config:
    """Reads the configuration that a manifest or the record of a trial tells.

    Args:
        told: The value of "config". Its budget holds the board as a whole; in older files, the name
            of a shipped one, or the text of the user's own file.
        where: The file, for messages.
        remedy: What to do about a bad one.

    Raises:
        InputError: It breaks a rule.
    """
    try:
        if isinstance(told, Mapping) and isinstance(told.get("budget"), Mapping):
            told = {**told, "budget": _with_whole_board(told["budget"])}
        return Config.model_validate_json(json.dumps(told))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("config", *first["loc"])))
        is_whole = first["type"] == NO_BOARD
        problem = first["msg"] if is_whole else f"{first['msg']}, got {shortened(first['input'])}."
    except BoardError as error:
        place, problem = "config.budget.board", str(error)
    except RecursionError:
        place, problem = "config", "must not be nested so deep."
    raise InputError(f"{where} {place}: {problem} {remedy}")


def _with_whole_board(budget: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the board in place of its name, or of the text of its file."""
    if isinstance(budget.get("board"), Mapping):
        return dict(budget)
    whole = {key: value for key, value in budget.items() if key != "board_toml"}
    name, text = budget.get("board"), budget.get("board_toml")
    if isinstance(name, str) and isinstance(text, str):
        whole["board"] = FIRST.of_board(parse_board(text, name, name)).as_json()
    elif isinstance(name, str) and name.endswith(".toml"):
        raise BoardError(f"must be the text of {shortened(name)}, got none.")
    elif isinstance(name, str):
        whole["board"] = FIRST.of_board(load_board(name)).as_json()
    return whole


def _check_model(model: ModelSection) -> None:
    """Checks that the architecture is known, and all its parameters that have an effect there."""
    kind = ARCHITECTURES.get(model.architecture)
    if kind is None or not kind.active(model.params) <= model.params.keys():
        raise InputError(
            f"{MANIFEST} config.model: must be an architecture with its parameters, got"
            f" {model.architecture!r} with {shortened(sorted(model.params))}."
            " Export the bundle again."
        )
    try:
        validated(kind, model.params)
    except BrokenRule as broken:
        raise InputError(
            f"{MANIFEST} config.model.params {broken} Export the bundle again."
        ) from broken
