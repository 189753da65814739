"""What the parameters of an architecture are, and the names that a sweep file may use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sprd.config.frozen import Section

Scalar = bool | int | float | str
"""What a search space may choose among: storage and TOML agree on these."""

MAX_ENTRIES = 16
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_FORMS = {
    "-": "integers joined by '-', like '16-16-24'",
    "x": "two integers joined by 'x', like '10x8'",
}


class Params(Section):
    """The parameters of one architecture; each has a default."""

    @classmethod
    def defaults(cls) -> dict[str, Scalar]:
        """Returns the default of each parameter as a sweep file would write it."""
        return cls().model_dump()

    @classmethod
    def active(cls, point: Mapping[str, object]) -> frozenset[str]:
        """Returns the names of the parameters that have an effect at a point.

        Args:
            point: Some of the values as in a sweep file; what it does not name has its default.
        """
        return frozenset(cls.model_fields)


@dataclass(frozen=True)
class Joined:
    """Marks integers that a sweep file writes as one string: "16-16-24", or "10x8" for a pair.

    A search space can choose among such strings. Each of the numbers lies in `low` .. `high`.
    """

    separator: Literal["-", "x"]
    high: int
    low: int = 1

    def parse(self, value: object) -> tuple[int, ...]:
        """Returns the integers that a string names.

        Raises:
            PydanticCustomError: It is no such string, or a number lies outside the bounds.
        """
        parts = value.split(self.separator) if isinstance(value, str) else []
        wrong_length = self.separator == "x" and len(parts) != 2
        if not parts or wrong_length or not all(map(_NUMBER.fullmatch, parts)):
            raise PydanticCustomError("form", f"Input should be {_FORMS[self.separator]}")
        if len(parts) > MAX_ENTRIES:
            raise PydanticCustomError("length", f"Input should have at most {MAX_ENTRIES} entries")
        numbers = tuple(map(int, parts))
        if not all(self.low <= number <= self.high for number in numbers):
            raise PydanticCustomError("bounds", f"Input should lie in {self.low} .. {self.high}")
        return numbers

    def join(self, numbers: tuple[int, ...]) -> str:
        """Returns integers as a sweep file writes them."""
        return self.separator.join(map(str, numbers))

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        as_written = core_schema.plain_serializer_function_ser_schema(self.join)
        return core_schema.no_info_plain_validator_function(self.parse, serialization=as_written)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        one = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return {"type": "string", "separator": self.separator, "items": one}


@dataclass(frozen=True)
class Vocabulary:
    """The names that a sweep file may use, handed down by the rooms that own them."""

    architectures: Mapping[str, type[Params]]
    boards: Mapping[str, Path]
    """The file of each board that a sweep file may name."""
