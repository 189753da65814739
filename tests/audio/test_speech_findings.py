"""What is told of running speech before it trains or scores anything."""

from pathlib import Path

import pytest

from sprd.audio.corpus import index_data, open_corpus, split_digest
from sprd.audio.finding import Finding
from sprd.audio.findings import find, index_folders
from sprd.audio.speech_findings import hours_of
from sprd.audio.split import Split
from sprd.config.trial import DataSection, FeaturesSection
from sprd.errors import DataError
from tests.audio.recorded import record
from tests.audio.speech import library, say


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for name in ("up", "down", "cat"):
        record(tmp_path / "clips", name, n=30)
    return tmp_path / "clips"


DATA = DataSection(keywords=("up", "down"))


def found(clips: Path, *speech: Path) -> dict[str, Finding]:
    """What is found, by name, but for what these clips lack."""
    index = index_data(DATA, (clips,), speech)
    told = find(index, DATA, FeaturesSection(), is_trained=True)
    return {one.name: one for one in told if one.name != "no_noise"}


def test_speech_in_every_split_without_keywords_is_as_it_should_be(
    clips: Path, tmp_path: Path
) -> None:
    """Nothing is told of it."""
    assert found(clips, library(tmp_path / "s")) == {}


def test_recordings_with_a_keyword_are_counted(clips: Path, tmp_path: Path) -> None:
    """Each word apart."""
    folder = library(tmp_path / "s")
    (folder / "3" / "7" / "3-7.trans.txt").write_text("3-7-0000 UP, UP\n3-7-0001 UP AND DOWN\n")
    sentence = found(clips, folder)["speech_keywords"].sentence
    assert "s: a keyword is said in 2 recordings (up 2, down 1): left out" in sentence


def test_speech_that_nobody_wrote_down_gets_a_warning(clips: Path, tmp_path: Path) -> None:
    """It says what could go wrong, and where readers without names lie."""
    for number in range(3):
        say(tmp_path / "talk", f"meeting {number}.wav", number, seconds=6.0)
    told = found(clips, tmp_path / "talk")
    assert "3 recordings, 0.3 min" in told["no_transcripts"].sentence
    assert "told as a false accept" in told["no_transcripts"].sentence
    assert "all of the recordings are for validation" in told["readers"].sentence
    assert "no running speech for training and testing" in told["speech_splits"].sentence
    assert not any(one.stops for one in told.values())


def test_files_without_a_reader_beside_others_are_counted(clips: Path, tmp_path: Path) -> None:
    """They alone are for validation."""
    folder = library(tmp_path / "s")
    (folder / "a.trans.txt").write_text("talk HELLO")
    say(folder, "talk.wav", 999)
    assert "no reader named by 1 of the recordings" in found(clips, folder)["readers"].sentence


def test_a_transcript_that_cannot_be_read_is_told(clips: Path, tmp_path: Path) -> None:
    """And how many recordings go with it."""
    folder = library(tmp_path / "s")
    (folder / "3" / "7" / "3-7.trans.txt").write_bytes(b"\xff")
    index = index_data(DATA, (clips,), (folder,))
    told = [one.sentence for one in find(index, DATA, FeaturesSection(), True)]
    assert any("1 transcript cannot be read ('3/7/3-7.trans.txt')" in one for one in told)
    assert any("no transcript tells what is said in 2 recordings" in one for one in told)


def test_a_folder_of_which_nothing_is_left_stops(clips: Path, tmp_path: Path) -> None:
    """With the reasons: here, all of it is said to be a keyword."""
    folder = library(tmp_path / "s", said="DOWN")
    one = found(clips, folder)["speech"]
    assert one.stops
    assert "no recording of running speech is left" in one.sentence
    assert "a keyword is said in 24 recordings (down 24)" in one.sentence


def test_damaged_speech_is_told(clips: Path, tmp_path: Path) -> None:
    """As the first of it is damaged."""
    folder = library(tmp_path / "s")
    (folder / "9-7-0009.wav").write_bytes(b"")
    sentence = found(clips, folder)["speech_unreadable"].sentence
    assert "1 recording of speech skipped" in sentence
    assert "empty file" in sentence


def test_what_lies_in_two_folders_is_told(clips: Path, tmp_path: Path) -> None:
    """Of speech and of clips."""
    one, two = library(tmp_path / "a"), library(tmp_path / "b")
    record(tmp_path / "more", "up", n=30)
    record(tmp_path / "more", "up", n=3, seed=1)
    say(two, "1-1-0001.wav", 999)
    (two / "x.trans.txt").write_text("1-1-0001 HELLO")
    index = index_data(DATA, (clips, tmp_path / "more"), (one, two))
    told = [x.sentence for x in find(index, DATA, FeaturesSection(), True) if x.name == "twice"]
    assert "30 files of the same content in two folders: counted once" in told[0]
    assert "24 recordings of speech in two folders" in told[1]
    assert len(index.corpus.speech) == 25


def test_a_folder_cannot_be_data_and_speech(clips: Path, tmp_path: Path) -> None:
    """Nor lie in the other: its keywords would count as what is no keyword."""
    for data, speech in ((clips, clips), (clips, clips / "up"), (clips, tmp_path)):
        with pytest.raises(DataError, match="must lie apart from the clips"):
            open_corpus(DATA, (data,), (speech,))


def test_a_copy_of_the_clips_is_no_speech(clips: Path, tmp_path: Path) -> None:
    """The contents tell, in a folder that is called otherwise."""
    for path in clips.rglob("*.wav"):
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / f"{path.parent.name} {path.name}").write_bytes(path.read_bytes())
    assert found(clips, tmp_path / "copy")["speech"].stops


@pytest.mark.parametrize("what", ["missing", "empty", "twice"])
def test_folders_of_speech_must_hold_some(clips: Path, tmp_path: Path, what: str) -> None:
    """Each is named once, is there, and holds audio."""
    folders = [tmp_path / "s"]
    if what != "missing":
        (tmp_path / "s").mkdir()
    if what == "twice":
        folders = [library(tmp_path / "s")] * 2
    with pytest.raises(DataError, match=str(tmp_path / "s")):
        open_corpus(DATA, (clips,), folders)


def test_speech_is_part_of_what_names_the_data(clips: Path, tmp_path: Path) -> None:
    """Of fingerprint and split; without it both are those of the clips alone."""
    plain = open_corpus(DATA, (clips,))
    some = open_corpus(DATA, (clips,), (library(tmp_path / "a"),))
    more = open_corpus(DATA, (clips,), (library(tmp_path / "b", 13),))
    assert len({one.fingerprint for one in (plain, some, more)}) == 3
    assert len({split_digest(one) for one in (plain, some, more)}) == 3
    assert plain.clips == some.clips
    named = DATA.model_copy(update={"source": str(clips), "speech": (str(tmp_path / "a"),)})
    assert open_corpus(named) == some
    assert hours_of(plain.speech) == dict.fromkeys(Split, 0.0)


def test_without_a_sweep_file_no_keyword_is_known(clips: Path, tmp_path: Path) -> None:
    """Nothing of the speech is left out."""
    index = index_folders((clips,), (), (library(tmp_path / "s", said="UNKNOWN UP"),))
    assert len(index.corpus.speech) == 24
