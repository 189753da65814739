"""A board file in, a `Board` out: what a core offers, and what the application on it takes.

A board is a TOML file. Each of its numbers has its origin under `[sources]`, which begins with
"assumed:" where nobody published it. In JSON a board is the same tables (`as_json`), read by the
same rules: so it goes with a configuration, whole. Knows no board by name, and nothing of models.

What a weight costs beyond the instruction that reads it is not in the file but derived: each line
of the flash is taken to be fetched once an inference, and the core waits `wait_states` for it. That
is `wait_states / line_bytes` cycles a byte. Exact for a fully connected layer; a convolution reads
its weights again for each pair of pixels, and what that costs beyond a cache is in the core's
fitted cycles an instruction. A prefetch may hide some of it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from sprd.config.board_power import Listening, read_active_mw, read_listening
from sprd.config.board_table import (
    check_choice,
    check_keys,
    number_of,
    table_of,
    text_of,
    whole_of,
)
from sprd.config.build import (
    CMAKE_O2,
    Build,
    check_build,
    cmake_o2,
    read_builds,
    read_default,
    twice_named,
)
from sprd.config.text import decode
from sprd.errors import BoardError

CORES = (
    *("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"),
    *("xtensa-lx6", "xtensa-lx7"),
)
"""The Cortex-M here have no vector extension: CMSIS-NN's scratch buffers are known for these."""
DSP_CORES = ("cortex-m4", "cortex-m7", "cortex-m33")
"""Cores whose CMSIS-NN kernels multiply two pairs of int16 in one instruction (SMLAD)."""
Calibrated: TypeAlias = tuple[float, float | None]
"""Cycles an instruction, and their relative error; None is unknown."""
NO_BOARD = "no_board"
"""The type of pydantic's error for tables that are no board: its message is the BoardError's."""

_LIMITS: Mapping[str, tuple[int, int]] = {
    "clock_hz": (1_000_000, 2_000_000_000),
    "flash_bytes": (16 * 1024, 64 * 2**20),
    "ram_bytes": (4 * 1024, 64 * 2**20),
}
_MAX_FILE_BYTES = 64 * 1024
_LINE_BYTES = (2, 4, 8, 16, 32, 64)
_MAX_WAIT_STATES = 15
"""On the chip: the field of four bits in which STM32 sets them (FLASH_ACR, LATENCY)."""
_MAX_WAIT_STATES_EXTERNAL = 2048
"""A cache line of 32 B over one wire at a sixth of the core's clock takes 1,536 and a command."""
_CYCLES_PER_INSTRUCTION = (0.5, 10.0)
_OPTIONAL = ("kernels", "builds", "default_build", "power", "latency", "listening")
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

    `published_name` is what tables of measurements call the board, "" if none does. `wait_states`
    are the cycles that the core waits for one fetch of `line_bytes` from flash. `active_mw` is the
    power while computing, in milliwatts. `cycles_per_instruction` and its relative error are a
    user's own calibration, if that is of the chosen build; `calibrations` are those of all builds,
    by name. `listening` is what was published of it while it listens, and takes part in no
    footprint. None is unknown.

    `build` is the one of its `builds` that is chosen: each number that is told of the board is told
    of this build. Where nobody chooses it is `default_build`. Two boards are equal whatever builds
    they could have had.

    `origin` is what names the board in a sweep file: the name of a shipped one, else the path of
    its file. Boards of other origins are equal where all else is.
    """

    name: str
    description: str
    core: str
    clock_hz: int
    flash_bytes: int
    ram_bytes: int
    build: Build
    code_bytes: Mapping[str, int] = field(hash=False)
    app_ram_bytes: Mapping[str, int] = field(hash=False)
    sources: Mapping[str, str] = field(hash=False)
    published_name: str
    wait_states: int
    line_bytes: int
    builds: Mapping[str, Build] = field(compare=False)
    default_build: str = field(compare=False)
    active_mw: float | None = None
    cycles_per_instruction: float | None = None
    cycles_per_instruction_error: float | None = None
    origin: str = field(default="", compare=False)
    calibrations: Mapping[str, Calibrated] = field(default_factory=dict, compare=False)
    listening: Listening | None = field(default=None, compare=False)

    @property
    def kernels(self) -> str:
        """The kernel library of the chosen build."""
        return self.build.kernels

    def with_build(self, name: str) -> "Board":
        """Returns the same board with another of its builds chosen.

        Raises:
            BoardError: It lacks this build.
        """
        check_build(name, self.builds, f"board {self.name!r} [build]")
        factor, error = self.calibrations.get(name, (None, None))
        return replace(
            self,
            build=self.builds[name],
            cycles_per_instruction=factor,
            cycles_per_instruction_error=error,
        )

    @property
    def bounds(self) -> Mapping[str, int]:
        """What a model on the board may take at most, by the keys of a footprint."""
        return {"flash_bytes": self.flash_bytes, "ram_bytes": self.ram_bytes}

    @property
    def weight_byte_cycles(self) -> float:
        """Cycles that reading one weight from flash costs beyond the instruction (see above)."""
        return self.wait_states / self.line_bytes

    @property
    def dsp(self) -> bool:
        """Whether the core has the DSP extension that CMSIS-NN's fast kernels need."""
        return self.core in DSP_CORES

    def as_json(self) -> dict[str, Any]:
        """Returns the tables of its file, and its origin if it has one; see `board_from_json`.

        Of its builds the chosen one is there alone: what is computed follows from no other.
        """
        flash = {"wait_states": self.wait_states, "line_bytes": self.line_bytes}
        latency = {
            "cycles_per_instruction": self.cycles_per_instruction,
            "cycles_per_instruction_error": self.cycles_per_instruction_error,
        }
        is_external = self.wait_states > _MAX_WAIT_STATES
        return {
            **({"origin": self.origin} if self.origin else {}),
            "name": self.name,
            "description": self.description,
            "core": self.core,
            "clock_hz": self.clock_hz,
            "flash_bytes": self.flash_bytes,
            "ram_bytes": self.ram_bytes,
            **self._build_as_json(),
            "published_name": self.published_name,
            "flash_memory": {**flash, "external": True} if is_external else flash,
            **({} if self.active_mw is None else {"power": {"active_mw": self.active_mw}}),
            **({"listening": asdict(self.listening)} if self.listening else {}),
            **({"latency": known} if (known := _without_none(latency)) else {}),
            "code": dict(self.code_bytes),
            "ram": dict(self.app_ram_bytes),
            "sources": dict(self.sources),
        }

    def _build_as_json(self) -> dict[str, Any]:
        if self.build == cmake_o2(self.core, self.kernels):
            return {"kernels": self.kernels}
        name = self.build.name
        return {"default_build": name, "builds": {name: self.build.as_json()}}


def read_board_file(path: Path) -> str:
    """Returns the text of a board file.

    Raises:
        BoardError: It cannot be read, or is none by its size.
    """
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is a folder or device")
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BoardError(f"{path}: must be a readable board file: {reason}.") from error
    if len(content) > _MAX_FILE_BYTES:
        raise BoardError(f"{path}: a board file must have at most {_MAX_FILE_BYTES:,} B.")
    try:
        return decode(content)
    except ValueError as error:
        raise BoardError(f"{path}: must be a readable board file: {error}.") from error


def parse_board(toml: str, where: str, origin: str) -> Board:
    """Reads the text of a board file; `where` stands before what is wrong with it.

    Raises:
        BoardError: It breaks a rule.
    """
    try:
        table = tomllib.loads(toml)
    except (ValueError, RecursionError) as error:
        rule = twice_named(error) or f"must be valid TOML: {error}."
        raise BoardError(f"{where}: {rule}") from error
    return _board(table, where, origin)


def board_from_json(value: Mapping[str, Any]) -> Board:
    """Reads what `Board.as_json` returned.

    Raises:
        BoardError: It breaks a rule.
    """
    tables = {key: item for key, item in value.items() if key != "origin"}
    return _board(tables, "board", text_of(value, "origin", "board") if "origin" in value else "")


def _validated(value: object, info: ValidationInfo) -> Board:
    """Takes a board as it is, or the tables of one from JSON; a name is for the reader alone."""
    if isinstance(value, Board):
        return value
    if info.mode == "json" and isinstance(value, dict):
        try:
            return board_from_json(value)
        except BoardError as error:
            told = {"problem": str(error)}
            raise PydanticCustomError(NO_BOARD, "{problem}", told) from error
    raise PydanticCustomError("string_type", "Input should be a valid string")


BoardField = Annotated[
    Board,
    PlainValidator(_validated),
    PlainSerializer(Board.as_json),
    WithJsonSchema({"type": "string"}),
]
"""A board as a field of a configuration: a text in a sweep file, its tables in JSON."""


def _without_none(values: Mapping[str, float | None]) -> dict[str, float]:
    return {key: value for key, value in values.items() if value is not None}


def _board(table: Mapping[str, Any], where: str, origin: str) -> Board:
    texts = ("name", "description", "core")
    required = (*texts, "published_name", *_LIMITS, "flash_memory", "code", "ram", "sources")
    check_keys(table, required, where, optional=_OPTIONAL)
    values = {key: text_of(table, key, where) for key in texts}
    check_choice(values["core"], CORES, f"{where} [core]")
    builds = read_builds(table, values["core"], where)
    default_build = read_default(table, builds, where)
    numbers = {key: whole_of(table, key, low, high, where) for key, (low, high) in _LIMITS.items()}
    code = _items(table, "code", _CODE_KEYS, numbers["flash_bytes"], where)
    ram = _items(table, "ram", _RAM_KEYS, numbers["ram_bytes"], where)
    fetch = _flash_memory(table, where)
    calibrations = _calibrations(table, builds, default_build, where)
    factor, error = calibrations.get(default_build, (None, None))
    return Board(
        name=values["name"],
        description=values["description"],
        core=values["core"],
        clock_hz=numbers["clock_hz"],
        flash_bytes=numbers["flash_bytes"],
        ram_bytes=numbers["ram_bytes"],
        build=builds[default_build],
        code_bytes=code,
        app_ram_bytes=ram,
        sources=_sources(table, where),
        published_name=_published_name(table, where),
        wait_states=fetch[0],
        line_bytes=fetch[1],
        builds=builds,
        default_build=default_build,
        active_mw=read_active_mw(table, where),
        cycles_per_instruction=factor,
        cycles_per_instruction_error=error,
        origin=origin,
        calibrations=calibrations,
        listening=read_listening(table, where),
    )


def _published_name(table: Mapping[str, Any], where: str) -> str:
    name = table["published_name"]
    if not isinstance(name, str):
        raise BoardError(
            f"{where} [published_name]: must be a text, got {name!r}. "
            'Write "" where no table names the board.'
        )
    return name


def _flash_memory(table: Mapping[str, Any], where: str) -> tuple[int, int]:
    """Returns wait states and bytes of a line."""
    flash = table_of(table, "flash_memory", where)
    inside = f"{where} [flash_memory]"
    check_keys(flash, ("wait_states", "line_bytes"), inside, optional=("external",))
    external = flash.get("external", False)
    if not isinstance(external, bool):
        raise BoardError(
            f"{inside} [external]: must be true or false, got {external!r}. "
            "Write true for a flash outside the chip."
        )
    most = _MAX_WAIT_STATES_EXTERNAL if external else _MAX_WAIT_STATES
    wait_states = whole_of(flash, "wait_states", 0, most, inside)
    line_bytes = whole_of(flash, "line_bytes", _LINE_BYTES[0], _LINE_BYTES[-1], inside)
    if line_bytes not in _LINE_BYTES:
        raise BoardError(
            f"{inside} [line_bytes]: must be one of {list(_LINE_BYTES)} B, got {line_bytes!r}."
        )
    return wait_states, line_bytes


def _calibrations(
    table: Mapping[str, Any], builds: Mapping[str, Build], default_build: str, where: str
) -> dict[str, Calibrated]:
    """Returns the user's own calibration by the build that was measured; of old it is cmake-O2."""
    if "latency" not in table:
        return {}
    latency = table_of(table, "latency", where)
    inside = f"{where} [latency]"
    error_key = "cycles_per_instruction_error"
    check_keys(latency, ("cycles_per_instruction",), inside, optional=(error_key, "build"))
    factor = number_of(latency, "cycles_per_instruction", *_CYCLES_PER_INSTRUCTION, inside)
    # A calibration with one measurement knows no error.
    error = number_of(latency, error_key, 0.0, 1.0, inside) if error_key in latency else None
    build = CMAKE_O2 if CMAKE_O2 in builds else default_build
    if "build" in latency:
        build = text_of(latency, "build", inside)
        check_build(build, builds, f"{inside} [build]")
    return {build: (factor, error)}


def _sources(table: Mapping[str, Any], where: str) -> Mapping[str, str]:
    """Returns the origin of each number; that of a calibration may cover its error too."""
    sources = table_of(table, "sources", where)
    numbers = [f"code.{key}" for key in _CODE_KEYS] + [f"ram.{key}" for key in _RAM_KEYS]
    numbers += ["flash_memory.wait_states", "flash_memory.line_bytes"]
    numbers += ["power.active_mw"] if "power" in table else []
    numbers += ["listening.mw", "listening.duty"] if "listening" in table else []
    numbers += ["latency.cycles_per_instruction"] if "latency" in table else []
    # In JSON a calibration of another build than the chosen one is left out; its source stays.
    optional = ("latency.cycles_per_instruction", "latency.cycles_per_instruction_error")
    inside = f"{where} [sources]"
    check_keys(sources, (*_LIMITS, *numbers), inside, optional)
    return {key: text_of(sources, key, inside) for key in sources}


def _items(
    table: Mapping[str, Any], key: str, keys: tuple[str, ...], limit: int, where: str
) -> Mapping[str, int]:
    items = table_of(table, key, where)
    inside = f"{where} [{key}]"
    check_keys(items, keys, inside)
    numbers = {item: whole_of(items, item, 0, limit, inside) for item in keys}
    if sum(numbers.values()) >= limit:
        raise BoardError(
            f"{inside}: items must sum to less than the board has, {limit:,} B, "
            f"got {sum(numbers.values()):,} B."
        )
    return numbers
