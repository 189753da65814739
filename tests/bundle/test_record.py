"""The configuration in a manifest or a record: read whole, of older versions too, and checked."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sprd.bundle.manifest import HASHED_FILES, Export, build, read_manifest
from sprd.bundle.record import config_of, read_config
from sprd.config.build import CMAKE_O2
from sprd.device.board import BOARDS, load_board
from sprd.errors import InputError
from tests.bundle.conftest import BOARD

MakeExport = Callable[..., Export]
FILES = {name: name.encode() for name in HASHED_FILES}


def test_the_configuration_comes_back(make_export: MakeExport) -> None:
    """Only the folders of [data] are shortened to their last component."""
    config = make_export().config
    data = config.data.model_copy(update={"source": "recordings", "extra": ("more",)})
    assert config_of(build(make_export(), FILES)) == config.model_copy(update={"data": data})


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("features", "n_channels", 100_000, r"config\.features\.n_channels"),
        ("features", "window_stride_ms", 50, "window_stride_ms <= window_size_ms"),
        ("train", "steps", "many", r"config\.train\.steps"),
        ("data", "surprise", 1, r"config\.data\.surprise"),
    ],
)
def test_a_configuration_that_breaks_a_rule_is_an_error(
    make_export: MakeExport, section: str, key: str, value: object, words: str
) -> None:
    """A manifest by another hand does not reach the front end unchecked."""
    manifest = build(make_export(), FILES)
    manifest["config"][section][key] = value
    with pytest.raises(InputError, match=words):
        config_of(manifest)


def test_an_own_board_is_in_the_record(make_export: MakeExport) -> None:
    """Whole, without the folders of who wrote it: there may be no file of it any more."""
    text = "see https://example.org/a/b.pdf and /home/jo/notes, 48/64 pins"
    own = replace(BOARD, origin="/home/jo/my boards/mine.toml", description=text)
    manifest = build(make_export(board=own), FILES)
    assert manifest["board"] == "mine.toml"
    back = config_of(manifest).budget.board
    assert back == replace(own, description=text.replace("/home/jo/", ""))
    assert back is not None and back.origin == "mine.toml"


@pytest.mark.parametrize("name", BOARDS)
def test_a_shipped_board_is_in_the_record_as_it_is(make_export: MakeExport, name: str) -> None:
    """Nothing of its description or sources is taken for a path of this machine."""
    board = load_board(name)
    manifest = build(make_export(board=board), FILES)
    assert manifest["board"] == name
    back = config_of(manifest).budget.board
    assert back == board and back.origin == name


OLD_TEXT = BOARDS["stm32f746"].read_text()


@pytest.mark.parametrize(
    ("told", "board"),
    [
        ({"board": "stm32f746", "board_toml": None}, "stm32f746"),
        ({"board": "stm32f746"}, "stm32f746"),
        ({"board": "mine.toml", "board_toml": OLD_TEXT}, "stm32f746"),
        ({"board": None, "board_toml": None}, None),
        ({}, None),
    ],
)
def test_an_older_record_names_its_board(
    make_export: MakeExport, told: dict[str, Any], board: str | None
) -> None:
    """Or holds the text of the board's file: it is read as that board."""
    manifest = build(make_export(board=None), FILES)
    del manifest["config"]["budget"]["board"]
    manifest["config"]["budget"] |= told
    found = config_of(manifest).budget.board
    assert found == (load_board(board, CMAKE_O2) if board else None)
    assert found is None or found.origin == told["board"]


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"board": "gone.toml"}, "must be the text of 'gone.toml', got none"),
        ({"board": "/etc/gone.toml", "board_toml": None}, "must be the text of '/etc/gone"),
        ({"board": "stm32f747"}, "board: must be a known board .* Did you mean 'stm32f746'"),
        ({"board": "mine.toml", "board_toml": "clock = 1"}, "mine.toml: unknown key 'clock'"),
        ({"board": 3}, "Input should be a valid string, got 3"),
        ({"board": {"name": "mine"}}, "board: must have the key 'description', got none"),
    ],
)
def test_a_record_of_a_board_that_cannot_be_used_is_refused(
    make_export: MakeExport, told: dict[str, Any], problem: str
) -> None:
    """In one line that says where."""
    manifest = build(make_export(), FILES)
    manifest["config"]["budget"] |= told
    with pytest.raises(InputError, match=problem) as caught:
        config_of(manifest)
    assert str(caught.value).startswith("manifest.json config.budget.board: ")
    assert str(caught.value).endswith(" Export the bundle again.")


def test_a_board_that_breaks_a_rule_is_told_in_its_own_words(make_export: MakeExport) -> None:
    """Once, and not as a whole."""
    manifest = build(make_export(), FILES)
    manifest["config"]["budget"]["board"]["clock_hz"] = 3
    with pytest.raises(InputError) as caught:
        config_of(manifest)
    assert str(caught.value) == (
        "manifest.json config.budget.board: board [clock_hz]: must be a whole number in"
        " 1,000,000 .. 2,000,000,000, got 3. Export the bundle again."
    )


def test_a_bundle_of_an_older_version_is_read(shared: Path) -> None:
    """That of commit 9badef2, whose budget names its board."""
    config = config_of(read_manifest(shared / "models" / "default_demo"))
    assert config.budget.board == load_board("arduino_nano_33_ble", CMAKE_O2)


@pytest.mark.parametrize("number", [0, 2, 3, 5])
def test_a_trial_of_an_older_version_is_read(shared: Path, number: int) -> None:
    """A run that was begun at 9badef2 can be exported."""
    path = shared / "runs_9badef2" / "finished" / "trials" / str(number) / "record.json"
    told = json.loads(path.read_text())["config"]
    config = read_config(told, "record.json", "Choose another trial.")
    assert config.budget.board == load_board("arduino_nano_33_ble", CMAKE_O2)
    assert config.model.params == told["model"]["params"]


@pytest.mark.parametrize("told", [None, [], "text", {}, {"budget": 3}])
def test_what_is_no_configuration_is_refused(told: object) -> None:
    """With the file and what to do about it."""
    with pytest.raises(InputError, match=r"^x/record\.json config.*Choose another trial\.$"):
        read_config(told, "x/record.json", "Choose another trial.")


def test_a_configuration_nested_deep_is_refused() -> None:
    """Deeper than Python can follow."""
    told: object = {}
    for _ in range(100_000):
        told = [told]
    with pytest.raises(
        InputError, match=r"^x/record\.json config: must not be nested so deep\. Ch"
    ):
        read_config(told, "x/record.json", "Choose another trial.")
