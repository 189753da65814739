"""Hypothesis strategies that several tests draw from, and the vocabulary that they draw within."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from sprd.config.params import Scalar, Vocabulary
from sprd.device.board import BOARDS
from sprd.model.params import ARCHITECTURES

VOCABULARY = Vocabulary(ARCHITECTURES, BOARDS)


def legal_values(schema: Mapping[str, Any], most: int = 10**9) -> st.SearchStrategy[Scalar]:
    """Values that a parameter may have by its JSON schema, its numbers at most `most`."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "separator" in schema:
        n = 2 if schema["separator"] == "x" else 4
        numbers = legal_values(schema["items"], most)
        parts = st.lists(numbers, min_size=n if n == 2 else 1, max_size=n)
        return parts.map(lambda parts: schema["separator"].join(map(str, parts)))
    low, high = schema["minimum"], min(schema["maximum"], most)
    return st.integers(low, high) if schema["type"] == "integer" else st.floats(low, high)


def legal_params(architecture: str, most: int = 10**9) -> st.SearchStrategy[Mapping[str, Scalar]]:
    """A value for each parameter of an architecture."""
    schemas = ARCHITECTURES[architecture].model_json_schema()["properties"]
    return st.fixed_dictionaries({name: legal_values(one, most) for name, one in schemas.items()})


def toml_values() -> st.SearchStrategy[Any]:
    """Values of any type that TOML has, the awkward ones often."""
    awkward = st.sampled_from(
        [0, -1, 1, 10**30, 2**63, 0.0, -0.0, 1e308, float("inf"), float("nan"), "", "\0", "a\nb"]
    )
    words = st.sampled_from(["30/20x40", "10x8", "16-16", "tiny_conv", "synthetic", "up", "low"])
    scalars = st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | awkward | words
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["low", "high", "step", "log", "x"]), inner)
        ),
        max_leaves=5,
    )


def toml_text(value: Any) -> str:
    """Writes a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(toml_text, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{k} = {toml_text(v)}' for k, v in value.items())} }}"
    return repr(value)
