"""An int8 model and the features of a stream in, its scores at each inference out.

TensorFlow Lite's own int8 kernels, several times as fast as TensorFlow Lite Micro in its wheel: at
most 0.3 % of their outputs differ, by a few of 255; where layers are added (ADD, SVDF) more do, by
as little. XNNPACK, its delegate, would differ in ten times as many. What is exported is heard in
TensorFlow Lite Micro itself.
"""

import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sprd.audio.stream_features import StreamFeatures, open_stream_features
from sprd.audio.streams import Stream
from sprd.config.frontend import FEATURE_DENOMINATOR, FEATURE_NUMERATOR
from sprd.config.trial import FeaturesSection
from sprd.device.tflm import Runner
from sprd.listening.matching import HeardStream
from sprd.listening.recognizers import inference_times

CHUNK = 1024
"""Windows that are copied at once: each is as large as a model's input."""

_N_UINT16 = 1 << 16


class Ear:
    """Hears streams with one model."""

    def __init__(self, model: bytes, features: FeaturesSection, n_labels: int, exact: bool) -> None:
        """Loads the model.

        Args:
            model: An int8 .tflite.
            features: Its front end.
            n_labels: What it is to tell apart.
            exact: In TensorFlow Lite Micro, as a device does.

        Raises:
            ModelFileError: It is no int8 .tflite, has another input than the front end gives,
                or tells another number of labels apart.
        """
        self.runner = Runner(model)
        self.runner.check_shape(features.shape, n_labels)
        self._features = features
        self.run = self.runner.run if exact else _fast(model, self.runner)

    def hear(self, stream: Stream, interval_ms: int) -> HeardStream:
        """Returns the scores of the model at each inference over a stream.

        Args:
            stream: Audio at the front end's sample rate.
            interval_ms: The least time between two inferences, see `inference_times`.
        """
        features = self._features
        times = inference_times(len(stream.samples), features, interval_ms)
        window, stride = features.window_size_ms, features.window_stride_ms
        ends = (times - window + stride) // stride
        scores = self.scores(open_stream_features(stream, features), ends)
        return HeardStream(stream, scores, times)

    def scores(self, frames: StreamFeatures, ends: NDArray[np.int64]) -> NDArray[np.int8]:
        """Returns the outputs of the model, (n, n_labels), for windows of a stream's frames.

        Args:
            frames: (n_frames, channels), see `open_stream_features`.
            ends: (n,), the number of frames known at each inference. Those from before the stream
                are 0, as in a device's buffer.
        """
        n_known, n_channels = self._features.shape
        quantized = self.quantized(frames)
        padded = np.concatenate([np.zeros((n_known, n_channels), np.int8), quantized])
        flat = padded.reshape(-1)
        windows = np.lib.stride_tricks.sliding_window_view(flat, n_known * n_channels)
        starts = ends * n_channels
        parts = [self.run(windows[starts[at : at + CHUNK]]) for at in range(0, len(ends), CHUNK)]
        return np.concatenate([np.zeros((0, self.runner.n_outputs), np.int8), *parts])

    def quantized(self, frames: StreamFeatures) -> NDArray[np.int8]:
        """Returns what the model takes for frames, (n_frames, channels)."""
        if frames.dtype != np.uint16:
            return self._to_int8(np.asarray(frames, np.float32))
        scale = np.float32(FEATURE_NUMERATOR / FEATURE_DENOMINATOR)
        table = self._to_int8(np.arange(_N_UINT16, dtype=np.float32) * scale)
        return table[frames]

    def _to_int8(self, values: NDArray[np.float32]) -> NDArray[np.int8]:
        n_inputs = self.runner.n_inputs
        padded = np.zeros(-(-values.size // n_inputs) * n_inputs, np.float32)
        padded[: values.size] = values.reshape(-1)
        rows = self.runner.quantized(padded.reshape(-1, n_inputs))
        return rows.reshape(-1)[: values.size].reshape(values.shape)


def _fast(model: bytes, runner: Runner) -> Callable[[NDArray[np.int8]], NDArray[np.int8]]:
    """Returns what `Runner.run` is, by TensorFlow Lite's kernels."""
    has_state = any(tensor.is_variable for tensor in runner.graph.tensors)
    kind = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in favour of LiteRT
        interpreter = tf.lite.Interpreter(
            model_content=model, experimental_op_resolver_type=kind, num_threads=1
        )
        interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    shape, n_outputs = tuple(source["shape"]), int(np.prod(result["shape"]))

    def run(rows: NDArray[np.int8]) -> NDArray[np.int8]:
        outputs = np.empty((len(rows), n_outputs), np.int8)
        for row, output in zip(rows, outputs, strict=True):
            if has_state:
                interpreter.reset_all_variables()
            interpreter.set_tensor(source["index"], row.reshape(shape))
            interpreter.invoke()
            output[:] = interpreter.get_tensor(result["index"]).reshape(-1)
        return outputs

    return run
