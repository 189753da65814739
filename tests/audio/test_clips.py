"""Reading audio files: exact where nothing has to change, and never silently less than there is."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from sprd.audio import clips
from sprd.audio.clips import SUFFIXES, decode_content, fit_length, read_clip
from sprd.audio.importing.recordings import read_recording
from sprd.errors import DataError

RATE_HZ = 16_000


@pytest.fixture
def ramp() -> np.ndarray:
    return np.arange(-16_000, 16_000, 2, dtype=np.int16)


def tone(rate_hz: int, hz: float = 440.0, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)


def test_16_bit_mono_comes_back_bit_by_bit(tmp_path: Path, ramp: NDArray[np.int16]) -> None:
    """Nothing is rounded on the way of a file that is as it should be."""
    ramp[:2] = -32768, 32767
    soundfile.write(tmp_path / "a.wav", ramp, RATE_HZ)
    assert np.array_equal(ramp, read_clip(tmp_path / "a.wav", RATE_HZ))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_every_bit_depth_gives_the_same_loudness(tmp_path: Path, subtype: str) -> None:
    """A float file is scaled, and an 8-bit file is not centred elsewhere."""
    soundfile.write(tmp_path / "a.wav", tone(RATE_HZ), RATE_HZ, subtype=subtype)
    samples = read_clip(tmp_path / "a.wav", RATE_HZ)
    assert samples.dtype == np.int16
    assert np.abs(samples - tone(RATE_HZ) * 32768).max() < 700


@pytest.mark.parametrize(
    ("suffix", "form", "subtype"),
    [
        *[(suffix, suffix.upper(), None) for suffix in ("wav", "flac", "ogg", "mp3", "aiff")],
        ("opus", "OGG", "OPUS"),
        ("oga", "OGG", "VORBIS"),
        ("aif", "AIFF", None),
        ("aifc", "AIFF", "ULAW"),
        ("caf", "CAF", "ALAC_16"),
        *[(suffix, suffix.upper(), "PCM_16") for suffix in ("au", "w64", "rf64", "voc", "avr")],
    ],
)
def test_every_suffix_is_read(tmp_path: Path, suffix: str, form: str, subtype: str | None) -> None:
    """Each container that is listed as audio can be decoded."""
    assert f".{suffix}" in SUFFIXES
    rate_hz = 48_000 if subtype == "OPUS" else 44_100
    soundfile.write(tmp_path / f"a.{suffix}", tone(rate_hz), rate_hz, subtype, format=form)
    samples = read_clip(tmp_path / f"a.{suffix}", RATE_HZ)
    assert abs(len(samples) - RATE_HZ) < RATE_HZ * 0.1
    assert samples.std() == pytest.approx(0.5 * 32768 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_pitch_length_and_loudness(tmp_path: Path, rate_hz: int) -> None:
    """A tone stays the tone that it was."""
    soundfile.write(tmp_path / "a.wav", tone(rate_hz), rate_hz)
    samples = read_clip(tmp_path / "a.wav", RATE_HZ)
    assert abs(len(samples) - RATE_HZ) <= 1
    middle = slice(2000, 14_000)
    assert np.abs(samples[middle] - (tone(RATE_HZ) * 32768)[middle]).max() < 30


def test_channels_are_averaged(tmp_path: Path, ramp: NDArray[np.int16]) -> None:
    """Left and right count the same."""
    soundfile.write(tmp_path / "a.wav", np.stack([ramp, np.zeros_like(ramp)], 1), RATE_HZ)
    assert np.abs(read_clip(tmp_path / "a.wav", RATE_HZ) - ramp / 2).max() <= 0.5


def test_louder_than_full_scale_is_clipped_not_wrapped(tmp_path: Path) -> None:
    """A float file beyond 1 does not change its sign."""
    soundfile.write(tmp_path / "a.wav", np.full(100, 3.0), RATE_HZ, subtype="FLOAT")
    assert np.all(read_clip(tmp_path / "a.wav", RATE_HZ) == 32767)


def test_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """NaN would be some 16-bit number otherwise."""
    soundfile.write(tmp_path / "a.wav", np.full(100, np.nan), RATE_HZ, subtype="FLOAT")
    with pytest.raises(DataError, match="finite"):
        read_clip(tmp_path / "a.wav", RATE_HZ)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"RIFF", "libsndfile"),
        (b"not audio at all, but long enough to hold a header of forty-four bytes", "libsndfile"),
    ],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """The message names the file and ends with what to do, in one line."""
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_clip(tmp_path / "a.wav", RATE_HZ)
    assert str(tmp_path / "a.wav") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "w64", "rf64", "au", "mp3", "caf"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, ramp: NDArray[np.int16]) -> None:
    """libsndfile reads half a file without a word."""
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.random.default_rng(0).integers(-9999, 9999, 16_000, np.int16), RATE_HZ)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError):
        read_clip(path, RATE_HZ)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    """A recorder that was stopped at once leaves a header."""
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.int16), RATE_HZ)
    with pytest.raises(DataError, match="sample"):
        read_clip(tmp_path / "a.wav", RATE_HZ)


def test_a_header_of_unknown_length_is_no_truncation(
    tmp_path: Path, ramp: NDArray[np.int16]
) -> None:
    """A WAV written to a pipe names 4 GiB of sound."""
    soundfile.write(tmp_path / "a.wav", ramp, RATE_HZ)
    content = (tmp_path / "a.wav").read_bytes()
    at = content.index(b"data") + 4
    streamed = content[:at] + b"\xff" * 4 + content[at + 4 :]
    found = decode_content(streamed, ".wav")
    assert not isinstance(found, str)
    assert np.array_equal(found[0], ramp)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_file_that_decodes_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A small file of silence must not fill the memory; blocks give what one reading gives."""
    sound = np.stack([tone(RATE_HZ), tone(RATE_HZ, 100)], 1)
    soundfile.write(tmp_path / f"a.{suffix}", sound, RATE_HZ)
    whole = read_clip(tmp_path / f"a.{suffix}", RATE_HZ)
    monkeypatch.setattr(clips, "_BLOCK", 1000)
    assert np.array_equal(whole, read_clip(tmp_path / f"a.{suffix}", RATE_HZ))
    monkeypatch.setattr(clips, "MAX_SAMPLES", 15_000)
    with pytest.raises(DataError, match=r"at most 15,000 samples, got 16,000"):
        read_clip(tmp_path / f"a.{suffix}", RATE_HZ)


def test_flac_of_unknown_length_is_refused(tmp_path: Path, ramp: NDArray[np.int16]) -> None:
    """A writer to a pipe cannot tell how many samples will come, and libsndfile cannot read it."""
    soundfile.write(tmp_path / "a.flac", ramp, RATE_HZ)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    assert "must tell a length" in str(decode_content(bytes(content), ".flac"))


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (b"\0\0\0\x20ftypM4A ", "got MPEG-4. Rename it to .m4a"),
        (b"\x1aE\xdf\xa3", "got WebM. Rename it to .webm"),
        (b"#!AMR\n", "got AMR. Rename it to .amr"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_what_is_no_wav_is_named(tmp_path: Path, start: bytes, told: str) -> None:
    """What a browser, a phone or Git calls so all the same; in an import, too."""
    (tmp_path / "a.wav").write_bytes(start + bytes(100))
    assert told in str(decode_content(start + bytes(100), ".wav"))
    with pytest.raises(DataError, match=told):
        read_recording(tmp_path / "a.wav", RATE_HZ)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The reason of the system is told."""
    with pytest.raises(DataError, match="No such file"):
        read_clip(tmp_path / "a.wav", RATE_HZ)


def test_a_sample_rate_of_nonsense_is_refused(tmp_path: Path, ramp: NDArray[np.int16]) -> None:
    """One damaged header must not make a waveform of gigabytes."""
    soundfile.write(tmp_path / "a.wav", ramp, 1)
    with pytest.raises(DataError, match="sample rate"):
        read_clip(tmp_path / "a.wav", RATE_HZ)


def test_hostile_names_are_read(tmp_path: Path, ramp: NDArray[np.int16]) -> None:
    """Quotes, line breaks and bytes that are no UTF-8 are names like others."""
    for name in ["a b.wav", 'it\'s "a".wav', "a\nb.wav", "grüße.wav", "a\udcff.wav"]:
        path = tmp_path / name
        with path.open("wb") as file:
            soundfile.write(file, ramp, RATE_HZ, format="WAV")
        assert np.array_equal(ramp, read_clip(path, RATE_HZ))


@pytest.mark.parametrize("n_samples", [0, 1, 15_999, 16_000, 20_000])
def test_fit_length_cuts_or_pads_the_end(ramp: NDArray[np.int16], n_samples: int) -> None:
    """What stays is the start; what comes is zero."""
    fitted = fit_length(ramp, n_samples)
    assert (fitted.shape, fitted.dtype) == ((n_samples,), np.int16)
    n_kept = min(n_samples, len(ramp))
    assert np.array_equal(fitted[:n_kept], ramp[:n_kept])
    assert not fitted[n_kept:].any()


def test_real_speech_is_read_exactly(shared: Path) -> None:
    """Speech Commands needs no change; recordings at 44.1 kHz become 16 kHz."""
    path = next(iter(sorted((shared / "data/speech_commands/yes").glob("*.wav"))))
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], read_clip(path, RATE_HZ))
    path = shared / "data/custom/up/treyb_nohash_0.wav"
    assert abs(len(read_clip(path, RATE_HZ)) - RATE_HZ) <= 2
