"""The reference of sweep files says what the code says."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from sprd.config.params import Vocabulary
from sprd.config.reader import SECTIONS, parse_sweep
from sprd.config.sweep import SweepConfig
from sprd.model.params import ARCHITECTURES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "sweep-file.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """`docs/make_sweep_file_reference.py`, which is no module of the package."""
    spec = importlib.util.spec_from_file_location(
        "make_sweep_file_reference", ROOT / "docs" / "make_sweep_file_reference.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_is_up_to_date(script: ModuleType) -> None:
    """The page is what its script makes of today's types and architectures."""
    assert script.render() == PAGE.read_text(encoding="utf-8"), (
        f"docs/sweep-file.md is stale. Make it again: {script.COMMAND}"
    )


def test_reference_has_no_empty_slot() -> None:
    """Every placeholder of the template was filled in."""
    assert re.findall(r"\{\{|\}\}", PAGE.read_text(encoding="utf-8")) == []


def test_every_key_has_a_meaning() -> None:
    """No key of a sweep file and no parameter of an architecture goes unexplained."""
    keys = [
        (table, key, field.description)
        for table, section in SECTIONS.items()
        for key, field in section.model_fields.items()
    ]
    params = [
        (name, key, param.doc)
        for name, known in ARCHITECTURES.items()
        for key, param in known.items()
    ]
    assert [(where, key) for where, key, meaning in keys + params if not meaning] == []


@pytest.mark.parametrize("name", ["SMALLEST", "EXAMPLE"])
def test_sweep_file_in_the_reference_is_accepted(script: ModuleType, name: str) -> None:
    """A user can copy the whole sweep files of the page."""
    text = getattr(script, name)
    vocabulary: Vocabulary = script.VOCABULARY
    assert text in PAGE.read_text(encoding="utf-8")
    assert isinstance(parse_sweep(text, Path("sweeps/mine.toml"), vocabulary), SweepConfig)
