"""A footprint fits its limits or says which it exceeds, and by how much."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.limits import LIMITED_KEYS, at_most
from sprd.device.footprint import Footprint
from sprd.device.verdict import check
from sprd.errors import ConfigError

FOOTPRINT = Footprint(
    flash_bytes=250_000,
    model_bytes=20_000,
    ram_bytes=71_680,
    arena_bytes=10_000,
    arena_host_bytes=9_776,
    macs=336_000,
    latency_ms=60.0,
    latency_low_ms=30.0,
    latency_high_ms=100.0,
    latency_source="model",
    ops=(),
    flash_items={},
    ram_items={},
    layers=(),
    instructions=2_511_000,
    energy_uj=594.0,
)


def test_worst_comes_first() -> None:
    """Violations are sorted by how far they are over."""
    limits = {"ram_bytes": 65_536, "model_bytes": 10_000, "macs": 400_000}
    found = check(FOOTPRINT, at_most(limits))
    assert [violation.key for violation in found] == ["model_bytes", "ram_bytes"]
    assert found[0].ratio == 2


def test_value_at_its_limit_fits() -> None:
    """A limit is the most that is allowed."""
    assert check(FOOTPRINT, at_most({"ram_bytes": 71_680})) == ()
    assert [v.key for v in check(FOOTPRINT, at_most({"ram_bytes": 71_679}))] == ["ram_bytes"]


def test_latency_is_judged_by_its_estimate() -> None:
    """The upper end of the interval does not count."""
    assert check(FOOTPRINT, at_most({"latency_ms": 60.0})) == ()
    assert [v.key for v in check(FOOTPRINT, at_most({"latency_ms": 59.9}))] == ["latency_ms"]


@pytest.mark.parametrize(
    "key",
    ["latency_ms", "ram_bytes", "arena_bytes", "flash_bytes", "instructions", "energy_uj"],
)
def test_unknown_value_violates_its_limit(key: str) -> None:
    """What is unknown cannot be promised, and comes first."""
    unknown: dict[str, Any] = {key: None}
    footprint = dataclasses.replace(FOOTPRINT, **unknown)
    found = check(footprint, at_most({key: 50, "model_bytes": 1}))
    assert found[0].key == key
    assert found[0].value is None
    assert "unknown" in str(found[0])
    assert json.loads(json.dumps(found[0].as_dict(), allow_nan=False))["ratio"] is None
    assert check(footprint, ()) == ()


def test_unknown_limit_is_an_error() -> None:
    """A misspelt limit is never a limit that is passed."""
    with pytest.raises(ConfigError, match=r"'ram_byte'. Did you mean 'ram_bytes'"):
        check(FOOTPRINT, at_most({"ram_byte": 1}))


@given(st.dictionaries(st.sampled_from(LIMITED_KEYS), st.integers(0, 10**6)))
def test_check_finds_exactly_what_is_over(limits: dict[str, Any]) -> None:
    """Exactly the keys whose value is above their limit are found, each with a ratio above 1."""
    found = check(FOOTPRINT, at_most(limits))
    over = {key for key, limit in limits.items() if getattr(FOOTPRINT, key) > limit}
    assert {violation.key for violation in found} == over
    assert all(violation.ratio > 1 for violation in found)
    assert [v.ratio for v in found] == sorted((v.ratio for v in found), reverse=True)
