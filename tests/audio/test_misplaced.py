"""Files, folders, words and speakers that are not where or what they should be."""

from dataclasses import replace
from pathlib import Path

import pytest

from sprd.audio import media
from sprd.audio.misplaced import of_babble, of_speakers
from tests.audio.recorded import found, looked, record, word, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three words by twelve speakers, with nothing wrong."""
    for name in ("up", "down", "left"):
        record(tmp_path, name)
    return tmp_path


def test_nothing_is_said_where_nothing_is_wrong(folder: Path) -> None:
    """Documents beside the clips are no recordings that anybody misses."""
    for name in ("README.md", "LICENSE", "up/labels.txt", "validation.csv"):
        (folder / name).write_text("x")
    assert found(folder) == {}


@pytest.mark.parametrize(
    ("names", "finding", "told"),
    [
        (("up/a.raw", "up/b.raw", "down/c"), "suffix", "2 .raw files and 1 suffixless file left"),
        (("one.wav", "two.wav"), "place", "2 recordings left out, beside the folders of words"),
        (("up/anna/0.wav", "up/anna/1.wav"), "depth", "2 recordings left out, in a subfolder"),
        (("train/up/0.wav", "Test/up/0.wav"), "splits", "2 recordings left out: Test/, train/"),
    ],
)
def test_files_that_are_left_out_are_told(
    folder: Path, names: tuple[str, ...], finding: str, told: str
) -> None:
    """How many, which first, and what to do."""
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / "x.wav", word(i))
        (folder / "x.wav").rename(folder / name)
    one = found(folder)[finding]
    assert told in one.what
    assert one.examples == tuple(sorted(names))
    assert not one.stops


def test_recordings_of_phones_name_what_reads_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyAV; with it those that are broken are unreadable files."""
    for n in range(3):
        (folder / f"up/{n}.m4a").write_bytes(b"nothing")
    monkeypatch.setattr(media, "is_installed", lambda: False)
    assert "3 .m4a files left out" in found(folder)["suffix"].what
    assert "pip install 'sprd[media]'" in found(folder)["suffix"].advice


def test_unreadable_files_are_told_with_the_first_reason(folder: Path) -> None:
    """Counted by suffix; how many a training bears is the sweep file's."""
    for n in range(2):
        (folder / f"up/{n}.wav").write_bytes(b"<!doctype html>")
    one = found(folder, max_bad_percentage=50.0)["unreadable"]
    assert one.sentence.startswith("2 .wav files skipped: cannot be read ('up/0.wav', 'up/1.wav').")
    assert not one.stops
    assert found(folder)["unreadable"].stops


def test_each_rule_that_unreadable_files_break_is_told(folder: Path) -> None:
    """The first of each, not the first of all."""
    for n, content in enumerate((b"", b"", b"RIFF", b"#!AMR\n")):
        (folder / f"up/{n}.wav").write_bytes(content)
    told = found(folder, max_bad_percentage=50.0)["unreadable"].advice
    assert told.count("got an empty file") == 1
    assert "Another must be audio that libsndfile reads" in told
    assert "Another must be what its name says, got AMR" in told


def test_links_to_nowhere_and_empty_folders_are_told(folder: Path) -> None:
    """A disk that is not there takes a word away without an error."""
    (folder / "up/gone_nohash_0.wav").symlink_to(folder / "gone.wav")
    (folder / "right").symlink_to(folder / "gone")
    (folder / "go").mkdir()
    assert found(folder)["links"].what == "2 links to nowhere left out"
    assert found(folder)["links"].examples == ("right", "up/gone_nohash_0.wav")
    assert found(folder)["empty_folder"].sentence.startswith("nothing in 1 folder ('go/')")


@pytest.mark.parametrize("name", ["noise", "Background-Noise", "_silence", "background_noise"])
def test_folder_of_noise_is_no_word(folder: Path, name: str) -> None:
    """It is told, and where it should lie; a keyword may be called so."""
    record(folder, name)
    one = found(folder)["noise_folder"]
    assert repr(name) in one.what
    assert "_background_noise_" in one.advice
    assert "noise_folder" not in found(folder, keywords=("up", name))


@pytest.mark.parametrize("name", ["UP", "Up ", "úp", "upp", "up_2", "up (copy)"[:4]])
def test_folder_that_is_nearly_a_keyword_is_told(folder: Path, name: str) -> None:
    """By case, accents, digits, signs or doubled letters, though the keyword has clips."""
    record(folder, name, n=2)
    assert found(folder)["spelling"].what == f"the folder {name!r} (2 clips) looks like 'up'"


def test_words_that_differ_by_their_number_are_not_alike(folder: Path) -> None:
    """Nobody means the one by the other."""
    for name in ("channel_1", "channel_2"):
        record(folder, name)
    assert "spelling" not in found(folder, keywords=("up", "channel_1"))


def test_keywords_in_file_names_alone_are_told(tmp_path: Path) -> None:
    """A folder a speaker is no word."""
    for i, speaker in enumerate(("anna", "ben")):
        for n, name in enumerate(("up_1.wav", "Up2.wav", "down-01.wav", "upper.wav")):
            write(tmp_path / speaker / name, word(10 * i + n))
    one = found(tmp_path)["place"]
    assert one.what == "6 files called like a keyword, in folders of other names"
    assert one.examples[0] == "anna/Up2.wav"


def test_rare_slip_of_a_letter_is_told_and_a_word_is_not(folder: Path) -> None:
    """'dowm' with two clips means 'down'; 'town' with as many as 'down' is a word."""
    record(folder, "town")
    record(folder, "gown", n=1)
    assert "'gown'" in found(folder)["spelling"].what
    record(folder, "gown", n=12)
    assert "spelling" not in found(folder)


def test_few_and_nameless_speakers_are_told(tmp_path: Path) -> None:
    """Of the keywords alone; a file without a name counts as somebody."""
    for name in ("up", "down"):
        record(tmp_path, name, n=2)
    record(tmp_path, "left", n=12)
    assert found(tmp_path)["speakers"].what == "2 speakers said the keywords"
    for n in range(12):
        write(tmp_path / f"up/{n}.wav", word(n))
    told = found(tmp_path)["speakers"].what
    assert told == "no speaker named by 12 files: each counts as somebody else"


def test_nameless_clips_beside_synthetic_voices_are_told(folder: Path) -> None:
    """One's own takes would else be dealt as strangers; that few people spoke is told elsewhere."""
    index = looked(folder)
    clips = [
        replace(clip, path=Path(f"{i}.wav"), is_synthetic=i >= 12)
        for i, clip in enumerate(index.corpus.clips)
    ]
    corpus = replace(index.corpus, clips=tuple(clips), is_synthetic=True)
    (one,) = of_speakers(corpus, ())
    assert one.what == "no speaker named by 12 files: each counts as somebody else"


@pytest.mark.parametrize(("name", "is_told"), [("up", True), ("left", False)])
def test_babble_of_nobody_is_told(tmp_path: Path, name: str, is_told: bool) -> None:
    """It takes two speakers, and a word that is no keyword."""
    record(tmp_path, name, n=2)
    shares = {"validation_percentage": 0, "testing_percentage": 0}
    assert bool(of_babble(looked(tmp_path, **shares).corpus, ("up",))) == is_told
    (tmp_path / name / "p01_nohash_0.wav").unlink()
    assert of_babble(looked(tmp_path, **shares).corpus, ("up",))
