"""A Keras model in, .tflite files out: int8 for the device, float for comparison.

The batch is fixed at 1: with an open one the flatten becomes four ops that cost arena. Names and
metadata are stripped. The input scale of the micro front end is fixed to that of SPRD's
firmware, 26/256 with zero point -128, so that its feature provider needs no change.
"""

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from sprd.config.trial import ModelSection
from sprd.disk.process import quiet_stderr
from sprd.model.zoo import build_model

MICRO_INPUT_MAX = 26 * 255 / 256
"""Top of the int8 range of features; gives the scale 26/256 of SPRD's firmware."""

N_CALIBRATION = 200
"""Clips that set the ranges of the activations."""


def convert_int8(model: keras.Model, calibration: NDArray[np.float32], fixed_input: bool) -> bytes:
    """Converts to an int8 .tflite: int8 input and output, integer ops only.

    Args:
        model: Gives logits; a softmax is added.
        calibration: (n, frames * channels), float32 features of training clips.
        fixed_input: Whether the input range is 0 .. `MICRO_INPUT_MAX` whatever the clips hold.

    Raises:
        ValueError: The converter cannot express the model in integer ops.
    """
    samples = calibration
    if fixed_input:
        ends = np.zeros((1, calibration.shape[1]), np.float32)
        ends[0, 0] = MICRO_INPUT_MAX
        samples = np.concatenate([ends, np.clip(calibration, 0, MICRO_INPUT_MAX)])
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # One scale for a fully connected layer, as in SPRD's model: older TFLM, like that of the
    # SPRD sketch, reads the first scale alone and would compute wrong logits without a word.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return strip(_convert(converter))


def convert_float(model: keras.Model) -> bytes:
    """Converts to a float32 .tflite, for comparison on a computer."""
    return strip(_convert(_converter(model)))


def convert_untrained(section: ModelSection, shape: tuple[int, int], n_labels: int) -> bytes:
    """Builds and converts a model that has the size of the trained one.

    Zero biases and equal statistics would be dropped or shared by the converter, so every
    variable gets random values. They keep activations near 1 however deep the model is: if those
    grow, biases round to zero.
    """
    rng = np.random.default_rng(0)
    model = build_model(section, shape, n_labels)
    for variable in model.variables:
        if variable.dtype == "float32":
            values = _random_kernel if len(variable.shape) > 1 else _random_vector
            variable.assign(values(rng, variable.shape).astype(np.float32))
    calibration = rng.uniform(0, 26, (4, shape[0] * shape[1])).astype(np.float32)
    return convert_int8(model, calibration, fixed_input=True)


def _random_kernel(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Weights of He et al., arXiv:1502.01852."""
    return rng.normal(0, math.sqrt(2 / math.prod(shape[:-1])), shape)


def _random_vector(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Biases, and what batch normalisation keeps: well away from 0, its gain near 1."""
    return rng.uniform(0.5, 1.0, shape)


def calibration_clips(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Chooses the training clips that calibrate: as many of each label as there are, seeded."""
    rng = np.random.default_rng([seed, 1])
    names = np.unique(labels)
    share = -(-N_CALIBRATION // len(names))
    chosen = [rng.permutation(np.flatnonzero(labels == name))[:share] for name in names]
    return np.sort(np.concatenate(chosen))


def _converter(model: keras.Model) -> tf.lite.TFLiteConverter:
    signature = tf.TensorSpec((1, model.input_shape[1]), tf.float32, name="features")

    def serve(features: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(model(features, training=False))

    function = tf.function(serve, input_signature=[signature]).get_concrete_function()
    with _quiet():
        frozen = convert_variables_to_constants_v2(function)
        return tf.lite.TFLiteConverter.from_concrete_functions([frozen])


def _convert(converter: tf.lite.TFLiteConverter) -> bytes:
    with _quiet():
        data: bytes = converter.convert()
    return data


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the converter's notes from the user: of a missing object that holds the variables, say.

    They are constants here.
    """
    log = logging.getLogger("absl")
    level = log.level
    with warnings.catch_warnings(), quiet_stderr():
        log.setLevel(logging.ERROR)
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            log.setLevel(level)


class _AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Aligns byte vectors to 16, as the C++ writer does: kernels read int32 biases in place."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        alignment = 16 if elemSize == 1 else alignment
        offset: int = super().StartVector(elemSize, numElems, alignment)
        return offset


def strip(model: bytes) -> bytes:
    """Removes names, descriptions, signatures and metadata: a tenth of a small model."""
    parsed = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    kept = {tensor.buffer for graph in parsed.subgraphs for tensor in graph.tensors}
    for index, buffer in enumerate(parsed.buffers):
        if index not in kept:
            buffer.data = None
    parsed.metadata = parsed.metadataBuffer = parsed.signatureDefs = None
    parsed.description = None
    for graph in parsed.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = None
            if tensor.quantization is not None:
                tensor.quantization.min = tensor.quantization.max = None
    _unshare(parsed)
    builder = _AlignedBuilder(len(model))
    builder.Finish(parsed.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _unshare(model: schema.ModelT) -> None:
    """Gives every weight and bias a buffer of its own, of those that the converter left empty.

    It stores equal ones once, so that the size of a model would depend on its weights: one told
    before training could be too low.
    """
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    used = {tensor.buffer for tensor in tensors}
    empty = [i for i in range(1, len(model.buffers)) if i not in used]
    taken: set[int] = set()
    for tensor in tensors:
        is_quantized = tensor.quantization is not None and tensor.quantization.scale is not None
        if tensor.buffer in taken and is_quantized and empty:
            model.buffers[empty[0]].data = model.buffers[tensor.buffer].data
            tensor.buffer = empty.pop(0)
        taken.add(tensor.buffer)


class FloatRunner:
    """Runs a float .tflite on this computer, to compare the int8 model with."""

    def __init__(self, model: bytes) -> None:
        with warnings.catch_warnings(), quiet_stderr():
            warnings.simplefilter("ignore")  # Deprecated in favour of LiteRT; TFLM runs the int8.
            self._interpreter = tf.lite.Interpreter(model_content=model, num_threads=1)
            self._interpreter.allocate_tensors()

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns (n, n_labels) probabilities of (n, frames * channels) features."""
        read = self._interpreter.get_input_details()[0]["index"]
        write = self._interpreter.get_output_details()[0]["index"]
        rows = []
        for clip in features:
            self._interpreter.set_tensor(read, clip[None])
            self._interpreter.invoke()
            rows.append(self._interpreter.get_tensor(write)[0].copy())
        return np.array(rows, np.float32)
