"""The name of a board in, the board that comes with the package out; or one from a user's file."""

from collections.abc import Mapping
from pathlib import Path

from sprd.config.board import Board, parse_board, read_board_file
from sprd.errors import BoardError, suggest

BOARDS_FOLDER = Path(__file__).parent / "boards"

BOARDS: Mapping[str, Path] = {path.stem: path for path in sorted(BOARDS_FOLDER.glob("*.toml"))}
"""The file of each board that comes with the package, by its name."""


def board_names() -> tuple[str, ...]:
    """Returns the names of the boards that come with the package, sorted."""
    return tuple(BOARDS)


def load_board(name_or_path: str, build: str | None = None) -> Board:
    """Loads a board by its name, or from a file if the text ends in `.toml`.

    Args:
        name_or_path: The board.
        build: The name of one of its builds; None: its default.

    Raises:
        BoardError: The board is unknown, its file cannot be read or breaks a rule, or it lacks the
            build.
    """
    board = _load_board(name_or_path)
    return board if build is None else board.with_build(build)


def _load_board(name_or_path: str) -> Board:
    if name_or_path.endswith(".toml"):
        return parse_board(read_board_file(Path(name_or_path)), name_or_path, name_or_path)
    if name_or_path not in BOARDS:
        raise BoardError(
            f"board: must be a known board or a file ending in .toml, got {name_or_path!r}. "
            f"{suggest(name_or_path, BOARDS)}"
        )
    path = BOARDS[name_or_path]
    return parse_board(read_board_file(path), str(path), name_or_path)
