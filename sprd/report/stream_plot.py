"""Curves in, a picture of recall against false accepts an hour out: PNG or SVG bytes.

Nothing is told by colour alone: each condition has its own mark and dashes. Colours: Okabe and Ito,
"Color Universal Design", 2008.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RECORDED = "running speech"
SYNTHETIC = "synthetic voices: they rank models, and tell no rate"
DPI = 150
_INCHES = (7.2, 4.4)
_INK, _GREY = "#222222", "#8a8a8a"
_TICKS = (0.25, 0.5, 1, 2, 5, 10, 20, 50)
_STYLES: tuple[tuple[str, str, Any], ...] = (
    ("#0072B2", "o", "-"),
    ("#009E73", "s", (0, (6, 1.5))),
    ("#E69F00", "^", (0, (4, 1, 1, 1))),
    ("#D55E00", "D", (0, (1.5, 1.2))),
    ("#CC79A7", "v", (0, (8, 2, 2, 2))),
)


@dataclass(frozen=True)
class CurveLine:
    """One condition: its name, (rate an hour, recall) by rate, and where the recogniser works.

    `point` is (rate, recall) at the thresholds as they are; None where one of them is unknown.
    """

    name: str
    points: Sequence[tuple[float, float]]
    point: tuple[float, float] | None


def curve_lines(told: Mapping[str, Any]) -> list[CurveLine]:
    """Returns the curves of what `sprd stream --json` tells."""
    rate = told["false_accepts_per_hour"]
    return [
        CurveLine(
            name=condition_words(one["condition"]),
            points=[(x, y) for x, y in one["curve"]],
            point=None if rate is None or one["recall"] is None else (rate, one["recall"]),
        )
        for one in told["conditions"]
    ]


def speech_words(told: Mapping[str, Any]) -> str:
    """Says whose running speech the false accepts are counted in."""
    speech = (one for one in told["materials"] if one["material"] == "speech")
    return SYNTHETIC if any(one["is_synthetic"] for one in speech) else RECORDED


def condition_words(name: str) -> str:
    """Names a condition for people: `quiet`, `20 dB`."""
    return f"{name.removesuffix('db')} dB" if name.endswith("db") else name


def plot_curves(
    file_format: Literal["png", "svg"],
    lines: Sequence[CurveLine],
    hours: float,
    title: str = "",
    of: str = RECORDED,
    n_least: float = 2.0,
) -> bytes:
    """Draws recall against false accepts an hour of running speech, a line a condition.

    Args:
        file_format: "png" or "svg"; of the same curves the same bytes.
        lines: At most five are told apart.
        hours: Of running speech that was heard; none: no rate is known.
        title: Above the picture.
        of: What was heard, below it: see `speech_words`.
        n_least: Left of so many false accepts in these hours nothing is drawn.
    """
    with rc_context({"svg.hashsalt": "sprd", "text.parse_math": False}):
        figure = Figure(figsize=_INCHES, layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        _draw_axes(panel, of)
        for line, style in zip(lines, _STYLES, strict=False):
            _draw_line(panel, line, *style)
        _draw_unknown(panel, n_least / hours if hours else None)
        if lines:
            panel.legend(loc="lower right", frameon=False, fontsize=9)
        if title:
            figure.suptitle(title, fontsize=11, color=_INK)
        file = BytesIO()
        metadata = {"Date": None} if file_format == "svg" else {"Software": None}
        figure.savefig(file, format=file_format, dpi=DPI, metadata=metadata)
        return file.getvalue()


def _draw_axes(panel: "Axes", of: str) -> None:
    panel.set_xscale("log")
    panel.set_xlim(_TICKS[0], 64)
    panel.set_ylim(0, 1)
    panel.set_xticks(_TICKS)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.set_xlabel(f"false accepts an hour of {of}")
    panel.set_ylabel("keywords heard")
    panel.grid(color="#e4e4e4", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_line(panel: "Axes", line: CurveLine, colour: str, marker: str, dashes: Any) -> None:
    xs, ys = [x for x, _ in line.points], [y for _, y in line.points]
    panel.plot(xs, ys, color=colour, linestyle=dashes, linewidth=1.8, label=line.name,
               marker=marker, markersize=5, markevery=8, zorder=3)  # fmt: skip
    if line.point is not None:
        x, y = max(line.point[0], _TICKS[0]), line.point[1]
        panel.plot(
            [x],
            [y],
            marker=marker,
            markersize=10,
            markerfacecolor=colour,
            markeredgecolor=_INK,
            alpha=0.85,
            zorder=5,
            clip_on=False,
        )


def _draw_unknown(panel: "Axes", least_rate: float | None) -> None:
    """Shades the rates of which the hours say nothing."""
    right = panel.get_xlim()[1] if least_rate is None else min(least_rate, panel.get_xlim()[1])
    if right <= panel.get_xlim()[0]:
        return
    panel.axvspan(panel.get_xlim()[0], right, color=_GREY, alpha=0.12, linewidth=0, zorder=0)
    why = "no running speech" if least_rate is None else "too few hours to say"
    panel.text(0.01, 0.985, why, transform=panel.transAxes, va="top", fontsize=8, color=_INK)
