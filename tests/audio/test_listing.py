"""Which files of a folder are recordings, and that none is read twice."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio import media, seen
from sprd.audio.listing import Why, check_audio, list_audio
from sprd.errors import DataError

OLD_S = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two words of two clips, old enough to be settled."""
    folder = tmp_path / "recordings"
    for word in ("yes", "no"):
        (folder / word).mkdir(parents=True)
        for n in range(2):
            write(folder / word / f"a_nohash_{n}.wav", n)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was read before is of this test alone."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path: Path, level: int, changed_s: int = OLD_S) -> None:
    """A clip of 10 ms."""
    soundfile.write(path, np.full(160, level, np.int16), 16_000)
    os.utime(path, (changed_s, changed_s))


def n_read(folder: Path) -> int:
    """How many files a check reads."""
    seen: list[tuple[int, int]] = []
    check_audio(folder, lambda stage, done, whole: seen.append((done, whole)))
    assert seen == [(n, len(seen)) for n in range(1, len(seen) + 1)]
    return len(seen)


def test_recordings_are_listed_by_word_and_name(folder: Path) -> None:
    """Sorted; hidden files, other suffixes, files beside the words and deeper ones are none.

    But for the hidden ones, each is told with its reason.
    """
    for name in (".hidden.wav", "no/.b.wav", "no/notes.txt", "stray.wav", "no/c.raw", "README"):
        (folder / name).write_bytes(b"x")
    (folder / "no" / "deeper").mkdir()
    write(folder / "no" / "deeper" / "c.wav", 1)
    (folder / "no" / "nowhere.wav").symlink_to(folder / "missing.wav")
    (folder / "link").symlink_to(folder / "missing")
    (folder / "go").mkdir()
    write(folder / "no" / "b.WAV", 1)
    found, left_out = list_audio(folder)
    assert {one.name: one.why for one in left_out} == {
        "README": Why.DOCUMENT,
        "go/": Why.EMPTY,
        "link": Why.NO_FILE,
        "no/c.raw": Why.SUFFIX,
        "no/deeper/c.wav": Why.DEEPER,
        "no/notes.txt": Why.DOCUMENT,
        "no/nowhere.wav": Why.NO_FILE,
        "stray.wav": Why.TOP,
    }
    assert [(one.key, one.word) for one in found] == [
        ("no/a_nohash_0.wav", "no"),
        ("no/a_nohash_1.wav", "no"),
        ("no/b.WAV", "no"),
        ("yes/a_nohash_0.wav", "yes"),
        ("yes/a_nohash_1.wav", "yes"),
    ]
    assert all(one.n_bytes == one.path.stat().st_size for one in found)


def test_links_in_circles_do_no_harm(folder: Path) -> None:
    """Inside a word, to the word or to the whole, and to themselves; each file counts once."""
    deeper = folder / "no" / "anna" / "monday"
    deeper.mkdir(parents=True)
    write(deeper / "0.wav", 1)
    for place, target in ((deeper, folder), (deeper, deeper.parent), (folder, folder)):
        (place / f"round{target.name}").symlink_to(target)
    (folder / "no" / "itself.wav").symlink_to("itself.wav")
    (folder / "no" / "twice").symlink_to(deeper)
    files, left_out = list_audio(folder)
    assert len(files) == 4
    assert {one.name: one.why for one in left_out} == {
        "no/anna/monday/0.wav": Why.DEEPER,
        "no/itself.wav": Why.NO_FILE,
    }


def test_recording_of_a_phone_is_left_out_without_pyav(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is a file like others with it; it is read as soon as PyAV is there."""
    (folder / "no" / "a.m4a").write_bytes(b"no audio")
    monkeypatch.setattr(media, "is_installed", lambda: False)
    assert [(one.name, one.why) for one in list_audio(folder)[1]] == [("no/a.m4a", Why.MEDIA)]
    monkeypatch.setattr(media, "is_installed", lambda: True)
    assert list_audio(folder)[1] == []
    assert "no/a.m4a" in [one.key for one in list_audio(folder)[0]]


def test_missing_folder_is_one_line(tmp_path: Path) -> None:
    """With what to check."""
    with pytest.raises(DataError, match=r"must be a readable folder of recordings: No such file"):
        list_audio(tmp_path / "nowhere")


def test_files_are_read_once(folder: Path) -> None:
    """Then only what changed or came; what went is forgotten, and the answer stays the same."""
    assert n_read(folder) == 4
    first = check_audio(folder)
    assert n_read(folder) == 0
    assert check_audio(folder) == first
    write(folder / "yes" / "a_nohash_0.wav", 7, OLD_S + 1)
    write(folder / "yes" / "new.wav", 7)
    (folder / "no" / "a_nohash_0.wav").unlink()
    assert n_read(folder) == 2
    found = {one.file.key: one.sha256 for one in check_audio(folder).checked}
    assert found["yes/a_nohash_0.wav"] == found["yes/new.wav"] != found["yes/a_nohash_1.wav"]
    assert "no/a_nohash_0.wav" not in found


def test_file_that_changed_just_now_is_read_again(folder: Path) -> None:
    """Within the step of a clock it may change once more without a trace."""
    write(folder / "yes" / "fresh.wav", 3)
    os.utime(folder / "yes" / "fresh.wav")
    assert [n_read(folder), n_read(folder)] == [5, 1]


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 0}', b'{"format": 1, "files": 5}'])
def test_damaged_cache_costs_time_alone(folder: Path, own_cache: Path, content: bytes) -> None:
    """It is written anew."""
    first = check_audio(folder)
    (cache,) = (own_cache / "corpus").iterdir()
    cache.write_bytes(content)
    assert n_read(folder) == 4
    assert (check_audio(folder), n_read(folder)) == (first, 0)


def test_cache_of_other_checks_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise FORMAT when they change."""
    check_audio(folder)
    monkeypatch.setattr(seen, "FORMAT", seen.FORMAT + 1)
    assert n_read(folder) == 4


def test_what_is_wrong_with_a_file_is_kept_with_it(folder: Path) -> None:
    """A file that is no audio has a problem and a fingerprint; the others have none."""
    (folder / "yes" / "bad.wav").write_bytes(b"RIFF of nothing")
    os.utime(folder / "yes" / "bad.wav", (OLD_S, OLD_S))
    for _ in range(2):
        problems = {one.file.key: one.problem for one in check_audio(folder).checked}
        assert problems.pop("yes/bad.wav")
        assert set(problems.values()) == {None}
