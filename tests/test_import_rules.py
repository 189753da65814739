"""The walls of the package: who imports whom, and what no module does.

`cli` > `pipeline` > `bundle` > `sweep` > `model` > `device`, `audio` > `config` > `errors`
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sprd"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

FLOORS = (
    ("errors",),
    ("disk",),
    ("config",),
    ("device", "audio"),
    ("model",),
    ("sweep",),
    ("bundle",),
    ("report",),
    ("pipeline",),
    ("cli",),
    ("__main__",),
)
RANKS = {room: rank for rank, rooms in enumerate(FLOORS) for room in rooms}
ALLOWED = {
    "tensorflow": lambda name: name == "sprd.audio.frontend" or _is_model(name),
    "keras": lambda name: name == "sprd.audio.frontend" or _is_model(name),
    "ray": lambda name: name.startswith("sprd.sweep.cluster."),
    "optuna": lambda name: name == "sprd.sweep.search.sampler",
}
"""The modules that may import a heavy package."""

UNPICKLERS = ("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")
MAX_LINES = 400


def _is_model(name: str) -> bool:
    return name.startswith("sprd.model.") and name != "sprd.model.params"


def room_of(name: str) -> str | None:
    """The room of a module, or None for the package itself, which may be imported by all."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else None


def imports_of(source: str, name: str, is_package: bool = False) -> Iterator[str]:
    """Dotted names that a module imports anywhere, in functions and by `import_module` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".")[: None if is_package else -1]
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            yield from (
                argument.value
                for argument in node.args[:1]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def _called(node: ast.Call) -> str:
    """The last name of what is called: `f` of `f()` and of `a.f()`."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def upward_imports(source: str, name: str, is_package: bool = False) -> list[str]:
    """Imports that lead to a room of the same floor or of a floor above."""
    room = room_of(name)
    found = []
    for target in imports_of(source, name, is_package):
        other = room_of(target) if target.split(".")[0] == "sprd" else None
        if other is None or other == room or other == "__version__":
            continue
        if room is None or RANKS[other] >= RANKS[room]:
            found.append(target)
    return found


def forbidden_packages(source: str, name: str, is_package: bool = False) -> list[str]:
    """Imports of TensorFlow, Keras, Ray and Optuna where they do not belong."""
    roots = [target.split(".")[0] for target in imports_of(source, name, is_package)]
    return [root for root in roots if root in ALLOWED and not ALLOWED[root](name)]


def forbidden_calls(source: str, name: str) -> list[str]:
    """Prints outside the command line and child scripts, and all that runs data as code."""
    tree = ast.parse(source)
    may_print = room_of(name) == "cli" or _is_script(tree)
    found = [root for root in imports_of(source, name) if root.split(".")[0] in UNPICKLERS]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval"):
            found.append(node.func.id)
        if isinstance(node.func, ast.Name) and node.func.id == "print" and not may_print:
            found.append("print")
        if any(
            k.arg == "allow_pickle"
            and not (isinstance(k.value, ast.Constant) and not k.value.value)
            for k in node.keywords
        ):
            found.append("allow_pickle")
    return found


def _is_script(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in tree.body
    )


def read(name: str) -> tuple[str, str, bool]:
    """A module's source, its name and whether it is a package."""
    path = MODULES[name]
    return path.read_text(encoding="utf-8"), name, path.name == "__init__.py"


each_module = pytest.mark.parametrize("name", MODULES)


@each_module
def test_module_lives_in_a_known_room(name: str) -> None:
    """A new room needs a place in the order: FLOORS here, CONTRIBUTING.md and the design."""
    assert room_of(name) in {None, *RANKS}


@each_module
def test_module_imports_downwards_only(name: str) -> None:
    """No module knows a room beside or above its own."""
    assert upward_imports(*read(name)) == []


@each_module
def test_heavy_packages_stay_in_their_rooms(name: str) -> None:
    """TensorFlow in the front end and the models, Ray in tune, Optuna in sampler."""
    assert forbidden_packages(*read(name)) == []


@each_module
def test_module_neither_prints_nor_runs_data(name: str) -> None:
    """No print outside the command line; no pickle, exec or eval anywhere."""
    source, name, _ = read(name)
    assert forbidden_calls(source, name) == []


@each_module
def test_module_is_short(name: str) -> None:
    """A module has at most 400 lines."""
    assert len(read(name)[0].splitlines()) <= MAX_LINES, f"{name}: split it where a concept ends"


@pytest.mark.parametrize("package", ["tensorflow", "keras", "ray", "optuna", "matplotlib"])
def test_command_line_starts_without(package: str) -> None:
    """`import sprd.cli.main` loads no heavy package, so that --help answers at once."""
    code = f"import sys, sprd.cli.main; sys.exit({package!r} in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("sprd.audio.corpus", "from sprd.config.trial import X", []),
        ("sprd.audio.corpus", "from sprd import __version__", []),
        ("sprd.audio.corpus", "from sprd import config", []),
        ("sprd.audio.corpus", "from .augment import X", []),
        ("sprd.audio.corpus", "from sprd.device.board import X", ["sprd.device.board.X"]),
        ("sprd.device.board", "def f():\n    import sprd.model.zoo", ["sprd.model.zoo"]),
        ("sprd.device.board", "from .. import sweep", ["sprd.sweep"]),
        ("sprd.config.trial", "from sprd import sweep", ["sprd.sweep"]),
        ("sprd.errors", "from sprd.disk.atomic import X", ["sprd.disk.atomic.X"]),
        ("sprd.model.zoo", "import_module('sprd.cli.main')", ["sprd.cli.main"]),
        ("sprd.pipeline", "from sprd.cli.view import X", ["sprd.cli.view.X"]),
        ("sprd.cli.sweep", "from sprd.cli.main import X", []),
        ("sprd", "from sprd.errors import X", ["sprd.errors.X"]),
    ],
)
def test_upward_import_is_found(name: str, source: str, expected: list[str]) -> None:
    """The rule sees every form of an import, and lets the right ones pass."""
    assert upward_imports(source, name) == expected


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("sprd.audio.frontend", "import tensorflow as tf", []),
        ("sprd.model.zoo", "from keras import layers", []),
        ("sprd.model.params", "import tensorflow.keras", ["tensorflow"]),
        ("sprd.audio.store", "def f():\n    import tensorflow", ["tensorflow"]),
        ("sprd.sweep.trial.train", "from ray import tune", ["ray"]),
        ("sprd.sweep.cluster.tune", "from ray import tune", []),
        ("sprd.sweep.cluster.tune", "import optuna", ["optuna"]),
        ("sprd.sweep.search.sampler", "import optuna", []),
    ],
)
def test_misplaced_package_is_found(name: str, source: str, expected: list[str]) -> None:
    """The rule knows the rooms of TensorFlow, Keras, Ray and Optuna."""
    assert forbidden_packages(source, name) == expected


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("sprd.cli.main", "print(1)", []),
        ("sprd.cli.view", "print(1)", []),
        ("sprd.audio.voices.speak", "if __name__ == '__main__':\n    print(1)", []),
        ("sprd.audio.corpus", "def f():\n    print(1)", ["print"]),
        ("sprd.model.train", "model.evaluate(x); re.compile('x')", []),
        ("sprd.model.train", "eval('1')", ["eval"]),
        ("sprd.sweep.cluster.tune", "from pickle import loads", ["pickle.loads"]),
        ("sprd.audio.store", "np.load(p, allow_pickle=True)", ["allow_pickle"]),
        ("sprd.audio.store", "np.load(p, allow_pickle=False)", []),
    ],
)
def test_forbidden_call_is_found(name: str, source: str, expected: list[str]) -> None:
    """The rule tells a print from a print of a script, and a call from a method."""
    assert forbidden_calls(source, name) == expected
