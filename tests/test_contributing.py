"""What CONTRIBUTING.md and README.md state, where a machine can check it."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sprd.sweep.paths import RunPaths
from tests.scripts import ROOT, load_script
from tests.test_import_rules import (
    FLOORS,
    LONG_FUNCTION,
    MAX_ARROWS,
    MAX_FUNCTION,
    MAX_LINES,
    MAX_ROOMS,
    SWEEP_FLOORS,
    Floors,
)

architecture = load_script("docs/make_architecture.py")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = {"TensorFlow": "tensorflow", "Keras": "keras", "Ray": "ray", "Optuna": "optuna"}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package, by its path inside `sprd/`, as a syntax tree."""
    for path in architecture.modules().values():
        name = path.relative_to(ROOT / "sprd").as_posix()
        yield name, ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("first", "floors"), [("cli", FLOORS), ("cluster", SWEEP_FLOORS)])
def test_order_of_rooms_is_the_one_that_is_checked(first: str, floors: Floors) -> None:
    """CONTRIBUTING.md names every room, floor by floor, as the import rules have them."""
    line = re.search(rf"^`{first}` > .*$", CONTRIBUTING, re.MULTILINE)
    assert line is not None
    named = [set(re.findall(r"`(\w+)`", floor)) for floor in line[0].split(" > ")]
    rooms = [set(floor) for floor in reversed(floors) if "__main__" not in floor]
    assert named == rooms


def test_bounds_of_rooms_and_arrows_are_told() -> None:
    """CONTRIBUTING.md gives the numbers that the import rules hold, of functions and files too."""
    assert f"at most {MAX_ROOMS} rooms and {MAX_ARROWS} arrows" in CONTRIBUTING
    assert f"at most {MAX_FUNCTION}; at most five of them have over {LONG_FUNCTION}" in CONTRIBUTING
    assert f"A file has at most {MAX_LINES} lines" in CONTRIBUTING


def test_heavy_packages_are_where_the_table_says() -> None:
    """Each place of the table imports its package, and no other place does."""
    rows = re.findall(r"^\| ([A-Z][\w ]+) \| (`.*) \|$", CONTRIBUTING, re.MULTILINE)
    told = {PACKAGES[name]: places for names, places in rows for name in names.split(" and ")}
    assert set(told) == set(PACKAGES.values())
    for package, text in told.items():
        places, _, excepted = text.partition("; not ")
        importing = {name for name, _ in sources() if package in imported(name)}
        known = tuple(re.findall(r"`([^`]+)`", places))
        assert [name for name in importing if not name.startswith(known)] == []
        assert [name for name in importing if f"`{name}`" in excepted] == []
        if package != "keras":
            assert [
                place for place in known if not any(n.startswith(place) for n in importing)
            ] == []


def imported(name: str) -> set[str]:
    """The packages that a module imports."""
    source = (ROOT / "sprd" / name).read_text(encoding="utf-8")
    return {target.split(".")[0] for target in architecture.imports_of(source, "sprd.x")}


def test_no_module_is_named_after_nothing() -> None:
    """Names say what a module is about: none is called utils, helpers, manager or base."""
    empty = {"utils", "util", "helpers", "helper", "manager", "managers", "base"}
    parts = {part for name, _ in sources() for part in Path(name).with_suffix("").parts}
    assert parts & empty == set()


def test_package_itself_offers_its_version_alone() -> None:
    """What is used of sprd is its command line; CONTRIBUTING.md says so."""
    assert "`sprd/__init__.py` holds nothing but the version" in CONTRIBUTING
    body = dict(sources())["__init__.py"].body
    assert [ast.unparse(node).partition(" = ")[0] for node in body[1:]] == ["__version__"]


def test_sweep_files_are_read_in_one_room() -> None:
    """No module above config/ parses TOML but device/, for tables of its own."""
    reading = {name.split("/")[0] for name, _ in sources() if "tomllib" in imported(name)}
    assert reading <= {"config", "device"}


def test_every_page_names_the_same_versions_of_python() -> None:
    """What pyproject.toml allows is what README.md, CONTRIBUTING.md and the classifiers say."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    minors = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    assert minors is not None
    versions = [f"3.{minor}" for minor in range(int(minors[1]), int(minors[2]))]
    told = f"Python {' or '.join(versions)}"
    assert [page for page in (README, CONTRIBUTING) if told not in page] == []
    classified = [c.rpartition(" :: ")[2] for c in project["classifiers"] if ":: Python ::" in c]
    assert classified == versions


def test_readme_names_every_file_of_a_run() -> None:
    """Each file and folder that a run leaves stands under "What a run leaves"."""
    section = README.partition("## What a run leaves")[2].partition("\n## ")[0]
    paths = RunPaths(Path("runs/default"))
    members = [name for name, kind in vars(RunPaths).items() if isinstance(kind, property)]
    left = [getattr(paths, name) for name in members]
    left += [paths.bundle_of(3), paths.trial(3).folder]
    assert [
        str(path) for path in left if not re.search(rf"^{re.escape(str(path))}\b", section, re.M)
    ] == []
    kept = (paths.trial(3).model, paths.trial(3).float_model, paths.trial(3).record)
    assert [path.name for path in kept if path.name not in section] == []


def test_every_script_that_makes_a_page_is_told() -> None:
    """CONTRIBUTING.md names each generated page."""
    made = {
        load_script(f"docs/{path.name}").TARGET.name for path in (ROOT / "docs").glob("make_*.py")
    }
    assert {name for name in made if f"`docs/{name}`" not in CONTRIBUTING} == set()


PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_only_files_that_exist(page: Path) -> None:
    """A link leads to a file of the project, and so does a path in a text; `mine` is the user's."""
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"\b(?:sprd|tests|docs|benchmarks|deploy)/[\w./-]+\.\w+\b", text)
    assert [name for name in named if "mine" not in name and not (ROOT / name).exists()] == []
