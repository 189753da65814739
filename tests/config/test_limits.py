"""The one rule that tells which limits some numbers break, and how a violation is told and kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.limits import (
    EMULATION,
    LIMITED_KEYS,
    UNMEASURABLE,
    Limit,
    Violation,
    at_most,
    find_violations,
    tightest,
)
from sprd.errors import ConfigError
from sprd.sweep.rows.table import Table, read_rows
from tests.builders import make_row

LEAST = Limit("balanced_accuracy", 0.9, is_minimum=True)
MOST = Limit("ram_bytes", 100)


@pytest.mark.parametrize(
    ("limit", "value", "fits"),
    [
        (MOST, 99, True),
        (MOST, 100, True),
        (MOST, 100.1, False),
        (MOST, None, False),
        (MOST, float("nan"), False),
        (Limit("macs", 0), 0, True),
        (Limit("macs", 0), 1, False),
        (Limit("accuracy_drop", 0), -0.01, True),
        (LEAST, 0.91, True),
        (LEAST, 0.9, True),
        (LEAST, 0.899, False),
        (LEAST, 0.0, False),
        (LEAST, None, False),
        (LEAST, float("nan"), False),
        (Limit("balanced_accuracy", 0, True), 0, True),
    ],
)
def test_value_at_its_limit_fits_and_unknown_never(
    limit: Limit, value: float | None, fits: bool
) -> None:
    """A maximum holds from above, a minimum from below; NaN is as unknown as None."""
    assert limit.fits(value) is fits
    assert (find_violations({limit.key: value}.get, [limit]) == ()) is fits


@pytest.mark.parametrize("bound", [float("nan"), float("inf"), -1])
@pytest.mark.parametrize("is_minimum", [False, True])
def test_limit_that_is_no_number_is_an_error(bound: float, is_minimum: bool) -> None:
    """NaN compares false with everything, and would let everything pass."""
    with pytest.raises(ConfigError, match=r"limits \[ram_bytes\]: must be a number from 0, got"):
        Limit("ram_bytes", bound, is_minimum)


def test_violations_come_in_the_order_of_the_limits() -> None:
    """Each holds key, value, bound and direction; what fits is left out."""
    limits = (MOST, LEAST, Limit("macs", 5), Limit("latency_ms", 1.0))
    numbers = {"ram_bytes": 101, "balanced_accuracy": 0.8, "macs": 5}
    expected = (
        Violation("ram_bytes", 101, 100),
        Violation("balanced_accuracy", 0.8, 0.9, is_minimum=True),
        Violation("latency_ms", None, 1.0),
    )
    assert find_violations(numbers.get, limits) == expected
    assert find_violations(numbers.get, ()) == ()


@given(st.dictionaries(st.sampled_from(LIMITED_KEYS), st.integers(0, 9)), st.integers(0, 9))
def test_exactly_what_is_over_is_found(bounds: dict[str, int], value: int) -> None:
    """The same numbers as minima are broken exactly where the value is below."""
    numbers = dict.fromkeys(LIMITED_KEYS, float(value))
    over = find_violations(numbers.get, at_most(bounds))
    assert {one.key for one in over} == {key for key, bound in bounds.items() if value > bound}
    under = find_violations(numbers.get, [Limit(key, bound, True) for key, bound in bounds.items()])
    assert {one.key for one in under} == {key for key, bound in bounds.items() if value < bound}


def test_bound_that_is_none_is_no_limit() -> None:
    """Zero is one."""
    assert at_most({"macs": None, "ram_bytes": 0}) == (Limit("ram_bytes", 0),)


def test_tightest_limit_of_each_number_is_kept() -> None:
    """The least of the maxima, the greatest of the minima, each where its number came first."""
    limits = (MOST, LEAST, Limit("ram_bytes", 90), Limit("macs", 1), Limit("ram_bytes", 95))
    stricter = Limit("balanced_accuracy", 0.95, True)
    assert tightest((*limits, stricter)) == (Limit("ram_bytes", 90), stricter, Limit("macs", 1))
    both = (Limit("macs", 1), Limit("macs", 1, True))
    assert tightest(both) == both


def test_limit_reads_as_a_comparison() -> None:
    """With its key, as the flag has it, and with every digit of its bound."""
    precise = (Limit("balanced_accuracy", 0.9004, is_minimum=True), Limit("latency_ms", 0.04))
    assert [str(one) for one in precise] == [
        "balanced_accuracy >= 0.9004", "latency_ms <= 0.04 ms",
    ]  # fmt: skip
    assert [str(one) for one in (Limit("ram_bytes", 65_536), LEAST)] == [
        "ram_bytes <= 65,536 B", "balanced_accuracy >= 0.90",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("violation", "text"),
    [
        (Violation("ram_bytes", 71_680, 65_536), "ram 71,680 B of 65,536 B (+9 %)"),
        (Violation("ram_bytes", 10_001, 10_000), "ram 10,001 B of 10,000 B (+0.01 %)"),
        (Violation("macs", 3, 2), "macs 3 of 2 (+50 %)"),
        (Violation("latency_ms", 60.0, 50), "latency 60.0 ms of 50.0 ms (+20 %)"),
        (Violation("energy_uj", 600.0, 500), "energy 600.0 uJ of 500.0 uJ (+20 %)"),
        (
            Violation("instructions", 2_511_000.5, 2e6),
            "instructions 2,511,000 of 2,000,000 (+26 %)",
        ),
        (Violation("arena_host_bytes", 1, 0), "arena host 1 B of 0 B"),
        (Violation("latency_ms", None, 50.0), "latency unknown, must be at most 50.0 ms"),
        (
            Violation("balanced_accuracy", 0.8, 0.9, True),
            "balanced accuracy 0.80, at least 0.90 (-11 %)",
        ),
        (Violation("ram_bytes", 0, 10, True), "ram 0 B, at least 10 B (-100 %)"),
        (
            Violation("balanced_accuracy", None, 0.9, True),
            "balanced accuracy unknown, must be at least 0.90",
        ),
        (
            Violation("false_accept_rate", 0.0504, 0.05),
            "false accept rate 0.0504 of 0.05 (+0.8 %)",
        ),
        (Violation("accuracy_drop", 0.0204, 0.02), "accuracy drop 0.0204 of 0.02 (+2 %)"),
        (Violation("latency_ms", 50.004, 50), "latency 50.004 ms of 50.0 ms (+0.008 %)"),
        (Violation("macs", 100.25, 100), "macs 100.2 of 100 (+0.25 %)"),
        (
            Violation("balanced_accuracy", 0.89961, 0.9, True),
            "balanced accuracy 0.8996, at least 0.90 (-0.043 %)",
        ),
        (UNMEASURABLE, "no valid configuration"),
        (Violation(EMULATION, None, None, error="12 bytes differ"), "12 bytes differ"),
    ],
)
def test_violation_reads_as_a_sentence(violation: Violation, text: str) -> None:
    """It has name, value, limit and by what share it is missed, or the error's own words."""
    assert str(violation) == text


@pytest.mark.parametrize(
    ("violation", "ratio", "excess"),
    [
        (Violation("macs", 15, 10), 1.5, 0.5),
        (Violation("macs", 1, 0), None, 1.0),
        (Violation("macs", None, 10), None, 1.0),
        (Violation("balanced_accuracy", 0.5, 0.8, True), 1.6, 0.375),
        (Violation("balanced_accuracy", 0.0, 0.8, True), None, 1.0),
        (Violation("balanced_accuracy", None, 0.8, True), None, 1.0),
        (UNMEASURABLE, None, 1.0),
    ],
)
def test_how_far_a_limit_is_missed(
    violation: Violation, ratio: float | None, excess: float
) -> None:
    """The excess is a share of the limit, the ratio above 1; JSON has None for an infinite one."""
    assert violation.excess == pytest.approx(excess)
    told = json.loads(json.dumps(violation.as_dict(), allow_nan=False))
    assert told["ratio"] == (None if ratio is None else pytest.approx(ratio))


def test_violation_has_a_limit_or_an_error() -> None:
    """Else it would say nothing."""
    with pytest.raises(ValueError, match="must have a limit or an error"):
        Violation("macs", 1, None)


VIOLATIONS = st.builds(
    Violation,
    st.text(),
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0) | st.floats(0, allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none() | st.text(),
)


@given(VIOLATIONS | st.sampled_from([UNMEASURABLE]))
def test_any_violation_survives_json(violation: Violation) -> None:
    """One form, everywhere."""
    written = json.dumps(violation.as_dict(), allow_nan=False)
    assert Violation.from_dict(json.loads(written)) == violation
    assert set(json.loads(written)) == {"key", "value", "limit", "is_minimum", "ratio", "error"}


OLD = [
    (
        {"key": "ram_bytes", "value": 71_680, "limit": 65_536, "ratio": 1.09375},
        Violation("ram_bytes", 71_680, 65_536),
    ),
    (
        {"key": "accuracy_drop", "value": 0.03, "limit": 0.02},
        Violation("accuracy_drop", 0.03, 0.02),
    ),
    (
        {"key": "latency_ms", "value": None, "limit": 9.5, "ratio": None},
        Violation("latency_ms", None, 9.5),
    ),
    ({"key": "configuration", "value": None, "limit": None}, UNMEASURABLE),
    (
        {"key": "emulation", "value": None, "limit": None, "error": "3 bytes differ"},
        Violation(EMULATION, None, None, error="3 bytes differ"),
    ),
    ({"key": "heat", "value": None, "limit": None}, Violation("heat", None, None, error="heat")),
    ({"key": "macs", "value": 2, "limit": 1, "since": "v9"}, Violation("macs", 2, 1)),
]


@pytest.mark.parametrize(("fields", "expected"), OLD)
def test_violation_of_another_version_is_read(
    fields: Mapping[str, Any], expected: Violation
) -> None:
    """Older ones had three keys, some `ratio` or `error`; of newer ones what is known counts."""
    assert Violation.from_dict(fields) == expected


def test_rows_of_an_older_version_are_read(tmp_path: Path) -> None:
    """Line by line, whatever form their violations have."""
    path = tmp_path / "trials.jsonl"
    fields = make_row(1, "infeasible").as_dict()
    lines = [json.dumps({**fields, "violations": [old]}) + "\n" for old, _ in OLD]
    path.write_text("".join(lines))
    assert [row.violations for row in read_rows(path)] == [(expected,) for _, expected in OLD]


@pytest.mark.parametrize("name", ["finished", "cut"])
def test_run_of_an_older_version_is_read_and_written_as_it_was(
    shared: Path, tmp_path: Path, name: str
) -> None:
    """But for the form of `violations` each line stays, byte for byte."""
    old = shared / "runs_9badef2" / name / "trials.jsonl"
    table = Table(tmp_path / "trials.jsonl")
    for row in read_rows(old):
        table.append(row)
    written, before = (
        [{**json.loads(line), "violations": []} for line in path.read_text().splitlines()]
        for path in (table.path, old)
    )
    assert list(map(json.dumps, written)) == list(map(json.dumps, before))


@pytest.mark.parametrize(
    "fields",
    [
        None,
        5,
        [],
        "ram_bytes",
        {},
        {"key": "macs", "value": 1},
        {"key": 3, "value": 1, "limit": 1},
        {"key": "macs", "value": "1", "limit": 1},
        {"key": "macs", "value": True, "limit": 1},
        {"key": "macs", "value": 1, "limit": []},
        {"key": "macs", "value": 2, "limit": 1, "is_minimum": "no"},
        {"key": "macs", "value": 2, "limit": 1, "error": 3},
    ],
)
def test_what_is_no_violation_is_refused(fields: Any) -> None:
    """A damaged row is told with its line, not met later as an AttributeError."""
    with pytest.raises((TypeError, KeyError)):
        Violation.from_dict(fields)
