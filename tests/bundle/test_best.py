"""The next best is exported where the best fails the last check."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sprd.bundle import best
from sprd.config.limits import EMULATION, Violation
from sprd.config.objectives import natural
from sprd.errors import BudgetError
from sprd.sweep.paths import RunPaths
from sprd.sweep.rows.ranking import ranking
from tests.builders import make_row

NO_CORPUS: Any = None
FAILED = Violation(EMULATION, None, None, error="3 bytes differ")


def a_run(tmp_path: Path, scores: tuple[float, ...]) -> Any:
    """A run of trained trials with these scores."""
    rows = [make_row(number, score=score) for number, score in enumerate(scores)]
    sweep = SimpleNamespace(objectives=(natural("balanced_accuracy"),))
    table = SimpleNamespace(trials=rows)
    return SimpleNamespace(table=table, sweep=sweep, folder=tmp_path, paths=RunPaths(tmp_path))


def ranked(run: Any) -> Any:
    """Its trials, best first."""
    return ranking(run.table.trials, run.sweep.objectives[0])


def test_next_best_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial that the emulated core runs otherwise stays; the attempt is handed on."""
    tried = []

    def export(run: Any, row: Any, corpus: Any, folder: Any, attempts: Any) -> Any:
        tried.append((row.number, dict(attempts)))
        return (FAILED,) if row.number == 1 else ()

    monkeypatch.setattr(best, "export_trial", export)
    run = a_run(tmp_path, (0.8, 0.9, 0.7))
    assert best.export_best(run, NO_CORPUS, ranked(run)) == run.paths.bundle
    assert tried == [(1, {}), (0, {1: (FAILED,)})]


def test_nothing_left_is_said_with_the_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trial's own reason is in the line."""
    monkeypatch.setattr(best, "export_trial", lambda *args: (FAILED,))
    run = a_run(tmp_path, (0.8, 0.9))
    with pytest.raises(BudgetError, match=r"none of 2 did: trial 1: 3 bytes differ; trial 0"):
        best.export_best(run, NO_CORPUS, ranked(run))
