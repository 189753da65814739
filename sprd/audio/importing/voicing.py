"""A part of a recording in, how long a voice sounds out: steps, ticks and rain have no pitch."""

import numpy as np
from numpy.typing import NDArray

_AROUND_S = 0.02
_FRAME_S, _HOP_S = 0.04, 0.01
_BAND_HZ = (100.0, 1500.0)
_PITCH_HZ = (70, 400)

_PERIODIC = 0.8
"""Of the autocorrelation at its best pitch: noise has about a half, a vowel nearly 1."""

_NEARLY = 0.9
"""Of the best: two periods are as good as one, so the first that is nearly as good counts."""

_GLIDE = 0.12
"""In octaves: a voice's pitch moves no more within 10 ms, that of chance leaps."""


def voiced_frames(
    wave: NDArray[np.int16], sample_rate_hz: int, start_s: float, end_s: float
) -> int:
    """Returns for how many frames of 10 ms on end a pitch is held, at the longest.

    Args:
        wave: (n_samples,), int16.
        sample_rate_hz: Its rate.
        start_s: Where the part begins, in seconds.
        end_s: Where it ends.
    """
    first = max(0, round((start_s - _AROUND_S) * sample_rate_hz))
    part = wave[first : round((end_s + _AROUND_S) * sample_rate_hz)].astype(np.float64)
    size = round(_FRAME_S * sample_rate_hz)
    if len(part) < size:
        return 0
    spectrum = np.fft.rfft(part)
    hertz = np.fft.rfftfreq(len(part), 1 / sample_rate_hz)
    spectrum[(hertz < _BAND_HZ[0]) | (hertz > _BAND_HZ[1])] = 0
    voice = np.fft.irfft(spectrum, len(part))
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(voice, size)
    frames = frames[:: round(_HOP_S * sample_rate_hz)] * window
    own, same = _autocorrelation(frames), _autocorrelation(window[None])
    lags = slice(sample_rate_hz // _PITCH_HZ[1], sample_rate_hz // _PITCH_HZ[0])
    periodic = own[:, lags] / np.maximum(own[:, :1], 1e-9) / (same[:, lags] / same[:, :1])
    best = periodic.max(axis=1, keepdims=True)
    pitch = np.log2((periodic > _NEARLY * best).argmax(axis=1) + lags.start)
    return _longest(best[:, 0] > _PERIODIC, np.abs(np.diff(pitch)) < _GLIDE)


def _longest(is_voiced: NDArray[np.bool_], is_held: NDArray[np.bool_]) -> int:
    """Returns the longest run of voiced frames each of which holds the pitch of the one before."""
    longest = run = 0
    for voiced, held in zip(is_voiced.tolist(), [True, *is_held.tolist()], strict=True):
        run = (run + 1 if held else 1) if voiced else 0
        longest = max(longest, run)
    return longest


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the autocorrelation of each frame, (n_frames, n_lags)."""
    size = frames.shape[1]
    power = np.square(np.abs(np.fft.rfft(frames, 2 * size)))
    of_each: NDArray[np.float64] = np.fft.irfft(power)[:, :size]
    return of_each
