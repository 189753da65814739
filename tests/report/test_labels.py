"""Labels beside points: in sight, apart where there is room, the same each time."""

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from sprd.report.labels import Label, place_labels


@pytest.fixture
def panel() -> Iterator[Axes]:
    """Axes of 6 x 4 inches, 0 to 10 each way."""
    figure = Figure(figsize=(6, 4), dpi=100)
    panel = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    panel.set(xlim=(0, 10), ylim=(0, 10))
    yield panel
    figure.clear()


def boxes(panel: Axes) -> list[Bbox]:
    """Where the texts stand, in pixels, without the lines that lead to them."""
    canvas = FigureCanvasAgg(panel.get_figure(root=True))
    canvas.draw()
    found = []
    for text in panel.texts:
        assert isinstance(text, Annotation)
        text.update_positions(canvas.get_renderer())
        found.append(Text.get_window_extent(text, canvas.get_renderer()))
    return found


def labels_of(points: list[tuple[float, float]], is_large: bool = False) -> list[Label]:
    """A label of a few letters for each point."""
    return [Label(x, y, f"trial {n}", is_large) for n, (x, y) in enumerate(points)]


def n_overlaps(found: list[Bbox]) -> int:
    """Pairs of which one hides a part of the other."""
    pairs = ((a, b) for i, a in enumerate(found) for b in found[i + 1 :])
    return sum(Bbox.intersection(a, b) is not None for a, b in pairs)


@pytest.mark.parametrize("is_large", [False, True])
def test_labels_of_points_side_by_side_stand_apart(panel: Axes, is_large: bool) -> None:
    """Eight points in a heap of half an inch: each has a text, and none hides another."""
    points = [(5 + 0.4 * (n % 3), 5 + 0.4 * (n // 3)) for n in range(8)]
    place_labels(panel, labels_of(points, is_large), points)
    found = boxes(panel)
    assert [text.get_text() for text in panel.texts] == [f"trial {n}" for n in range(8)]
    assert n_overlaps(found) == 0


def test_labels_hide_no_point(panel: Axes) -> None:
    """Neither their own nor another's."""
    points = [(3.0, 3.0), (3.5, 3.2), (7.0, 7.0)]
    place_labels(panel, labels_of(points), points)
    pixels = panel.transData.transform(points)
    assert not any(box.contains(x, y) for box in boxes(panel) for x, y in pixels)


@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.0, 10.0), (10.0, 0.0), (10.0, 10.0)])
def test_label_in_a_corner_stays_inside(panel: Axes, corner: tuple[float, float]) -> None:
    """A text that the frame cuts off cannot be read."""
    place_labels(panel, labels_of([corner]), [corner])
    (box,) = boxes(panel)
    frame = panel.get_window_extent()
    assert frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1
    assert frame.y0 - 1 <= box.y0 and box.y1 <= frame.y1 + 1


def test_label_leaves_a_line_in_sight(panel: Axes) -> None:
    """A frontier that runs where the first choice would be: the text goes to the other side."""
    point = (5.0, 5.0)
    place_labels(panel, labels_of([point]), [point])
    (free,) = boxes(panel)
    panel.texts[0].remove()
    middle = ((free.x0 + free.x1) / 2, (free.y0 + free.y1) / 2)
    x, y = panel.transData.inverted().transform(middle)
    place_labels(panel, labels_of([point]), [point], [(x - 0.3, y), (x + 0.3, y)])
    (moved,) = boxes(panel)
    assert Bbox.intersection(free, moved) is None


def test_places_are_the_same_every_time(panel: Axes) -> None:
    """A report made again has the same bytes."""
    points = [(float(x), float(y)) for x, y in np.random.default_rng(0).uniform(2, 8, (12, 2))]
    places = []
    for _ in range(2):
        place_labels(panel, labels_of(points), points)
        places.append([text.xyann for text in panel.texts if isinstance(text, Annotation)])
        for text in list(panel.texts):
            text.remove()
    assert places[0] == places[1] != []


def test_nothing_to_label_draws_nothing(panel: Axes) -> None:
    """No label, no mark, no line."""
    place_labels(panel, [], [])
    assert list(panel.texts) == []
