"""Scores of a folder of clips in, what a person reads of them out."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table as Grid

from sprd.cli.grid import show_grid
from sprd.cli.text import output
from sprd.config.labels import NOT_KEYWORDS
from sprd.config.numbers import SCORES, number_of
from sprd.sweep.rows.counts import told_clips
from sprd.sweep.rows.guessing import guess_of

_SHOWN_WORDS = 8
_OVER = {"exact": "clips", "wider": "speakers or clips"}
"""What an interval is taken over, by its kind."""


def show_scores(result: Mapping[str, Any]) -> None:
    """Prints what `sprd.bundle.evaluate` found."""
    out = output()
    out.print(f"{told_clips(result)}, int8 in TFLM")
    grid = Grid(box=None, pad_edge=False)
    for heading in ("score", "value", "95 % interval", "over"):
        grid.add_column(heading)
    values = {key: result[key] for key in SCORES}
    values |= {f"recall {label}": value for label, value in result["recall"].items()}
    for key, value in values.items():
        grid.add_row(number_of(key).title, *_told(key, value, result))
    show_grid(grid)
    for line in _notes(result):
        out.print(line)
    out.print("confusion: true label, then what was heard")
    matrix = Grid(box=None, pad_edge=False)
    for heading in ("", *result["labels"]):
        matrix.add_column(heading, justify="right" if heading else "left")
    for label, counts in zip(result["labels"], result["confusion"], strict=True):
        matrix.add_row(label, *map(str, counts))
    show_grid(matrix)


def _told(key: str, value: float | None, result: Mapping[str, Any]) -> tuple[str, str, str]:
    """Value, interval, and what the interval is taken over."""
    number = number_of(key)
    if value is None:
        return number.text(None), "-", ""
    over = _OVER.get(result["interval_kinds"].get(key), "speakers")
    if key in _of_cuts(result["recall"]):
        over = "clips"
    return number.text(value), number.ends(result["intervals"][key]), over


def _of_cuts(recall: Mapping[str, float | None]) -> list[str]:
    """The rates that cuts of silence decide alone: nobody speaks in them."""
    silence, other = NOT_KEYWORDS
    rates = [f"recall {silence}"]
    return rates if recall[other] is not None else [*rates, "false_accept_rate"]


def _notes(result: Mapping[str, Any]) -> list[str]:
    """What one must know to read the numbers."""
    absent = [label for label, value in result["recall"].items() if value is None]
    occurring = [label for label in result["labels"] if label not in absent]
    lines = []
    if absent:
        lines.append(
            f"no clip of {_listed(absent)}: what only they decide is unknown; balanced accuracy is"
            f" the mean over {_listed(occurring)}"
        )
    if result["other_words"] and set(absent) - set(NOT_KEYWORDS):
        lines.append(f"counted as {NOT_KEYWORDS[1]}: the words {_listed(result['other_words'])}")
    if guess := guess_of(result):
        lines.append(guess)
    if result["n_speakers"] == 1:
        lines.append("1 speaker: intervals hold for that voice, and say nothing of other people")
    elif result["interval_kinds"]:
        lines.append(
            "an interval over clips takes each clip for itself: speakers are too few, or all alike"
        )
    return lines


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(map(repr, words[:_SHOWN_WORDS]))
    return f"{shown} and {len(words) - _SHOWN_WORDS:,} more" if words[_SHOWN_WORDS:] else shown
