"""`sprd stream`: how well a model listens all day, as text, JSON, a page and a picture."""

import base64
import re
from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rich.table import Table as Grid

from sprd.cli.grid import show_grid
from sprd.cli.hear import recognizer_words
from sprd.cli.text import output, show_json
from sprd.cli.view import SweepView
from sprd.config.numbers import number_of
from sprd.disk.atomic import write_atomically
from sprd.disk.room import check_room

if TYPE_CHECKING:
    from sprd.bundle.streamed import Streamed

PAGE, PICTURE, SOUNDS = "streams.html", "streams.png", "fooled"
MOST_EMBEDDED = 60
"""Sounds inside a page, 100 kB each; others lie beside it."""
MOST_SOUNDS = 500
_SHOWN_RATES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_SHOWN_MISTAKES = 12


def stream(args: Namespace) -> int:
    """Lets a model listen to streams."""
    from sprd.model.start import load_tensorflow

    if args.out is not None:
        check_room(args.out, 0, "Choose another folder for --out.")
    load_tensorflow()
    from sprd.bundle.streamed import Asked, stream_model

    asked = Asked(
        *(tuple(args.data), tuple(args.speech), args.split, args.seeds),
        *(args.exact, args.fit, tuple(args.allow)),
    )
    with SweepView([], 0) as view:
        found = stream_model(args.model, args.sweep, asked, view.progress, view.note)
    files = _write(found, args.out) if args.out is not None else {}
    if args.json:
        show_json({**found.told, **files})
    else:
        _show(found.told)
        for file in files.values():
            output().print(file)
    return 0


def lines_of(told: Mapping[str, Any]) -> list[str]:
    """Sentences that say what was heard, and with which recogniser."""
    quiet = next(iter(told["conditions"]), None)
    hours = f"{told['hours_of_speech']:.2f} h of running speech"
    of = f"{quiet['n_words']:,} words of {quiet['n_speakers']:,} speakers" if quiet else "no word"
    seeds = "" if told["n_seeds"] == 1 else f", {told['n_seeds']} seeds"
    split = "all splits" if told["split"] == "all" else f"the {told['split']} split"
    lines = [f"{told['model']}, {split}: {of}, {hours}{seeds}"]
    lines.append(recognizer_words(told["recognizer"], told["keywords"]))
    if any(one["is_synthetic"] for one in told["materials"] if one["material"] == "speech"):
        lines.append(
            "the running speech is of synthetic voices: it ranks models, and tells no rate"
        )
    if told["fit"]:
        lines.append("the recogniser was fitted to validation streams of these recordings")
        if told["fit"].get("shortfall"):
            lines.append(told["fit"]["shortfall"])
    return lines


def _show(told: Mapping[str, Any]) -> None:
    """Prints tables of conditions, of the curve and of materials, and what fooled it."""
    from sprd.report.streams import (
        CONDITION_HEADS,
        MATERIAL_HEADS,
        condition_cells,
        material_cells,
        mistake_words,
    )

    out = output()
    for line in lines_of(told):
        out.print(line)
    _grid(CONDITION_HEADS, [condition_cells(one) for one in told["conditions"]])
    _show_curve(told["conditions"])
    _grid(MATERIAL_HEADS, [material_cells(one) for one in told["materials"]])
    mistakes = told["false_accepts"]
    if mistakes:
        out.print(f"what fooled it, {len(mistakes):,} times, the surest first:")
    for one in mistakes[:_SHOWN_MISTAKES]:
        out.print(f"  {one['heard']} {one['score']}  {mistake_words(one)}")
    if len(mistakes) > _SHOWN_MISTAKES:
        out.print(f"  and {len(mistakes) - _SHOWN_MISTAKES:,} more: --json or --out shows them")


def _show_curve(conditions: Sequence[Mapping[str, Any]]) -> None:
    """Recalls at false accepts an hour of running speech, a column a rate."""
    from sprd.report.stream_plot import condition_words

    rows = []
    for one in conditions:
        curve = dict(map(tuple, one["curve"]))
        told = [_nearest(curve, rate) for rate in _SHOWN_RATES]
        rows.append([condition_words(one["condition"]), *told])
    if any(cell != "-" for row in rows for cell in row[1:]):
        _grid(("false accepts an hour", *(f"{rate:g}" for rate in _SHOWN_RATES)), rows)


def _nearest(curve: Mapping[float, float], rate: float) -> str:
    """The recall at the rate of a curve that is next to a rate; "-" where none is near."""
    near = min(curve, key=lambda one: abs(one / rate - 1), default=None)
    if near is None or abs(near / rate - 1) > 0.05:
        return "-"
    return number_of("recall_at_threshold").figure(curve[near])


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    grid = Grid(box=None, pad_edge=False)
    for number, head in enumerate(heads):
        grid.add_column(head, justify="right" if number else "left")
    for row in rows:
        grid.add_row(*row)
    show_grid(grid)


def _write(found: "Streamed", folder: Path) -> dict[str, str]:
    """Writes page, picture and sounds; returns the names of the files."""
    from sprd.report.stream_plot import curve_lines, plot_curves, speech_words
    from sprd.report.streams import stream_page

    told = found.told
    title = f"{Path(told['model']).absolute().parent.name or told['model']}: a model that listens"
    lines, hours, of = curve_lines(told), told["hours_of_speech"], speech_words(told)
    addresses, names = [], set()
    for number, one in enumerate(told["false_accepts"][:MOST_SOUNDS]):
        sound, name = found.sound(number), _sound_name(number, one)
        write_atomically(folder / SOUNDS / name, sound)
        names.add(name)
        embedded = "data:audio/wav;base64," + base64.b64encode(sound).decode()
        addresses.append(embedded if number < MOST_EMBEDDED else quote(f"{SOUNDS}/{name}"))
    _remove_others(folder / SOUNDS, names)
    write_atomically(folder / PICTURE, plot_curves("png", lines, hours, title, of))
    svg = plot_curves("svg", lines, hours, of=of)
    page = stream_page(title, told, lines_of(told), svg, addresses)
    write_atomically(folder / PAGE, page.encode("utf-8", "backslashreplace"))
    files = {"page_file": str(folder / PAGE), "picture_file": str(folder / PICTURE)}
    return files | ({"sounds_folder": str(folder / SOUNDS)} if addresses else {})


def _sound_name(number: int, one: Mapping[str, Any]) -> str:
    """Names the sound of a mistake: its place, what was heard, in what."""
    said = one["said"] if one["said"] and len(one["said"].split()) == 1 else one["recording"] or ""
    parts = (f"{number + 1:03}", one["heard"], one["material"], said.rpartition("/")[2][:40])
    return "_".join(re.sub(r"[^\w.-]+", "-", part) for part in parts if part) + ".wav"


def _remove_others(folder: Path, names: Collection[str]) -> None:
    """Removes the sounds of an earlier command; what is named otherwise is somebody's own."""
    for path in folder.glob("*.wav"):
        if re.match(r"\d{3}_", path.name) and path.name not in names:
            path.unlink()
