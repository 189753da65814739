"""What a folder remembers: killed at any moment, an import is gone on with."""

from pathlib import Path

import pytest

from sprd.audio.importing.journal import (
    PAGE_FILE,
    REPORT_FILE,
    Entry,
    Journal,
    clip_names,
    only_import,
)
from sprd.errors import InputError, OutputError


def entry(*clips: str) -> Entry:
    """A recording with some clips."""
    names = ("sha256", "file", "word", "speaker", "settings")
    return {**dict.fromkeys(names, "x"), "clips": [{"clip": c} for c in clips], "dropped": []}


def test_clips_are_moved_home_with_their_line(tmp_path: Path) -> None:
    """And the next import knows the recording."""
    journal = Journal(tmp_path)
    journal.write_clip("up/a_nohash_0.wav", b"sound")
    assert not (tmp_path / "up").exists()
    journal.add(entry("up/a_nohash_0.wav"))
    assert (tmp_path / "up/a_nohash_0.wav").read_bytes() == b"sound"
    assert Journal(tmp_path).entries == journal.entries


def test_kill_before_the_line_leaves_nothing(tmp_path: Path) -> None:
    """The recording is imported anew, under the same names."""
    Journal(tmp_path).write_clip("up/a_nohash_0.wav", b"half")
    again = Journal(tmp_path)
    assert again.entries == [] and not (tmp_path / ".import" / "new").exists()
    assert next(clip_names(tmp_path, again.entries, "up", "a")) == "up/a_nohash_0.wav"


def test_kill_after_the_line_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next import moves home what was not moved."""
    journal = Journal(tmp_path)
    for n in range(2):
        journal.write_clip(f"up/a_nohash_{n}.wav", b"sound")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            journal.add(entry("up/a_nohash_0.wav", "up/a_nohash_1.wav"))
    assert len(Journal(tmp_path).entries) == 1
    assert len(list((tmp_path / "up").iterdir())) == 2


@pytest.mark.parametrize("name", [PAGE_FILE, REPORT_FILE])
def test_file_in_a_reports_place_is_not_overwritten(tmp_path: Path, name: str) -> None:
    """Only an import's own report is written anew."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="must be free for the report of an import"):
        Journal(tmp_path)
    (tmp_path / name).unlink()
    journal = Journal(tmp_path)
    journal.add(entry())
    (tmp_path / name).write_text("ours")
    assert Journal(tmp_path).entries == journal.entries


def test_file_in_a_clips_place_is_not_overwritten(tmp_path: Path) -> None:
    """It is told."""
    journal = Journal(tmp_path)
    journal.write_clip("up/a_nohash_0.wav", b"sound")
    (tmp_path / "up").mkdir()
    (tmp_path / "up/a_nohash_0.wav").write_bytes(b"mine")
    with pytest.raises(OutputError, match="must be free for a clip"):
        journal.add(entry("up/a_nohash_0.wav"))
    assert (tmp_path / "up/a_nohash_0.wav").read_bytes() == b"mine"


def test_names_go_on_behind_files_and_lines(tmp_path: Path) -> None:
    """Also behind clips that somebody deleted, and those of other kinds."""
    (tmp_path / "up").mkdir()
    for name in ("a_nohash_4.flac", "a_nohash_x.wav", "ab_nohash_9.wav"):
        (tmp_path / "up" / name).touch()
    names = clip_names(tmp_path, [entry("up/a_nohash_6.wav", "down/a_nohash_8.wav")], "up", "a")
    assert [next(names), next(names)] == ["up/a_nohash_7.wav", "up/a_nohash_8.wav"]


def test_one_import_at_a_time(tmp_path: Path) -> None:
    """The other is refused in a line."""
    with only_import(tmp_path):
        second = only_import(tmp_path)
        with pytest.raises(InputError, match="another import"):
            second.__enter__()


def test_folder_that_stays_empty_is_removed(tmp_path: Path) -> None:
    """An import that finds nothing leaves nothing."""
    with only_import(tmp_path / "a" / "b"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["{}", "[]", "nonsense"])
def test_damaged_memory_is_told(tmp_path: Path, line: str) -> None:
    """With the line."""
    (tmp_path / ".import").mkdir()
    (tmp_path / ".import" / "sources.jsonl").write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"line 1: must be a recording that was imported"):
        Journal(tmp_path)
