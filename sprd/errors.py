"""The exception tree. Each class carries the exit code of a command that it ends.

    SprdError                1  something failed
    ├── InputError           2  what the user gave cannot be used
    │   ├── ConfigError         a sweep file, or a point of its search space
    │   ├── DataError           a data set
    │   ├── ModelFileError      a .tflite file
    │   ├── BoardError          a board or its file
    │   ├── EmulationError      a model or a machine that cannot emulate
    │   ├── MachineError        a machine that lacks what a command needs
    │   ├── OutputError         a folder that cannot be written
    │   └── NewerVersionError   what a newer sprd wrote
    ├── DownloadError        1  the network or the checksum
    ├── TrainingError        1  a training that went wrong (NaN)
    └── BudgetError          3  nothing fits

Messages have one form: *where: the rule that must hold, got the value. What to do.*
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar, Self

MAX_LENGTH = 1500
"""Characters of a message."""


class SprdError(Exception):
    """A failure that is told to the user in one line, without a traceback."""

    exit_code: ClassVar[int] = 1

    rule: str = ""
    """What is broken and what to do, without where, in an error that `at` made."""

    @classmethod
    def at(cls, where: str, rule: str) -> Self:
        """Returns an error whose message is both; whoever knows the place better takes the rule."""
        error = cls(f"{where}: {rule}")
        error.rule = rule
        return error

    def __str__(self) -> str:
        """Leaves the middle out of a message that a huge value made long."""
        text = super().__str__()
        return text if len(text) <= MAX_LENGTH else f"{text[:1000]} [...] {text[-400:]}"


class InputError(SprdError):
    """What the user gave cannot be used."""

    exit_code = 2


class ConfigError(InputError):
    """A sweep file, or a point of its search space, breaks a rule."""


class DataError(InputError):
    """A data set is missing, damaged or too small for what is asked of it."""


class ModelFileError(InputError):
    """A .tflite file is none, is not int8, or holds what TensorFlow Lite Micro lacks."""


class BoardError(InputError):
    """A board is unknown, or its file breaks a rule."""


class EmulationError(InputError):
    """A model that the emulated core cannot run, or a machine without compiler and emulator."""


class MachineError(InputError):
    """A machine that lacks what a command needs: a temporary folder, /dev/shm, loopback."""


class OutputError(InputError):
    """A folder cannot be written, or holds something else."""

    is_disk_full: bool = False
    """Whether no room was left; it comes along where the error crosses to another process."""


class NewerVersionError(InputError):
    """A folder or file that a newer sprd wrote, and this one would misread."""


class DownloadError(SprdError):
    """A download failed, or what came is not what was asked for."""


class TrainingError(SprdError):
    """A training ended without a usable model."""


class BudgetError(SprdError):
    """No trial fits the budget."""

    exit_code = 3


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns the sentence that ends a message about an unknown name."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(names)}."
