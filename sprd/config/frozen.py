"""The base of the types of a sweep file: a table in, a frozen value out."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

SectionT = TypeVar("SectionT", bound="Section")


class Section(BaseModel):
    """A table of a sweep file: frozen, no unknown key, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def is_unset(value: object) -> bool:
    """Whether an optional value is not given: what came later is left out of a dump then."""
    return value is None


def replaced(section: SectionT, **values: Any) -> SectionT:
    """Returns a copy with other values in some fields.

    Raises:
        pydantic.ValidationError: One of them breaks a rule; `model_copy` would take it.
    """
    return type(section).model_validate({**dict(section), **values})
