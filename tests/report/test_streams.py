"""The page of a model that listens: whole, safe, and with every figure that is told."""

import pytest

from sprd.report import streams as module
from sprd.report.stream_plot import curve_lines, plot_curves
from sprd.report.streams import condition_cells, material_cells, mistake_words, stream_page
from tests.bundle.listened import example, told
from tests.report.test_page import HOSTILE, Reader

SVG = b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>\n'


def test_page_is_well_formed_and_loads_nothing_but_sounds() -> None:
    """The policy lets in those beside it, and those inside."""
    sounds = ["data:audio/wav;base64,AAAA", "fooled/002.wav"]
    page = stream_page("kitchen", told(), ["one", "two"], SVG, sounds)
    read = Reader(page)
    assert read.open == [] and not {"script", "link", "img", "iframe"} & set(read.seen)
    policy = "default-src 'none'; style-src 'unsafe-inline'; media-src data: 'self' file:"
    assert any(policy in str(value) for _, value in read.attributes)
    assert [value for name, value in read.attributes if name == "src"] == sounds
    assert "<?xml" not in page and page.count("<svg") == 1


def test_page_has_the_curve_as_it_is_drawn() -> None:
    """A whole picture of matplotlib's stands in it."""
    lines = curve_lines(told())
    page = stream_page("kitchen", told(), [], plot_curves("svg", lines, 1.5), [])
    assert "<!-- quiet -->" in page and 'xlink:href="http' not in page


def test_tables_hold_every_condition_and_material() -> None:
    """With counts, recalls, intervals, hours, rates and delays."""
    rows = Reader(stream_page("kitchen", told(), [], SVG, [])).rows
    quiet = next(row for row in rows if row[0] == "quiet")
    assert quiet[1] == "21 of 24" and quiet[2].startswith("0.875 (0.")
    assert quiet[4].endswith(" ms") and quiet[-1] == "1"
    speech = next(row for row in rows if row[0] == "running speech")
    assert speech[1:4] == ["1.50", "2", "1.3 (0.16..4.8)"]
    assert next(row for row in rows if row[0] == "noise")[2:4] == ["0", "below 37"]


def test_what_is_unknown_is_told_as_unknown() -> None:
    """A mean over rates without speech, a delay without a hit, readers that cannot differ."""
    one = {**told(example()[:1])["conditions"][0], "delay_ms": None}
    cells = condition_cells(one)
    assert (cells[3], cells[4], cells[6]) == ("unknown", "unknown", "unknown")
    noise = next(o for o in told()["materials"] if o["material"] == "noise")
    assert material_cells(noise)[-1] == "unknown"
    assert material_cells({**noise, "is_synthetic": True})[0] == (
        "noise, synthetic voices: ranks models, tells no rate"
    )


def test_mistakes_are_named_by_word_or_recording_and_second() -> None:
    """The transcript stands on the page, for whoever wants to look for the word."""
    found = told()["false_accepts"]
    by = {one["material"]: mistake_words(one) for one in found}
    assert by["words"] == "other words: 'cat' cat/ann_nohash_31.wav at 0.3 s"
    assert by["speech"] == "running speech: books/9-9-0001.ogg at 359.7 s"
    assert by["keywords"].startswith("keywords, quiet: 'down' down/speaker01/")
    nowhere = {**found[0], "recording": None, "recording_at_s": None, "said": None}
    assert mistake_words({**nowhere, "material": "noise"}) == (
        f"noise: between recordings, at {found[0]['at_s']:.1f} s of {found[0]['stream']}"
    )


def test_hostile_texts_are_escaped() -> None:
    """Names of files, transcripts and titles are anybody's."""
    what = told()
    what["false_accepts"] = [{**what["false_accepts"][0], "recording": HOSTILE, "said": HOSTILE}]
    page = stream_page(HOSTILE, what, [HOSTILE], SVG, [HOSTILE])
    read = Reader(page)
    assert read.open == [] and "script" not in read.seen
    assert not [name for name, _ in read.attributes if name.startswith("on")]


def test_page_holds_no_more_than_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how many are not there."""
    monkeypatch.setattr(module, "MOST_MISTAKES", 2)
    page = stream_page("kitchen", told(), [], SVG, [])
    assert page.count("<li>") == 2
    assert "6 times it heard a keyword that nobody said. The surest 2 are here, 4 are not." in page


def test_page_without_keywords_or_mistakes_says_so() -> None:
    """No empty table."""
    what = {**told(example()[-1:]), "false_accepts": []}
    page = stream_page("kitchen", what, [], SVG, [])
    assert "<p>None was heard.</p>" in page and "0 times it heard a keyword" in page
