"""The verbs about data: fetch a public set, let voices speak one, look into a folder."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid
from rich.text import Text

from sprd.cli.grid import show_grid
from sprd.cli.text import console, output, show_json
from sprd.cli.view import SweepView
from sprd.errors import InputError
from sprd.sweep.rows.counts import counted

SPLITS = ("training", "validation", "test")

if TYPE_CHECKING:
    from sprd.audio.corpus import Index
    from sprd.config.trial import Config


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
    """Tells what is in folders of clips and what is wrong with them."""
    from sprd.audio.finding import refuse
    from sprd.audio.findings import find, index_folders
    from sprd.audio.inspection import report
    from sprd.config.trial import FeaturesSection

    folders, extra = args.data or args.folder[:1], args.folder[0 if args.data else 1 :]
    if not folders and args.sweep is None:
        raise InputError(
            "sprd data check: must be given a folder of recordings, got none. Name it, or a sweep"
            " file with --sweep that does."
        )
    if args.sweep is None:
        features, index = FeaturesSection(), index_folders(folders, extra, args.speech)
        findings = find(index, None, features, is_trained=True)
    else:
        config, index = _open_as_sweep(args.sweep, args)
        features, babble = config.features, config.augment.babble_frequency
        findings = find(index, config.data, features, True, babble)
    told = report(index, findings, features.clip_duration_ms / 1000).as_dict()
    if args.json:
        show_json(told)
    else:
        _show_report(told)
    refuse(index, findings, args.allow)
    return 0


def _open_as_sweep(file: Path, args: Namespace) -> "tuple[Config, Index]":
    """Looks at folders as a sweep would that is given those of `--data`, and the others as extra.

    Without that flag, as one that is given the first of them. Folders that the file names itself
    are looked at as it says.
    """
    from sprd.audio.corpus import index_data
    from sprd.config.frozen import replaced
    from sprd.config.reader import load_recipe
    from sprd.sweep.run import VOCABULARY

    config = load_recipe(file, VOCABULARY)
    named = [Path(one).resolve() for one in config.data.extra]
    others = [one for one in args.folder if one.resolve() not in named]
    folders, extra = args.data or others[:1], others[0 if args.data else 1 :]
    data = replaced(config.data, extra=(*config.data.extra, *map(str, extra)))
    return replaced(config, data=data), index_data(data, folders, args.speech)


def _show_report(report: Mapping[str, Any]) -> None:
    out = output()
    grid = Grid(box=None, pad_edge=False)
    for heading in ("word", "clips", "speakers"):
        grid.add_column(heading, justify="left" if heading == "word" else "right")
    for word in report["words"]:
        grid.add_row(word["word"], f"{word['n_clips']:,}", f"{word['n_speakers']:,}")
    show_grid(grid)
    n_clips, n_speakers = report["n_clips"], report["n_speakers"]
    out.print(
        f"{counted(n_clips, 'clip')} of {counted(n_speakers, 'speaker')},"
        f" {report['duration_s']:,.0f} s"
    )
    for line in (
        _noises(report["n_noises"], len(report["noise_rms_db"])),
        _speech(report["speech_hours"]),
    ):
        if line:
            out.print(line)
    for found in report["findings"]:
        style = "red" if found["stops"] else "yellow"
        out.print(Text(f"{found['name']}: {found['sentence']}", style=style))
    if not report["findings"]:
        out.print("nothing wrong")


def _noises(counts: Mapping[str, int], n_recordings: int) -> str:
    if not counts:
        parts = f"{counted(n_recordings, 'recording')} of noise, of which each split hears a part"
        return parts if n_recordings else ""
    each = ", ".join(f"{counts.get(split, 0):,} {split}" for split in SPLITS)
    return f"{counted(sum(counts.values()), 'recording')} of noise: {each}"


def _speech(hours: Mapping[str, float]) -> str:
    if not hours:
        return ""
    unit, scale, form = ("h", 1, ",.2f") if sum(hours.values()) >= 1 else ("min", 60, ".1f")
    each = ", ".join(f"{scale * hours[split]:{form}} {split}" for split in SPLITS)
    return f"{scale * sum(hours.values()):{form}} {unit} of running speech: {each}"
