"""Numbers on the screen carry the unit of their key."""

import pytest

from sprd.cli.text import amount


@pytest.mark.parametrize(
    ("key", "value", "number", "unit"),
    [
        ("flash_bytes", 96_412, "96,412", "B"),
        ("latency_ms", 28.04, "28.0", "ms"),
        ("energy_uj", 1_234.0, "1,234", "uJ"),
    ],
)
def test_amount_ends_in_its_unit(key: str, value: float, number: str, unit: str) -> None:
    """Microjoule are no millijoule."""
    text = amount(key, value)
    assert text.startswith(number) and text.endswith(f" {unit}")


def test_what_is_not_known_is_said() -> None:
    """None is no number of any unit."""
    assert amount("ram_bytes", None) == "unknown"
