"""Dry speech in, recordings out: a room, a microphone, a level. Also makes noise.

Every draw depends on the seed and the name of what is drawn. Knows nothing of espeak-ng.
"""

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from sprd.audio.clips import to_int16
from sprd.config.seeds import generator_of

Wave = NDArray[np.float64]

SAMPLE_RATE_HZ = 16_000
CLIP_SAMPLES = SAMPLE_RATE_HZ
NOISE_S = 20


def finish(sound: Wave, rate_hz: int, speaker: str, name: str, seed: int) -> NDArray[np.int16]:
    """Turns a spoken word into a recording: a room, a microphone, a level, a place in the second.

    Args:
        sound: (n_samples,), -1 .. 1, not silent.
        rate_hz: Of the sound.
        speaker: One speaker has one room and one microphone.
        name: Of the clip: decides its level and place.
        seed: Of the data set.

    Returns:
        (16,000,), int16.
    """
    room = generator_of(seed, speaker, "room")
    random = generator_of(seed, name, "place")
    word = soxr.resample(_trim(sound, rate_hz), rate_hz, SAMPLE_RATE_HZ, "HQ")
    longest = int(0.94 * CLIP_SAMPLES)
    if len(word) > longest:
        word = word[:longest].copy()
        word[-480:] *= np.linspace(1, 0, 480)
    slack = CLIP_SAMPLES - len(word)
    start = int(slack * random.triangular(0.05, 0.5, 0.95))
    clip = np.zeros(CLIP_SAMPLES)
    clip[start : start + len(word)] = word
    clip = np.fft.irfft(np.fft.rfft(clip, 2 * CLIP_SAMPLES) * _room(room))[:CLIP_SAMPLES]
    peak_db = random.uniform(-20, -3)
    clip *= 10 ** (peak_db / 20) / np.abs(clip).max()
    floor_db = min(room.uniform(-70, -50), peak_db - 30)
    hiss = random.standard_normal(CLIP_SAMPLES)
    hiss += np.convolve(hiss, np.ones(8) / 8, "same") * 3
    return to_int16(np.clip(clip + 10 ** (floor_db / 20) * hiss / 2, -0.999, 0.999))


def _room(random: np.random.Generator) -> NDArray[np.complex128]:
    """Returns the response of a room and a microphone to 2 s: (16,001,) bins."""
    decay_s, wetness = random.uniform(0.03, 0.15), random.uniform(0, 0.25)
    n_tail = SAMPLE_RATE_HZ // 4
    response = np.zeros(n_tail)
    response[0] = 1
    tail = random.standard_normal(n_tail) * np.exp(-np.arange(n_tail) / (decay_s * SAMPLE_RATE_HZ))
    tail[: SAMPLE_RATE_HZ // 500] = 0
    response += wetness * tail / np.sqrt((tail**2).sum())
    octaves = np.log2(np.maximum(np.fft.rfftfreq(2 * CLIP_SAMPLES, 1 / SAMPLE_RATE_HZ), 62) / 1000)
    tilt_db = random.uniform(-2, 2) * np.clip(octaves, -4, 3)
    colour: NDArray[np.complex128] = np.fft.rfft(response, 2 * CLIP_SAMPLES) * 10 ** (tilt_db / 20)
    return colour


def _trim(sound: Wave, rate_hz: int) -> Wave:
    """Cuts off what is 45 dB below the loudest 5 ms at both ends, but for 15 ms."""
    frame = rate_hz // 200
    n_frames = -(-len(sound) // frame)
    framed = np.pad(sound, (0, n_frames * frame - len(sound))).reshape(n_frames, frame)
    level = np.sqrt((framed**2).mean(axis=1))
    loud = np.flatnonzero(level > level.max() * 10 ** (-45 / 20))
    return sound[max(0, loud[0] - 3) * frame : (loud[-1] + 4) * frame]


def mix_babble(voices: Sequence[Wave]) -> NDArray[np.int16]:
    """Lays voices over each other: (20 s,), int16."""
    n_samples = NOISE_S * SAMPLE_RATE_HZ
    mixed = np.zeros(n_samples)
    for number, voice in enumerate(voices):
        rolled = np.roll(np.resize(voice, n_samples), number * 3 * SAMPLE_RATE_HZ)
        mixed += rolled / np.sqrt((rolled**2).mean())
    return to_int16(0.7 * mixed / np.abs(mixed).max())


def made_noise(name: str, n_samples: int, sample_rate_hz: int, seed: int = 0) -> NDArray[np.int16]:
    """Makes a recording of noise that depends on the arguments alone.

    Args:
        name: "white", "pink", "brown", "hum" (mains and its harmonics) or "quiet".
        n_samples: Length.
        sample_rate_hz: Sets the pitch of the hum.
        seed: Of the random numbers.

    Returns:
        (n_samples,), int16.
    """
    random = generator_of(seed, "noise", name)
    if name == "quiet":
        return random.integers(-4, 5, n_samples).astype(np.int16)
    white = random.standard_normal(n_samples)
    if name == "hum":
        time = np.arange(n_samples) / sample_rate_hz
        wave = 0.1 * white
        for harmonic in range(1, 20):
            phase, gain = random.uniform(0, 6.28), random.uniform(0.3, 1) / harmonic
            wave += gain * np.sin(2 * np.pi * 50 * harmonic * time + phase)
    else:
        slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[name]
        frequency = np.maximum(np.fft.rfftfreq(n_samples, 1 / sample_rate_hz), 20)
        wave = np.fft.irfft(np.fft.rfft(white) * (20 / frequency) ** slope, n_samples)
    return to_int16(0.9 * wave / np.abs(wave).max())
