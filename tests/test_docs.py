"""The generated pages say what the code says."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sprd.cli.parser import build_parser
from sprd.config.params import Vocabulary
from sprd.config.reader import parse_sweep
from sprd.config.sections import SECTIONS
from sprd.config.sweep import SweepConfig
from sprd.model.params import ARCHITECTURES
from tests.scripts import load_script

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "sweep-file.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """What makes the reference of sweep files."""
    return load_script("docs/make_sweep_file_reference.py")


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("make_*.py")))
def test_generated_pages_are_up_to_date(name: str) -> None:
    """`--check` of each script that makes a page finds it as the script would make it."""
    run = subprocess.run(
        [sys.executable, DOCS / name, "--check"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_stale_page_is_told_with_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` ends with 1, names the page and the command, and writes nothing."""
    pages = load_script("docs/pages.py")
    fresh, stale, missing = (tmp_path / name for name in ("fresh.md", "stale.md", "missing.md"))
    fresh.write_text("new")
    stale.write_text("old")
    files = {path: "new" for path in (fresh, stale, missing)}
    assert pages.main(files, "make pages", "Makes pages.", ["--check"]) == 1
    said = capsys.readouterr().err
    assert [str(path) in said for path in files] == [False, True, True]
    assert "Run make pages" in said
    assert (stale.read_text(), missing.exists()) == ("old", False)
    assert pages.main(files, "make pages", "Makes pages.", []) == 0
    assert pages.main(files, "make pages", "Makes pages.", ["--check"]) == 0


def test_help_of_a_script_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asks a script what it does gets an answer, not a page."""
    page = tmp_path / "page.md"
    with pytest.raises(SystemExit) as ended:
        load_script("docs/pages.py").main({page: "new"}, "make pages", "Makes pages.", ["--help"])
    assert (ended.value.code, page.exists()) == (0, False)
    assert "Makes pages." in capsys.readouterr().out


def test_page_of_the_commands_leaves_the_environment_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its width is the same in every terminal, and only its own."""
    monkeypatch.setenv("COLUMNS", "40")
    script = load_script("docs/make_cli_reference.py")
    assert script.render() == (DOCS / "cli.md").read_text(encoding="utf-8")
    assert os.environ["COLUMNS"] == "40"


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
        (name, key, field.description)
        for name, known in ARCHITECTURES.items()
        for key, field in known.model_fields.items()
    ]
    assert [(where, key) for where, key, meaning in keys + params if not meaning] == []


@pytest.mark.parametrize("name", ["SMALLEST", "EXAMPLE"])
def test_sweep_file_in_the_reference_is_accepted(script: ModuleType, name: str) -> None:
    """A user can copy the whole sweep files of the page."""
    text = getattr(script, name)
    vocabulary: Vocabulary = script.VOCABULARY
    assert text in PAGE.read_text(encoding="utf-8")
    assert isinstance(parse_sweep(text, Path("sweeps/mine.toml"), vocabulary), SweepConfig)


def test_every_function_of_the_walks_exists() -> None:
    """What docs/architecture.md walks through is a function, a class or a method of its module."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`(sprd(?:\.\w+)+):([\w.]+)`", page)
    assert len(named) > 30
    assert [f"{m}:{name}" for m, name in named if name not in defined_in(m)] == []


def test_walk_of_a_sweep_has_every_step_of_its_story() -> None:
    """Each function that `run_sweep` calls, and the class that it makes, in the order of it."""
    source = (DOCS.parent / "sprd" / "pipeline.py").read_text(encoding="utf-8")
    story = next(
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "run_sweep"
    )
    calls = [node for node in ast.walk(story) if isinstance(node, ast.Call)]
    called = [
        call.func.id
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset))
        if isinstance(call.func, ast.Name)
    ]
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    walk = re.findall(r"^\| 3[a-z] \| `[\w.]+:(\w+)`", page, re.MULTILINE)
    assert len(called) > 10
    assert [name for name in walk if name in called] == called


def defined_in(module: str) -> set[str]:
    """The functions and classes of a module, and their methods as `Class.method`."""
    path = DOCS.parent.joinpath(*module.split(".")).with_suffix(".py")
    if not path.exists():
        return set()
    tops = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = ast.FunctionDef | ast.ClassDef
    below = {
        f"{top.name}.{node.name}"
        for top in tops
        if isinstance(top, ast.ClassDef)
        for node in top.body
        if isinstance(node, ast.FunctionDef)
    }
    return {top.name for top in tops if isinstance(top, kinds)} | below


def test_page_of_recordings_types_commands_that_exist() -> None:
    """Each `sprd` line of docs/recordings.md and of the README's way for own words is parsed."""
    pages = [(DOCS / "recordings.md"), DOCS.parent / "README.md"]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    texts[1] = texts[1].partition("## Your own words")[2].partition("\n## ")[0]
    lines = re.findall(r"^(?:\$ |\.venv/bin/)sprd ([^#\n]+)", "\n".join(texts), re.MULTILINE)
    lines += re.findall(r"`sprd ([^`]* --[^`]*)`", texts[0])
    parsed = [build_parser().parse_args(line.split()).run for line in lines]
    assert parsed.count("data_import") >= 4 and {"data_check", "sweep"} <= set(parsed)


def test_sweep_of_own_words_is_accepted() -> None:
    """It names the folder that the pages fill."""
    path = DOCS.parent / "sweeps" / "own_words.toml"
    vocabulary: Vocabulary = load_script("docs/make_sweep_file_reference.py").VOCABULARY
    sweep = parse_sweep(path.read_text(encoding="utf-8"), path, vocabulary)
    assert [Path(one).name for one in sweep.default.data.extra] == ["my_words"]
