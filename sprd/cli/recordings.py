"""The verb that turns recordings into clips: `sprd data import`."""

from argparse import Namespace
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table as Grid
from rich.text import Text

from sprd.cli.grid import show_grid
from sprd.cli.text import console, output, show_json
from sprd.cli.view import SweepView
from sprd.errors import InputError

if TYPE_CHECKING:
    from sprd.audio.importing.run import Imported


def import_(args: Namespace) -> int:
    """Cuts recordings into clips, and tells what was found in them."""
    from sprd.audio.importing.journal import PAGE_FILE
    from sprd.audio.importing.label_files import labels_by_file, read_labels, words_of
    from sprd.audio.importing.plan import Asked, plan_import
    from sprd.audio.importing.run import Settings, import_recordings
    from sprd.disk.atomic import write_atomically
    from sprd.report.recordings import import_page

    read = read_labels(args.labels) if args.labels else []
    asked = Asked(args.word, args.speaker, args.order, words_of(read))
    plan = plan_import(args.sources, asked, args.out)
    paths = [item.path for item in plan.items]
    labels = labels_by_file(read, args.labels, paths) if read else {}
    settings = Settings(args.clip_ms, args.rate)
    with SweepView([], 0) as view:
        done = import_recordings(plan.items, args.out, settings, labels, view.progress)
    write_atomically(args.out / PAGE_FILE, import_page(args.out, done.sources))
    if args.json:
        show_json({"new": done.new, "n_known": done.n_known, "problems": done.problems})
    else:
        _show(done, args.out / PAGE_FILE)
    for note in (*plan.notes, *done.notes, *done.problems[1:]):
        console().print(Text(note, style="yellow"))
    if done.problems:
        n = len(done.problems)
        raise InputError(f"{n} of {len(paths)} recordings could not be read: {done.problems[0]}")
    return 0


def _show(done: "Imported", page: Path) -> None:
    """Shows a line a word: clips and speakers that are new, what is doubtful, what was dropped."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    speakers: defaultdict[str, set[str]] = defaultdict(set)
    for source in done.new:
        for clip in source["clips"]:
            word = clip["clip"].partition("/")[0]
            counts[word][0] += 1
            counts[word][1] += bool(clip["doubts"])
            speakers[word].add(source["speaker"])
        if source["dropped"]:
            counts[source["word"] or "(labels)"][2] += len(source["dropped"])
    grid = Grid(box=None, pad_edge=False)
    for heading in ("word", "clips", "speakers", "doubtful", "dropped"):
        grid.add_column(heading, justify="left" if heading == "word" else "right")
    for word, numbers in sorted(counts.items()):
        n_clips, *others = (f"{number:,}" for number in numbers)
        grid.add_row(Text(word), n_clips, f"{len(speakers[word]):,}", *others)
    out = output()
    if done.new:
        show_grid(grid)
    if done.n_known:
        out.print(f"{done.n_known:,} recordings were imported before")
    for source in done.new:
        if not source["clips"]:
            out.print(Text(f"no word found in {source['file']}", style="yellow"))
    out.print(Text(f"to listen: {page}"))
