"""Loads boards: what a core offers, and what the application around the model takes.

A board is a TOML file. Each of its numbers has its origin under `[sources]`.
Knows nothing of models.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sprd.errors import BoardError, suggest

BOARDS_FOLDER = Path(__file__).parent / "boards"

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")
"""Cores without vector extension: the scratch buffers of CMSIS-NN are known for these."""
KERNELS = ("cmsis-nn", "reference")

_LIMITS: Mapping[str, tuple[int, int]] = {
    "clock_hz": (1_000_000, 2_000_000_000),
    "flash_bytes": (16 * 1024, 64 * 2**20),
    "ram_bytes": (4 * 1024, 64 * 2**20),
}
_MAX_FILE_BYTES = 64 * 1024
_CODE_KEYS = (
    "bootloader_bytes",
    "core_bytes",
    "interpreter_bytes",
    "frontend_bytes",
    "application_bytes",
)
_RAM_KEYS = ("core_bytes", "stack_bytes", "interpreter_bytes", "frontend_bytes", "audio_bytes")


@dataclass(frozen=True)
class Board:
    """A microcontroller board, and the application that the model becomes part of.

    `code_bytes` itemises the flash beside model and kernels: boot loader, operating system and
    Arduino core, TFLM's interpreter, front end, application. `app_ram_bytes` itemises the RAM
    beside arena and features: operating system, stack, interpreter objects, front-end state and
    audio buffers. `sources` says where each number comes from, under its dotted key.
    """

    name: str
    description: str
    core: str
    clock_hz: int
    flash_bytes: int
    ram_bytes: int
    kernels: str
    code_bytes: Mapping[str, int]
    app_ram_bytes: Mapping[str, int]
    sources: Mapping[str, str]


def board_names() -> tuple[str, ...]:
    """Returns the names of the boards that come with the package, sorted."""
    return tuple(sorted(path.stem for path in BOARDS_FOLDER.glob("*.toml")))


def load_board(name_or_path: str) -> Board:
    """Loads a board by its name, or from a file if the text ends in `.toml`.

    Raises:
        BoardError: The board is unknown, or its file cannot be read or breaks a rule.
    """
    if name_or_path.endswith(".toml"):
        return _load(Path(name_or_path))
    if name_or_path not in board_names():
        raise BoardError(
            f"board: must be a known board or a file ending in .toml, got {name_or_path!r}. "
            f"{suggest(name_or_path, board_names())}"
        )
    return _load(BOARDS_FOLDER / f"{name_or_path}.toml")


def _load(path: Path) -> Board:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BoardError(f"{path}: must be a readable board file: {reason}.") from error
    if len(text) > _MAX_FILE_BYTES:
        raise BoardError(f"{path}: a board file must have at most {_MAX_FILE_BYTES:,} B.")
    try:
        table = tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise BoardError(f"{path}: must be valid TOML: {error}.") from error
    return _board(table, str(path))


def _board(table: Mapping[str, Any], where: str) -> Board:
    texts = ("name", "description", "core", "kernels")
    _check_keys(table, (*texts, *_LIMITS, "code", "ram", "sources"), where)
    values = {key: _text(table, key, where) for key in texts}
    _check_choice(values["core"], CORES, f"{where} [core]")
    _check_choice(values["kernels"], KERNELS, f"{where} [kernels]")
    numbers = {key: _whole(table, key, low, high, where) for key, (low, high) in _LIMITS.items()}
    code = _items(table, "code", _CODE_KEYS, numbers["flash_bytes"], where)
    ram = _items(table, "ram", _RAM_KEYS, numbers["ram_bytes"], where)
    sources = _table(table, "sources", where)
    dotted = [*(f"code.{key}" for key in code), *(f"ram.{key}" for key in ram)]
    _check_keys(sources, (*_LIMITS, *dotted), f"{where} [sources]")
    return Board(
        name=values["name"],
        description=values["description"],
        core=values["core"],
        clock_hz=numbers["clock_hz"],
        flash_bytes=numbers["flash_bytes"],
        ram_bytes=numbers["ram_bytes"],
        kernels=values["kernels"],
        code_bytes=code,
        app_ram_bytes=ram,
        sources={key: _text(sources, key, f"{where} [sources]") for key in sources},
    )


def _check_keys(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise BoardError(f"{where}: unknown key {key!r}. {suggest(key, keys)}")
    for key in keys:
        if key not in table:
            raise BoardError(f"{where}: must have the key {key!r}, got none. Add it.")


def _check_choice(value: str, choices: tuple[str, ...], where: str) -> None:
    if value not in choices:
        raise BoardError(
            f"{where}: must be one of {list(choices)}, got {value!r}. {suggest(value, choices)}"
        )


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table[key]
    if not isinstance(value, dict):
        raise BoardError(f"{where} [{key}]: must be a table, got {value!r}.")
    return value


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise BoardError(f"{where} [{key}]: must be a text that says something, got {value!r}.")
    return value


def _whole(table: Mapping[str, Any], key: str, low: int, high: int, where: str) -> int:
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BoardError(
            f"{where} [{key}]: must be a whole number in {low:,} .. {high:,}, got {value!r}."
        )
    return value


def _items(
    table: Mapping[str, Any], key: str, keys: tuple[str, ...], limit: int, where: str
) -> Mapping[str, int]:
    items = _table(table, key, where)
    inside = f"{where} [{key}]"
    _check_keys(items, keys, inside)
    numbers = {item: _whole(items, item, 0, limit, inside) for item in keys}
    if sum(numbers.values()) >= limit:
        raise BoardError(
            f"{inside}: items must sum to less than the board has, {limit:,} B, "
            f"got {sum(numbers.values()):,} B."
        )
    return numbers
