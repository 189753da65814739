"""Recordings of phones and browsers: read where PyAV is, refused with the way out where not."""

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sprd.audio import media
from sprd.audio.clips import read_clip, readable_suffixes
from sprd.errors import DataError

needs_av = pytest.mark.skipif(
    find_spec("av") is None, reason="reads no .m4a here: pip install 'sprd[media]'"
)

FORMATS = [
    ("a.m4a", "mp4", "aac"),
    ("a.mp4", "mp4", "aac"),
    ("a.3gp", "3gp", "aac"),
    ("a.webm", "webm", "libopus"),
    ("a.aac", "adts", "aac"),
    ("a.m4a", "ipod", "alac"),
    ("a.mov", "mov", "pcm_s16le"),
]


def tone(rate_hz: int) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)


def recorded(form: str, codec: str) -> bytes:
    """One second of a tone at 48 kHz, stereo."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        track = container.add_stream(codec, rate=48_000)
        track.layout = "stereo"
        context = track.codec_context
        planes = np.stack([tone(48_000)] * 2).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        fitted = av.AudioResampler(context.format, "stereo", 48_000, context.frame_size or 1024)
        for part in (*fitted.resample(frame), *fitted.resample(None)):
            container.mux(track.encode(part))
        container.mux(track.encode(None))
    return file.getvalue()


@needs_av
@pytest.mark.parametrize(("name", "form", "codec"), FORMATS)
def test_recordings_of_phones_are_read(tmp_path: Path, name: str, form: str, codec: str) -> None:
    """At the rate that is asked for; both channels count the same."""
    (tmp_path / name).write_bytes(recorded(form, codec))
    samples = read_clip(tmp_path / name, 16_000)
    assert abs(len(samples) - 16_000) < 800
    expected = 0.5 * 32768 / np.sqrt(2)
    assert samples[2000:14_000].astype(float).std() == pytest.approx(expected, rel=0.05)
    assert Path(name).suffix in readable_suffixes()


@needs_av
def test_amr_is_read() -> None:
    """Frames of 20 ms at 8 kHz."""
    frames = b"".join(b"\x3c" + bytes(31) for _ in range(50))
    found = media.decode_media(b"#!AMR\n" + frames, 10**6)
    assert not isinstance(found, str)
    assert (len(found[0]), found[1]) == (8000, 8000)


@needs_av
@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + np.random.default_rng(0).bytes(4000),
        b"no sound at all",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
    ],
)
def test_what_is_no_recording_is_refused(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """In one line, and FFmpeg itself says nothing; lists of other files are not followed."""
    (tmp_path / "a.m4a").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.m4a: must be audio that FFmpeg reads: Invalid"):
        read_clip(tmp_path / "a.m4a", 16_000)
    assert capfd.readouterr() == ("", "")


@needs_av
def test_truncated_and_endless_recordings_are_refused() -> None:
    """Half of a file is no recording, and no file fills the memory."""
    whole = recorded("webm", "libopus")
    assert "all the sound" in str(media.decode_media(whole[: len(whole) // 2], 10**6))
    whole = recorded("mp4", "aac")
    assert "Invalid data" in str(media.decode_media(whole[: len(whole) // 2], 10**6))
    assert "at most 1,000 samples" in str(media.decode_media(whole, 1000))


def test_without_pyav_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that installs it, and the one that converts."""
    monkeypatch.setattr(media, "find_spec", lambda name: None)
    found = media.decode_media(b"x", 10)
    assert isinstance(found, str)
    assert "pip install 'sprd[media]'" in found
    assert "ffmpeg -i" in found
    assert not readable_suffixes() & set(media.SUFFIXES)
