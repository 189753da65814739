"""Files of any length in blocks: the samples that a clip would have, the memory of one block."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio import blocks
from sprd.audio.blocks import read_blocks
from sprd.audio.clips import read_clip
from sprd.errors import DataError

RATE_HZ = 16_000


def speech(seconds: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Noise below 1 kHz that comes and goes, (n,), -1 .. 1."""
    rng = np.random.default_rng(0)
    slow = np.interp(np.arange(int(seconds * rate_hz)) / rate_hz, np.arange(0, seconds + 1, 5e-4),
                     rng.normal(0, 0.2, len(np.arange(0, seconds + 1, 5e-4))))  # fmt: skip
    return np.clip(slow, -1, 1)


def whole(path: Path, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.concatenate(list(read_blocks(path, rate_hz)))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_blocks_together_are_the_samples_of_the_clip(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit by bit at the file's own rate, whatever the blocks."""
    monkeypatch.setattr(blocks, "BLOCK", 7000)
    soundfile.write(tmp_path / name, speech(2.0), RATE_HZ)
    found = list(read_blocks(tmp_path / name, RATE_HZ))
    assert len(found) > 3
    assert all(block.dtype == np.int16 and len(block) for block in found)
    assert np.array_equal(np.concatenate(found), read_clip(tmp_path / name, RATE_HZ))


def test_channels_are_averaged_and_rates_changed_as_in_a_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resampled in pieces, no sample is more than one step off, and none is missing."""
    monkeypatch.setattr(blocks, "BLOCK", 9000)
    path = tmp_path / "stereo.wav"
    wave = speech(1.5, 44_100)
    soundfile.write(path, np.stack([wave, 0.5 * wave[::-1]], axis=1), 44_100)
    clip, found = read_clip(path, RATE_HZ), whole(path)
    assert len(found) == len(clip)
    assert np.abs(found.astype(int) - clip).max() <= 1


def test_a_phone_recording_is_read_in_blocks(tmp_path: Path) -> None:
    """What FFmpeg reads comes out as the clip does."""
    av = pytest.importorskip("av")
    path = tmp_path / "a.m4a"
    samples = (speech(1.0) * 30_000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    found = list(read_blocks(path, RATE_HZ))
    assert len(found) > 3
    assert np.array_equal(np.concatenate(found), read_clip(path, RATE_HZ))


def test_memory_is_that_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes take less than their own 19 MB, and no more than one minute."""
    monkeypatch.setattr(blocks, "BLOCK", 1 << 16)
    peaks = []
    for minutes in (1, 10):
        path = tmp_path / f"{minutes}.flac"
        soundfile.write(path, np.tile(speech(60.0), minutes), RATE_HZ)
        tracemalloc.start()
        n_samples = sum(map(len, read_blocks(path, 8_000)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert abs(n_samples - minutes * 60 * 8_000) < 100
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 5e6


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"", "libsndfile reads"), (b"version https://git-lfs", "Git LFS"), (None, "readable file")],
)
def test_what_is_no_audio_is_named(tmp_path: Path, content: bytes | None, rule: str) -> None:
    """An empty file, a pointer, a missing one: the path and what must hold."""
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.wav: .*{rule}"):
        list(read_blocks(path, RATE_HZ))


def test_a_file_without_a_sample_is_named(tmp_path: Path) -> None:
    """A header alone is no recording."""
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.int16), RATE_HZ)
    with pytest.raises(DataError, match="got no sample"):
        list(read_blocks(tmp_path / "a.wav", RATE_HZ))


def test_infinite_samples_are_refused_where_they_lie(tmp_path: Path) -> None:
    """What came before them has been read."""
    wave = np.concatenate([np.zeros(1 << 20), [np.inf]]).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", wave, RATE_HZ, subtype="FLOAT")
    found = read_blocks(tmp_path / "a.wav", RATE_HZ)
    assert len(next(found)) == 1 << 20
    with pytest.raises(DataError, match="finite"):
        next(found)
