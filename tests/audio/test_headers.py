"""What a header tells: the samples of a plain WAV as libsndfile reads them, and bytes that lack."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sprd.audio.headers import missing_bytes, plain_samples

SOUND = np.random.default_rng(0).integers(-9999, 9999, 1600).astype(np.int16)


def written(name: str, subtype: str = "PCM_16", sound: np.ndarray = SOUND) -> bytes:
    """The bytes of a file of that format."""
    file = io.BytesIO()
    soundfile.write(file, sound, 16_000, format=name, subtype=subtype)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


def test_plain_wav_gives_what_libsndfile_gives() -> None:
    """Chunks before the sound are passed over."""
    plain = written("WAV")
    for content in (plain, plain[:36] + chunk(b"LIST", b"INFOabc") + plain[36:]):
        found = plain_samples(content)
        assert found is not None
        assert found[1] == 16_000
        assert np.array_equal(found[0], soundfile.read(io.BytesIO(content), dtype="int16")[0])


@pytest.mark.parametrize(
    "content",
    [
        written("WAV", "PCM_24"),
        written("WAV", sound=np.stack([SOUND, SOUND], 1)),
        written("FLAC"),
        written("WAV")[:-2],
        written("WAV") + b"more",
        written("WAV", sound=np.zeros(0, np.int16)),
        b"",
    ],
)
def test_other_files_are_left_to_libsndfile(content: bytes) -> None:
    """Of another depth, channel count or format, cut off, with a tail, or empty."""
    assert plain_samples(content) is None


@pytest.mark.parametrize("name", ["WAV", "AIFF", "RF64", "W64", "AU"])
def test_bytes_that_lack_are_counted(name: str) -> None:
    """Of every format that libsndfile reads short without a word."""
    content = written(name)
    assert missing_bytes(content) <= 0
    assert missing_bytes(content[:-500]) == 500


@given(st.sampled_from([b"RIFF", b"RF64", b"riff", b"FORM", b".snd"]), st.binary(max_size=90))
def test_damaged_headers_end(magic: bytes, content: bytes) -> None:
    """Whatever they say, with an answer."""
    assert isinstance(missing_bytes(magic + content), int)
    assert plain_samples(magic + content) is None
