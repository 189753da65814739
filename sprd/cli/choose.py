"""The verbs that choose among the trials of a run: list them, take one, compare two runs."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid
from rich.text import Text

from sprd.cli.flags import limits_of
from sprd.cli.grid import show_grid
from sprd.cli.text import (
    board_words,
    console,
    costs_words,
    output,
    show_bundle,
    show_json,
    tell_shortfall,
)
from sprd.config.numbers import number_of
from sprd.errors import BudgetError, ConfigError, DataError

if TYPE_CHECKING:
    from sprd.config.board import Board
    from sprd.config.limits import Limit, Violation
    from sprd.config.objectives import Objective
    from sprd.report.compare import Comparison, Side
    from sprd.sweep.rows.row import Compared, Trial
    from sprd.sweep.run import Run

_SHOWN_DIFFERENCES = 40


def pick(args: Namespace) -> int:
    """Lists the frontier; exports the best trial by one number, under limits."""
    from sprd.report.frontier import shown_objectives, under_limits
    from sprd.sweep.rows.pick import pick_row
    from sprd.sweep.rows.ranking import budget_error, frontier
    from sprd.sweep.run import reopen_run

    _check_reference(args)
    run = reopen_run(args.run_folder, args.data, args.speech)
    limits = limits_of(args)
    trials = under_limits(run.table.trials, limits)
    if not args.by and not any(trial.is_eligible for trial in run.table.trials):
        raise budget_error(run.table.trials)
    key = args.by or run.sweep.objectives[0].key
    chosen = pick_row(run.table.trials, key, limits)
    objectives = shown_objectives(run.sweep.objectives, trials, args.by)
    best = frontier(trials, objectives)
    if not best and not args.by:
        keys = ", ".join(objective.key for objective in objectives)
        raise BudgetError(
            f"{run.folder}: a trial on the frontier must have a known {keys}, but none of those"
            " that fit does. Name a board in [budget], or choose with --by."
        )
    references = _references(args, run)
    told = _frontier_json(objectives, best, references)
    if not args.json:
        shown = best if not args.by or chosen.number in _numbers(best) else [*best, chosen]
        _show_frontier(shown, objectives, chosen.number if args.by else None, references)
    if args.by:
        return _export(args, run, chosen.number, told)
    paths = _write_plots(args.out or run.folder, run, trials, objectives, references, args)
    files = [str(path) for path in paths]
    if args.json:
        show_json({**told, "trial": None, "bundle": None, "build": run.build, "plots": files})
    else:
        output().print(costs_words(run.sweep.default.budget.board))
        for file in files:
            output().print(file)
    return 0


def _check_reference(args: Namespace) -> None:
    if (args.reference is None) != (args.reference_sweep is None):
        raise ConfigError(
            "--reference: must come with --reference-sweep FILE, which tells its labels and front"
            " end. Give both, or none."
        )


def _references(args: Namespace, run: "Run") -> list["Compared"]:
    """Returns what the run trained to compare with, and the model that a flag names."""
    from sprd.report.frontier import scored_references

    references = scored_references(run.table.references)
    if args.reference is not None:
        from sprd.bundle.evaluate import score_reference

        references.append(score_reference(run, args.reference, args.reference_sweep))
    return references


def export(args: Namespace) -> int:
    """Exports one trial."""
    from sprd.sweep.run import reopen_run

    return _export(args, reopen_run(args.run_folder, args.data, args.speech), args.trial)


def compare(args: Namespace) -> int:
    """Tells what sets two runs apart."""
    from sprd.report.compare import compare_runs
    from sprd.report.frontier import shown_objectives
    from sprd.sweep.run import fingerprint_of, reopen_run

    runs = [reopen_run(folder) for folder in (args.run_folder, args.other_run)]
    trials = [trial for run in runs for trial in run.table.trials]
    objectives = shown_objectives(runs[0].sweep.objectives, trials)
    first, second = (_side(run) for run in runs)
    found = compare_runs(first, second, objectives)
    is_same_data = len({fingerprint_of(run) for run in runs}) == 1
    boards = [run.sweep.default.budget.board for run in runs]
    if args.json:
        told = {**asdict(found), "objectives": [str(objective) for objective in objectives]}
        is_same = {"is_same_data": is_same_data, "is_same_board": boards[0] == boards[1]}
        show_json({**told, **is_same, "builds": [run.build for run in runs]})
    else:
        _show_comparison(found, is_same_data, boards)
    return 0


def _export(args: Namespace, run: "Run", number: int, told: Mapping[str, Any] | None = None) -> int:
    from sprd.audio.corpus import open_corpus
    from sprd.bundle.best import export_trial
    from sprd.bundle.write import check_target
    from sprd.sweep.run import check_data

    trial = run.trial(number)
    if trial.violations:
        raise _refused(number, trial.violations)
    folder = (args.out or run.paths.bundle_of(number)).absolute()
    check_target(folder)  # before it is scored
    try:
        corpus = open_corpus(run.sweep.default.data, run.data, run.speech)
        check_data(run, corpus.fingerprint)
    except DataError as error:
        console().print(Text(f"test speakers are not scored: {error}", style="yellow"))
        corpus = None
    violations = export_trial(run, trial, corpus, folder)
    if violations:
        raise _refused(number, violations)
    if args.json:
        numbers = {**trial.metrics, **trial.footprint}
        head = {"trial": number, "bundle": str(folder), "build": run.build}
        show_json({**head, **numbers, **(told or {})})
        tell_shortfall(folder)
    else:
        show_bundle(folder)
    return 0


def _refused(number: int, violations: Sequence["Violation"]) -> BudgetError:
    from sprd.sweep.rows.guessing import is_guess

    rule = "be better than guessing" if is_guess(violations) else "fit the budget"
    misses = ", ".join(map(str, violations))
    return BudgetError(f"trial {number}: must {rule}, got {misses}. Pick another.")


def _frontier_json(
    objectives: Sequence["Objective"], best: Sequence["Trial"], references: Sequence["Compared"]
) -> dict[str, Any]:
    return {
        "objectives": [str(objective) for objective in objectives],
        "frontier": [_as_dict(trial) for trial in best],
        "references": [{"label": one.label, **_as_dict(one)} for one in references],
    }


def _numbers(trials: Sequence["Trial"]) -> set[int]:
    return {trial.number for trial in trials}


def _as_dict(row: "Trial | Compared") -> dict[str, Any]:
    """What JSON tells of a model, its numbers at the top; what no run trained has no number."""
    from sprd.sweep.rows.row import OutsideModel, Trial

    number = None if isinstance(row, OutsideModel) else row.number
    params = dict(row.params) if isinstance(row, Trial) else {}
    return {"trial": number, "params": params, **row.metrics, **row.footprint}


def _show_frontier(
    trials: Sequence["Trial"],
    objectives: Sequence["Objective"],
    chosen: int | None,
    references: Sequence["Compared"],
) -> None:
    from sprd.report.frontier import is_of_one_speaker
    from sprd.report.table import frontier_table

    show_grid(frontier_table(trials, objectives, chosen, references))
    if any(map(is_of_one_speaker, trials)):
        output().print("1 speaker: intervals hold for that voice, and say nothing of other people")


def _write_plots(
    folder: Path,
    run: "Run",
    trials: Sequence["Trial"],
    objectives: Sequence["Objective"],
    references: Sequence["Compared"],
    args: Namespace,
) -> list[Path]:
    from sprd.disk.atomic import write_atomically
    from sprd.report.frontier import panel_keys, points_of
    from sprd.report.page import frontier_page
    from sprd.report.plot import plot_frontier
    from sprd.sweep.paths import RunPaths

    limits = _all_limits(run, limits_of(args))
    points = points_of(trials, objectives, references)
    keys = panel_keys(points, objectives)
    name, board = run.sweep.sweep.name, run.sweep.default.budget.board
    title = f"{name} on {board_words(board)}" if board else name
    paths = RunPaths(folder.absolute())
    files = [paths.frontier_plot, paths.frontier_page]
    write_atomically(files[0], plot_frontier("png", points, keys, limits, title))
    svg = plot_frontier("svg", points, keys, limits)
    is_personal = run.sweep.default.data.personal
    page = frontier_page(title, points, objectives, limits, svg, is_personal)
    write_atomically(files[1], page)
    return files


def _all_limits(run: "Run", given: Sequence["Limit"]) -> tuple["Limit", ...]:
    """The limits of the run's budget, and those given now where they are tighter."""
    from sprd.config.limits import tightest

    return tightest((*run.sweep.default.budget.all_limits, *given))


def _side(run: "Run") -> "Side":
    from sprd.report.compare import Side

    return Side(run.folder.name, run.table.trials, run.sweep.text)


def _show_comparison(
    found: "Comparison", is_same_data: bool, boards: Sequence["Board | None"]
) -> None:
    out = output()
    sides = (found.first, found.second)
    grid = Grid(box=None, pad_edge=False)
    for heading in ("", *(side.name for side in sides)):
        grid.add_column(heading, justify="right" if heading else "left", overflow="fold")
    for status in found.first.counts:
        grid.add_row(status, *(f"{side.counts[status]:,}" for side in sides))
    grid.add_row("within the budget", *(f"{side.n_eligible:,}" for side in sides))
    for objective in found.objectives:
        what, best = number_of(objective.key), [side.best.get(objective.key) for side in sides]
        shown = ["none" if b is None else f"{what.text(b[1])} ({b[0]})" for b in best]
        grid.add_row(f"{'most' if objective.maximize else 'least'} {what.title}", *shown)
    grid.add_row("on the frontier", *(f"{len(side.frontier):,}" for side in sides))
    grid.add_row("beaten by the other's", *(f"{side.n_dominated:,}" for side in sides))
    volumes = [side.hypervolume for side in sides]
    grid.add_row("hypervolume", *("none" if v is None else f"{v:.4f}" for v in volumes))
    show_grid(grid, n_kept=3)
    out.print("in brackets: the trial")
    if found.reference:
        worst = ((number_of(key), value) for key, value in found.reference.items())
        corner = ", ".join(f"{what.title} {what.text(value)}" for what, value in worst)
        out.print(f"hypervolume: the share covered between the best of both and {corner}")
    if found.has_overlap:
        what = number_of("balanced_accuracy")
        ends = " and ".join(what.ends(side.interval) for side in sides)
        out.print(
            f"{what.words}: the intervals of the best overlap ({ends}): chance may have decided"
            " between them, and a hypervolume makes as much of it as of any difference"
        )
    if not is_same_data:
        out.print(Text("The runs have different data: their scores cannot be compared.", "yellow"))
    _show_boards(*boards)
    _show_differences(found)


def _show_boards(one: "Board | None", other: "Board | None") -> None:
    out = output()
    first, second = (board_words(board) if board else "no board" for board in (one, other))
    if one != other:
        words = f"The runs are for {first} and for {second}: their costs cannot be compared."
        out.print(Text(words, "yellow"))
    else:
        out.print(costs_words(one))


def _show_differences(found: "Comparison") -> None:
    out = output()
    if not found.differences:
        out.print("\nThe sweep files say the same.")
        return
    out.print("\nWhat the sweep files say differently:")
    for one in found.differences[:_SHOWN_DIFFERENCES]:
        out.print(f"{one.key}: {one.first or 'unset'} | {one.second or 'unset'}")
    if len(found.differences) > _SHOWN_DIFFERENCES:
        out.print(f"and {len(found.differences) - _SHOWN_DIFFERENCES} more")
