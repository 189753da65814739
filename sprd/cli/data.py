"""The verbs about data: fetch a public set, let voices speak one, look into a folder."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from rich.table import Table as Grid
from rich.text import Text

from sprd.cli.text import console, output, show_json
from sprd.cli.view import SweepView


def fetch(args: Namespace) -> int:
    """Downloads Speech Commands."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from sprd.audio.speech_commands import fetch_speech_commands

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

        folder = fetch_speech_commands(args.version, args.out, moved, args.url)
    output().print(str(folder))
    return 0


def synth(args: Namespace) -> int:
    """Makes synthetic voices."""
    from sprd.audio.voices.synthetic import SpeechSettings, synthesize

    settings = SpeechSettings(
        args.keywords, args.voices, args.takes, args.other_words, seed=args.seed
    )
    with SweepView([], 0) as view:
        folder = synthesize(settings, args.out, view.progress)
    output().print(str(folder))
    return 0


def check(args: Namespace) -> int:
    """Tells what is in a folder of clips and what is wrong with it."""
    from sprd.audio.inspection import inspect_folder

    report = inspect_folder(args.folder)
    if args.json:
        show_json(report.as_dict())
    else:
        _show_report(report.as_dict())
    return 0


def _show_report(report: Mapping[str, Any]) -> None:
    out = output()
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
