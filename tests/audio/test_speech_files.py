"""A folder of running speech: however deep its files lie, each is looked at once."""

import os
from pathlib import Path

import pytest

from sprd.audio import speech_files
from sprd.audio.blocks import length_of
from sprd.audio.speech_files import check_speech
from sprd.errors import DataError
from tests.audio.speech import library, say


def test_recordings_and_transcripts_are_found_in_all_depths(tmp_path: Path) -> None:
    """With their lengths; what is neither is told, documents apart from the rest."""
    library(tmp_path / "s", n_readers=2)
    say(tmp_path / "s", "top.wav", seconds=0.25)
    (tmp_path / "s" / "README.TXT").write_text("about")
    (tmp_path / "s" / "0" / "video.xyz").write_text("")
    (tmp_path / "s" / ".hidden.wav").write_text("")
    found = check_speech(tmp_path / "s")
    keys = [one.file.key for one in found.checked]
    assert keys == [
        *(f"{r}/7/{r}-7-000{n}.flac" for r in range(2) for n in range(2)),
        "top.wav",
    ]
    sound = found.checked[-1].sound
    assert sound is not None
    assert sound.seconds == 0.25
    assert [key for key, _ in found.transcripts] == ["0/7/0-7.trans.txt", "1/7/1-7.trans.txt"]
    assert [(one.name, one.why.value) for one in found.left_out] == [
        ("0/video.xyz", "suffix"),
        ("README.TXT", "document"),
    ]


def test_a_file_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it changes; a look for clips in the same folder is another one."""
    for path in (say(tmp_path / "s", f"{i}.wav", i) for i in range(3)):
        os.utime(path, (1e9, 1e9))
    first = check_speech(tmp_path / "s")
    looks: list[Path] = []

    def look(path: Path) -> tuple[int, int] | str:
        looks.append(path)
        return length_of(path)

    monkeypatch.setattr(speech_files, "length_of", look)
    assert check_speech(tmp_path / "s") == first
    assert looks == []
    changed = say(tmp_path / "s", "1.wav", 9)
    assert check_speech(tmp_path / "s").checked[1].sha256 != first.checked[1].sha256
    assert looks == [changed]


def test_links_in_circles_do_no_harm(tmp_path: Path) -> None:
    """A folder is looked into once; a link to nowhere is told."""
    say(tmp_path / "s" / "a", "1.wav")
    (tmp_path / "s" / "a" / "again").symlink_to(tmp_path / "s")
    (tmp_path / "s" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    found = check_speech(tmp_path / "s")
    assert len(found.checked) == 1
    assert [one.name for one in found.left_out] == ["gone.wav"]


def test_damaged_recordings_are_told(tmp_path: Path) -> None:
    """One that was cut off, one that is empty, one that is none: each with its rule."""
    for number, suffix in enumerate(("wav", "flac", "ogg")):
        path = say(tmp_path / "s", f"cut{number}.{suffix}", number, seconds=2.0)
        path.write_bytes(path.read_bytes()[:-5000])
    (tmp_path / "s" / "empty.wav").write_bytes(b"")
    (tmp_path / "s" / "text.wav").write_text("no audio at all")
    say(tmp_path / "s", "good.wav")
    problems = {one.file.key: one.problem for one in check_speech(tmp_path / "s").checked}
    assert problems.pop("good.wav") is None
    assert "bytes less" in str(problems["cut0.wav"])
    assert "of its header, got less" in str(problems["cut1.flac"])
    assert "empty file" in str(problems["empty.wav"])
    assert "libsndfile reads" in str(problems["text.wav"])


@pytest.mark.parametrize("name", ["README.md", "a.trans.txt"])
def test_a_folder_without_audio_is_refused(tmp_path: Path, name: str) -> None:
    """With what is missing in it."""
    (tmp_path / name).write_text("1 YES")
    with pytest.raises(DataError, match="got no audio file"):
        check_speech(tmp_path)


def test_recordings_that_need_a_package_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that there is no audio."""
    monkeypatch.setattr("sprd.audio.media.find_spec", lambda name: None)
    (tmp_path / "a.m4a").write_bytes(b"x")
    with pytest.raises(DataError, match=r"sprd\[media\]"):
        check_speech(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As of clips."""
    with pytest.raises(DataError, match="readable folder of running speech"):
        check_speech(tmp_path / "none")
