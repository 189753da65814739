"""One look at recordings: what a sweep file asks of them, and what stops."""

from pathlib import Path

import pytest

from sprd.audio.findings import find
from sprd.config.trial import FeaturesSection
from tests.audio.recorded import found, looked, record, section


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three words by twelve speakers, with nothing wrong."""
    for name in ("up", "down", "left"):
        record(tmp_path, name)
    return tmp_path


def test_all_that_stops_is_told_first_and_at_once(tmp_path: Path) -> None:
    """Each keyword that lacks, each word that no split has, and too many broken files."""
    record(tmp_path, "left", n=1)
    for n in range(9):
        (tmp_path / f"left/{n}.wav").write_bytes(b"none")
    data = section()
    findings = find(looked(tmp_path), data, FeaturesSection(), is_trained=True)
    stops = [one.name for one in findings if one.stops]
    assert stops == ["unreadable", "words", "words", "words"]
    assert [one.stops for one in findings] == sorted((one.stops for one in findings), reverse=True)
    assert all(word in " ".join(one.what for one in findings) for word in ("'up'", "'down'"))


def test_model_is_scored_without_some_of_its_words_but_not_without_all(folder: Path) -> None:
    """Which are missing, and what is there."""
    one = found(folder, keywords=("up", "jump"))["keywords"]
    assert (one.what, one.stops) == ("no clip of the keyword 'jump'", False)
    one = found(folder, keywords=("jump", "run"))["keywords"]
    assert one.what == "no clip of a keyword of the model: none of 'jump', 'run'"
    assert one.stops
    assert "Known: down, left, up" in one.advice


def test_folder_without_a_clip_says_what_is_there_instead(tmp_path: Path) -> None:
    """In the line that a script reads, too."""
    record(tmp_path / "train", "up", n=3)
    one = found(tmp_path)["empty"]
    assert one.stops
    assert "got no clip" in one.what
    assert "3 recordings left out: train/ hold words" in one.sentence


def test_noise_that_is_missing_is_told_of_people_alone(folder: Path) -> None:
    """Synthetic speech has none, and needs none."""
    index = looked(folder)
    names = [one.name for one in find(index, section(), FeaturesSection(), is_trained=False)]
    assert names == ["no_noise"]


def test_babble_is_looked_for_where_it_is_asked_for(tmp_path: Path) -> None:
    """One person alone is heard behind nobody."""
    record(tmp_path, "left", n=1)
    index = looked(tmp_path, validation_percentage=0, testing_percentage=0)
    for frequency in (0.0, 0.3):
        found_ = find(index, None, FeaturesSection(), False, frequency)
        assert ("babble" in [one.name for one in found_]) == bool(frequency)
