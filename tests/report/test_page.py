"""The page of a frontier: whole, well formed, and safe whatever a run holds."""

from html.parser import HTMLParser
from typing import Any

import pytest

from sprd.config.limits import Limit, Violation, at_most
from sprd.config.objectives import natural
from sprd.report.frontier import Point, points_of
from sprd.report.page import frontier_page
from sprd.sweep.rows.guessing import GUESSING
from sprd.sweep.rows.row import Trial
from tests.builders import make_outside_model, make_row

OBJECTIVES = tuple(map(natural, ("balanced_accuracy", "model_bytes", "latency_ms")))
SVG = b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>\n'
HOSTILE = "</title></script><script>alert(1)</script>\"'&"
VOID = {"meta", "br", "path"}


class Reader(HTMLParser):
    """Reads a page: which elements it has, cell texts by row, and whether each was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        """Notes it."""
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """It must be the one that was opened last."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Texts of cells."""
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


LEAST = Limit("balanced_accuracy", 0.8, is_minimum=True)


def page_of(points: list[Any], name: str = "smoke", limits: tuple[Any, ...] = ()) -> str:
    """The page of some points."""
    return frontier_page(name, points, OBJECTIVES, limits, SVG)


def test_page_is_well_formed_and_needs_nothing_else(points: list[Point]) -> None:
    """No address of anything, and a policy that forbids one."""
    page = page_of(points, limits=(*at_most({"model_bytes": 18_000}), LEAST))
    read = Reader(page)
    assert read.open == []
    assert not {"link", "img", "iframe", "object", "base"} & set(read.seen)
    assert not {"src", "href"} & {name for name, _ in read.attributes}
    assert any("default-src 'none'" in str(value) for _, value in read.attributes)
    assert page.startswith("<!DOCTYPE html>")
    assert "<?xml" not in page


def test_page_of_takes_claims_nothing_of_new_speakers(points: list[Point]) -> None:
    """A personal data set has the same speakers everywhere."""
    assert "validation speakers, whom training never heard" in page_of(points)
    page = frontier_page("x", points, OBJECTIVES, (), SVG, is_personal=True)
    assert "takes of speakers whom training heard, too" in page and "test takes are" in page
    assert "never heard" not in page and "very speakers" not in page


def test_page_tells_each_trial_and_the_limits(points: list[Point]) -> None:
    """Frontier twice, in its own table and among all."""
    page = page_of(points, limits=(*at_most({"ram_bytes": 65_536}), LEAST))
    first = [row[0] for row in Reader(page).rows]
    assert first == ["trial", "2", "0", "1", "trial", "2", "0", "1", "3", "4", "seed recipe"]
    assert "RAM: at most 65,536 B" in page
    assert "balanced accuracy: at least 0.80" in page
    assert "3 of 5 trained trials" in page
    aims = "high balanced accuracy, low model size, low latency"
    assert f"better in one: {aims}." in " ".join(page.split())


def test_cells_hold_numbers_intervals_and_parameters(points: list[Point]) -> None:
    """And say why a trial is over the budget; what is unknown is told as unknown."""
    rows = Reader(page_of(points)).rows
    head, trial_2, trial_0 = rows[:3]
    cells = dict(zip(head, trial_0, strict=True))
    assert cells["balanced accuracy"] == "0.9000.860 .. 0.930"
    assert (cells["model size, B"], cells["latency, ms"]) == ("10,000", "20.0")
    assert (cells["model.filters"], cells["train.learning_rate"]) == ("8", "0.3333")
    assert cells["recall _unknown_"] == "0.900"
    assert dict(zip(head, trial_2, strict=True))["model.filters"] == ""
    everyone = {row[0]: dict(zip(rows[4], row, strict=True)) for row in rows[5:]}
    assert everyone["4"]["kind"] == "over: model 30,000 B of 18,000 B (+67 %)"
    assert everyone["seed recipe"]["recall _unknown_"] == "unknown"


def test_accuracy_under_the_least_is_told(rows: list[Trial]) -> None:
    """It is a limit from below."""
    row = make_row(0, score=0.7, violations=(Violation("balanced_accuracy", 0.7, 0.8, True),))
    assert "over: balanced accuracy 0.70, at least 0.80 (-13 %)" in page_of(
        points_of([row], OBJECTIVES)
    )


def test_trial_that_guesses_and_scores_of_one_voice_are_told() -> None:
    """Whoever guesses is over no limit; an interval of one speaker says nothing of others."""
    guess = Violation(GUESSING, None, None, error="no better than guessing: 0.3")
    metrics = {"intervals": {"balanced_accuracy": [0.6, 0.8]}, "n_speakers": 1}
    page = page_of(
        points_of([make_row(0, score=0.7, violations=(guess,), metrics=metrics)], OBJECTIVES)
    )
    rows = Reader(page).rows
    cells = dict(zip(rows[-2], rows[-1], strict=True))
    assert cells["kind"] == "no better than guessing: 0.3"
    assert cells["balanced accuracy"] == "0.7000.600 .. 0.800, 1 speaker"


def test_hostile_texts_are_escaped(rows: list[Trial], reference: Trial) -> None:
    """The name of a sweep, parameters, labels, errors: all are only text."""
    params = {HOSTILE: HOSTILE, "onclick=": "x' onmouseover='alert(1)"}
    evil = make_row(
        7,
        score=0.99,
        params=params,
        footprint={"latency_ms": 1.0},
        violations=(Violation("emulation", None, None, error=HOSTILE),),
    )
    fine = make_row(8, score=0.99, params=params, footprint={"latency_ms": 1.0})
    named = make_outside_model(HOSTILE)
    points = points_of([*rows, evil, fine], OBJECTIVES, [named])
    page = page_of(points, HOSTILE, at_most({HOSTILE: 1.0}))
    read = Reader(page)
    assert read.open == []
    assert read.seen.count("script") == 1
    assert "<script>alert" not in page
    assert "</script><script>" not in page
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert any(HOSTILE in cell for row in read.rows for cell in row)


@pytest.mark.parametrize("n_points", [0, 1])
def test_page_of_few_points(points: list[Point], n_points: int) -> None:
    """Tables that would be empty say so."""
    page = page_of(points[:n_points])
    assert Reader(page).open == []
    assert ("<p>None.</p>\n<h2>All" in page) == (n_points == 0)
