"""A board is looked up once, when a sweep file is read: from there on it is in the budget."""

import ast
from pathlib import Path

import pytest

from sprd.config.board import Board
from sprd.config.budget import Budget
from sprd.config.build import CMAKE_O2
from sprd.config.reader import load_recipe, parse_sweep, resolve
from sprd.config.sweep import SweepConfig
from sprd.device.board import BOARDS, load_board
from sprd.errors import BoardError, ConfigError
from tests.strategies import VOCABULARY

PACKAGE = Path(__file__).parents[2] / "sprd"
NANO = "arduino_nano_33_ble"
MODEL = """
[sweep]
name = "x"
[data]
keywords = ["up", "down"]
[model]
architecture = "tiny_conv"
"""
SPACE = '[space]\n"model.filters" = [4, 8]\n'


def with_board(folder: Path, board: str, kept: Path | None = None) -> SweepConfig:
    """A sweep whose file in `folder` names a board."""
    text = f'{MODEL}{SPACE}[budget]\nboard = "{board}"\n'
    return parse_sweep(text, folder / "x.toml", VOCABULARY, kept)


def own_of(sweep: SweepConfig) -> Board:
    """The board of a sweep that has one."""
    board = sweep.default.budget.board
    assert board is not None
    return board


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A board file beside the sweep file."""
    path = tmp_path / "mine.toml"
    path.write_bytes(BOARDS["nrf5340dk"].read_bytes())
    return path


def test_shipped_board_is_found_by_its_name(tmp_path: Path) -> None:
    """Every trial has the very same board; its text need not be kept."""
    sweep = with_board(tmp_path, NANO)
    assert own_of(sweep) == load_board(NANO, CMAKE_O2)
    assert own_of(sweep).origin == NANO
    assert sweep.board_text is None
    assert resolve(sweep, {"model.filters": 8}).budget.board is own_of(sweep)


def test_own_board_is_read_beside_the_sweep_file(tmp_path: Path, own: Path) -> None:
    """Its path starts there; its text is kept as read, and every trial has it."""
    sweep = with_board(tmp_path, "mine.toml")
    assert own_of(sweep) == load_board("nrf5340dk")
    assert own_of(sweep).origin == str(own)
    assert sweep.board_text == own.read_text()
    own.unlink()
    assert resolve(sweep, {"model.filters": 8}).budget.board is own_of(sweep)


def test_kept_copy_of_an_own_board_is_read_in_its_place(tmp_path: Path, own: Path) -> None:
    """What it is called stays; a shipped board has no copy."""
    kept = own.rename(tmp_path / "board.toml")
    sweep = with_board(tmp_path, "mine.toml", kept)
    assert own_of(sweep) == load_board("nrf5340dk")
    assert own_of(sweep).origin == str(own)
    assert sweep.board_text == kept.read_text()
    assert own_of(with_board(tmp_path, NANO, kept)) == load_board(NANO, CMAKE_O2)


def test_own_board_that_is_gone_is_told_at_once(tmp_path: Path) -> None:
    """Not in every trial; the file is named."""
    with pytest.raises(BoardError, match=r"/mine\.toml: must be a readable board file: No such"):
        with_board(tmp_path, "mine.toml")


def test_own_board_that_breaks_a_rule_is_told_at_once(tmp_path: Path, own: Path) -> None:
    """The place is in the board file, or in the copy that was read."""
    own.write_text(own.read_text().replace("clock_hz", "clock", 1))
    with pytest.raises(BoardError, match=rf"^{own}: unknown key 'clock'"):
        with_board(tmp_path, "mine.toml")
    kept = own.rename(tmp_path / "board.toml")
    with pytest.raises(BoardError, match=rf"^{kept}: unknown key 'clock'"):
        with_board(tmp_path, "mine.toml", kept)


@pytest.mark.parametrize("objective", ["balanced_accuracy", "latency_ms"])
def test_recipe_of_another_machine_needs_no_board_file(tmp_path: Path, objective: str) -> None:
    """Where the budget does not count, the board file of its author may be missing."""
    file = tmp_path / "x.toml"
    text = MODEL.replace("[sweep]\n", f'[sweep]\nobjectives = ["{objective}"]\n')
    file.write_text(f'{text}[budget]\nboard = "mine.toml"\nmodel_bytes = 9')
    recipe = load_recipe(file, VOCABULARY)
    assert recipe.budget == Budget(model_bytes=9)
    assert recipe.data.keywords == ("up", "down")


def test_recipe_must_still_name_a_board_that_exists(tmp_path: Path) -> None:
    """A misspelt name is told wherever the file is read."""
    file = tmp_path / "x.toml"
    file.write_text(f'{MODEL}[budget]\nboard = "arduino"')
    with pytest.raises(ConfigError, match=rf"{file} \[budget\] board: unknown board 'arduino'"):
        load_recipe(file, VOCABULARY)


@pytest.mark.parametrize(
    ("value", "shown"), [("5", "5"), ("{}", "{}"), ("true", "True"), ("[]", "[]")]
)
def test_board_that_is_no_text_is_refused(value: str, shown: str) -> None:
    """As any other key of a wrong type; a board cannot stand in the sweep file itself."""
    with pytest.raises(ConfigError) as caught:
        parse_sweep(f"{MODEL}[budget]\nboard = {value}", Path("/x.toml"), VOCABULARY)
    assert str(caught.value) == (
        f"/x.toml [budget] board: must be a string, got {shown}."
        " Board to fit, see `sprd boards`, or a board file."
    )


def build_of(folder: Path, budget: str, top: str = "", kept: str | None = None) -> str:
    """The name of the build that a sweep is for."""
    text = f"{top}{MODEL}[budget]\n{budget}\n"
    return own_of(parse_sweep(text, folder / "x.toml", VOCABULARY, build=kept)).build.name


def with_default(folder: Path, name: str) -> str:
    """The [budget] that names a board of one's own whose default is this build."""
    text = BOARDS[NANO].read_text()
    rest = "\n".join(line for line in text.splitlines() if not line.startswith("default_build"))
    (folder / "mine.toml").write_text(f'default_build = "{name}"\n{rest}')
    return 'board = "mine.toml"'


def test_build_is_the_one_that_the_file_names(tmp_path: Path) -> None:
    """Whatever the defaults; no default and no earlier run stands above it."""
    for top in ("", "defaults = 2\n"):
        named = f'board = "{NANO}"\nbuild = "head-Os"'
        assert build_of(tmp_path, named, top, kept="arduino") == "head-Os"


def test_board_without_the_build_of_old_has_its_own_default(tmp_path: Path) -> None:
    """Whatever the defaults of the file are: it could not be told otherwise."""
    for top in ("", "defaults = 1\n", "defaults = 2\n"):
        assert build_of(tmp_path, 'board = "esp32"', top) == "esp-idf"


def test_build_of_old_holds_in_a_file_without_defaults(tmp_path: Path) -> None:
    """A file keeps its meaning, whatever its board's default became."""
    budget = with_default(tmp_path, "arduino")
    assert build_of(tmp_path, budget) == build_of(tmp_path, budget, "defaults = 1\n") == CMAKE_O2


def test_default_of_the_board_holds_with_defaults_of_today(tmp_path: Path) -> None:
    """`defaults = 2` asks for it; a run that was begun keeps the build that it began with."""
    budget = with_default(tmp_path, "arduino")
    assert build_of(tmp_path, budget, "defaults = 2\n") == "arduino"
    assert build_of(tmp_path, budget, "defaults = 2\n", kept="head-Os") == "head-Os"


def test_build_that_the_board_lacks_is_refused(tmp_path: Path) -> None:
    """The builds that it has are named, with a suggestion."""
    with pytest.raises(BoardError) as caught:
        build_of(tmp_path, 'board = "esp32_s3"\nbuild = "cmake-Os"')
    assert str(caught.value) == (
        f"{tmp_path}/x.toml [budget] build: must be a build of the board, got 'cmake-Os'."
        " Did you mean 'cmake-O2'? Known: cmake-O2."
    )


@pytest.mark.parametrize(
    ("budget", "rule"),
    [
        ('build = "arduino"', r"build: must come with a board, got 'arduino' and none"),
        ("build = 3", r"build: must come with a board, got 3"),
        (f'board = "{NANO}"\nbuild = 3', r"build: must be a string, got 3\. Build of the board"),
        ('board = 3\nbuild = "arduino"', r"board: must be a string, got 3"),
    ],
)
def test_build_that_cannot_be_chosen_is_refused(tmp_path: Path, budget: str, rule: str) -> None:
    """Without a board there is none."""
    with pytest.raises(ConfigError, match=rf"x\.toml \[budget\] {rule}"):
        build_of(tmp_path, budget)


def test_recipe_of_another_machine_needs_no_build(tmp_path: Path) -> None:
    """It goes with the board file that may be missing."""
    file = tmp_path / "x.toml"
    file.write_text(f'{MODEL}[budget]\nboard = "mine.toml"\nbuild = "own"')
    assert load_recipe(file, VOCABULARY).budget == Budget()


LOADERS = {"load_board", "parse_board", "read_board_file"}


def uses_of_loaders(path: Path) -> set[str]:
    """The functions that load boards and are named in a module."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {alias.name for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names}
    return names & LOADERS


def test_nobody_but_the_readers_loads_a_board() -> None:
    """Sweep files, `--board` and old manifests name boards; everything else is handed one."""
    users = [path for path in PACKAGE.rglob("*.py") if uses_of_loaders(path)]
    found = {path.relative_to(PACKAGE).as_posix() for path in users}
    assert found == {
        "config/reader_board.py",
        "device/board.py",
        "bundle/record.py",
        "cli/boards.py",
    }
