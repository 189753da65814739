"""Audio files in, 16-bit mono waveforms out. Knows nothing of words, speakers or splits."""

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sprd.audio import media
from sprd.audio.headers import missing_bytes, plain_samples
from sprd.errors import DataError

_SUFFIXES_OF = {
    "WAV": ".wav .wave .bwf",
    "RF64": ".rf64",
    "W64": ".w64",
    "FLAC": ".flac",
    "OGG": ".ogg .oga .opus",
    "MP3": ".mp3 .mp2",
    "AIFF": ".aif .aiff .aifc",
    "CAF": ".caf",
    "AU": ".au .snd",
    "VOC": ".voc",
    "NIST": ".sph .nist",
    "IRCAM": ".sf .ircam",
    "SVX": ".iff .svx .8svx",
    "AVR": ".avr",
    "PAF": ".paf",
    "PVF": ".pvf",
    "HTK": ".htk",
    "XI": ".xi",
    "WVE": ".wve",
}
"""Of libsndfile's formats: no raw ones, no data of MATLAB."""

SUFFIXES = tuple(
    suffix
    for name, suffixes in _SUFFIXES_OF.items()
    if name in soundfile.available_formats()
    for suffix in suffixes.split()
)
"""Of the files that the installed libsndfile reads."""

_LFS = b"version https://git-lfs"
_OTHER_KINDS = (
    (4, b"ftyp", "MPEG-4", ".m4a"),
    (0, b"\x1aE\xdf\xa3", "WebM", ".webm"),
    (0, b"#!AMR", "AMR", ".amr"),
)
"""What else begins how: recorders of phones and browsers that call a file .wav all the same."""

MAX_FILE_BYTES = 512_000_000
"""Larger files are refused: a mistake in a folder must not fill the memory."""

MAX_SAMPLES = MAX_FILE_BYTES // 2
"""Of one channel: a small file that decodes to more is refused, too."""

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000
"""Sample rates outside are damaged headers, not audio."""

_BLOCK = 1 << 22
"""Samples of all channels that are decoded at once."""

_FULL_SCALE = 32768.0

Waveform = tuple[NDArray[np.int16], int]
"""Mono samples, (n,), and their rate in Hz."""


def readable_suffixes() -> frozenset[str]:
    """Returns the suffixes of files that can be read here; those of phones, if PyAV is here."""
    return frozenset((*SUFFIXES, *(media.SUFFIXES if media.is_installed() else ())))


def read_clip(path: Path, sample_rate_hz: int) -> NDArray[np.int16]:
    """Reads an audio file as mono at the given rate.

    16-bit mono files of that rate come back bit by bit; else channels are averaged and the
    sound is resampled (soxr, HQ).

    Args:
        path: A file of any rate, channel count and bit depth that libsndfile or FFmpeg reads.
        sample_rate_hz: Rate of the result.

    Returns:
        (n_samples,), int16.

    Raises:
        DataError: The file is missing, empty, truncated or no audio.
    """
    samples, rate = decode(path)
    if rate == sample_rate_hz:
        return samples
    resampled = soxr.resample(samples / _FULL_SCALE, rate, sample_rate_hz, "HQ")
    return to_int16(resampled)


def decode(path: Path) -> Waveform:
    """Reads an audio file as mono at its own rate.

    Raises:
        DataError: The file is missing, empty, truncated or no audio.
    """
    found = decode_content(read_content(path), path.suffix)
    if isinstance(found, str):
        raise DataError.at(shown(path), f"{found}. Remove the file or record it again.")
    return found


def decode_content(content: bytes, suffix: str) -> Waveform | str:
    """Decodes the bytes of an audio file.

    libsndfile reads truncated files without a word, so lengths are checked here.

    Args:
        content: Of the file.
        suffix: Of its name: who reads it.

    Returns:
        Its waveform, or the rule that the bytes break.
    """
    if not content:
        return "must hold audio, got an empty file"
    if suffix.lower() in media.SUFFIXES and not content.startswith(_LFS):
        found = media.decode_media(content, MAX_SAMPLES)
        return found if isinstance(found, str) else _checked(to_int16(found[0]), found[1])
    if (plain := plain_samples(content)) is not None:
        return _checked(*plain)
    if (missing := missing_bytes(content)) > 0:
        return f"must hold all the sound its header names, got {missing:,} bytes less"
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            return _read_all(file, has_true_length=content[:4] in (b"RIFF", b"FORM"))
    except soundfile.LibsndfileError as error:
        return unread(content[:64], error)


def unread(start: bytes, error: soundfile.LibsndfileError) -> str:
    """Returns the rule that a file breaks which libsndfile refuses; names what it is, if known.

    Args:
        start: Of the file, some bytes.
        error: Why it was refused.
    """
    if start.startswith(_LFS):
        return "must be audio, got a Git LFS pointer in its place. Fetch it: git lfs pull"
    for at, mark, kind, suffix in _OTHER_KINDS:
        if start[at:].startswith(mark):
            told = f"got {kind}. Rename it to {suffix}, or {media.CONVERT}"
            return f"must be what its name says, {told}"
    return f"must be audio that libsndfile reads: {error.error_string.rstrip('.')}"


def _read_all(file: soundfile.SoundFile, has_true_length: bool) -> Waveform | str:
    """Decodes a file in blocks: many channels take as little memory as one."""
    if file.frames > MAX_SAMPLES:
        told = "none" if file.frames > 2**62 else f"{file.frames:,}"
        return f"must tell a length of at most {MAX_SAMPLES:,} samples, got {told}"
    is_plain = file.channels == 1 and file.subtype == "PCM_16"
    size, dtype = _BLOCK // file.channels, "int16" if is_plain else "float64"
    parts: list[NDArray[np.int16]] = []
    n_read = 0
    while n_read < file.frames:
        block = file.read(size, dtype, always_2d=not is_plain)
        if len(block) == 0:
            break
        n_read += len(block)
        wave = block if is_plain else block.mean(axis=1)
        if not np.isfinite(wave).all():
            return "samples must be finite, got NaN or infinity"
        parts.append(wave if is_plain else to_int16(wave))
    if n_read < file.frames and not has_true_length:
        return f"must hold the {file.frames:,} samples of its header, got {n_read:,}"
    samples = parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.int16)])
    return _checked(samples, file.samplerate)


def _checked(samples: NDArray[np.int16], rate_hz: int) -> Waveform | str:
    if len(samples) == 0:
        return "must hold sound, got no sample"
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        return f"sample rate must be {MIN_RATE_HZ} .. {MAX_RATE_HZ} Hz, got {rate_hz}"
    return samples, rate_hz


def fit_length(samples: NDArray[np.int16], n_samples: int) -> NDArray[np.int16]:
    """Cuts the end off, or pads it with zeros.

    Source: `decode_wav(desired_samples)` of TensorFlow, as SPRD's trainer calls it.

    Args:
        samples: (any,), int16.
        n_samples: Length of the result.

    Returns:
        (n_samples,), int16.
    """
    missing = n_samples - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples[:n_samples]


def to_int16(wave: NDArray[np.floating]) -> NDArray[np.int16]:
    """Rounds samples of -1 .. 1 to 16 bits; louder ones are clipped, not wrapped."""
    rounded: NDArray[np.int16] = np.clip(np.rint(wave * _FULL_SCALE), -32768, 32767).astype(
        np.int16
    )
    return rounded


def read_content(path: Path) -> bytes:
    """Reads the bytes of a file.

    Raises:
        DataError: It cannot be read, or is larger than any clip.
    """
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_FILE_BYTES:
            raise DataError.at(
                shown(path),
                f"must have at most {MAX_FILE_BYTES:,} bytes, got {n_bytes:,}. Cut it into clips.",
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError.at(
            shown(path),
            f"must be a readable file: {error.strerror or error}."
            " Check the path and its permissions.",
        ) from error


def shown(path: Path | str) -> str:
    """Returns a path for a message of one line: quoted where it holds line breaks and the like."""
    text = str(path)
    return text if text.isprintable() else repr(text)
