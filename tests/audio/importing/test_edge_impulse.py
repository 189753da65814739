"""Exports of Edge Impulse: what `info.labels` and names say."""

import json
from pathlib import Path

import pytest

from sprd.audio.importing.edge_impulse import LABELS_FILE, read_listing, recording_of
from sprd.errors import DataError


def listing(folder: Path, *files: dict[str, object]) -> None:
    """Writes a listing as an export has it, and the files that it names."""
    (folder / LABELS_FILE).write_text(json.dumps({"version": 1, "files": files}), "utf-8")
    for one in files:
        path = folder / str(one["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def file(path: str, label: str | None, category: str = "training") -> dict[str, object]:
    """An entry of a listing."""
    told = {"type": "label", "label": label} if label else {"type": "unlabeled"}
    return {"path": path, "name": "x", "category": category, "label": told, "boundingBoxes": []}


def test_listing_says_word_and_split(tmp_path: Path) -> None:
    """Whatever the file is called; nobody says who speaks."""
    listing(tmp_path, file("testing/memo 1.4ab.wav", "Hey Robot", "testing"))
    table = read_listing(tmp_path)
    assert table is not None
    assert [tuple(row) for row in table.rows] == [
        (tmp_path / "testing/memo 1.4ab.wav", "Hey Robot", "memo 1.4ab", "testing", False)
    ]
    assert table.notes == ()


def test_what_a_listing_leaves_open_is_told(tmp_path: Path) -> None:
    """What is not there, no audio, or without one label."""
    names = ("a.1.wav", "a.2.json", "a.3.wav", "a.4.wav")
    listing(tmp_path, *(file(name, None if "3" in name else "a") for name in names))
    (tmp_path / "a.4.wav").unlink()
    table = read_listing(tmp_path)
    assert table is not None
    assert [row.path.name for row in table.rows] == ["a.1.wav"]
    assert table.left_out == {tmp_path / "a.3.wav"}
    told = " ".join(table.notes)
    assert "1 file is named and not there (first a.4.wav)" in told
    assert "1 samples that are no audio (first 'a.2.json')" in told
    assert "1 without one label (first 'a.3.wav')" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "must be a listing of Edge Impulse"),
        ("[]", "must be a listing of Edge Impulse"),
        (json.dumps({"files": [file("../x.wav", "a")]}), "leaves the folder"),
        (json.dumps({"files": [file("x.json", "a")]}), "got none. .*as WAV"),
    ],
)
def test_listing_that_says_nothing_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """What was found, and what to do; without a listing it is no export."""
    assert read_listing(tmp_path) is None
    (tmp_path / LABELS_FILE).write_text(text, "utf-8")
    with pytest.raises(DataError, match=told):
        read_listing(tmp_path)


@pytest.mark.parametrize(
    ("stem", "told"),
    [
        ("jump.3k2l1m.s01", "3k2l1m"),
        ("Snore.Thanh.WAV.44u5.ingestion-6bb4-vcm6n.s14", "Thanh.44u5"),
        ("jump", "jump"),
    ],
)
def test_parts_of_a_recording_are_of_one_person(stem: str, told: str) -> None:
    """Its number and the server's name are no part of who speaks."""
    assert recording_of(stem, stem.partition(".")[0]) == told
