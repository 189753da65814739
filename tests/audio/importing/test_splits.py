"""Folders of splits become the lists that a sweep reads."""

from pathlib import Path

from sprd.audio.importing.journal import Entry
from sprd.audio.importing.splits import write_lists
from sprd.audio.split import TESTING_LIST, VALIDATION_LIST


def entry(speaker: str, split: str | None) -> Entry:
    """A recording of one clip."""
    clip = {"clip": f"up/{speaker}_nohash_0.wav"}
    return {"word": "up", "speaker": speaker, "split": split, "clips": [clip]}


def lists(folder: Path) -> list[set[str]]:
    """The speakers on both lists."""
    return [
        {line.partition("/")[2].partition("_")[0] for line in (folder / name).read_text().split()}
        for name in (VALIDATION_LIST, TESTING_LIST)
    ]


def test_lists_hold_who_is_in_the_folders(tmp_path: Path) -> None:
    """A speaker in two folders lies in the later one, and that is told."""
    entries = [entry("a", "training"), entry("b", "validation"), entry("c", "testing")]
    notes = write_lists(tmp_path, [*entries, entry("b", "training")])
    assert lists(tmp_path) == [{"b"}, {"c"}]
    assert "1 speakers are in several" in notes[1]


def test_missing_split_is_drawn_from_training(tmp_path: Path) -> None:
    """Edge Impulse has no validation; who was drawn stays drawn."""
    entries = [*(entry(f"t{n}", "training") for n in range(20)), entry("c", "testing")]
    assert "no folder for validation: 3" in write_lists(tmp_path, entries)[1]
    drawn = lists(tmp_path)[0]
    assert len(drawn) == 3 and lists(tmp_path)[1] == {"c"}
    write_lists(tmp_path, [*entries, *(entry(f"u{n}", "training") for n in range(20))])
    assert drawn <= lists(tmp_path)[0]


def test_recordings_without_splits_have_no_lists(tmp_path: Path) -> None:
    """A sweep draws them."""
    assert write_lists(tmp_path, [entry("a", None)]) == ()
    assert list(tmp_path.iterdir()) == []
