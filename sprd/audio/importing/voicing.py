"""A moment of a recording in, how much it sounds of a voice out: steps and ticks have no pitch."""

import numpy as np
from numpy.typing import NDArray

_AROUND_S = 0.2
_FRAME_S, _HOP_S = 0.04, 0.01
_N_FRAMES = 5
"""The most voiced frames count: a vowel lasts 50 ms at least."""

_BAND_HZ = (100.0, 1500.0)
_PITCH_HZ = (70, 400)


def voicing_at(wave: NDArray[np.int16], sample_rate_hz: int, at_s: float) -> float:
    """Returns how periodic the sound around a moment is, at any pitch of a voice.

    Args:
        wave: (n_samples,), int16.
        sample_rate_hz: Its rate.
        at_s: The moment, in seconds.

    Returns:
        The autocorrelation at its best pitch, of the most voiced frames: about 0.5 for noise, up
        to 1 for a vowel.
    """
    first = max(0, round((at_s - _AROUND_S) * sample_rate_hz))
    part = wave[first : round((at_s + _AROUND_S) * sample_rate_hz)].astype(np.float64)
    size = round(_FRAME_S * sample_rate_hz)
    if len(part) < size:
        return 0.0
    spectrum = np.fft.rfft(part)
    hertz = np.fft.rfftfreq(len(part), 1 / sample_rate_hz)
    spectrum[(hertz < _BAND_HZ[0]) | (hertz > _BAND_HZ[1])] = 0
    voice = np.fft.irfft(spectrum, len(part))
    hop = round(_HOP_S * sample_rate_hz)
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(voice, size)[::hop] * window
    own, same = _autocorrelation(frames), _autocorrelation(window[None])
    lags = slice(sample_rate_hz // _PITCH_HZ[1], sample_rate_hz // _PITCH_HZ[0])
    periodic = own[:, lags] / np.maximum(own[:, :1], 1e-9) / (same[:, lags] / same[:, :1])
    return float(np.sort(periodic.max(axis=1))[-_N_FRAMES:].mean())


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the autocorrelation of each frame, (n_frames, n_lags)."""
    size = frames.shape[1]
    power = np.square(np.abs(np.fft.rfft(frames, 2 * size)))
    of_each: NDArray[np.float64] = np.fft.irfft(power)[:, :size]
    return of_each
