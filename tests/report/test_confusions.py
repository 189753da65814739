"""The page of clips that were confused: order, players, no name that smuggles anything in."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from sprd.report.confusions import ConfusedClip, confused_page

CLIP = ConfusedClip(
    name="data/left/a_nohash_0.wav",
    word="left",
    truth="_unknown_",
    heard="up",
    confidence=0.75,
    missed=0.2,
    speaker="a",
    split="test",
    sound="data:audio/wav;base64,AAAA",
)
HOSTILE = "\"><script>alert('x')</script>&amp;"


class Page(HTMLParser):
    """Counts elements and keeps the addresses of sounds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sounds: list[str | None] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "audio":
            self.sounds.append(dict(attrs)["src"])

    def handle_data(self, data: str) -> None:
        self.text += data


def test_surest_mistake_comes_first_in_its_group() -> None:
    """Groups are what was heard, the one with the surest mistake first."""
    clips = [
        replace(CLIP, name="1", confidence=0.5),
        replace(CLIP, name="2", heard="down", confidence=0.75),
        replace(CLIP, name="3", confidence=0.9, truth="down", word="down"),
    ]
    text = confused_page("m on d", clips, 3, 40)
    assert re.findall(r"<h2>(.*?)</h2>", text) == [
        "heard as up <small>1 down, 1 _unknown_</small>",
        "heard as down <small>1 _unknown_</small>",
    ]
    assert re.findall(r'class="of">(\d)', text) == ["3", "1", "2"]
    assert "3 of 40 clips were heard as another label" in text and "are not" not in text


def test_each_clip_has_a_player() -> None:
    """And is told with its word, both probabilities, its file and its speaker."""
    page = Page(confused_page("m on d", [CLIP, replace(CLIP, sound="file:///a%20b.wav")], 2, 2))
    assert page.sounds == ["data:audio/wav;base64,AAAA", "file:///a%20b.wav"]
    for told in ("the word left", "up 0.750, _unknown_ 0.200", CLIP.name, "a, test"):
        assert told in page.text


def test_names_cannot_smuggle_anything_in() -> None:
    """Files, words, labels and speakers are anybody's; the page may load nothing."""
    fields = dict.fromkeys(("name", "word", "truth", "heard", "speaker", "split", "sound"), HOSTILE)
    plain, hostile = (
        confused_page(title, [clip], 1, 1)
        for title, clip in (("t", CLIP), (HOSTILE, replace(CLIP, **fields)))  # type: ignore[arg-type]
    )
    assert Page(hostile).tags == Page(plain).tags
    assert Page(hostile).sounds == [HOSTILE]
    assert "default-src 'none'" in hostile and "script-src" not in hostile


def test_what_is_not_shown_is_counted() -> None:
    """A page has a bounded number of clips."""
    assert "The 1 surest mistakes are here, 6 are not." in confused_page("t", [CLIP], 7, 9)


def test_page_without_a_mistake_says_so() -> None:
    """It is a page all the same."""
    assert "0 of 9 clips were heard as another label" in confused_page("t", [], 0, 9)
