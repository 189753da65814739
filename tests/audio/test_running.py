"""Running speech: recordings without keywords, each reader in one split."""

from pathlib import Path

import numpy as np
import soundfile

from sprd.audio.running import Recording, Speech, index_speech, read_recording
from sprd.audio.speech_files import check_speech
from sprd.audio.split import Split
from sprd.config.trial import DataSection
from tests.audio.speech import library, say

DATA = DataSection(keywords=("up", "down"))


def indexed(*folders: Path, clips: tuple[str, ...] = ()) -> Speech:
    return index_speech([(one, check_speech(one)) for one in folders], DATA, clips, {})


def test_a_recording_is_read_in_blocks(tmp_path: Path) -> None:
    """All together are its samples."""
    samples = np.arange(-8000, 8000, dtype=np.int16)
    soundfile.write(tmp_path / "a.flac", samples, 16_000)
    recording = Recording(tmp_path / "a.flac", "speech/a.flac", None, Split.TESTING, 1.0, None)
    assert np.array_equal(np.concatenate(list(read_recording(recording, 16_000))), samples)


def test_readers_lie_in_one_split_each(tmp_path: Path) -> None:
    """Every split has some, and keys are sorted and unique over folders."""
    found = indexed(library(tmp_path / "a", 12), say(tmp_path / "b", "talk.wav", 999).parent)
    keys = [one.key for one in found.recordings]
    assert keys == sorted(set(keys))
    assert len(keys) == 25
    assert {key.split("/")[0] for key in keys} == {"speech", "speech2"}
    splits: dict[str | None, set[Split]] = {}
    for one in found.recordings:
        splits.setdefault(one.speaker, set()).add(one.split)
    assert all(len(one) == 1 for one in splits.values())
    assert set.union(*splits.values()) == set(Split)
    assert splits[None] == {Split.VALIDATION}


def test_what_holds_a_keyword_is_left_out(tmp_path: Path) -> None:
    """By its transcript; and what no line tells, where there are transcripts."""
    folder = library(tmp_path / "a", 3)
    (folder / "1" / "7" / "1-7.trans.txt").write_text("1-7-0000 GO UP AND DOWN\n")
    found = indexed(folder)
    assert {one.speaker for one in found.recordings} == {"0", "2"}
    assert all(one.transcript == "NOTHING OF NOTE" for one in found.recordings)
    assert found.folders[0].with_keyword == {"speech/1/7/1-7-0000.flac": ("up", "down")}
    assert found.folders[0].untold == ("speech/1/7/1-7-0001.flac",)
    assert found.folders[0].has_transcripts


def test_a_transcript_that_cannot_be_read_takes_its_recordings_with_it(tmp_path: Path) -> None:
    """A keyword may be said in them."""
    folder = library(tmp_path / "a", 3)
    (folder / "1" / "7" / "1-7.trans.txt").write_bytes(b"\xff\xfe")
    found = indexed(folder)
    assert {one.speaker for one in found.recordings} == {"0", "2"}
    assert list(found.folders[0].bad_transcripts) == ["1/7/1-7.trans.txt"]
    assert len(found.folders[0].untold) == 2


def test_without_transcripts_all_is_used_but_folders_of_keywords(tmp_path: Path) -> None:
    """Nobody knows what is said; in a folder that is called "up", "up" is."""
    for name in ("talk.wav", "up/1_nohash_0.wav", "cup/1_nohash_0.wav"):
        say(tmp_path / "a", name, seed=len(name))
    found = indexed(tmp_path / "a")
    assert [one.key for one in found.recordings] == ["speech/cup/1_nohash_0.wav", "speech/talk.wav"]
    assert [one.transcript for one in found.recordings] == [None, None]
    assert found.folders[0].with_keyword == {"speech/up/1_nohash_0.wav": ("up",)}
    assert not found.folders[0].has_transcripts


def test_no_content_counts_twice(tmp_path: Path) -> None:
    """Neither in two folders of speech nor as speech and as a clip."""
    say(tmp_path / "a", "1.wav", 1)
    say(tmp_path / "b", "other.wav", 1)
    say(tmp_path / "b", "clip.wav", 2)
    say(tmp_path / "b", "2.wav", 3)
    clip = check_speech(tmp_path / "b").checked[1].sha256
    found = indexed(tmp_path / "a", tmp_path / "b", clips=(clip,))
    assert [one.key for one in found.recordings] == ["speech/1.wav", "speech2/2.wav"]
    assert found.folders[1].twice == ("speech2/clip.wav", "speech2/other.wav")


def test_damaged_recordings_are_skipped(tmp_path: Path) -> None:
    """And told."""
    say(tmp_path / "a", "1.wav", 1)
    (tmp_path / "a" / "2.wav").write_text("no audio")
    found = indexed(tmp_path / "a")
    assert len(found.recordings) == 1
    assert list(found.folders[0].unreadable) == ["speech/2.wav"]


def test_the_same_recordings_elsewhere_are_the_same_speech(tmp_path: Path) -> None:
    """Keys and splits do not depend on the place."""
    one, two = (indexed(library(tmp_path / name / "books", 6)) for name in "ab")
    assert [(r.key, r.split) for r in one.recordings] == [(r.key, r.split) for r in two.recordings]
    assert one.sha256 == two.sha256
