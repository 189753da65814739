"""Recordings become clips: once, whole, under new names, with a report."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio.importing.journal import REPORT_FILE
from sprd.audio.importing.label_files import Label
from sprd.audio.importing.plan import Item
from sprd.audio.importing.run import Imported, Settings, import_recordings
from sprd.errors import DataError
from tests.audio.importing.spoken import RATE_HZ, int16, room, said, write


def run(
    out: Path,
    *items: Item,
    labels: Sequence[Label] | None = None,
    window_ms: int = 1000,
) -> Imported:
    """Imports; labels are of the first."""
    told = {items[0].path: labels} if labels is not None else {}
    return import_recordings(items, out, Settings(window_ms), told, lambda *_: None)


@pytest.fixture
def item(tmp_path: Path) -> Item:
    """A recording of three words."""
    path = write(tmp_path / "in" / "anna.wav", said((1.0, 3.0, 5.0), 7.0))
    return Item(path, "jump", "anna")


def clips(out: Path) -> list[str]:
    """The clips of a folder."""
    return sorted(str(path.relative_to(out)) for path in out.glob("*/*.wav"))


def test_long_recording_becomes_clips_of_it(tmp_path: Path, item: Item) -> None:
    """Each is the very part of the recording that the report names."""
    out = tmp_path / "out"
    done = run(out, item)
    assert clips(out) == [f"jump/anna_nohash_{n}.wav" for n in range(3)]
    (source,) = json.loads((out / REPORT_FILE).read_text())["sources"]
    assert [source] == list(done.sources) == list(done.new)
    whole = soundfile.read(item.path, dtype="int16")[0]
    for clip in source["clips"]:
        samples, rate_hz = soundfile.read(out / clip["clip"], dtype="int16")
        start = round(clip["start_s"] * RATE_HZ)
        assert (rate_hz, len(samples)) == (RATE_HZ, RATE_HZ)
        assert (samples == whole[start : start + RATE_HZ]).all()


def test_same_again_adds_what_is_new(tmp_path: Path, item: Item) -> None:
    """A clip that was deleted stays so; numbers go on; nothing is written twice."""
    out = tmp_path / "out"
    run(out, item)
    (out / "jump/anna_nohash_1.wav").unlink()
    other = Item(write(tmp_path / "in/more.wav", said((1.0, 4.0), 6.0)), "jump", "anna")
    done = run(out, item, other)
    assert (done.n_known, len(done.new), len(done.sources)) == (1, 1, 2)
    assert clips(out) == [f"jump/anna_nohash_{n}.wav" for n in (0, 2, 3, 4)]
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*")}
    assert run(out, item, other).n_known == 2
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/*")} == before


def test_same_sound_as_something_else_is_refused(tmp_path: Path, item: Item) -> None:
    """As another word, another speaker or cut otherwise; nothing is written."""
    out = tmp_path / "out"
    copy = tmp_path / "in" / "copy.wav"
    copy.write_bytes(item.path.read_bytes())
    with pytest.raises(DataError, match="'stop' by 'ben', and before 'jump' by 'anna'"):
        run(out, item, Item(copy, "stop", "ben"))
    assert not out.exists()
    assert run(out, item, Item(copy, "jump", "anna")).n_known == 1
    with pytest.raises(DataError, match="got other clips or labels"):
        run(out, item, window_ms=800)


def test_short_recording_is_a_clip_as_it_is(tmp_path: Path) -> None:
    """What is as long as a clip holds one word."""
    samples = said((0.2,), 0.9)
    run(tmp_path / "out", Item(write(tmp_path / "a.wav", samples), "up", "anna"))
    written = soundfile.read(tmp_path / "out/up/anna_nohash_0.wav", dtype="int16")[0]
    assert (written == samples).all()


def test_recording_without_a_word_is_told(tmp_path: Path, item: Item) -> None:
    """Alone it is refused and leaves nothing; among others it has no clip."""
    silent = Item(write(tmp_path / "b.wav", int16(room(0.9, 1e-5))), "up", "ben")
    with pytest.raises(DataError, match="got only what is silent in 1 recording"):
        run(tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()
    done = run(tmp_path / "out", item, silent)
    assert [len(source["clips"]) for source in done.sources] == [3, 0]
    assert done.sources[1]["dropped"][0]["reason"] == "silent"


def test_unreadable_recording_does_not_stop_the_others(tmp_path: Path, item: Item) -> None:
    """It is a problem; alone it is an error."""
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    done = run(tmp_path / "out", item, Item(bad, "up", "ben"))
    assert len(done.new) == 1 and "bad.wav: must be audio" in done.problems[0]
    with pytest.raises(DataError, match=r"bad\.wav: must be audio"):
        run(tmp_path / "other", Item(bad, "up", "ben"))


def test_labels_decide_instead_of_energy(tmp_path: Path, item: Item) -> None:
    """Words come from them; of a file of one word others are dropped."""
    labels = [Label(1.0, 1.4, "Jump", "", 1), Label(3.0, 3.4, "stop", "", 2)]
    run(tmp_path / "all", Item(item.path, "", "anna"), labels=labels)
    assert clips(tmp_path / "all") == ["jump/anna_nohash_0.wav", "stop/anna_nohash_0.wav"]
    done = run(tmp_path / "one", item, labels=labels)
    assert clips(tmp_path / "one") == ["jump/anna_nohash_0.wav"]
    assert done.new[0]["dropped"][0]["reason"] == "labelled 'stop'"


def test_import_and_check_agree_on_what_is_no_word(tmp_path: Path, item: Item) -> None:
    """What a check would tell as too short or silent does not become a clip."""
    short = Item(write(tmp_path / "s.wav", said((0.07,), 0.14)), "up", "ben")
    hum = np.full(RATE_HZ, 4000, np.int16)
    hum[::2] += 3
    offset = Item(write(tmp_path / "o.wav", hum), "up", "carl")
    done = run(tmp_path / "out", item, short, offset)
    reasons = [source["dropped"][0]["reason"] for source in done.sources[1:]]
    assert reasons == ["too short", "silent"]


def test_recording_without_a_word_takes_labels_later(tmp_path: Path, item: Item) -> None:
    """As the advice says; a recording that has clips is not cut anew."""
    quiet = Item(write(tmp_path / "in/q.wav", int16(room(5.0, 1e-3))), "jump", "ben")
    run(tmp_path / "out", item, quiet)
    run(tmp_path / "out", quiet, labels=[Label(2.0, 2.4, "jump", "", 1)])
    assert "jump/ben_nohash_0.wav" in clips(tmp_path / "out")
    with pytest.raises(DataError, match="got other clips or labels"):
        run(tmp_path / "out", item, labels=[Label(2.0, 2.4, "jump", "", 1)])


def test_recording_of_no_word_and_no_label_has_no_clip(tmp_path: Path, item: Item) -> None:
    """Where labels tell the words, it is told that none is of it."""
    other = Item(write(tmp_path / "in/b.wav", said((1.0,), 3.0)), "", "ben")
    labels = [Label(1.0, 1.4, "up", "", 1)]
    done = run(tmp_path / "out", Item(item.path, "", "anna"), other, labels=labels)
    assert clips(tmp_path / "out") == ["up/anna_nohash_0.wav"]
    assert done.sources[1]["dropped"][0]["reason"] == "without a label"


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (Label(8.0, 9.0, "up", "", 4), "must lie within 7.00 s, got 9.00 s in line 4"),
        (Label(1.0, 2.0, "", "", 4), "must be a word, got ''"),
    ],
)
def test_label_that_means_nothing_is_told(
    tmp_path: Path, item: Item, label: Label, told: str
) -> None:
    """With the line."""
    with pytest.raises(DataError, match=told):
        run(tmp_path / "out", Item(item.path, "", "anna"), labels=[label])


def test_noise_is_kept_whole_under_its_name(tmp_path: Path, item: Item) -> None:
    """Beside the words, where a sweep looks for it."""
    noise = Item(write(tmp_path / "kitchen.wav", int16(room(5.0))), "_background_noise_", "x")
    run(tmp_path / "out", item, noise)
    kept = soundfile.info(tmp_path / "out/_background_noise_/kitchen.wav")
    assert kept.frames == 5 * RATE_HZ
