"""The verbs that train: parsed arguments in, what came of it shown, an exit code out."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sprd.cli.grid import show_grid
from sprd.cli.text import costs_words, output, show_bundle, show_json, tell_shortfall
from sprd.cli.view import SweepView
from sprd.config.numbers import number_of
from sprd.errors import SprdError
from sprd.sweep.rows.counts import told_clips

if TYPE_CHECKING:
    from sprd.sweep.rows.row import Trial
    from sprd.sweep.run import Run
    from sprd.sweep.trial.folds import FoldScores

_SHOWN_PARAMETERS = 5


def sweep(args: Namespace) -> int:
    """Runs a sweep and exports its winner."""
    from sprd.pipeline import run_sweep
    from sprd.sweep.run import open_run

    run = open_run(args.file, args.out, args.data, args.speech)
    n_trials = args.trials or run.sweep.sweep.n_trials
    try:
        with _view(run, n_trials) as view:
            bundle = run_sweep(run, args.trials, args.address, view, args.allow)
    except SprdError:
        if any(trial.is_eligible for trial in run.table.trials):
            _show_run(run)
        raise
    _show_run(run)
    show_bundle(bundle)
    return 0


def _view(run: "Run", n_trials: int) -> SweepView:
    costs = costs_words(run.sweep.default.budget.board)
    return SweepView(run.table.rows, n_trials, run.sweep.objectives[0], costs)


def crossval(args: Namespace) -> int:
    """Trains a trial anew on folds of speakers."""
    from sprd.pipeline import cross_validate
    from sprd.sweep.run import reopen_run

    run = reopen_run(args.run_folder, args.data, args.speech)
    trials = [run.trial(number) for number in dict.fromkeys(args.trial)]
    with SweepView([], 0) as view:
        found = cross_validate(run, trials, args.folds, args.address, view)
    if args.json:
        results = [{"trial": row.number, **scores.as_dict()} for row, scores in found]
        show_json({**results[0], "trials": results})
    else:
        for row, scores in found:
            _show_folds(row, scores)
    return 0


def train(args: Namespace) -> int:
    """Trains the one configuration of a sweep file."""
    from sprd.pipeline import run_one
    from sprd.sweep.run import open_run

    run = open_run(args.file, args.out, args.data, args.speech, suffix="-train")
    with _view(run, 1) as view:
        trial, bundle = run_one(run, view, args.allow)
    if args.json:
        numbers = {**trial.as_dict(), **trial.metrics, **trial.footprint}
        show_json({**numbers, "bundle": str(bundle), "build": run.build})
        tell_shortfall(bundle)
    else:
        show_bundle(bundle)
        output().print(f"{trial.metrics['ms_per_step']} ms a step")
    return 0


def _show_run(run: "Run") -> None:
    """What a sweep found: its frontier, what the folds say of the best, which parameters matter."""
    from sprd.report.table import frontier_table
    from sprd.sweep.rows.folds import FoldTable
    from sprd.sweep.rows.ranking import frontier
    from sprd.sweep.search.confirm import confirmed

    if len(run.sweep.objectives) > 1:
        best = frontier(run.table.trials, run.sweep.objectives)
        show_grid(frontier_table(best, run.sweep.objectives), "sprd pick --json")
    n_folds = run.sweep.sweep.confirm_folds
    if n_folds is not None:
        folds = FoldTable(run.paths.folds)
        for trial, scores in confirmed(run.sweep, run.table.trials, folds, n_folds):
            _show_folds(trial, scores)
    if (file := run.paths.importances).exists():
        _show_importances(json.loads(file.read_text(encoding="utf-8")))


def _show_folds(trial: "Trial", scores: "FoldScores") -> None:
    out = output()
    accuracy = number_of("balanced_accuracy")
    mean = accuracy.phrase(scores.balanced_accuracy, scores.interval)
    each = " ".join(map(accuracy.text, scores.per_fold))
    out.print(f"{trial.name}, {scores.n_folds} folds: {mean}: {each}")
    recalls = ", ".join(
        f"{label} {number_of(f'recall {label}').text(recall)}"
        for label, recall in scores.recall.items()
    )
    out.print(f"  recall: {recalls}; {told_clips(scores.as_dict())}")


def _show_importances(shares: Mapping[str, Mapping[str, float]]) -> None:
    out = output()
    for objective, names in shares.items():
        most = sorted(names.items(), key=lambda one: -one[1])[:_SHOWN_PARAMETERS]
        shown = ", ".join(f"{name} {share:.0%}" for name, share in most)
        out.print(f"what mattered for {objective}: {shown}")
