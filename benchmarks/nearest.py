"""A module in, the test files that know it out, nearest first."""

import ast
import re
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAST = (
    *("tests/test_assertions.py", "tests/test_docs.py", "tests/test_import_rules.py"),
    *("tests/test_packaging.py", "tests/test_cluster.py", "tests/test_end_to_end.py"),
)
"""About the texts of all modules, or slow: asked when no other test file has noticed."""


def nearest(file: str) -> list[str]:
    """Returns the test files that know a module: its own, those of its folder, all others."""
    module = _module(file)
    distances = {test: _distances(test).get(module) for test in _test_files()}
    folder = str(Path("tests", *Path(file).parts[1:-1]))
    own = {f"{folder}/test_{Path(file).stem}.py", *_listed().get(file, ())}
    known = [test for test, distance in distances.items() if distance is not None or test in own]
    return sorted(
        known,
        key=lambda t: (
            t in LAST and LAST.index(t) + 1,
            t not in own,
            str(Path(t).parent) != folder,
            distances[t] or 0,
        ),
    )


@cache
def _test_files() -> tuple[str, ...]:
    found = (path.relative_to(ROOT) for path in sorted((ROOT / "tests").rglob("test_*.py")))
    return tuple(path.as_posix() for path in found if path.parts[1] != "faults")


@cache
def _listed() -> Mapping[str, Sequence[str]]:
    """Where `tests/README.md` says that a module is tested: file of the package -> test files."""
    page = ROOT / "tests" / "README.md"
    found: dict[str, list[str]] = {}
    for line in page.read_text(encoding="utf-8").splitlines() if page.exists() else ():
        names = re.findall(r"`([\w./]+\.py)`", line) if line.startswith("|") else []
        tests = [f"tests/{name.removeprefix('tests/')}" for name in names if "test_" in name]
        for name in names:
            if "test_" not in name:
                found.setdefault(f"sprd/{name.removeprefix('sprd/')}", []).extend(tests)
    return found


@cache
def _distances(test: str) -> Mapping[str, int]:
    """How many imports lead from a test file to each module, its conftest.py files included."""
    folders = list(Path(test).parents)[:-1]
    near = [_module(test), *(_module(str(folder / "conftest.py")) for folder in folders)]
    distances = dict.fromkeys(near, 0)
    waiting = deque(near)
    while waiting:
        module = waiting.popleft()
        for other in _imports(module):
            if other not in distances:
                distances[other] = distances[module] + 1
                waiting.append(other)
    return distances


@cache
def _imports(module: str) -> frozenset[str]:
    """The modules of the project that one names: imported, or in a text such as "sprd.a.b:c"."""
    path = _path(module)
    if path is None:
        return frozenset()
    named: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            named += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named += re.findall(r"\bsprd(?:\.\w+)+", node.value)
    return frozenset(name for name in named if _path(name) is not None)


def _path(module: str) -> Path | None:
    if module.split(".")[0] not in ("sprd", "tests"):
        return None
    path = ROOT.joinpath(*module.split("."))
    found = (path / "__init__.py", path.with_suffix(".py"))
    return next((one for one in found if one.exists()), None)


def _module(file: str) -> str:
    return ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")
