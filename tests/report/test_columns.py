"""Numbers of a trial in words: each by its own unit."""

import pytest

from sprd.report.columns import column
from tests.builders import make_row


@pytest.mark.parametrize(
    ("key", "value", "text", "unit"),
    [
        ("macs", 161_888, "161,888", ""),
        ("instructions", 12_345_678, "12,345,678", ""),
        ("latency_ms", 28.04, "28.0", "ms"),
        ("model_bytes", 18_512, "18,512", "B"),
        ("macs", None, "?", ""),
    ],
)
def test_number_is_written_in_its_unit(key: str, value: float | None, text: str, unit: str) -> None:
    """As in a line, but that the heading has the unit."""
    found = column(key)
    assert found.text(make_row(0, footprint={key: value})) == text
    assert found.unit == unit


def test_none_in_some_hours_is_below_a_rate() -> None:
    """A zero would be a promise: on the page and on the terminal the upper limit is told."""
    key = "false_accepts_per_hour"
    row = make_row(0, metrics={key: 0.0, "intervals": {key: (0.0, 3.6889)}})
    assert column(key).text(row) == "below 3.69"
    assert column(key).text(make_row(0, metrics={key: 1.5})) == "1.50"
    assert column(key).below(make_row(0, metrics={key: 0.0})) == ""
