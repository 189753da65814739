"""Points in, a picture of their score against each cost out: PNG or SVG bytes.

Nothing is told by colour alone: each kind has its own mark, so that it reads in print and for the
colour-blind. Colours: Okabe and Ito, "Color Universal Design", 2008.
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sprd.config.limits import Limit
from sprd.config.numbers import number_of
from sprd.report.frontier import ACCURACY, Kind, Point
from sprd.report.labels import Label, place_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 150
_PANEL_INCHES, _HEIGHT_INCHES = 4.1, 4.6
_MOST_COLUMNS = 3
_LONGEST_LABEL = 30
_LEAST_SPREAD = 0.3
"""A limit is drawn if the points then still take up this share of the axis."""

_BLUE, _RED, _ORANGE, _GREY, _INK = "#0072B2", "#D55E00", "#E69F00", "#8a8a8a", "#222222"


class _Style(NamedTuple):
    words: str
    marker: str
    size: float
    face: str
    edge: str
    layer: int


_STYLES: Mapping[Kind, _Style] = {
    "trial": _Style("other trial", "o", 26, "white", _GREY, 3),
    "over": _Style("over the budget", "x", 34, _RED, _RED, 4),
    "frontier": _Style("frontier, with 95 % interval", "o", 44, _BLUE, _INK, 6),
    "reference": _Style("reference", "*", 190, _ORANGE, _INK, 7),
}


def plot_frontier(
    file_format: Literal["png", "svg"],
    points: Sequence[Point],
    x_keys: Sequence[str],
    limits: Sequence[Limit],
    title: str = "",
) -> bytes:
    """Draws the score of the int8 model that points name against each cost, a panel a cost.

    Args:
        file_format: "png" or "svg"; of the same points the same bytes.
        points: What `points_of` gave.
        x_keys: Costs, at least one; a point of which one is unknown is left out of that panel.
        limits: Of the costs, and of the score the least that will do.
        title: Above the panels.
    """
    bounds = {limit.key: limit.bound for limit in limits}
    with rc_context({"svg.hashsalt": "sprd", "text.parse_math": False}):
        n_columns = min(len(x_keys), _MOST_COLUMNS) if len(x_keys) != 4 else 2
        n_rows = -(-len(x_keys) // n_columns)
        inches = (_PANEL_INCHES * n_columns + 0.5, _HEIGHT_INCHES * n_rows)
        figure = Figure(figsize=inches, layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
        panels = list(grid.flat)
        for panel in panels[len(x_keys) :]:
            panel.set_axis_off()
        panels = panels[: len(x_keys)]
        low, high = _score_range(points, bounds.get(_score(points)))
        for panel, key in zip(panels, x_keys, strict=True):
            panel.set_ylim(low, high)
            _draw_panel(panel, points, key, bounds)
        for panel in grid[:, 0]:
            panel.set_ylabel(f"{number_of(_score(points)).title}, int8,\nvalidation")
        _draw_legend(figure, panels, points)
        if title:
            figure.suptitle(printable(title, 90), fontsize=11, color=_INK)
        figure.draw_without_rendering()  # places the panels, so that labels know where they are
        figure.set_layout_engine("none")
        for panel, key in zip(panels, x_keys, strict=True):
            _draw_labels(panel, points, key, bounds)
        file = BytesIO()
        metadata = {"Date": None} if file_format == "svg" else {"Software": None}
        figure.savefig(file, format=file_format, dpi=DPI, metadata=metadata)
        return file.getvalue()


def printable(text: str, longest: int = _LONGEST_LABEL) -> str:
    """Returns a text on one line, shortened, with "?" for what the font does not have."""
    known = get_font(findfont(FontProperties())).get_charmap()
    line = "".join(c if ord(c) in known else "?" for c in " ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def _draw_panel(
    panel: "Axes", points: Sequence[Point], key: str, limits: Mapping[str, float]
) -> None:
    writing = number_of(key).writing
    scale, unit = writing.axis_divisor, writing.axis_unit
    costs = [(point.value(key) or 0.0) / scale for point in _known(points, key)]
    limit = None if key not in limits else limits[key] / scale
    low, high, is_limit_drawn = _cost_range(costs, limit)
    panel.set_xlim(low, high)
    steps = _steps(points, key, limit, high)
    panel.plot([x for x, _ in steps], [y for _, y in steps], color=_BLUE, linewidth=1.3, zorder=2.5)
    for kind, style in _STYLES.items():
        _draw_points(panel, [p for p in _known(points, key) if p.kind == kind], key, scale, style)
    if limit is not None:
        told = number_of(key).on_axis(limits[key])
        _draw_limit(panel, limit if is_limit_drawn else None, told, high)
    if (least := limits.get(_score(points))) is not None:
        panel.axhline(least, color=_INK, linestyle=(0, (5, 3)), linewidth=1.1, zorder=2)
        panel.axhspan(panel.get_ylim()[0], least, color=_RED, alpha=0.07, linewidth=0, zorder=0)
    panel.set_xlabel(f"{number_of(key).title} ({unit})")
    panel.xaxis.set_major_locator(MaxNLocator(6))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    panel.grid(color="#e4e4e4", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _steps(
    points: Sequence[Point], key: str, limit: float | None, right: float
) -> list[tuple[float, float]]:
    """The corners of the line that joins what no other eligible point beats in this plane."""
    scale = number_of(key).writing.axis_divisor
    eligible = [p for p in _known(points, key) if p.kind in ("frontier", "trial")]
    corners: list[tuple[float, float]] = []
    for cost, accuracy in sorted((_xy(p, key, scale) for p in eligible), key=_cheapest_first):
        if not corners:
            corners.append((cost, accuracy))
        elif accuracy > corners[-1][1]:
            corners += [(cost, corners[-1][1]), (cost, accuracy)]
    if corners:
        last, accuracy = corners[-1]
        end = right if limit is None or limit > right else max(limit, last)
        corners.append((end, accuracy))
    return corners


def _cheapest_first(point: tuple[float, float]) -> tuple[float, float]:
    return point[0], -point[1]


def _scatter(
    panel: "Axes",
    costs: Sequence[float],
    accuracies: Sequence[float],
    style: _Style,
    **options: Any,
) -> PathCollection:
    if style.marker == "x":
        colours: dict[str, Any] = {"color": style.face, "linewidth": 2.0}
    else:
        colours = {"facecolor": style.face, "edgecolor": style.edge, "linewidth": 1.0}
    colours |= {"s": style.size, "marker": style.marker, "zorder": style.layer}
    return panel.scatter(costs, accuracies, **(colours | options))


def _draw_points(
    panel: "Axes", points: Sequence[Point], key: str, scale: float, style: _Style
) -> None:
    if not points:
        return
    costs, accuracies = zip(*(_xy(point, key, scale) for point in points), strict=True)
    _scatter(panel, costs, accuracies, style)
    for point, cost in zip(points, costs, strict=True):
        if point.kind == "frontier" and (bounds := point.interval):
            panel.vlines(cost, *bounds, color=_BLUE, linewidth=0.8, alpha=0.65, zorder=2.4)


def _draw_limit(panel: "Axes", limit: float | None, text: str, right: float) -> None:
    """The dashed line and what lies behind it; a limit far off is only told."""
    words: dict[str, Any] = {"fontsize": 8, "color": _INK, "va": "bottom", "clip_on": False}
    top = panel.get_xaxis_transform()
    if limit is None:
        panel.text(1.0, 1.005, f"limit {text} \N{RIGHTWARDS ARROW}", ha="right",
                   transform=panel.transAxes, **words)  # fmt: skip
        return
    left = panel.get_xlim()[0]
    is_at_the_edge = limit - left > 0.8 * (right - left)
    panel.axvspan(limit, right, color=_RED, alpha=0.10, linewidth=0, zorder=0)
    panel.axvline(limit, color=_INK, linestyle=(0, (5, 3)), linewidth=1.1, zorder=2)
    panel.text(limit, 1.005, f"limit {text}", transform=top,
               ha="right" if is_at_the_edge else "center", **words)  # fmt: skip


def _draw_labels(
    panel: "Axes", points: Sequence[Point], key: str, limits: Mapping[str, float]
) -> None:
    scale = number_of(key).writing.axis_divisor
    known = _known(points, key)
    named = [p for p in known if p.kind in ("reference", "frontier")]
    named.sort(key=lambda p: p.kind != "reference")
    limit = limits[key] / scale if key in limits else None
    place_labels(
        panel,
        [Label(*_xy(p, key, scale), printable(p.label), p.kind == "reference") for p in named],
        [_xy(p, key, scale) for p in known],
        _steps(points, key, limit, panel.get_xlim()[1]),
    )


def _draw_legend(figure: Figure, panels: Sequence["Axes"], points: Sequence[Point]) -> None:
    kinds = {point.kind for point in points}
    order: tuple[Kind, ...] = ("frontier", "trial", "over", "reference")
    styles = [_STYLES[kind] for kind in order if kind in kinds]
    handles = [
        _scatter(panels[0], [], [], style, label=style.words, s=min(style.size, 90))
        for style in styles
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9
    )


def _score_range(points: Iterable[Point], least: float | None) -> tuple[float, float]:
    """What all panels show: every point, and the intervals of the frontier."""
    values = [value for p in points if (value := p.value(p.score)) is not None]
    values += [bound for p in points if p.kind == "frontier" for bound in p.interval or ()]
    values += [] if least is None else [least]
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = max(0.06 * (high - low), 0.01)
    return max(0.0, low - margin), min(1.01, high + margin)


def _cost_range(costs: Sequence[float], limit: float | None) -> tuple[float, float, bool]:
    """Returns the ends of an axis and whether the limit lies between them."""
    low, high = min(costs, default=0.0), max(costs, default=1.0)
    spread = (high - low) or 0.3 * high  # one point alone has room around it
    is_drawn = limit is not None and spread >= _LEAST_SPREAD * (limit - low)
    if is_drawn and limit is not None:
        low, high = min(low, limit), max(high, limit)
    margin = max(0.09 * (high - low), 0.01 * high, 1e-9)
    if low == high:
        margin = max(0.1 * high, 1e-9)
    return max(0.0, low - margin), high + margin, is_drawn


def _score(points: Sequence[Point]) -> str:
    """What all points have on their vertical axis."""
    return points[0].score if points else ACCURACY


def _known(points: Iterable[Point], key: str) -> list[Point]:
    return [p for p in points if p.value(key) is not None and p.value(p.score) is not None]


def _xy(point: Point, key: str, scale: float) -> tuple[float, float]:
    return (point.value(key) or 0.0) / scale, point.value(point.score) or 0.0
