"""The frontier on a terminal of 80 columns."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from sprd.cli.grid import fit
from sprd.config.numbers import KEYS
from sprd.config.objectives import natural
from sprd.report.table import frontier_table
from sprd.sweep.rows.row import Trial
from tests.builders import make_outside_model, make_row

WIDTH = 80
OBJECTIVES = tuple(map(natural, ("balanced_accuracy", "model_bytes", "latency_ms")))
LARGE = {
    "flash_bytes": 1_048_576,
    "model_bytes": 1_000_000,
    "ram_bytes": 262_144,
    "arena_bytes": 131_072,
    "arena_host_bytes": 131_072,
    "latency_ms": 1_234.5,
    "instructions": 99_123_456,
    "macs": 12_345_678,
    "energy_uj": 12_345.0,
}


def lines(*args: Any, **options: Any) -> list[str]:
    """What a terminal of 80 columns shows."""
    out = StringIO()
    grid, _ = fit(frontier_table(*args, **options), WIDTH)
    Console(file=out, width=WIDTH, legacy_windows=False).print(grid)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_table_tells_a_line_a_trial(rows: list[Trial], reference: Trial) -> None:
    """Objectives first; the chosen trial has a star; references come last."""
    shown = lines(rows[:2], OBJECTIVES, 1, [reference])
    assert [line.split() for line in shown] == [
        ["accuracy", "model", "latency", "RAM", "arena"],
        ["trial", "95", "%", "interval", "B", "ms", "B", "B"],
        ["0", "0.900", "(0.860..0.930)", "10,000", "20.0", "50,000", "5,000"],
        ["1", "*", "0.850", "(0.810..0.880)", "6,000", "9.0", "50,000", "5,000"],
        ["seed", "recipe", "0.830", "18,512", "28.0", "50,000", "?"],
    ]


@pytest.mark.parametrize("by", KEYS)
def test_table_never_wraps(by: str) -> None:
    """However large the numbers: what finds no room is left out, the objectives last."""
    bounds = {"intervals": {"balanced_accuracy": [0.8, 0.95]}}
    rows = [make_row(10_000 + i, footprint=LARGE, metrics=bounds) for i in range(3)]
    named = make_outside_model("a very long name of a model.tflite", footprint=LARGE)
    shown = lines(rows, [natural(by), *OBJECTIVES], 10_001, [named])
    assert len(shown) == 2 + 4
    assert max(map(len, shown)) <= WIDTH
    assert [line.split()[0] for line in shown[2:]] == ["10000", "10001", "10002", "a"]


def test_counts_stand_in_millions() -> None:
    """Four objectives with large counts leave room for RAM, arena and latency."""
    keys = ("balanced_accuracy", "arena_host_bytes", "instructions", "model_bytes")
    bounds = {"intervals": {"balanced_accuracy": [0.887, 0.964]}}
    sizes = {"model_bytes": 9_856, "arena_host_bytes": 5_104, "arena_bytes": 4_976}
    footprint = {**sizes, "ram_bytes": 115_020, "latency_ms": 7.9, "instructions": 340_774}
    row = make_row(30, footprint=footprint, metrics=bounds)
    large = make_row(31, footprint={**footprint, "instructions": 25_417_705}, metrics=bounds)
    shown = [line.split() for line in lines([row, large], tuple(map(natural, keys)))]
    assert shown[0] == [
        "accuracy", "arena", "host", "instr.", "model", "RAM", "arena", "latency",
    ]  # fmt: skip
    assert shown[1] == ["trial", "95", "%", "interval", "B", "M", "B", "B", "B", "ms"]
    assert (shown[2][4], shown[3][4]) == ("0.341", "25.418")


def test_unknown_numbers_have_no_column() -> None:
    """A run without a board has no latency."""
    row = make_row(0, footprint={"ram_bytes": None, "arena_bytes": 4_000, "latency_ms": None})
    shown = [line.split() for line in lines([row], OBJECTIVES[:1])]
    assert shown[0] == ["accuracy", "model", "arena"]
    assert shown[2] == ["0", "0.900", "10,000", "4,000"]


def test_labels_are_only_text() -> None:
    """Markup and line breaks of a name change nothing."""
    named = make_outside_model("[red]x\ny")
    assert lines([], OBJECTIVES[:1], None, [named])[-1].startswith("[red]x y ")
