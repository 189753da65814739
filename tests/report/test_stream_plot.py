"""The picture of recall against false accepts an hour."""

from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from sprd.report.stream_plot import (
    CurveLine,
    condition_words,
    curve_lines,
    plot_curves,
    speech_words,
)
from tests.bundle.listened import told

LINE = CurveLine("quiet", [(1.0, 0.6), (5.0, 0.8), (20.0, 0.9)], (1.2, 0.65))
OTHER = CurveLine("10 dB", [(1.0, 0.3), (5.0, 0.4)], None)


def words(svg: bytes) -> str:
    """The texts of a picture, whose letters are drawn: matplotlib notes each in a comment."""
    return svg.decode()


def grey(png: bytes) -> float:
    """The share of pixels that are shaded."""
    pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    is_grey = (np.ptp(pixels, axis=2) < 3) & (pixels[..., 0] > 230) & (pixels[..., 0] < 252)
    return float(is_grey.mean())


def test_picture_has_a_line_and_a_mark_a_condition() -> None:
    """The same curves give the same bytes; SVG is well formed."""
    png = plot_curves("png", [LINE, OTHER], 2.0, "kitchen")
    assert png.startswith(b"\x89PNG") and png == plot_curves("png", [LINE, OTHER], 2.0, "kitchen")
    svg = plot_curves("svg", [LINE, OTHER], 2.0)
    assert svg == plot_curves("svg", [LINE, OTHER], 2.0)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    text = words(svg)
    for told_in_it in ("quiet", "10 dB", "too few hours to say", "keywords heard"):
        assert f"<!-- {told_in_it} -->" in text


def test_unknown_rates_are_shaded() -> None:
    """The fewer hours, the more of the picture; without speech all of it."""
    shares = [grey(plot_curves("png", [LINE], hours)) for hours in (100.0, 1.0, 0.1, 0.0)]
    assert shares == sorted(shares) and shares[0] < 0.05 < 0.2 < shares[1] and shares[3] > 0.6
    assert "<!-- no running speech -->" in words(plot_curves("svg", [], 0.0))


def test_curves_come_from_what_is_told() -> None:
    """With the place at which the recogniser works, if its rate is known."""
    found = curve_lines(told())
    assert [line.name for line in found] == ["quiet", "10 dB"]
    assert found[0].point == (1.333333, 0.875)
    assert found[0].points[-1] == (64.0, 0.875)
    without = {**told(), "false_accepts_per_hour": None}
    assert [line.point for line in curve_lines(without)] == [None, None]


@pytest.mark.parametrize(("name", "expected"), [("quiet", "quiet"), ("20db", "20 dB")])
def test_conditions_are_named_for_people(name: str, expected: str) -> None:
    """As they are read."""
    assert condition_words(name) == expected


@pytest.mark.parametrize("is_synthetic", [False, True])
def test_picture_of_synthetic_voices_says_that_it_tells_no_rate(is_synthetic: bool) -> None:
    """By itself, without the page around it."""
    what = told()
    speech = next(one for one in what["materials"] if one["material"] == "speech")
    speech["is_synthetic"] = is_synthetic
    svg = words(plot_curves("svg", [LINE], 2.0, of=speech_words(what)))
    assert ("they rank models, and tell no rate" in svg) == is_synthetic
    assert ("an hour of running speech" in svg) != is_synthetic
