"""Every test asserts something: one that can fail by an exception alone would prove too little."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

Function = ast.FunctionDef | ast.AsyncFunctionDef


def called(node: ast.AST) -> set[str]:
    """The names of what is called in a tree: `f()`, `self.f()` and `module.f()` are `f`."""
    functions = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return {f.id for f in functions if isinstance(f, ast.Name)} | {
        f.attr for f in functions if isinstance(f, ast.Attribute)
    }


def functions_of(tree: ast.Module) -> list[Function]:
    """All functions of a file, methods included."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def asserts_itself(function: ast.AST) -> bool:
    """Whether it has an assert, `pytest.raises`, `pytest.warns` or numpy's `assert_...`."""
    if any(isinstance(node, ast.Assert) for node in ast.walk(function)):
        return True
    return any(
        name in ("raises", "warns") or name.startswith("assert_") for name in called(function)
    )


def asserting(functions: list[Function], imported: set[str]) -> set[str]:
    """The names of those functions that assert, themselves or by one that they call."""
    found = {one.name for one in functions if asserts_itself(one)} | imported
    while more := {one.name for one in functions if called(one) & found} - found:
        found |= more
    return found


def without_assertion(files: dict[str, str]) -> list[str]:
    """`file:line: name` of the tests that assert nothing.

    A helper counts in its own file and where it is imported from the tests.
    """
    trees = {name: ast.parse(text) for name, text in files.items()}
    helpers = {
        name.removesuffix(".py").replace("/", "."): asserting(functions_of(tree), set())
        for name, tree in trees.items()
    }
    found = []
    for name, tree in trees.items():
        imported = {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name in helpers.get(node.module or "", set())
        }
        good = asserting(
            [f for f in functions_of(tree) if not f.name.startswith("test_")], imported
        )
        found += [
            f"{name}:{one.lineno}: {one.name}"
            for one in functions_of(tree)
            if one.name.startswith("test_") and not asserts_itself(one) and not called(one) & good
        ]
    return found


def test_every_test_asserts_something() -> None:
    """An assert, an expected error or warning, or a helper of the tests that has one."""
    files = {f"tests/{p.relative_to(TESTS)}": p.read_text("utf-8") for p in TESTS.rglob("*.py")}
    assert without_assertion(files) == []


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("compute()", True),
        ("assert compute()", False),
        ("with pytest.raises(ValueError):\n        compute()", False),
        ("np.testing.assert_allclose(1, 1)", False),
        ("check(1)", False),
        ("shared_check(1)", False),
        ("other(1)", True),
    ],
)
def test_test_without_an_assertion_is_found(body: str, is_found: bool) -> None:
    """A helper is followed, also into another file; one of the same name elsewhere is not."""
    files = {
        "tests/test_a.py": (
            "from tests.b import shared_check\n"
            f"def test_it():\n    {body}\n"
            "def check(x):\n    inner(x)\n"
            "def inner(x):\n    assert x\n"
            "def other(x):\n    return x\n"
        ),
        "tests/b.py": "def shared_check(x):\n    assert x\ndef other(x):\n    assert x\n",
    }
    assert without_assertion(files) == (["tests/test_a.py:2: test_it"] if is_found else [])
