"""Where each module is tested: in the file of its name, or where `tests/README.md` says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sprd.cli.main import VERBS
from tests.scripts import ROOT, load_script

architecture = load_script("docs/make_architecture.py")

TESTS = ROOT / "tests"
PAGE = (TESTS / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ELSEWHERE = {
    cells[0].strip("`"): (re.findall(r"`([^`]+)`", cells[1]), cells[2].strip("`"))
    for cells in rows("Modules that have no file of their name")
}
"""Module -> the files that test it, and through what."""

OTHERS = [cells[0].strip("`") for cells in rows("Files that are named after no module")]


def modules() -> dict[str, str]:
    """Path inside `sprd/` -> dotted name, of every module but those that hold nothing."""
    found = {path.relative_to(ROOT / "sprd"): name for name, path in architecture.modules().items()}
    return {
        str(path): name
        for path, name in found.items()
        if path.name not in ("__init__.py", "__main__.py")
    }


def own_test(module: str) -> str:
    """The file that a module is tested in where nothing else is said."""
    path = Path(module)
    return str(path.parent / f"test_{path.name}")


def imported(name: str) -> set[str]:
    """All modules of the package that one imports, itself or by others."""
    known, found, left = set(modules().values()), {name}, [name]
    while left:
        one = left.pop()
        source = architecture.modules()[one].read_text(encoding="utf-8")
        targets = set(architecture.imports_of(source, one))
        new = (targets | {target.rpartition(".")[0] for target in targets}) & known - found
        found |= new
        left += new
    return found


def words_of(test: str) -> set[str]:
    """What a test file imports, and the texts in it."""
    source = (TESTS / test).read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    targets = set(architecture.imports_of(source, "tests.x"))
    return texts | targets | {target.rpartition(".")[0] for target in targets}


def reached(test: str, through: str) -> Iterator[str]:
    """Modules that a test file reaches: those it names, and those behind what it goes through."""
    words = words_of(test)
    yield from words
    if through.startswith("sprd."):
        yield from imported(through) if through in words else ()
    elif through and set(through.split()[1:]) <= words:
        yield from imported(VERBS["_".join(through.split()[1:])].partition(":")[0])


@pytest.mark.parametrize("module", modules())
def test_module_is_tested_in_one_place_that_is_told(module: str) -> None:
    """In the file of its name, or in a row of the table; not in both."""
    has_own = (TESTS / own_test(module)).is_file()
    assert has_own != (module in ELSEWHERE), (
        f"sprd/{module}: write tests/{own_test(module)}, or a row in tests/README.md; not both"
    )


@pytest.mark.parametrize("module", ELSEWHERE)
def test_row_names_tests_that_reach_the_module(module: str) -> None:
    """Each file is there and imports the module, or what it goes through does."""
    name = modules()[module]
    tests, through = ELSEWHERE[module]
    assert tests
    assert [test for test in tests if name not in set(reached(test, through))] == []


def test_other_files_are_named_after_a_module_or_told() -> None:
    """No test file is left over, and no row of one that went."""
    known = {own_test(module) for module in modules()}
    files = {str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")}
    left = {file for file in files - known if not file.startswith("faults/")}
    assert left == set(OTHERS) - {"faults/"}


def test_helpers_are_told() -> None:
    """Each file at the top that is no test stands on the page."""
    helpers = [path.name for path in TESTS.glob("*.py") if not path.name.startswith("test_")]
    assert [name for name in helpers if name != "__init__.py" and f"`{name}`" not in PAGE] == []


def test_row_that_reaches_nothing_is_found() -> None:
    """A file that neither imports the module nor goes through what does."""
    assert "sprd.disk.cache" in set(reached("disk/test_cache.py", ""))
    assert "sprd.disk.cache" not in set(reached("test_errors.py", ""))
    assert "sprd.model.train" in set(reached("test_end_to_end.py", "sprd train"))
    assert "sprd.model.train" not in set(reached("test_end_to_end.py", "sprd calibrate"))
