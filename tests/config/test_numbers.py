"""The one table of numbers: names, units, directions, how each is written; no room has another."""

import ast
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sprd.bundle.manifest import footprint_sources
from sprd.bundle.write import _footprint_table
from sprd.cli.boards import _totals
from sprd.cli.view import row_line
from sprd.config.budget import Budget
from sprd.config.limits import Limit, Violation
from sprd.config.numbers import (
    COSTS,
    COSTS_OF_A_BOARD,
    KEYS,
    NUMBERS,
    SCORES,
    STREAM_SCORES,
    number_of,
)
from sprd.device.footprint import Footprint
from sprd.report.columns import column
from sprd.report.page import frontier_page
from tests.builders import make_row

ROOT = Path(__file__).parents[2]


def test_more_is_better_of_accuracies_and_recalls_alone() -> None:
    """Rates of errors and costs are to be low."""
    better = {key for key in NUMBERS if NUMBERS[key].is_more_better}
    assert better == {
        "balanced_accuracy", "accuracy", "float_balanced_accuracy", "val_balanced_accuracy",
        *(key for key in NUMBERS if "recall" in key),
    }  # fmt: skip
    assert number_of("recall up").is_more_better


def test_groups_follow_from_the_table() -> None:
    """Scores, then costs, decide; each cost can be reported and limited."""
    assert (*SCORES, *STREAM_SCORES, *COSTS) == KEYS
    limited = {f"min_{key}" if "recall" in key else f"max_{key}" for key in STREAM_SCORES}
    assert limited <= set(Budget.model_fields)
    assert SCORES == ("balanced_accuracy", "accuracy", "false_accept_rate", "false_reject_rate")
    assert set(COSTS) <= set(Footprint.__dataclass_fields__) & set(Budget.model_fields)
    assert set(COSTS_OF_A_BOARD) == {"flash_bytes", "ram_bytes", "latency_ms", "energy_uj"}
    assert not set(KEYS) & {"accuracy_drop", "cpu_share", "arena_reserve_bytes"}


def test_every_number_says_where_it_comes_from() -> None:
    """A latency by what told it, all others in one sentence."""
    assert [key for key in NUMBERS if not NUMBERS[key].source] == ["latency_ms"]
    footprint = {**dict.fromkeys(COSTS, 1.0), "latency_source": "model", "latency_low_ms": 0.5}
    estimated = footprint_sources(footprint)
    assert set(estimated) == set(COSTS)
    counted = footprint_sources({**footprint, "latency_source": "emulated"})
    differing = {key for key in COSTS if counted[key] != estimated[key]}
    assert differing == {"latency_ms", "instructions"}
    assert "latency_ms" not in footprint_sources({**footprint, "latency_source": None})


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [("energy_uj", 96.4, "96.4 uJ"), ("macs", 1_234_567, "1,234,567"), ("ram_bytes", 9, "9 B")],
)
def test_number_is_the_same_text_in_every_room(key: str, value: float, text: str) -> None:
    """A violation, a limit, a column, the page, a bundle's README and the table of a check."""
    assert f" {text} of " in str(Violation(key, value, 1))
    assert str(Limit(key, value)).endswith(f" <= {text}")
    row = make_row(0, footprint={key: value, "arena_host_bytes": 1}, violations=())
    shown = column(key)
    assert f"{shown.text(row)} {shown.unit}".rstrip() == text
    page = frontier_page("x", [], [], [Limit(key, value)], b"<svg></svg>")
    assert f"at most {text}<" in page
    assert f"| {text} |" in _footprint_table({key: value}, None, None)
    fields = dict.fromkeys(Footprint.__dataclass_fields__) | {key: value}
    out = StringIO()
    Console(file=out, width=100).print(_totals(Footprint(**fields), {key: value}))  # type: ignore[arg-type]
    assert [line.split("  ")[-3].strip() for line in out.getvalue().splitlines() if text in line]
    missed = make_row(1, "infeasible", violations=(Violation(key, value, 1),))
    assert text in row_line(missed)


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module that may show a number, by its path."""
    for path in (*(ROOT / "sprd").rglob("*.py"), *(ROOT / "docs").glob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def texts(nodes: list[ast.expr]) -> list[str]:
    """Those of the nodes that are string constants."""
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def names_numbers(node: ast.AST) -> bool:
    """Whether a literal gives texts to two numbers or more: a table of its own."""
    if isinstance(node, ast.Dict):
        keys = [key for key in node.keys if key is not None]
        return len(set(texts(keys)) & set(NUMBERS)) > 1 and len(texts(node.values)) > 1
    if isinstance(node, (ast.Tuple, ast.List)):
        rows = [texts(one.elts) for one in node.elts if isinstance(one, (ast.Tuple, ast.List))]
        return sum(set(row) & set(NUMBERS) != set() and not set(row) <= set(NUMBERS)
                   for row in rows) > 1  # fmt: skip
    return False


ENDS = ("endswith", "removesuffix", "rpartition", "rsplit")


def reads_the_end_of_a_key(node: ast.AST) -> bool:
    """Whether a call takes a unit from the last letters of a name."""
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    if not is_call or node.func.attr not in ENDS:  # type: ignore[attr-defined]
        return False
    return bool(set(texts(node.args)) & {"_", "_bytes", "_ms", "_uj"})  # type: ignore[attr-defined]


def writes_a_score(node: ast.AST) -> bool:
    """Whether an f-string has the words of a score before a value."""
    if not isinstance(node, ast.JoinedStr):
        return False
    words = tuple(f"{NUMBERS[key].words} " for key in SCORES)
    return any(
        isinstance(first, ast.Constant) and str(first.value).endswith(words)
        for first, second in zip(node.values, node.values[1:], strict=False)
        if isinstance(second, ast.FormattedValue)
    )


def places(rule: object) -> set[str]:
    """The modules that hold a node for which a rule is true, but for the table itself."""
    assert callable(rule)
    found = {path for path, module in sources() if any(map(rule, ast.walk(module)))}
    return found - {"sprd/config/numbers.py"}


def test_no_other_module_names_numbers() -> None:
    """`advice` tells what helps against an unknown number, not what it is called."""
    assert places(names_numbers) == {"sprd/device/advice.py"}


def test_no_other_module_reads_units_from_keys() -> None:
    """The items of a board file are no numbers of a trial: two modules name them."""
    rooms = {"sprd/device/footprint.py", "sprd/device/flash.py"}
    assert places(reads_the_end_of_a_key) == rooms


def test_no_other_module_writes_a_score() -> None:
    """Nor its digits."""
    assert places(writes_a_score) == set()
