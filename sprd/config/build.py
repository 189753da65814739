"""The builds of a board file in, each a `Build` out: how the code on a board was compiled.

Instructions, milliseconds, arena and flash belong to a build: the same model takes 1.2 to 1.4 times
the instructions at -Os that it takes at -O2. A board file tells its builds as tables,
`[builds.arduino]`. Its `kernels` at the top stand for one more, `cmake-O2`: what every number was
of before boards had builds. Knows no board by name.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from sprd.config.board_table import check_choice, check_keys, table_of, text_of
from sprd.errors import BoardError, suggest

KERNELS = ("cmsis-nn", "reference", "esp-nn")
FLOAT_ABIS = ("soft", "softfp", "hard", "")
CMAKE_O2 = "cmake-O2"
"""The build that `kernels` at the top of a board file stands for."""

_TEXTS = ("compiler", "float_abi", "kernels", "kernels_date", "tflm", "cost")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")
_FLAG = re.compile(r"-(O[0-3sgz]?|f[a-z][a-z0-9-]*(=\d+)?|m[a-z][a-z0-9-]*(=[a-z0-9.+-]+)?)")
"""What changes code alone: no plugin, wrapper or file, as a board may come with a bundle."""
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_TWICE = re.compile(r"Cannot declare \('builds', '([^']*)'\) twice (\(.*\))")
"""Of tomllib."""


@dataclass(frozen=True)
class Build:
    """How what runs on a board was compiled.

    `flags` are those of the compiler that matter for code. `float_abi` is "soft", "softfp" or
    "hard", "" where a core knows no such choice. `kernels` is the kernel library, `kernels_date`
    its year and month, "" where it is unknown. `tflm` is the year and month of TensorFlow Lite
    Micro, "any" where a number has to hold for all of them. `cost` names the tables of
    `sprd/device/data` that hold for this build, "" if none does: its instructions are unknown then.
    """

    name: str
    compiler: str
    flags: tuple[str, ...]
    float_abi: str
    kernels: str
    kernels_date: str
    tflm: str
    cost: str

    def as_json(self) -> dict[str, Any]:
        """Returns its table in a board file."""
        table = asdict(self)
        del table["name"]
        return {**table, "flags": list(self.flags)}


def _unnamed(value: object) -> None:
    """Takes no name: the reader of a sweep file puts the build into the board."""
    if isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be told by the board")
    if value is not None:
        raise PydanticCustomError("string_type", "Input should be a valid string")


BuildField = Annotated[None, PlainValidator(_unnamed), WithJsonSchema({"type": "string"})]
"""A build as a key of a sweep file: a text there, part of the board in a configuration."""


def cmake_o2(core: str, kernels: str) -> Build:
    """Returns the build that `kernels` at the top of the file of a board stand for."""
    is_arm = core.startswith("cortex-")
    return Build(
        name=CMAKE_O2,
        compiler="arm-none-eabi-gcc 12.2" if is_arm else "xtensa-esp-elf-gcc",
        flags=("-O2",),
        float_abi="soft" if is_arm else "",
        kernels=kernels,
        kernels_date="",
        tflm="any",
        cost=CMAKE_O2 if kernels == "cmsis-nn" else "",
    )


def read_builds(table: Mapping[str, Any], core: str, where: str) -> dict[str, Build]:
    """Reads the builds of a board file, by name, in the order of the file.

    Args:
        table: The whole file.
        core: Of the board.
        where: Stands before what is wrong.

    Raises:
        BoardError: One breaks a rule, two have one name, or there is none.
    """
    builds: dict[str, Build] = {}
    if "kernels" in table:
        builds[CMAKE_O2] = cmake_o2(core, _kernels(table, core, where))
    named = table_of(table, "builds", where) if "builds" in table else {}
    for name in named:
        _check_name(name, builds, where)
        inside = f"{where} [builds.{name}]"
        builds[name] = _build(name, table_of(named, name, f"{where} [builds]"), core, inside)
    if not builds:
        raise BoardError(
            f"{where}: must have the key 'kernels' or tables such as [builds.arduino], got"
            f" {'none' if 'builds' not in table else 'an empty [builds]'}. Add one."
        )
    return builds


def read_default(table: Mapping[str, Any], builds: Mapping[str, Build], where: str) -> str:
    """Returns the name of the build that holds where none is named.

    Raises:
        BoardError: It is none of the board's, or several are there and none of them is named.
    """
    if "default_build" in table:
        name = text_of(table, "default_build", where)
        check_build(name, builds, f"{where} [default_build]")
        return name
    if CMAKE_O2 in builds or len(builds) == 1:
        return CMAKE_O2 if CMAKE_O2 in builds else next(iter(builds))
    raise BoardError(
        f"{where}: must have the key 'default_build', as it has {len(builds)} builds, got none. "
        f"Name one: {', '.join(builds)}."
    )


def check_build(name: str, builds: Mapping[str, Build], where: str) -> None:
    """Checks that a board has a build.

    Raises:
        BoardError: It lacks it; those that it has are named.
    """
    if name not in builds:
        raise BoardError(
            f"{where}: must be a build of the board, got {name!r}. {suggest(name, builds)}"
        )


def twice_named(error: Exception) -> str | None:
    """Returns the rule that a file breaks whose TOML declares one build twice, else None."""
    found = _TWICE.search(str(error))
    if found is None:
        return None
    return f"two builds must differ in their names, got {found[1]!r} twice {found[2]}. Rename one."


def _check_name(name: str, others: Mapping[str, Build], where: str) -> None:
    if not _NAME.fullmatch(name):
        raise BoardError(
            f"{where} [builds]: a name must be up to 40 letters, digits, '.', '_', '+' or '-',"
            f" got {name!r}. Rename it."
        )
    for other in others:
        if other == name:
            raise BoardError(
                f"{where} [builds]: two builds must differ in their names, got {name!r} twice, as"
                " 'kernels' at the top stand for it. Remove one of them."
            )
        if other.lower() == name.lower():
            raise BoardError(
                f"{where} [builds]: two builds must differ by more than upper and lower case, got"
                f" {other!r} and {name!r}. Rename one."
            )


def _build(name: str, table: Mapping[str, Any], core: str, where: str) -> Build:
    check_keys(table, ("compiler", "flags", *_TEXTS[1:]), where)
    for key in ("kernels_date", "tflm", "cost", "float_abi"):
        if not isinstance(table[key], str):
            raise BoardError(f"{where} [{key}]: must be a text, got {table[key]!r}.")
    check_choice(table["float_abi"], FLOAT_ABIS, f"{where} [float_abi]")
    _check_month(table["kernels_date"], "", f"{where} [kernels_date]")
    _check_month(table["tflm"], "any", f"{where} [tflm]")
    if table["cost"] and not _NAME.fullmatch(table["cost"]):
        raise BoardError(
            f'{where} [cost]: must be the name of cost tables, or "" for none, got'
            f" {table['cost']!r}."
        )
    return Build(
        name=name,
        compiler=text_of(table, "compiler", where),
        flags=_flags(table["flags"], where),
        float_abi=table["float_abi"],
        kernels=_kernels(table, core, where),
        kernels_date=table["kernels_date"],
        tflm=table["tflm"],
        cost=table["cost"],
    )


def _check_month(value: str, other: str, where: str) -> None:
    if value != other and not _MONTH.fullmatch(value):
        raise BoardError(
            f"{where}: must be a year and month such as '2023-12', or {other!r}, got {value!r}."
        )


def _flags(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise BoardError(
            f"{where} [flags]: must be a list of compiler flags, got {value!r}."
            ' Write flags = ["-Os"], say.'
        )
    for flag in value:
        if not isinstance(flag, str) or not _FLAG.fullmatch(flag):
            raise BoardError(
                f"{where} [flags]: must be flags of code, -O..., -f... or -m..., got {flag!r}."
                " Leave out what matters for no instruction."
            )
    return tuple(value)


def _kernels(table: Mapping[str, Any], core: str, where: str) -> str:
    kernels = text_of(table, "kernels", where)
    check_choice(kernels, KERNELS, f"{where} [kernels]")
    is_arm = core.startswith("cortex-")
    if (kernels == "cmsis-nn" and not is_arm) or (kernels == "esp-nn" and is_arm):
        raise BoardError(
            f"{where} [kernels]: must be kernels that run on {core!r}, got {kernels!r}. "
            "CMSIS-NN is for Cortex-M, ESP-NN for Xtensa, 'reference' for all."
        )
    return kernels
