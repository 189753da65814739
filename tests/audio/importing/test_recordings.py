"""Recordings of any length and rate become a mono waveform."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio.importing.recordings import read_recording, sha256_of
from sprd.errors import DataError
from tests.audio.importing.spoken import hum, int16, write


def test_recording_of_the_rate_comes_back_bit_by_bit(tmp_path: Path) -> None:
    """Mono of 16 bits is not touched."""
    samples = int16(hum(0.5))
    recording = read_recording(write(tmp_path / "a.wav", samples), 16_000)
    assert (recording.samples == samples).all() and recording.duration_s == 0.5


def test_stereo_of_a_high_rate_is_averaged_and_brought_down(tmp_path: Path) -> None:
    """Both channels are heard, and time stays."""
    wave = hum(1.0, 0.2, 48_000)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([wave, np.zeros_like(wave)], axis=1), 48_000, subtype="PCM_24")
    recording = read_recording(path, 16_000)
    assert (len(recording.samples), recording.rate_hz) == (16_000, 16_000)
    assert recording.file_rate_hz == 48_000
    difference = recording.samples / 32768 - hum(1.0, 0.1)
    assert np.abs(difference[800:-800]).max() < 0.01


def test_low_rate_stays(tmp_path: Path) -> None:
    """What was never recorded is not made up."""
    path = write(tmp_path / "a.wav", int16(hum(0.5, rate_hz=8_000)), 8_000)
    assert read_recording(path, 16_000).rate_hz == 8_000


@pytest.mark.parametrize(
    ("cut", "told"), [(0, "empty file"), (300, "bytes less"), (20, "libsndfile reads")]
)
def test_damaged_recording_is_told(tmp_path: Path, cut: int, told: str) -> None:
    """Empty, cut off within the sound or within the header."""
    path = write(tmp_path / "a.wav", int16(hum(0.5)))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=told):
        read_recording(path, 16_000)


def test_hash_is_of_the_file(tmp_path: Path) -> None:
    """A missing one is told."""
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(DataError, match="must be a readable file"):
        sha256_of(tmp_path / "b")
