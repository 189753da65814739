"""A narrow terminal loses columns and words, never digits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table as Grid
from rich.text import Text

from sprd.cli.grid import fit, show_grid, terminal_width, whole_words

NUMBERS = [("flash\nB", "1,048,576"), ("time", "12.34 ms"), ("score", "0.902 (0.846..0.939)")]


def grid(name: str = "DEPTHWISE_CONV_2D") -> Grid:
    """A table of a name and three numbers."""
    found = Grid(box=None, pad_edge=False)
    for heading in ("layer", *(heading for heading, _ in NUMBERS)):
        found.add_column(heading, justify="right")
    found.add_row(Text(name), *(Text(number) for _, number in NUMBERS), style="bold")
    return found


@pytest.mark.parametrize("width", [20, 30, 40, 50, 60, 80, 200])
def test_every_number_that_is_shown_is_whole(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And each is shown, or its heading is in the line that names what found no room."""
    monkeypatch.setenv("COLUMNS", str(width))
    show_grid(grid())
    told = capsys.readouterr().out
    assert "\N{HORIZONTAL ELLIPSIS}" not in told
    *_, last = told.splitlines()
    for heading, number in NUMBERS:
        left_out = "no room for" in last and heading.replace("\n", " ") in last
        assert (number in told) != left_out
    assert last.endswith(": a wider terminal or --json shows all") == (width < 60)


def test_least_important_column_goes_first() -> None:
    """It stands right; the first number stays, however narrow the terminal."""
    assert fit(grid(), 80)[1] == []
    assert fit(grid(), 59)[1] == ["score"]
    assert fit(grid(), 30)[1] == fit(grid(), 1)[1] == ["time", "score"]


def test_long_name_goes_on_below_before_a_number_goes() -> None:
    """A name is text: it may be read in two lines."""
    fitted, left_out = fit(grid("x" * 60), 62)
    assert left_out == [] and fitted.columns[0].width == 62 - 37 - 3 * 2


def test_piped_table_is_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no terminal and no COLUMNS say how wide it may be."""
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal_width() > 1000
    show_grid(grid("x" * 300))
    assert "x" * 300 in capsys.readouterr().out


@given(st.lists(st.sampled_from(["12,345", "0.90", "B,", "trial", "model;"])), st.integers(3, 90))
def test_line_ends_at_a_whole_word(words: list[str], width: int) -> None:
    """No number of it is cut, and what was left out shows."""
    text = " ".join(words)
    shown = whole_words(text, width)
    assert len(shown) <= width
    assert set(re.findall(r"[\d,.]*\d", shown)) <= set(words)
    assert shown == text or shown.endswith("\N{HORIZONTAL ELLIPSIS}")


def test_line_loses_whole_parts() -> None:
    """A number keeps its unit."""
    text = "trial 3: balanced accuracy 0.902, model 12,345 B, arena host 9,776 B"
    cut = "trial 3: balanced accuracy 0.902, model 12,345 B \N{HORIZONTAL ELLIPSIS}"
    for width in (50, 60, 67):
        assert whole_words(text, width) == cut
    assert whole_words(text, len(text)) == text
    assert whole_words("2 of 5 trained · 1 did not fit", 28) == "2 of 5 trained …"


def test_columns_that_are_compared_stay() -> None:
    """Names go on below instead; only what is left of the terminal is theirs."""
    fitted, left_out = fit(grid(), 30, n_kept=3)
    assert left_out == ["score"]
    assert [column.width for column in fitted.columns] == [30 - 9 - 8 - 2 * 2, None, None]
