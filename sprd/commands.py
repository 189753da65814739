"""The verbs: each takes parsed arguments, calls one room and shows what came of it."""

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from sprd.board_commands import limits_of
from sprd.console import SweepView, amount, console, show_json
from sprd.errors import BudgetError, DataError


def sweep(args: Namespace) -> int:
    """Runs a sweep and exports its winner."""
    from sprd.pipeline import run_sweep
    from sprd.sweep.run import open_run

    run = open_run(args.file, args.out, args.data)
    n_trials = args.trials or run.sweep.sweep.n_trials
    with SweepView(run.table.rows, n_trials, run.sweep.sweep.objectives[0]) as view:
        bundle = run_sweep(run, args.trials, args.address, view, view.progress)
    _show_bundle(bundle)
    return 0


def train(args: Namespace) -> int:
    """Trains the one configuration of a sweep file."""
    from sprd.pipeline import run_one
    from sprd.sweep.run import open_run

    run = open_run(args.file, args.out, args.data, suffix="-train")
    with SweepView(run.table.rows, 1, run.sweep.sweep.objectives[0]) as view:
        row, bundle = run_one(run, view, view.progress)
    if args.json:
        show_json({**asdict(row), **row.metrics, **row.footprint, "bundle": str(bundle)})
    else:
        _show_bundle(bundle)
        Console().print(f"{row.metrics['ms_per_step']} ms a step")
    return 0


def evaluate(args: Namespace) -> int:
    """Scores a model on a folder of clips."""
    from sprd.model.start import load_tensorflow

    load_tensorflow()
    from sprd.evaluation import evaluate_model

    with SweepView([], 0, "balanced_accuracy") as view:
        result = evaluate_model(
            args.model, args.data, args.sweep, args.split, args.silence, args.seed, view.progress
        )
    if args.json:
        show_json(result)
    else:
        _show_scores(result)
    return 0


def pick(args: Namespace) -> int:
    """Exports the best trial by one number, under limits."""
    from sprd.sweep.choice import pick_row
    from sprd.sweep.run import reopen_run

    run = reopen_run(args.run_folder, args.data)
    row = pick_row(run.table.rows, args.by, limits_of(args), args.min_balanced_accuracy)
    return _export(args, run, row.number)


def export(args: Namespace) -> int:
    """Exports one trial."""
    from sprd.sweep.run import reopen_run

    return _export(args, reopen_run(args.run_folder, args.data), args.trial)


def data_fetch(args: Namespace) -> int:
    """Downloads Speech Commands."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from sprd.audio.speech_commands import fetch

    with Progress(
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console(),
    ) as progress:
        task = progress.add_task(f"Speech Commands {args.version}", total=None)

        def moved(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        folder = fetch(args.version, args.out, moved, args.url)
    Console(highlight=False, markup=False, soft_wrap=True).print(str(folder))
    return 0


def data_synth(args: Namespace) -> int:
    """Makes synthetic voices."""
    from sprd.audio.synthetic import synthesize

    with SweepView([], 0, "balanced_accuracy") as view:
        folder = synthesize(
            args.keywords,
            args.voices,
            args.takes,
            args.other_words,
            folder=args.out,
            seed=args.seed,
            progress=view.progress,
        )
    Console(highlight=False, markup=False, soft_wrap=True).print(str(folder))
    return 0


def data_check(args: Namespace) -> int:
    """Tells what is in a folder of clips and what is wrong with it."""
    from sprd.audio.inspection import inspect_folder

    report = inspect_folder(args.folder)
    if args.json:
        show_json(report.as_dict())
    else:
        _show_report(report.as_dict())
    return 0


def _export(args: Namespace, run: Any, number: int) -> int:
    from sprd.audio.corpus import open_corpus
    from sprd.bundle.write import check_target
    from sprd.pipeline import export_trial
    from sprd.sweep.result import describe_violation
    from sprd.sweep.run import check_data

    row = run.row(number)
    if row.violations:
        misses = ", ".join(map(describe_violation, row.violations))
        raise BudgetError(f"trial {number}: must fit the budget, got {misses}. Pick another.")
    folder = (args.out or run.folder / f"bundle-{number}").absolute()
    check_target(folder)  # before it is scored
    try:
        corpus = open_corpus(run.sweep.default.data, run.data)
        check_data(run, corpus.fingerprint)
    except DataError as error:
        console().print(Text(f"test speakers are not scored: {error}", style="yellow"))
        corpus = None
    violations = export_trial(run, row, corpus, folder)
    if violations:
        misses = ", ".join(map(describe_violation, violations))
        raise BudgetError(f"trial {number}: must fit the budget, got {misses}. Pick another.")
    if args.json:
        show_json({"trial": number, "bundle": str(folder), **row.metrics, **row.footprint})
    else:
        _show_bundle(folder)
    return 0


def _show_bundle(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    out = Console(highlight=False, markup=False, soft_wrap=True)
    out.print(f"trial {manifest['trial']['number']} exported to {folder}")
    footprint = manifest["footprint"]
    sizes = [
        f"{name} {amount(key, footprint[key])}"
        for name, key in (("model", "model_bytes"), ("flash", "flash_bytes"), ("RAM", "ram_bytes"))
        if footprint.get(key) is not None
    ]
    if footprint.get("latency_ms") is not None:
        low, high = footprint["latency_low_ms"], footprint["latency_high_ms"]
        sizes.append(f"latency {footprint['latency_ms']:.0f} ms ({low:.0f} .. {high:.0f})")
    out.print(", ".join(sizes))
    for split in ("validation", "test"):
        scores = (manifest["scores"].get(split) or {}).get("int8")
        if scores:
            low, high = scores["intervals"]["balanced_accuracy"]
            out.print(
                f"{split} speakers: balanced accuracy {scores['balanced_accuracy']:.3f}"
                f" ({low:.3f} .. {high:.3f}), int8 in TFLM, {scores['n_clips']:,} clips"
            )
    if (manifest["record"].get("data") or {}).get("is_synthetic"):
        out.print("The voices are synthetic: this model never heard a person.")


def _show_scores(result: Mapping[str, Any]) -> None:
    out = Console(highlight=False, markup=False, soft_wrap=True)
    out.print(f"{result['n_clips']:,} clips of {result['n_speakers']:,} speakers, int8 in TFLM")
    grid = Grid(box=None, pad_edge=False)
    for heading in ("score", "value", "95 % interval"):
        grid.add_column(heading)
    names = ("balanced_accuracy", "accuracy", "false_accept_rate", "false_reject_rate")
    rows = {name: result[name] for name in names}
    rows |= {f"recall {label}": value for label, value in result["recall"].items()}
    for name, value in rows.items():
        low, high = result["intervals"].get(name, (value, value))
        grid.add_row(name.replace("_", " ") if "recall" not in name else name, f"{value:.3f}",
                     f"{low:.3f} .. {high:.3f}")  # fmt: skip
    out.print(grid)
    matrix = Grid(box=None, pad_edge=False, title="confusion: true label, then what was heard")
    for heading in ("", *result["labels"]):
        matrix.add_column(heading, justify="right" if heading else "left")
    for label, counts in zip(result["labels"], result["confusion"], strict=True):
        matrix.add_row(label, *map(str, counts))
    out.print(matrix)


def _show_report(report: Mapping[str, Any]) -> None:
    out = Console(highlight=False, markup=False, soft_wrap=True)
    grid = Grid(box=None, pad_edge=False)
    for heading in ("word", "clips", "speakers"):
        grid.add_column(heading, justify="left" if heading == "word" else "right")
    for word in report["words"]:
        grid.add_row(word["word"], f"{word['n_clips']:,}", f"{word['n_speakers']:,}")
    out.print(grid)
    for problem in report["problems"]:
        out.print(Text(problem, style="yellow"))
    if not report["problems"]:
        out.print("nothing wrong")
