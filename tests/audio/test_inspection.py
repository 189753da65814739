"""What `sprd data check` tells of folders."""

import json
from pathlib import Path

import numpy as np
import soundfile

from sprd.audio.findings import find, index_folders
from sprd.audio.inspection import FolderReport, report
from sprd.config.trial import FeaturesSection


def write(path: Path, samples: np.ndarray, rate_hz: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz)


def inspected(*folders: Path) -> FolderReport:
    """As the command reports without a sweep file."""
    index = index_folders(folders)
    return report(index, find(index, None, FeaturesSection(), is_trained=True), 1.0)


def test_each_fault_is_found_and_named(tmp_path: Path) -> None:
    """One file a fault, and none of them stops the check."""
    sound = np.random.default_rng(0).integers(-3000, 3000, (8, 20_000)).astype(np.int16)
    loud = sound[1].copy()
    loud[50:60] = 32767
    write(tmp_path / "yes/good_nohash_0.wav", sound[0, :16_000])
    write(tmp_path / "yes/copy_nohash_0.wav", sound[0, :16_000])
    write(tmp_path / "yes/loud_nohash_0.wav", loud[:16_000])
    write(tmp_path / "yes/long_nohash_0.wav", sound[2])
    write(tmp_path / "yes/short_nohash_0.wav", sound[3, :8000])
    write(tmp_path / "yes/silent_nohash_0.wav", np.zeros(16_000, np.int16))
    write(tmp_path / "yes/nobody.wav", sound[4, :8000], 8000)
    write(tmp_path / "_background_noise_/hum.wav", sound[5])
    (tmp_path / "yes/empty_nohash_0.wav").write_bytes(b"")
    (tmp_path / "yes/deeper").mkdir()
    write(tmp_path / "yes/deeper/a_nohash_0.wav", sound[6])
    report = inspected(tmp_path)
    assert (report.n_clips, report.n_speakers) == (7, 7)
    assert report.longer == ("yes/long_nohash_0.wav",)
    assert report.shorter == ("yes/short_nohash_0.wav",)
    assert report.silent == ("yes/silent_nohash_0.wav",)
    assert report.clipped == ("yes/loud_nohash_0.wav",)
    assert report.duplicates == (("yes/copy_nohash_0.wav", "yes/good_nohash_0.wav"),)
    assert report.without_speaker == ("yes/nobody.wav",)
    assert report.few_speakers == ("yes",)
    assert list(report.unreadable) == ["yes/empty_nohash_0.wav"]
    assert report.noise == {"_background_noise_/hum.wav": 1.25}
    assert report.sample_rates_hz == {8000: 1, 16_000: 6}
    assert (report.shortest_s, report.longest_s) == (0.5, 1.25)
    assert report.left_out == {"a folder too deep": ("yes/deeper/a_nohash_0.wav",)}
    names = [one["name"] for one in report.findings]
    assert names == [
        *("depth", "unreadable", "longer", "silent", "copies", "clipped", "rate", "speakers"),
        "speakers",
    ]
    assert len(report.problems) == len(names)
    json.dumps(report.as_dict())


def test_folders_are_told_together(tmp_path: Path) -> None:
    """The further ones as a sweep names those in data.extra; the same word is one."""
    sound = np.random.default_rng(0).integers(-3000, 3000, (2, 16_000)).astype(np.int16)
    write(tmp_path / "a/yes/x_nohash_0.wav", sound[0])
    write(tmp_path / "b/yes/y_nohash_0.wav", sound[1])
    found = inspected(tmp_path / "a", tmp_path / "b")
    assert [(word.word, word.n_clips, word.n_speakers) for word in found.words] == [("yes", 2, 2)]


def test_folder_without_audio_is_told_with_what_stops(tmp_path: Path) -> None:
    """Nothing to report is a fault."""
    (tmp_path / "yes").mkdir()
    found = inspected(tmp_path)
    told = [(one["name"], one["stops"]) for one in found.findings]
    assert told == [("empty", True), ("empty_folder", False)]


def test_real_speech_has_little_wrong_with_it(shared: Path) -> None:
    """The clips of Speech Commands are counted as its README counts them; its noise is low."""
    found = inspected(shared / "data/speech_commands")
    assert (found.n_clips, len(found.words), len(found.noise)) == (3905, 35, 4)
    assert (found.unreadable, found.longer, found.silent) == ({}, (), ())
    assert found.sample_rates_hz == {16_000: 3905}
    assert [one["name"] for one in found.findings] == ["noise_level"]
    found = inspected(shared / "data/custom")
    assert (found.n_clips, found.n_speakers) == (20, 1)
    assert found.sample_rates_hz == {44_100: 20}
