"""A stretch of a recording is what the whole holds there."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio import media, stretch
from sprd.audio.clips import read_clip
from sprd.audio.stretch import read_stretch
from sprd.errors import DataError

RATE = 16_000
WAVE = np.random.default_rng(0).integers(-9000, 9000, 10 * RATE).astype(np.int16)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_stretch_is_a_part_of_the_whole(tmp_path: Path, name: str) -> None:
    """To the sample; at the end there is less of it."""
    soundfile.write(tmp_path / name, WAVE, RATE)
    found = read_stretch(tmp_path / name, 2.5, 1.5, RATE)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, WAVE[40_000:64_000])
    np.testing.assert_array_equal(read_stretch(tmp_path / name, 9.0, 5.0, RATE), WAVE[9 * RATE :])


def test_vorbis_is_sought_to_the_sample(shared: Path) -> None:
    """Running speech comes as Ogg Vorbis."""
    folder = shared / "data/running_speech/coffee_maker"
    path = sorted(folder.glob("*.ogg"))[0]
    whole = read_clip(path, RATE).astype(int)
    found = read_stretch(path, 1.0, 1.0, RATE)
    assert np.abs(whole[RATE : 2 * RATE] - found).max() <= 1


def test_channels_and_other_rates_are_brought_to_one(tmp_path: Path) -> None:
    """As of a clip."""
    soundfile.write(tmp_path / "a.wav", np.stack([WAVE, WAVE], axis=1), 2 * RATE)
    assert len(read_stretch(tmp_path / "a.wav", 1.0, 2.0, RATE)) == 2 * RATE


def test_what_is_read_on_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a container that finds no sample by its number."""
    soundfile.write(tmp_path / "a.wav", WAVE, RATE)
    monkeypatch.setattr(media, "SUFFIXES", (".wav",))
    blocks = [WAVE[start : start + 7001] for start in range(0, len(WAVE), 7001)]
    monkeypatch.setattr(stretch, "read_blocks", lambda path, rate: iter(blocks))
    for start, seconds in ((0.0, 1.0), (2.5, 1.5), (9.5, 3.0)):
        found = read_stretch(tmp_path / "a.wav", start, seconds, RATE)
        expected = WAVE[int(start * RATE) : int((start + seconds) * RATE)]
        np.testing.assert_array_equal(found, expected)


def test_recording_that_is_gone_or_too_short_is_told(tmp_path: Path) -> None:
    """In one line."""
    soundfile.write(tmp_path / "a.wav", WAVE, RATE)
    with pytest.raises(DataError, match=r"must hold sound at 10\.0 s, got its end"):
        read_stretch(tmp_path / "a.wav", 10.0, 1.0, RATE)
    with pytest.raises(DataError, match="must be audio that libsndfile reads"):
        read_stretch(tmp_path / "none.wav", 0.0, 1.0, RATE)
