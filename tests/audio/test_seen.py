"""What is kept of a folder's files between two looks."""

import json
from pathlib import Path

import pytest

from sprd.audio.seen import Entry, load_seen, write_seen
from sprd.audio.sound import Sound

GOOD: Entry = (32_044, 17, "a" * 64, None, Sound(16_000, 16_000, 900, 123_456, False))
BAD: Entry = (3, 18, "b" * 64, "must be audio", None)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))


def test_entries_come_back_as_they_were(tmp_path: Path) -> None:
    """Good and bad ones; another folder's are others."""
    write_seen(tmp_path, {"yes/a.wav": GOOD, "yes/b.wav": BAD}, "corpus")
    assert load_seen(tmp_path, "corpus") == {"yes/a.wav": GOOD, "yes/b.wav": BAD}
    assert load_seen(tmp_path / "cache", "corpus") == {}


@pytest.mark.parametrize("at", range(9))
def test_damaged_entry_spoils_the_cache(tmp_path: Path, at: int) -> None:
    """No number is taken for another: all is read anew."""
    write_seen(tmp_path, {"yes/a.wav": GOOD}, "corpus")
    (cache,) = (tmp_path / "cache/corpus").iterdir()
    content = json.loads(cache.read_text())
    content["files"]["yes/a.wav"][at] = []
    cache.write_text(json.dumps(content))
    assert load_seen(tmp_path, "corpus") == {}
