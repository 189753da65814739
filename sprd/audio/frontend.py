"""Waveforms in, features out: the numbers that the firmware computes.

`micro` is TensorFlow's own op around the C front end of the device. `mfcc` and `average` are the
other two modes of SPRD's trainer (TensorFlow's speech_commands); no firmware code computes them.
"""

from copy import copy
from math import ceil

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op
from tensorflow.python.ops import gen_audio_ops

from sprd.config.frontend import check_stride
from sprd.config.trial import FeaturesSection

_MFCC_FILTER_BANK = 40
_MFCC_LOWER_HZ, _MFCC_UPPER_HZ = 20.0, 4000.0
"""Defaults of TensorFlow's mfcc op, which SPRD's trainer uses."""

RawFeatures = NDArray[np.uint16] | NDArray[np.float32]


def use_one_thread() -> None:
    """Keeps a process that computes beside others to one core; before its first op."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


class FrontEnd:
    """Turns clips into features; one instance compiles its graph once.

    With context a clip comes after so many samples, whole strides, in which the front end settles;
    of all frames the last are told, those of the clip.
    """

    def __init__(self, features: FeaturesSection, n_context: int = 0) -> None:
        # With a stride longer than the window the op reads beyond its buffer: the process ends.
        check_stride("features", features)
        self._features = features
        modes = {"micro": self._micro, "mfcc": self._mfcc, "average": self._average}
        self._mode = modes[features.preprocess]
        signature = tf.TensorSpec((None, n_context + features.n_samples), tf.int16)
        self._run = tf.function(self._last_frames, input_signature=[signature])

    def compute(self, waveforms: NDArray[np.int16]) -> RawFeatures:
        """Computes the features of a batch.

        Args:
            waveforms: (n, n_context + n_samples), int16.

        Returns:
            (n, frames, channels), uint16 for `micro`, else float32.
        """
        result: RawFeatures = self._run(waveforms).numpy()
        return result

    def compute_stream(self, samples: NDArray[np.int16]) -> RawFeatures:
        """Computes the features of one long waveform, whose state goes on from start to end.

        Args:
            samples: (n,), int16; 20 minutes take about 0.2 GB.

        Returns:
            (n_frames, channels), dtype as of `compute`; none where it is shorter than a window.
        """
        f = self._features
        if len(samples) < f.window_samples:
            none = (0, f.shape[1])
            is_micro = f.preprocess == "micro"
            return np.zeros(none, np.uint16) if is_micro else np.zeros(none, np.float32)
        result: RawFeatures = self.frames(tf.constant(samples)).numpy()
        return result

    def frames(self, signal: tf.Tensor) -> tf.Tensor:
        """(frames, channels) of one signal, (n,) int16, of any length from a window on: a graph."""
        if self._features.preprocess == "micro":
            return self._micro_frames(signal)
        return self._mode(tf.expand_dims(signal, 0))[0]

    def _last_frames(self, waveforms: tf.Tensor) -> tf.Tensor:
        return self._mode(waveforms)[:, -self._features.n_frames :]

    def _micro(self, waveforms: tf.Tensor) -> tf.Tensor:
        out = tf.TensorSpec((None, self._features.n_channels), tf.uint16)
        return tf.map_fn(self._micro_frames, waveforms, fn_output_signature=out)

    def _micro_frames(self, signal: tf.Tensor) -> tf.Tensor:
        f = self._features
        return audio_microfrontend_op.audio_microfrontend(
            signal,
            sample_rate=f.sample_rate_hz,
            window_size=f.window_size_ms,
            window_step=f.window_stride_ms,
            num_channels=f.n_channels,
            upper_band_limit=f.upper_band_limit_hz,
            lower_band_limit=f.lower_band_limit_hz,
            smoothing_bits=f.smoothing_bits,
            even_smoothing=f.even_smoothing,
            odd_smoothing=f.odd_smoothing,
            min_signal_remaining=f.min_signal_remaining,
            enable_pcan=f.enable_pcan,
            pcan_strength=f.pcan_strength,
            pcan_offset=f.pcan_offset,
            gain_bits=f.gain_bits,
            enable_log=f.enable_log,
            scale_shift=f.scale_shift,
            out_scale=1,
            out_type=tf.uint16,
        )

    def _spectrogram(self, waveforms: tf.Tensor) -> tf.Tensor:
        """(n, frames, FFT bins), float32: squared magnitudes. Clips go in as channels."""
        f = self._features
        return gen_audio_ops.audio_spectrogram(
            tf.transpose(tf.cast(waveforms, tf.float32) / 32768.0),
            window_size=f.window_samples,
            stride=f.stride_samples,
            magnitude_squared=True,
        )

    def _mfcc(self, waveforms: tf.Tensor) -> tf.Tensor:
        f = self._features
        return gen_audio_ops.mfcc(
            self._spectrogram(waveforms),
            f.sample_rate_hz,
            upper_frequency_limit=min(_MFCC_UPPER_HZ, f.sample_rate_hz / 2),
            lower_frequency_limit=_MFCC_LOWER_HZ,
            filterbank_channel_count=max(_MFCC_FILTER_BANK, f.n_channels),
            dct_coefficient_count=f.n_channels,
        )

    def _average(self, waveforms: tf.Tensor) -> tf.Tensor:
        width = self._features.bins_per_channel
        pooled = tf.nn.pool(
            tf.expand_dims(self._spectrogram(waveforms), -1),
            window_shape=[1, width],
            strides=[1, width],
            pooling_type="AVG",
            padding="SAME",
        )
        return tf.squeeze(pooled, -1)


_SETTLING = 20.0
"""The noise estimates of the micro front end forget their start within this over their smoothing,
in frames: from then on features are equal to the last bit (measured: 13 at most)."""
_LONGEST_SETTLING = 30_000


class StreamFrontEnd:
    """Turns a signal that comes in blocks into the frames of the whole: its state is carried on.

    The op has no state of its own between calls, so what is new is computed behind as much of the
    signal as its noise estimates remember. Memory stays flat however long the signal is.
    """

    def __init__(self, features: FeaturesSection) -> None:
        check_stride("features", features)
        self._features = features
        self._n_settling = _settling_frames(features)
        front_end = FrontEnd(features)
        signature = tf.TensorSpec((None,), tf.int16)
        self._run = tf.function(front_end.frames, input_signature=[signature])
        self._kept = np.zeros(0, np.int16)
        self._n_told = 0  # frames of what is kept that were returned before
        none = (0, features.shape[1])
        is_micro = features.preprocess == "micro"
        self._none: RawFeatures = np.zeros(none, np.uint16) if is_micro else np.zeros(none, "f4")

    def anew(self) -> "StreamFrontEnd":
        """Returns one for another signal, which has heard nothing yet; they share their graph."""
        other = copy(self)
        other._kept, other._n_told = np.zeros(0, np.int16), 0
        return other

    def feed(self, samples: NDArray[np.int16]) -> RawFeatures:
        """Takes the next samples, (n,) int16, as many as there are; far cheaper in long blocks.

        Returns:
            (n_new, channels): frames that have ended since, none as long as none has; uint16 for
            `micro`, else float32. Frame i of the signal ends at sample window + i * stride.
        """
        kept = np.concatenate([self._kept, samples])
        n_frames = self._n_frames(len(kept))
        n_dropped = max(0, n_frames - max(1, self._n_settling))
        new = slice(self._n_told, None)
        self._kept = kept[n_dropped * self._features.stride_samples :]
        if n_frames <= self._n_told:
            return self._none
        self._n_told = n_frames - n_dropped
        result: RawFeatures = self._run(kept).numpy()[new]
        return result

    def _n_frames(self, n_samples: int) -> int:
        f = self._features
        return max(0, 1 + (n_samples - f.window_samples) // f.stride_samples)


def _settling_frames(features: FeaturesSection) -> int:
    """Frames after which features no longer depend on how the signal began."""
    if features.preprocess != "micro":
        return 0
    slowest = min((s for s in (features.even_smoothing, features.odd_smoothing) if s), default=0.0)
    return min(_LONGEST_SETTLING, ceil(_SETTLING / slowest)) if slowest else 0
