"""The page of an import: whole, well formed, and safe whatever names files have."""

from pathlib import Path
from typing import Any

from sprd.report.recordings import import_page
from tests.report.test_page import HOSTILE, Reader


def source(file: str, *doubts: str) -> dict[str, Any]:
    """A recording with a clip, and something that was dropped."""
    clip = {"clip": "up/a b_nohash_0.wav", "start_s": 61.5, "end_s": 62.5, "doubts": list(doubts)}
    dropped = {"start_s": 70.0, "end_s": 70.2, "reason": "a click"}
    told = {"file": file, "speaker": "a b", "duration_s": 80.0}
    return {**told, "clips": [clip], "dropped": [dropped]}


def test_each_clip_can_be_heard() -> None:
    """By a player with a relative address; what was dropped, from the recording, at its time."""
    page = import_page(Path("/x/words"), [source("/x/in/an#na.wav", "clipped")])
    links = [value for name, value in Reader(page).attributes if name == "src"]
    assert links == ["up/a%20b_nohash_0.wav", "../in/an%23na.wav#t=70.00,70.20"]
    assert "1:01.50 .. 1:02.50; doubtful: clipped" in page and "a click" in page
    assert "1 clip of 1 recording: 1 doubtful" in page


def test_page_is_well_formed_and_loads_nothing() -> None:
    """Texts of files are escaped; the policy lets only sounds in."""
    page = import_page(Path("/x/words"), [source(f"/x/{HOSTILE}.wav", HOSTILE)])
    reader = Reader(page)
    assert reader.open == [] and reader.seen.count("script") == 0
    assert "default-src 'none'" in page and "media-src 'self' file:" in page
    assert reader.seen.count("audio") == reader.attributes.count(("preload", "none")) == 2


def test_name_that_is_no_utf8_can_be_written() -> None:
    """Whatever bytes it holds."""
    assert import_page(Path("/x"), [source("/x/\udcff.wav")]).encode()
