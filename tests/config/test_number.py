"""How the values of a number are written: digits, units, intervals, axes and narrow columns."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.numbers import number_of


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("flash_bytes", 96_412, "96,412 B"),
        ("ram_bytes", 0, "0 B"),
        ("model_bytes", 17_664.0, "17,664 B"),
        ("macs", 161_888, "161,888"),
        ("macs", 1_234_567.5, "1,234,568"),
        ("instructions", 417_705.4, "417,705"),
        ("latency_ms", 28.04, "28.0 ms"),
        ("latency_ms", 1_234.56, "1,234.6 ms"),
        ("energy_uj", 96.4, "96.4 uJ"),
        ("energy_uj", 1_234.0, "1,234.0 uJ"),
        ("balanced_accuracy", 0.9, "0.900"),
        ("accuracy_drop", -0.0126, "-0.013"),
        ("cpu_share", 1.2, "1.200"),
        ("recall up", 1, "1.000"),
        ("recall_streaming_20db", 0.8, "0.800"),
        ("false_accepts_per_hour", 1.756, "1.76 an hour"),
        ("detection_delay_ms", 401.26, "401.3 ms"),
        ("heat_of_a_newer_version", 12.345678, "12.3457"),
        ("ram_bytes", None, "unknown"),
    ],
)
def test_value_is_written_with_its_unit(key: str, value: float | None, text: str) -> None:
    """Bytes and counts whole, milliseconds and microjoules to a tenth, shares to a thousandth."""
    number = number_of(key)
    assert number.text(value) == text
    assert number.phrase(value) == f"{number.words} {text}"
    if value is not None:
        assert number.figure(value) == text.removesuffix(f" {number.writing.unit}")


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((49.0, 62.04), "55.2 ms (49.0 .. 62.0)"),
        ([49, 62], "55.2 ms (49.0 .. 62.0)"),
        ((0.0, 62.0), "55.2 ms (0.0 .. 62.0)"),
        ((None, None), "55.2 ms"),
        ((49.0, None), "55.2 ms"),
        (None, "55.2 ms"),
        ((55.2, 55.2), "55.2 ms"),
        ((55.21, 55.238), "55.2 ms (55.21 .. 55.24)"),
    ],
)
def test_interval_stands_behind_its_value(
    interval: tuple[float | None, float | None] | None, text: str
) -> None:
    """Where both ends are known and differ, in digits that tell them apart."""
    assert number_of("latency_ms").text(55.2, interval) == text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("ram_bytes", 65_536, "65,536 B"),
        ("macs", 2e6, "2,000,000"),
        ("macs", 1_234_567.5, "1,234,567.5"),
        ("latency_ms", 50, "50.0 ms"),
        ("latency_ms", 0.04, "0.04 ms"),
        ("energy_uj", 1e-7, "0.0000001 uJ"),
        ("balanced_accuracy", 0.9, "0.90"),
        ("balanced_accuracy", 0.9004, "0.9004"),
        ("balanced_accuracy", 0, "0.00"),
        ("false_accept_rate", 0.0005, "0.0005"),
        ("heat_of_a_newer_version", 12.345678, "12.345678"),
        ("macs", float("inf"), "inf"),
    ],
)
def test_exact_value_has_every_digit(key: str, value: float, text: str) -> None:
    """And no more, but for the tenth of a millisecond and the hundredth of a share."""
    assert number_of(key).exact(value) == text


@given(
    st.sampled_from(["ram_bytes", "latency_ms", "balanced_accuracy"]),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
)
def test_value_beside_a_bound_lies_on_its_side(key: str, value: float, bound: float) -> None:
    """However close they are; what equals its bound has the same text."""
    number = number_of(key)
    told, limit = (
        Decimal(text.removesuffix(f" {number.writing.unit}").replace(",", ""))
        for text in (number.beside(value, bound), number.exact(bound))
    )
    assert (told > limit, told < limit) == (value > bound, value < bound)


def test_value_beside_a_far_bound_is_as_usual() -> None:
    """But for noughts at its end."""
    accuracy = number_of("balanced_accuracy")
    assert [accuracy.beside(value, 0.9) for value in (0.87123, 0.8, 0.8996)] == [
        "0.871", "0.80", "0.8996",
    ]  # fmt: skip


def test_unknown_value_has_no_interval() -> None:
    """None is "unknown", never "nothing"."""
    assert number_of("latency_ms").phrase(None, (1.0, 2.0)) == "latency unknown"


@pytest.mark.parametrize(
    ("key", "divisor", "unit"),
    [
        ("ram_bytes", 1024.0, "KiB"),
        ("macs", 1e6, "million"),
        ("instructions", 1e6, "million"),
        ("latency_ms", 1.0, "ms"),
        ("energy_uj", 1.0, "\N{MICRO SIGN}J"),
    ],
)
def test_axis_has_a_unit(key: str, divisor: float, unit: str) -> None:
    """Bytes are told in KiB, counts in millions."""
    writing = number_of(key).writing
    assert (writing.axis_divisor, writing.axis_unit) == (divisor, unit)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("ram_bytes", 65_536, "64 KiB"),
        ("instructions", 417_705, "0.4177 million"),
        ("latency_ms", 50, "50 ms"),
        ("latency_ms", 9_999.7, "10,000 ms"),
        ("latency_ms", 12_345, "12,345 ms"),
    ],
)
def test_limit_beside_an_axis_has_four_digits(key: str, value: float, text: str) -> None:
    """And no exponent."""
    assert number_of(key).on_axis(value) == text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("instructions", 417_705, "0.418 M"),
        ("macs", 1_234_567_890, "1,234.568 M"),
        ("ram_bytes", 114_236, "114,236 B"),
        ("false_accept_rate", 0.05, "0.050"),
    ],
)
def test_narrow_column_has_counts_in_millions(key: str, value: float, text: str) -> None:
    """All else is as everywhere."""
    number = number_of(key)
    assert f"{number.narrow(value)} {number.narrow_unit}".rstrip() == text
