"""The number at the top of a sweep file in, what holds where the file says nothing out.

A file keeps its meaning: a default changes with a new number alone. So a run that was begun before
goes on, and a bundle that was made before is made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sprd.config.board import Board
from sprd.config.build import CMAKE_O2
from sprd.errors import ConfigError


@dataclass(frozen=True)
class Defaults:
    """What holds where a sweep file says nothing."""

    build: str | None
    """Of a board, where it has this one; None: the default of the board's file."""

    def of_board(self, board: Board) -> Board:
        """Returns the board with the build that holds where none is named."""
        name = self.build if self.build in board.builds else None
        return board.with_build(name or board.default_build)


FIRST = Defaults(build=CMAKE_O2)
"""Of files without a number, and of all that was made before there was one."""

DEFAULTS: Mapping[int, Defaults] = {1: FIRST, 2: Defaults(build=None)}


def read_defaults(where: str, value: object) -> Defaults:
    """Returns the defaults of a number; `where` starts the message.

    Raises:
        ConfigError: There are none of this number.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value in DEFAULTS:
        return DEFAULTS[value]
    raise ConfigError(
        f"{where} defaults: must be one of {', '.join(map(str, DEFAULTS))}, got {value!r}."
        " Without it 1 holds; a higher number asks for newer defaults."
    )
