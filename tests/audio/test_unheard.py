"""Sounds that are not heard, or not as they should be."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from sprd.audio import unheard
from tests.audio.recorded import RATE_HZ, found, hash_of, record, word, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three words by twelve speakers, with nothing wrong."""
    for name in ("up", "down", "left"):
        record(tmp_path, name)
    return tmp_path


def test_words_beyond_the_window_stop(folder: Path) -> None:
    """Of a keyword: what is learnt there is the room."""
    record(folder, "up", seconds=2.0, at_s=1.4)
    one = found(folder)["longer"]
    assert one.stops
    assert "12 of 36 clips are longer than the 1 s that are heard (up to 2.00 s)" in one.what
    assert "In 12 of 12 that were listened to, most of the sound lies beyond" in one.what


def test_words_at_the_start_of_long_clips_do_not_stop(folder: Path) -> None:
    """Their end is cut off, which is told."""
    record(folder, "up", seconds=2.0, at_s=0.3)
    one = found(folder)["longer"]
    assert not one.stops
    assert "In 0 of 12" in one.what


@pytest.mark.parametrize(("offset", "room"), [(6000, 30), (0, 900)])
def test_offset_and_room_are_no_speech(folder: Path, offset: int, room: int) -> None:
    """A word at the start of a long clip stays the most of it, however the recorder hums."""
    for i in range(12):
        noise = np.random.default_rng(i).normal(0, room, 48_000)
        samples = word(i, seconds=3.0) + noise + offset
        write(folder / f"up/p{i:02d}_nohash_0.wav", np.clip(samples, -32768, 32767).astype("int16"))
    assert not found(folder)["longer"].stops


def test_recordings_of_many_words_stop(folder: Path) -> None:
    """Though the loudest may be the first."""
    for i in range(12):
        words = [word(i, level=6000), *(word(100 * i + n, level=5000) for n in range(7))]
        write(folder / f"down/p{i:02d}_nohash_0.wav", np.concatenate(words))
    assert found(folder)["longer"].stops


def test_long_recordings_of_other_words_do_not_stop(folder: Path) -> None:
    """Any second of them is another word."""
    record(folder, "left", seconds=3.0, at_s=2.0)
    assert not found(folder)["longer"].stops


def test_few_words_beyond_the_window_do_not_stop(folder: Path) -> None:
    """Two of twelve spoil no word; the files are told."""
    record(folder, "up", n=2, seconds=2.0, at_s=1.4)
    one = found(folder)["longer"]
    assert (one.stops, one.examples) == (False, ("up/p00_nohash_0.wav", "up/p01_nohash_0.wav"))


def test_no_more_clips_are_decoded_than_bound(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evenly chosen, by number and by length; at least one."""
    record(folder, "up", seconds=2.0, at_s=1.4)
    record(folder, "down", seconds=2.0, at_s=1.4)
    monkeypatch.setattr(unheard, "N_LISTENED", 6)
    one = found(folder)["longer"]
    assert "In 6 of 6" in one.what
    assert one.stops
    monkeypatch.setattr(unheard, "MAX_LISTENED_S", 0.1)
    assert "In 1 of 1" in found(folder)["longer"].what


def test_shorter_than_any_word_is_told(folder: Path) -> None:
    """A tenth of a second."""
    write(folder / "up/p00_nohash_0.wav", word(0)[5000:6600])
    assert found(folder)["short"].examples == ("up/p00_nohash_0.wav",)


def test_silent_word_stops_and_silent_clip_does_not(folder: Path) -> None:
    """A keyword, or all; one clip of twelve is told."""
    write(folder / "up/p00_nohash_0.wav", np.zeros(RATE_HZ, np.int16))
    assert not found(folder)["silent"].stops
    for i in range(12):
        write(folder / f"left/p{i:02d}_nohash_0.wav", np.full(RATE_HZ, 90, np.int16))
    assert not found(folder)["silent"].stops
    for i in range(12):
        write(folder / f"up/p{i:02d}_nohash_0.wav", np.full(RATE_HZ, 90, np.int16))
    one = found(folder)["silent"]
    assert (one.stops, "nearly all of 'left', 'up'" in one.what) == (True, True)


def test_same_sound_is_told_whatever_the_file(folder: Path) -> None:
    """A copy in another container is one; under another word it is told so."""
    sound, _ = soundfile.read(folder / "up/p00_nohash_0.wav", dtype="int16")
    soundfile.write(folder / "up/p01_nohash_5.flac", sound, RATE_HZ)
    one = found(folder)["copies"]
    assert one.what.startswith("1 of 37 clips have the same sound as another")
    assert one.examples == ("up/p00_nohash_0.wav", "up/p01_nohash_5.flac")
    write(folder / "down/p01_nohash_7.wav", sound)
    assert "1 time under another word" in found(folder)["copies"].what


def test_quiet_word_is_told_with_its_distance(folder: Path) -> None:
    """Against the median of the others; 9 dB are none."""
    for i in range(12):
        write(folder / f"up/p{i:02d}_nohash_0.wav", word(hash_of("up") + i, level=1800))
    assert "quiet" not in found(folder)
    for i in range(12):
        write(folder / f"up/p{i:02d}_nohash_0.wav", word(hash_of("up") + i, level=500))
    assert found(folder)["quiet"].what == "quieter than the other words: 'up' by 20 dB"


def test_quiet_whole_is_told(tmp_path: Path) -> None:
    """Where no word is quieter than another."""
    for name in ("up", "down"):
        for i in range(12):
            loud = word(hash_of(name) + i, level=8000) // 256
            write(tmp_path / f"{name}/p{i:02d}_nohash_0.wav", loud)
    assert "all words are quiet" in found(tmp_path)["quiet"].what


@pytest.mark.parametrize(("level", "is_told"), [(2, True), (400, False)])
def test_noise_far_below_speech_is_told(folder: Path, level: int, is_told: bool) -> None:
    """Mixed in, it would not be heard."""
    noise = np.random.default_rng(0).normal(0, level, 5 * RATE_HZ).astype(np.int16)
    write(folder / "_background_noise_/room.wav", noise)
    assert ("noise_level" in found(folder)) == is_told


def test_clipped_clips_are_told_where_they_are_many(folder: Path) -> None:
    """A tenth and more."""
    for i in range(5):
        loud = word(i)
        loud[5000:5010] = 32767
        write(folder / f"up/p{i:02d}_nohash_0.wav", loud)
    assert found(folder)["clipped"].what == "5 of 36 clips are clipped"


def test_low_rate_is_told_and_so_is_sound_that_had_one(folder: Path) -> None:
    """By the header, or by a spectrum that ends where the front end still has channels."""
    clips = sorted(folder.glob("*/*.wav"))
    low = [soxr.resample(soundfile.read(path)[0], RATE_HZ, 8000) for path in clips]
    for path, sound in zip(clips, low, strict=True):
        soundfile.write(path, soxr.resample(sound, 8000, RATE_HZ), RATE_HZ, "PCM_16")
    assert "nothing lies above 4,500 Hz in 36 of 36 clips" in found(folder)["rate"].what
    for path, sound in zip(clips[:5], low, strict=False):
        soundfile.write(path, sound, 8000, "PCM_16")
    told = found(folder)["rate"].what
    assert "5 of 36 clips were recorded at 8,000 Hz: nothing lies above 4,000 Hz" in told


def test_soft_recordings_and_silence_before_a_word_tell_no_rate(folder: Path) -> None:
    """What is soft above is rounded away, and a pause holds nothing at any rate."""
    for path in sorted(folder.glob("*/*.wav")):
        samples = soundfile.read(path, dtype="int16")[0]
        soft = soxr.resample(samples.astype(float) * 300 / np.abs(samples).max(), RATE_HZ, 8000)
        is_soft = path.name < "p06"
        loud = np.concatenate([np.zeros(3 * RATE_HZ, np.int16), samples])
        write(path, soxr.resample(soft, 8000, RATE_HZ).astype(np.int16) if is_soft else loud)
    assert "rate" not in found(folder)
