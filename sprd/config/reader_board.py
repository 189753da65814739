"""`board` and `build` of a sweep file's `[budget]` in, the board itself out, one build chosen."""

from collections.abc import Callable
from pathlib import Path

from sprd.config.board import Board, parse_board, read_board_file
from sprd.config.build import check_build
from sprd.config.defaults import Defaults
from sprd.config.params import Vocabulary
from sprd.config.space import Tables
from sprd.errors import ConfigError, suggest


def resolve_board(
    path: Path,
    tables: Tables,
    vocabulary: Vocabulary,
    own_board: Callable[[Path], Path | None],
    unnamed: Callable[[Board], Board],
) -> tuple[Tables, str | None]:
    """Puts the board itself where the file names one: from here on nobody looks it up.

    Args:
        path: Of the sweep file.
        tables: Its tables.
        vocabulary: The boards that come with the package.
        own_board: Tells which file to read as the user's own board, from the one that the text
            names; None: none, and no board is in the tables.
        unnamed: Chooses the build where the file names none.

    Returns:
        The tables, and the text of the user's own board file, if it is one.

    Raises:
        ConfigError: No board has that name, or a build is named without a board.
        BoardError: The board file cannot be read or breaks a rule, or it lacks the build.
    """
    budget = dict(tables["budget"])
    name, build = budget.pop("board", None), budget.get("build")
    if not isinstance(name, str):  # of a wrong type, if there: told with the other keys
        _check_no_build(path, tables)
        return tables, None
    if isinstance(build, str):
        del budget["build"]
    found = _read(path, name, vocabulary, own_board)
    if found is None:
        return {**tables, "budget": budget}, None
    board, text = found
    if not isinstance(build, str):
        return {**tables, "budget": {**budget, "board": unnamed(board)}}, text
    check_build(build, board.builds, f"{path} [budget] build")
    return {**tables, "budget": {**budget, "board": board.with_build(build)}}, text


def _read(
    path: Path, name: str, vocabulary: Vocabulary, own_board: Callable[[Path], Path | None]
) -> tuple[Board, str | None] | None:
    """Returns a board by its name, and the text of its file if that is the user's own."""
    if name.endswith(".toml"):
        own = str((path.parent / name).resolve())
        file = own_board(Path(own))
        if file is None:
            return None
        text = read_board_file(file)
        return parse_board(text, str(file), own), text
    if name not in vocabulary.boards:
        raise ConfigError(
            f"{path} [budget] board: unknown board {name!r}. {suggest(name, vocabulary.boards)}"
        )
    file = vocabulary.boards[name]
    return parse_board(read_board_file(file), str(file), name), None


def kept_or_default(kept: str | None, defaults: Defaults) -> Callable[[Board], Board]:
    """Returns what chooses a build where none is named: the one that a run keeps, else a default.

    Args:
        kept: The build with which a run was begun; None: it has not begun, or has no board.
        defaults: Of the sweep file.
    """
    return lambda board: defaults.of_board(board) if kept is None else board.with_build(kept)


def _check_no_build(path: Path, tables: Tables) -> None:
    budget = tables["budget"]
    if "board" not in budget and "build" in budget:
        raise ConfigError(
            f"{path} [budget] build: must come with a board, got {budget['build']!r} and none."
            " Name one in [budget] board."
        )
