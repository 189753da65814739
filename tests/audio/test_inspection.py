"""What `sprd data check` finds in a folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio.inspection import inspect_folder
from sprd.errors import DataError


def write(path: Path, samples: np.ndarray, rate_hz: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz)


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
    report = inspect_folder(tmp_path)
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
    assert len(report.problems) == 7
    json.dumps(report.as_dict())


def test_a_folder_without_audio_is_refused(tmp_path: Path) -> None:
    """Nothing to report is an error, not an empty report."""
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match="folder of recordings"):
            inspect_folder(folder)


def test_real_speech_has_little_wrong_with_it(shared: Path) -> None:
    """The clips of Speech Commands are counted as its README counts them."""
    report = inspect_folder(shared / "data/speech_commands")
    assert (report.n_clips, len(report.words), len(report.noise)) == (3905, 35, 4)
    assert (report.unreadable, report.longer, report.silent) == ({}, (), ())
    assert report.sample_rates_hz == {16_000: 3905}
    report = inspect_folder(shared / "data/custom")
    assert (report.n_clips, report.n_speakers) == (20, 1)
    assert report.sample_rates_hz == {44_100: 20}
