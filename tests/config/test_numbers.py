"""The one table of numbers: names, units, directions, how each is written; no room has another."""

import ast
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sprd.bundle.manifest import footprint_sources
from sprd.bundle.write import _footprint_table
from sprd.cli.boards import _totals
from sprd.cli.view import row_line
from sprd.config.limits import Limit, Violation
from sprd.config.numbers import COSTS, COSTS_OF_A_BOARD, KEYS, NUMBERS, SCORES, number_of
from sprd.config.trial import Budget
from sprd.device.footprint import Footprint
from sprd.report.columns import column
from sprd.report.page import frontier_page
from tests.builders import make_row

ROOT = Path(__file__).parents[2]


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


def test_more_is_better_of_accuracies_alone() -> None:
    """Rates of errors and costs are to be low."""
    better = {key for key in NUMBERS if NUMBERS[key].is_more_better}
    assert better == {
        "balanced_accuracy", "accuracy", "float_balanced_accuracy", "val_balanced_accuracy",
    }  # fmt: skip
    assert number_of("recall up").is_more_better


def test_groups_follow_from_the_table() -> None:
    """Scores, then costs, decide; each cost can be reported and limited."""
    assert (*SCORES, *COSTS) == KEYS
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
