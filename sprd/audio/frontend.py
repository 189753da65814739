"""Waveforms in, features out: the numbers that the firmware computes.

`micro` is TensorFlow's own op around the C front end of the device. `mfcc` and `average` are the
other two modes of SPRD's trainer (TensorFlow's speech_commands); no firmware code computes them.
"""

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
    """Turns clips into features; one instance compiles its graph once."""

    def __init__(self, features: FeaturesSection) -> None:
        # With a stride longer than the window the op reads beyond its buffer: the process ends.
        check_stride("features", features)
        self._features = features
        modes = {"micro": self._micro, "mfcc": self._mfcc, "average": self._average}
        signature = tf.TensorSpec((None, features.n_samples), tf.int16)
        self._run = tf.function(modes[features.preprocess], input_signature=[signature])

    def compute(self, waveforms: NDArray[np.int16]) -> RawFeatures:
        """Computes the features of a batch.

        Args:
            waveforms: (n, n_samples), int16.

        Returns:
            (n, frames, channels), uint16 for `micro`, else float32.
        """
        result: RawFeatures = self._run(waveforms).numpy()
        return result

    def _micro(self, waveforms: tf.Tensor) -> tf.Tensor:
        f = self._features

        def one(waveform: tf.Tensor) -> tf.Tensor:
            return audio_microfrontend_op.audio_microfrontend(
                waveform,
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

        out = tf.TensorSpec(f.shape, tf.uint16)
        return tf.map_fn(one, waveforms, fn_output_signature=out)

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
