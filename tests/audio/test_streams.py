"""Streams are written once and come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from sprd.audio.split import Split
from sprd.audio.streams import KIND, open_streams
from sprd.disk.cache import kept_folder
from tests.audio.spoken import DATA, corpus


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_streams_are_written_once(own_cache: Path) -> None:
    """The second look finds the first one's, and tells no progress."""
    told: list[tuple[str, int, int]] = []

    def progress(what: str, done: int, total: int) -> None:
        told.append((what, done, total))

    made = corpus(own_cache)
    first = open_streams(made, DATA, Split.VALIDATION, 0, progress=progress)
    assert told == [("streams", n, 4) for n in (1, 2, 3, 4)]
    files = {path: path.stat().st_mtime_ns for path in own_cache.glob("cache/streams/*/*.pcm")}
    again = open_streams(made, DATA, Split.VALIDATION, 0, progress=progress)
    assert len(told) == 4
    assert files == {path: path.stat().st_mtime_ns for path in files}
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
        assert (one.said, one.pieces, one.key) == (other.said, other.pieces, other.key)


def test_a_stream_tells_what_it_is(own_cache: Path) -> None:
    """Material, condition and hours; each key is another one."""
    streams = open_streams(corpus(own_cache), DATA, Split.VALIDATION, 3)
    conditions = [(one.material, one.snr_db) for one in streams]
    assert conditions == [
        ("keywords", None),
        ("keywords", 20.0),
        ("keywords", 10.0),
        ("keywords", 5.0),
        ("speech", None),
        ("words", None),
        ("noise", None),
    ]
    assert len({one.key for one in streams}) == 7
    assert streams[4].hours * 3600 == pytest.approx(9.0 + 3 * 0.3)
    assert all(one.samples.dtype == np.int16 for one in streams)
    assert [len(one.said) for one in streams] == [6, 6, 6, 6, 0, 0, 0]


def test_streams_are_bounded_with_the_rest_of_the_cache(own_cache: Path) -> None:
    """They lie in a folder of the cache that is emptied when there is no room."""
    stream = open_streams(corpus(own_cache), DATA, Split.VALIDATION, 0)[0]
    assert kept_folder(KIND, stream.key.rpartition("-")[0]).is_dir()
