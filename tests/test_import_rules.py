"""The walls of the package: who imports whom, and what no module does.

`cli` > `pipeline` > `report` > `bundle` > `sweep` > `listening` > `model` > `device`, `audio` >
`config` > `disk` > `errors`; inside `sweep`: `cluster` > `search` > `trial` > `rows`.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

import pytest

from tests.scripts import load_script

architecture = load_script("docs/make_architecture.py")
imports_of, room_of = architecture.imports_of, architecture.room_of
MODULES = architecture.modules()

FLOORS = (
    ("errors",),
    ("disk",),
    ("config",),
    ("device", "audio"),
    ("model",),
    ("listening",),
    ("sweep",),
    ("bundle",),
    ("report",),
    ("pipeline",),
    ("cli",),
    ("__main__",),
)
SWEEP_FLOORS = (
    ("paths",),
    ("rows",),
    ("trial",),
    ("search",),
    ("run",),
    ("cluster",),
)
MAX_ROOMS, MAX_ARROWS = 12, 47
Floors = Sequence[Collection[str]]


def _ranks(floors: Floors) -> dict[str, int]:
    """The height of each room: 0 is the ground."""
    return {room: rank for rank, rooms in enumerate(floors) for room in rooms}


RANKS = _ranks(FLOORS)
ALLOWED = {
    "tensorflow": lambda name: (
        name in ("sprd.audio.frontend", "sprd.listening.interpreter") or _is_model(name)
    ),
    "keras": lambda name: name == "sprd.audio.frontend" or _is_model(name),
    "ray": lambda name: name.startswith("sprd.sweep.cluster."),
    "optuna": lambda name: name.startswith("sprd.sweep.search."),
}
"""The modules that may import a heavy package."""

UNPICKLERS = ("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")
MAX_LINES = 400
MAX_FUNCTION, LONG_FUNCTION, MAX_LONG_FUNCTIONS = 45, 40, 5


def _is_model(name: str) -> bool:
    return name.startswith("sprd.model.") and name != "sprd.model.params"


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


def not_downward(floors: Floors, arrows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Arrows that do not lead from floor to lower floor; a circle always has one of them."""
    ranks = _ranks(floors)
    return [
        (one, other)
        for one, other in arrows
        if not {one, other} <= set(ranks) or ranks[one] <= ranks[other]
    ]


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


@pytest.mark.parametrize(("parent", "floors"), [("sprd", FLOORS), ("sprd.sweep", SWEEP_FLOORS)])
def test_arrows_lead_downwards_without_a_circle(parent: str, floors: Floors) -> None:
    """No room of the package, and none of the sweep, imports one on its floor or above."""
    made: Mapping[tuple[str, str], Sequence[str]] = architecture.arrows(parent)
    assert {pair: made[pair] for pair in not_downward(floors, made)} == {}


def test_arrow_upwards_and_circle_are_found() -> None:
    """The rule names an arrow upwards, one along a floor, and one of a circle."""
    floors = (("low",), ("left", "right"), ("high",))
    arrows = [("high", "low"), ("low", "high"), ("left", "right"), ("right", "low")]
    assert not_downward(floors, arrows) == [("low", "high"), ("left", "right")]


def test_rooms_and_arrows_stay_few() -> None:
    """At the top of the package there are at most 12 rooms, with few arrows between them."""
    n_rooms, arrows = len(architecture.rooms()), architecture.arrows()
    assert n_rooms <= MAX_ROOMS
    assert len(arrows) <= MAX_ARROWS, f"a new arrow among {sorted(arrows)}"


@pytest.mark.parametrize(
    ("order", "floors"),
    [(architecture.ROOMS, FLOORS), (architecture.SWEEP_ROOMS, SWEEP_FLOORS)],
)
def test_picture_has_the_order_of_the_floors(order: Sequence[str], floors: Floors) -> None:
    """docs/architecture.md draws every room, upper floors above lower ones."""
    ranks = _ranks([rooms for rooms in floors if rooms != ("__main__",)])
    assert set(order) == set(ranks)
    assert [ranks[room] for room in order] == sorted((ranks[r] for r in order), reverse=True)


@each_module
def test_heavy_packages_stay_in_their_rooms(name: str) -> None:
    """TensorFlow in the front end and the models, Ray in cluster, Optuna in search."""
    assert forbidden_packages(*read(name)) == []


@each_module
def test_inner_parts_of_others_are_known_in_one_file_each(name: str) -> None:
    """Private names of Ray in cluster/compat, of Optuna in search/compat."""
    source, name, is_package = read(name)
    found = [
        target
        for target in imports_of(source, name, is_package)
        if target.split(".")[0] in ("ray", "optuna") and "._" in target
    ]
    private = re.findall(r"\b(?:trial|study|_study|optuna|ray)\._[a-z]\w+", source)
    assert [*found, *private] == [] or name.endswith(".compat")


@each_module
def test_module_neither_prints_nor_runs_data(name: str) -> None:
    """No print outside the command line; no pickle, exec or eval anywhere."""
    source, name, _ = read(name)
    assert forbidden_calls(source, name) == []


@each_module
def test_module_is_short(name: str) -> None:
    """A module has at most 400 lines."""
    assert len(read(name)[0].splitlines()) <= MAX_LINES, f"{name}: split it where a concept ends"


def function_lengths(source: str) -> dict[str, int]:
    """Lines of each function of a module, docstring included."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return {f"{n.name}:{n.lineno}": (n.end_lineno or n.lineno) - n.lineno + 1 for n in nodes}


def test_functions_are_short() -> None:
    """None has more than 45 lines, and no more than five of the package have over 40."""
    found = {
        f"{module} {function}": length
        for module in MODULES
        for function, length in function_lengths(read(module)[0]).items()
        if length > LONG_FUNCTION
    }
    assert max(found.values(), default=0) <= MAX_FUNCTION, found
    assert len(found) <= MAX_LONG_FUNCTIONS, found


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("sprd.device.")])
def test_device_knows_no_configuration_of_a_trial(name: str) -> None:
    """It takes plain values, the types of a board and of limits: whatever asks, no sweep file."""
    origins = ("sprd.config.trial.", "sprd.config.sweep.", "sprd.config.reader.")
    assert [target for target in imports_of(*read(name)) if target.startswith(origins)] == []


def global_statements(source: str) -> list[str]:
    """Names that a function assigns to in its module: state that outlives a call."""
    nodes = ast.walk(ast.parse(source))
    return [name for node in nodes if isinstance(node, ast.Global) for name in node.names]


@each_module
def test_module_has_no_state_that_changes(name: str) -> None:
    """No function assigns to a name of its module; what a process keeps lies in an object."""
    assert global_statements(read(name)[0]) == []


def test_global_statement_is_found() -> None:
    """Wherever it stands; a name of an outer function is no state of the module."""
    source = "def f():\n    def g():\n        global a, b\n        nonlocal c\n"
    assert global_statements(source) == ["a", "b"]


KEPT = {
    "sprd.audio.build:_worker": "state of a process of the pool: the one that changes",
    "sprd.bundle.manifest:_validator": "a schema that ships with the package, compiled",
    "sprd.device.costs:names": "names in a table that ships with the package",
    "sprd.device.esp_nn:coefficients": "a table that ships with the package",
    "sprd.device.frontend_cost:_builds": "a table that ships with the package",
    "sprd.device.frontend_cost:_cores": "a table that ships with the package",
    "sprd.device.graph:_schema": "a module, imported late",
    "sprd.sweep.cluster.checkpoints:_versions": "texts that are installed",
    "sprd.sweep.trial.provenance:code_digest": "a text",
}
"""What a process keeps from its first use on, and why that is no state that changes."""


def kept_by(source: str) -> list[str]:
    """Names of a module that hold what outlives a call: cached functions without parameters, and
    containers that are empty until somebody fills them."""
    body = ast.parse(source).body
    cached = [
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef)
        and not ast.unparse(node.args)
        and any(re.search(r"\b(lru_)?cache\b", ast.unparse(one)) for one in node.decorator_list)
    ]
    empty = re.compile(r"\{\}|\[\]|(dict|list|set|(collections\.)?(deque|defaultdict))\(\w*\)")
    assigned = [node for node in body if isinstance(node, ast.Assign | ast.AnnAssign)]
    filled_later = [
        ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        for node in assigned
        if node.value is not None and empty.fullmatch(ast.unparse(node.value))
    ]
    return cached + filled_later


def test_what_a_process_keeps_is_known_with_its_reason() -> None:
    """A cache of one value is a state of its module by another name; only one of them changes."""
    found = {f"{module}:{name}" for module in MODULES for name in kept_by(read(module)[0])}
    assert found == set(KEPT)


def test_what_a_process_keeps_is_found() -> None:
    """A cached function with parameters is a function; a table that is full from the start too."""
    source = (
        "A = {}\nB: list[int] = []\nC = {1: 2}\nD: int\nE = dict()\n"
        "@cache\ndef f(): ...\n@functools.lru_cache(maxsize=1)\ndef g(): ...\n"
        "@cache\ndef h(x): ...\ndef i(): ...\n"
    )
    assert kept_by(source) == ["f", "g", "A", "B", "E"]


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
