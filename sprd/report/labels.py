"""Puts labels beside points so that they hide neither points nor each other, as far as can be."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.patheffects import withStroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FONT_POINTS = 8.0
_WIDTH_OF_A_LETTER, _HEIGHT = 0.62, 1.15
"""Of a letter, in sizes of the font; a little more than DejaVu Sans takes."""
_POINT_RADIUS = 4.5
"""Of a mark, in typographic points."""
_EXTRA_RADIUS = 3.0
"""Of a large mark."""
_DISTANCES = (7.0, 12.0, 19.0, 28.0)
_DIRECTIONS = (
    *((-0.7, 1.0), (0.7, -1.0), (0.7, 1.0), (-0.7, -1.0)),
    *((1.0, 0.0), (-1.0, 0.0), (0.0, 1.2), (0.0, -1.2)),
)


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "_Box") -> float:
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)


class Label(NamedTuple):
    """A text beside the point (x, y). `is_large` is for a large mark: bold, and further off."""

    x: float
    y: float
    text: str
    is_large: bool


def place_labels(
    panel: "Axes",
    labels: Sequence[Label],
    marks: Sequence[tuple[float, float]],
    line: Sequence[tuple[float, float]] = (),
) -> None:
    """Draws labels, the first with the freest choice.

    Args:
        panel: Its layout is final.
        labels: What to write.
        marks: x and y of every point that should stay in sight.
        line: Corners of a line that should too.
    """
    unit = (panel.figure.dpi or 72) / 72
    frame = panel.get_window_extent()
    inside = _Box(frame.x0, frame.y0, frame.x1, frame.y1)
    taken = [_around(x, y, _POINT_RADIUS * unit) for x, y in _shown(panel, marks)]
    corners = _shown(panel, line)
    for first, second in pairwise(corners):
        taken += _along(first, second, unit)
    for label, (across, up) in zip(
        labels, _shown(panel, [(x.x, x.y) for x in labels]), strict=True
    ):
        places = _places(across, up, label, unit)
        box, distance = min(places, key=lambda place: _cost(place, taken, inside))
        taken.append(box)
        is_far = distance > _DISTANCES[1]
        panel.annotate(
            label.text,
            (label.x, label.y),
            ((box.left - across) / unit, (box.bottom - up) / unit),
            textcoords="offset points",
            verticalalignment="bottom",
            fontsize=_FONT_POINTS,
            fontweight="bold" if label.is_large else "normal",
            color="#222222",
            zorder=8,
            path_effects=[withStroke(linewidth=2.5, foreground="white", alpha=0.85)],
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#555555"}
            if is_far
            else None,
        )


def _shown(panel: "Axes", points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points in pixels of the display."""
    return [(x, y) for x, y in panel.transData.transform(list(points)).tolist()] if points else []


def _around(x: float, y: float, radius: float) -> _Box:
    return _Box(x - radius, y - radius, x + radius, y + radius)


def _along(first: tuple[float, float], second: tuple[float, float], unit: float) -> list[_Box]:
    """Small boxes on the way from one corner to the next."""
    radius = 1.5 * unit
    length = max(abs(second[0] - first[0]), abs(second[1] - first[1]))
    n = max(1, min(200, round(length / (2 * radius))))
    return [
        _around(
            first[0] + (second[0] - first[0]) * i / n,
            first[1] + (second[1] - first[1]) * i / n,
            radius,
        )
        for i in range(n)
    ]


def _places(across: float, up: float, label: Label, unit: float) -> Iterator[tuple[_Box, float]]:
    """Boxes around a point, in the display's pixels, with how far off they are in points."""
    letter = _WIDTH_OF_A_LETTER * (1.15 if label.is_large else 1.0)
    width = letter * _FONT_POINTS * max(len(label.text), 1) * unit
    height = _HEIGHT * _FONT_POINTS * unit
    for distance in _DISTANCES:
        off = (distance + _EXTRA_RADIUS * label.is_large) * unit
        for right, above in _DIRECTIONS:
            x = across + right * off + (right - 1) / 2 * width
            y = up + above * off - height / 2
            yield _Box(x, y, x + width, y + height), distance


def _cost(place: tuple[_Box, float], taken: Sequence[_Box], inside: _Box) -> float:
    """How much of a label is hidden or outside; of equals the nearer one."""
    box, distance = place
    hidden = sum(box.overlap(other) for other in taken)
    outside = box.area - box.overlap(inside)
    return hidden + 4 * outside + 0.02 * distance * box.area / _DISTANCES[-1]
