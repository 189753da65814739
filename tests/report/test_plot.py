"""The picture of a frontier."""

from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from sprd.config.limits import Limit, at_most
from sprd.report.frontier import Point
from sprd.report.plot import plot_frontier, printable
from tests.builders import make_row

KEYS = ("model_bytes", "latency_ms")
LIMITS = (
    *at_most({"model_bytes": 18_000, "latency_ms": 1_000.0}),
    Limit("balanced_accuracy", 0.8, True),
)


def pixels(png: bytes) -> np.ndarray:
    """(height, width, 3)."""
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def ink(png: bytes) -> float:
    """The share of pixels that are not white."""
    return float((pixels(png) < 250).any(2).mean())


@pytest.mark.parametrize("n_panels", [1, 2, 3, 4, 5])
def test_png_has_a_sensible_size_and_is_not_blank(points: list[Point], n_panels: int) -> None:
    """A panel a cost; four are two by two."""
    keys = (*KEYS, "ram_bytes", "arena_bytes", "flash_bytes")[:n_panels]
    png = plot_frontier("png", points, keys, LIMITS, "a title")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    height, width, _ = pixels(png).shape
    assert 600 < width < 2_400
    assert 500 < height < 1_500
    assert 0.01 < ink(png) < 0.6


def test_each_kind_and_the_limits_leave_ink(points: list[Point]) -> None:
    """Leaving one out changes the picture."""
    whole = plot_frontier("png", points, KEYS, LIMITS)
    for kind in ("frontier", "trial", "over", "reference"):
        rest = [point for point in points if point.kind != kind]
        assert plot_frontier("png", rest, KEYS, LIMITS) != whole
    assert ink(plot_frontier("png", points, KEYS, ())) < ink(whole)


def test_same_points_give_the_same_bytes(points: list[Point]) -> None:
    """Nothing of the day or of chance is in a file."""
    for kind in ("png", "svg"):
        once = plot_frontier(kind, points, KEYS, LIMITS, "x")
        assert plot_frontier(kind, points, KEYS, LIMITS, "x") == once


def test_svg_is_well_formed_whatever_labels_say(points: list[Point]) -> None:
    """Comments, mathematics, letters that the font lacks and line breaks are only text."""
    hostile = "--><script>alert('&')</script> $x^2 \N{CJK UNIFIED IDEOGRAPH-4E2D}\n\x07]]>"
    points = [*points, Point(hostile, "reference", points[-1].row)]
    svg = plot_frontier("svg", points, KEYS, LIMITS, hostile)
    ElementTree.fromstring(svg)
    assert b"<script" not in svg


@pytest.mark.parametrize("n_points", [0, 1])
def test_few_points_are_drawn(points: list[Point], n_points: int) -> None:
    """No range of its own to go by."""
    assert ink(plot_frontier("png", points[:n_points], KEYS, LIMITS)) > 0.005


def test_point_without_a_cost_is_left_out_of_that_panel() -> None:
    """It is not drawn at 0."""
    known = Point("0", "trial", make_row(0, footprint={"latency_ms": 5.0}))
    unknown = Point("1", "trial", make_row(1, score=0.9, footprint={"latency_ms": None}))
    alone = plot_frontier("png", [known], ("latency_ms",), ())
    assert plot_frontier("png", [known, unknown], ("latency_ms",), ()) == alone


def test_score_of_the_points_is_drawn() -> None:
    """A trial of which it is unknown is left out."""
    rows = [make_row(n, metrics={"recall_streaming": 0.7 + n / 10}) for n in range(2)]
    points = [Point(str(row.number), "trial", row, "recall_streaming") for row in rows]
    svg = plot_frontier("svg", points, ("model_bytes",), ())
    assert b"recall on streams" in svg
    unknown = Point("2", "trial", make_row(2), "recall_streaming")
    assert plot_frontier("svg", [*points, unknown], ("model_bytes",), ()) == svg


def test_hundred_crowded_points_are_drawn() -> None:
    """Labels find a place, or overlap."""
    rows = [make_row(i, score=0.8 + i / 1e4, footprint={"latency_ms": 9}) for i in range(100)]
    points = [Point(str(row.number), "frontier", row) for row in rows]
    assert ink(plot_frontier("png", points, KEYS, LIMITS)) > 0.01


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed recipe", "seed recipe"),
        ("a\n b\t c", "a b c"),
        ("\N{CJK UNIFIED IDEOGRAPH-4E2D}x", "?x"),
        ("Größe", "Größe"),
        ("123456789", "12345\N{HORIZONTAL ELLIPSIS}"),
    ],
)
def test_text_is_made_printable(text: str, expected: str) -> None:
    """One line, not too long, in letters that the font has."""
    assert printable(text, 6 if text.isdigit() else 30) == expected
