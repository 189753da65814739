"""What a log holds while a sweep runs: no terminal here."""

import io
import time
from typing import Any

import pytest
from rich.console import Console

from sprd.cli import view
from sprd.cli.view import SweepView, row_line
from sprd.config.limits import Violation
from sprd.sweep.rows.guessing import GUESSING
from sprd.sweep.rows.row import Fold, Trial
from sprd.sweep.search.jobs import Candidate
from tests import builders


def make_row(number: int, **fields: Any) -> Trial:
    """A row that knows its arena."""
    return builders.make_row(number, footprint={"arena_host_bytes": 5000}, **fields)


def test_each_trial_is_a_line_with_the_best_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    """A fold is a line too, and no trial."""
    with SweepView([], 2) as view:
        view.ended(make_row(0, metrics={"balanced_accuracy": 0.8}))
        view.ended(make_row(1, metrics={"balanced_accuracy": 0.7}))
        view.ended(Fold(1, 0, 5, builders.make_fold(0, [0, 1], [0, 1], ["a", "b"])))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("]")[0] for line in lines] == ["[1/2", "[2/2", "[2/2"]
    assert all("best: trial 0, balanced accuracy 0.800" in line for line in lines)


def test_trial_that_listened_tells_its_recall() -> None:
    """Beside its score on clips; unknown is not told."""
    heard = {"balanced_accuracy": 0.9, "recall_streaming": 0.75}
    assert "accuracy 0.900, recall on streams 0.750, " in row_line(make_row(0, metrics=heard))
    unknown = {"balanced_accuracy": 0.9, "recall_streaming": None}
    assert "recall" not in row_line(make_row(0, metrics=unknown))


def test_heading_comes_with_the_first_trial_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """What ends before, for bad input say, is said in one line."""
    with SweepView([], 2, heading="costs are those of a board") as view:
        assert capsys.readouterr().err == ""
        for number in (0, 1):
            view.started(Candidate(number, f"trial {number}", {}, builders.make_sweep().default))
    assert capsys.readouterr().err == "costs are those of a board\n"


def test_trial_that_guesses_is_told() -> None:
    """Kept back where clips are enough to say so, exported with a word where they are not."""
    guess = Violation(GUESSING, None, None, error="no better than guessing: 0.3")
    assert row_line(make_row(0, violations=(guess,))).endswith(
        "; not exported: no better than guessing: 0.3"
    )
    over = Violation("macs", 2, 1)
    assert "; over budget: macs 2 of 1" in row_line(make_row(0, violations=(over, guess)))
    few: dict[str, Any] = {
        "recall": {"_unknown_": 0.0, "up": 1.0},
        "intervals": {"recall _unknown_": [0, 1], "recall up": [0, 1]},
        "n_clips": 2,
        "n_silence": 0,
    }
    assert "; 2 clips cannot tell it from guessing" in row_line(make_row(0, metrics=few))


def test_rows_of_before_count(capsys: pytest.CaptureFixture[str]) -> None:
    """The same command on the same folder goes on."""
    rows = [make_row(0, metrics={"balanced_accuracy": 0.8})]
    with SweepView(rows, 2) as view:
        view.ended(make_row(1, status="infeasible"))
    line = capsys.readouterr().err
    assert line.startswith("[1/2] trial 1: does not fit") and "best: trial 0" in line


def test_a_long_stage_is_told_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the time that is left."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with SweepView([], 1) as shown:
        for done in range(0, 1001, 10):
            shown.progress("features", done, 1000)
            now[0] += 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "features: 200 of 1,000, about 80 s left"
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1.0, "about 90 s left"), (60.0, "about 90 min left")]
)
def test_time_left_is_in_a_unit_that_reads_well(
    seconds: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds, then minutes."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stage = view._Stage()
    stage.move("features", 0, 100)
    now[0] = 10 * seconds
    stage.move("features", 10, 100)
    assert stage.left() == expected


def test_terminal_without_trials_is_told_every_fiftieth_and_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On one line that is written over."""
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False)
    monkeypatch.setattr(view, "console", lambda: screen)
    with SweepView([], 0) as shown:
        for done in range(1, 121):
            shown.progress("reading", done, 120)
    assert isinstance(screen.file, io.StringIO)
    lines = screen.file.getvalue().replace("\r", "\n").split("\n")
    assert lines == [f"reading: {done} of 120" for done in (50, 100, 120)] + [""]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_live_view_cuts_no_number(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of a narrow terminal end behind a whole part of what they tell."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(view, "console", lambda: console)
    metrics = {"balanced_accuracy": 0.8765}
    row = builders.make_row(12, footprint={"arena_host_bytes": 123_456}, metrics=metrics)
    shown = SweepView([row], 3)
    console.print(shown._render())
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    starts = {"1 of 3 trained": "failed", "best: trial 12": "B"}
    starts["trial 12: balanced accuracy 0.876"] = "arena host 123,456 B"
    for start, end in starts.items():
        (told,) = [line for line in lines if line.startswith(start)]
        assert told.endswith((end, "\N{HORIZONTAL ELLIPSIS}")) and "123,4 " not in told
