"""What a parameter of an architecture may be, and the names that a sweep file may use."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)

Scalar = bool | int | float | str
"""What a search space may choose among: storage and TOML agree on these."""


@dataclass(frozen=True)
class Param:
    """One parameter of an architecture: its default, its legal values and what it means.

    `kind` is "int", "float", "choice", "ints" (a string such as "16-16-24") or "pair"
    (a string such as "10x8": time x frequency). `low` and `high` bound each number.
    """

    default: Scalar
    kind: Literal["int", "float", "choice", "ints", "pair"]
    doc: str
    low: float = 1
    high: float = 1024
    choices: tuple[str, ...] = ()

    def problem(self, value: object) -> str | None:
        """Returns the rule that `value` breaks, or None."""
        if self.kind == "choice":
            return None if value in self.choices else f"must be one of {list(self.choices)}"
        if self.kind in ("int", "float"):
            types = (int,) if self.kind == "int" else (int, float)
            if isinstance(value, bool) or not isinstance(value, types):
                return f"must be {'an integer' if self.kind == 'int' else 'a number'}"
            numbers: list[float] = [value]
        else:
            form = "integers joined by '-', like '16-16-24'"
            separator = "-"
            if self.kind == "pair":
                form, separator = "two integers joined by 'x', like '10x8'", "x"
            parts = value.split(separator) if isinstance(value, str) else []
            wrong_length = self.kind == "pair" and len(parts) != 2
            if not parts or wrong_length or not all(map(_NUMBER.fullmatch, parts)):
                return f"must be {form}"
            numbers = [int(part) for part in parts]
            if len(numbers) > 16:
                return "must have at most 16 entries"
        if not all(self.low <= number <= self.high for number in numbers):
            return f"must lie in {self.low:g} .. {self.high:g}"
        return None


@dataclass(frozen=True)
class Vocabulary:
    """The names that a sweep file may use, handed down by the rooms that own them."""

    architectures: Mapping[str, Mapping[str, Param]]
    boards: Collection[str]
    active: Callable[[str, Mapping[str, Scalar]], Collection[str]] | None = None
    """Tells which parameters of an architecture have an effect; without it, all of them."""

    def active_params(self, architecture: str, params: Mapping[str, Scalar]) -> Collection[str]:
        """Returns the names of the parameters that have an effect where others are as given."""
        return (
            self.active(architecture, params) if self.active else self.architectures[architecture]
        )
