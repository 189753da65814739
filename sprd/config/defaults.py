"""The number at the top of a sweep file in, what holds where the file says nothing out.

A file keeps its meaning: a default changes with a new number alone. So a run that was begun before
goes on, and a bundle that was made before is made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sprd.config.board import Board
from sprd.config.build import CMAKE_O2
from sprd.config.numbers import STREAM_SCORES
from sprd.errors import ConfigError


@dataclass(frozen=True)
class Defaults:
    """What holds where a sweep file says nothing."""

    build: str | None
    """Of a board, where it has this one; None: the default of the board's file."""

    tables: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """By the name of a table what stands in it where the file does not name the key."""

    def of_board(self, board: Board) -> Board:
        """Returns the board with the build that holds where none is named."""
        name = self.build if self.build in board.builds else None
        return board.with_build(name or board.default_build)

    def beneath(self, tables: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the tables of a file, `[space]` among them, with these ones under them.

        What the file names or searches holds, and takes the place of what cannot stand beside it:
        see `REPLACES`. A file without `[recognizer]`, whose objectives and limits ask for no number
        on streams, has none beneath it either: its trials are scored on clips alone.
        """
        named = {f"{name}.{key}" for name, table in tables.items() for key in table}
        named |= set(tables.get("space", {}))
        replaced = {key for name in named for key in REPLACES.get(name, ())}
        searched = {key.partition(".")[0] for key in tables.get("space", {})} & {"recognizer"}
        merged = {name: {} for name in searched} | dict(tables)
        for name, table in self.tables.items():
            kept = {key: one for key, one in table.items() if f"{name}.{key}" not in replaced}
            merged[name] = {**kept, **tables.get(name, {})}
        if "recognizer" not in {*tables, *searched} and not _asks_for_streams(merged):
            merged.pop("recognizer", None)
        return merged


def _asks_for_streams(tables: Mapping[str, Any]) -> bool:
    """Tells whether a number on streams decides or is limited: what trials must listen for."""
    objectives = tables.get("sweep", {}).get("objectives")
    given = objectives if isinstance(objectives, list) else []
    limits = {f"{bound}_{key}" for key in STREAM_SCORES for bound in ("min", "max")}
    words = {word for one in given for word in str(one).split()}
    return not words.isdisjoint(STREAM_SCORES) or not limits.isdisjoint(tables.get("budget", {}))


REPLACES: Mapping[str, tuple[str, ...]] = {
    "augment.background_volume": ("augment.snr_low_db", "augment.snr_high_db"),
    "augment.time_shift_ms": ("augment.placement",),
    "data.source": ("data.sources",),
}
"""By a key of a file the keys of which no default holds beside it: they say it otherwise."""


FIRST = Defaults(build=CMAKE_O2)
"""Of files without a number, and of all that was made before there was one."""

FOR_STREAMS: Mapping[str, Mapping[str, object]] = {
    "sweep": {"objectives": ["recall_streaming"]},
    "augment": {
        "context_ms": 1000,
        "placement": "window",
        "snr_low_db": 0.0,
        "snr_high_db": 30.0,
        "background_frequency": 0.7,
        "gain_db": 10.0,
        "speed_percent": 18.0,
        "time_mask_frames": 5,
        "channel_mask_channels": 5,
    },
    "train": {"average_decay": 0.999},
    "recognizer": {},
}
"""For a device that listens without a pause. Each was measured on streams of validation speakers:
benchmarks/README.md. What depends on the data (cuts of running speech, how many other words) is the
file's to say."""

DEFAULTS: Mapping[int, Defaults] = {1: FIRST, 2: Defaults(build=None, tables=FOR_STREAMS)}


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
