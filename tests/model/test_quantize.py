"""A Keras model becomes an int8 file that means the same, and is no larger than told."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from sprd.audio.store import Features
from sprd.config.reader import resolve
from sprd.config.trial import Config, ModelSection
from sprd.device.footprint import measure
from sprd.device.graph import read_graph
from sprd.device.tflm import Runner
from sprd.model import quantize
from sprd.model.params import ARCHITECTURES
from sprd.model.quantize import (
    N_CALIBRATION,
    FloatRunner,
    calibration_clips,
    convert_float,
    convert_int8,
    convert_untrained,
    strip,
)
from sprd.model.train import fit, predict
from sprd.model.zoo import build_model
from tests.builders import make_sweep

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (25, 20)

SMALL = {
    "conv": {"first_filters": 4, "second_filters": 6},
    "low_latency_conv": {"filters": 6, "first_units": 8, "second_units": 8},
    "low_latency_svdf": {"units": 6, "first_units": 8, "second_units": 8},
}
"""Smaller than the defaults, so that a test takes little time."""


def trained_config(architecture: str, steps: int = 60) -> Config:
    """A sweep of 25 x 20 features whose training takes a second."""
    text = '"features.frame" = ["40/40x20"]\n"model.architecture" = '
    sweep = make_sweep(f'{text}["{architecture}"]')
    point = {"features.frame": "40/40x20", "model.architecture": architecture}
    config = resolve(sweep, point)
    params = {**config.model.params, **SMALL.get(architecture, {}), "dropout": 0.1}
    known = {k: v for k, v in params.items() if k in ARCHITECTURES[architecture].model_fields}
    return config.model_copy(
        update={
            "model": ModelSection(architecture=architecture, params=known),
            "train": config.train.model_copy(
                update={"steps": steps, "optimizer": "adam", "batch_size": 16, "eval_interval": 60}
            ),
        }
    )


@pytest.fixture(scope="module")
def train(training: Features, validation: Features) -> Callable[..., Any]:
    """A function: architecture -> its configuration and Keras model after a few steps."""

    @functools.cache
    def run(architecture: Any) -> Any:
        config = trained_config(architecture)
        return config, fit(config, training, validation, lambda metrics, save: None).model

    return run


def calibration_of(training: Features, config: Config) -> NDArray[np.float32]:
    """The features that calibrate, as a trial takes them."""
    chosen = calibration_clips(training.labels(config.labels), config.seed)
    raw = training.raw[chosen, 0].astype(np.float32) * np.float32(training.scale)
    return raw.reshape(len(chosen), -1)


@pytest.fixture(scope="module")
def tiny(train: Callable[..., Any], training: Features) -> tuple[Config, Any, NDArray[np.float32]]:
    """A trained tiny_conv: configuration, Keras model, calibration features."""
    config, model = train("tiny_conv")
    return config, model, calibration_of(training, config)


@pytest.fixture(scope="module")
def int8(tiny: tuple[Config, Any, NDArray[np.float32]]) -> bytes:
    """Its int8 file."""
    return convert_int8(tiny[1], tiny[2], fixed_input=True)


@pytest.fixture(scope="module")
def unstripped(tiny: tuple[Config, Any, NDArray[np.float32]]) -> bytes:
    """Its int8 file as the converter gives it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantize, "strip", lambda model: model)
        return convert_int8(tiny[1], tiny[2], fixed_input=True)


def unpacked(model: bytes) -> Any:
    """The .tflite as an object."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_size_told_before_training_is_that_of_the_trained_model(
    architecture: str, train: Callable[..., Any], training: Features
) -> None:
    """Bytes, arena, operators and multiply-accumulates, equal: a rejection is never wrong."""
    config, model = train(architecture)
    trained = measure(convert_int8(model, calibration_of(training, config), True), None)
    told = measure(convert_untrained(config.model, SHAPE, len(config.labels)), None)
    assert told.as_dict() == trained.as_dict()
    assert told.ops == trained.ops


@pytest.mark.parametrize("architecture", ["tiny_conv", "ds_cnn", "temporal_conv"])
def test_int8_in_tflm_agrees_with_keras(
    architecture: str, train: Callable[..., Any], training: Features, validation: Features
) -> None:
    """Probabilities within 0.1 of each other at worst, 0.02 on average."""
    config, model = train(architecture)
    data = convert_int8(model, calibration_of(training, config), True)
    floats = predict(model, validation.scaled())
    difference = np.abs(Runner(data).predict(validation.scaled()) - floats)
    assert difference.max() <= 0.1
    assert difference.mean() <= 0.02


def test_float_file_agrees_with_keras(
    tiny: tuple[Config, Any, NDArray[np.float32]], validation: Features
) -> None:
    """It is the same arithmetic: within a ten-thousandth."""
    features = validation.scaled()
    floats = FloatRunner(convert_float(tiny[1])).predict(features)
    np.testing.assert_allclose(floats, predict(tiny[1], features), atol=1e-4)
    np.testing.assert_allclose(floats.sum(1), 1, atol=1e-5)


def test_fixed_input_has_the_scale_of_the_firmware(int8: bytes) -> None:
    """26/256 and -128, whatever the clips hold: the feature provider needs no change."""
    runner = Runner(int8)
    assert (runner.input_scale, runner.input_zero_point) == (26 / 256, -128)
    assert (runner.output_scale, runner.output_zero_point) == (1 / 256, -128)


@pytest.mark.parametrize("loudness", [0.01, 100.0])
def test_fixed_input_does_not_depend_on_the_clips(
    tiny: tuple[Config, Any, NDArray[np.float32]], loudness: float
) -> None:
    """Neither quiet ones nor ones beyond the range move it."""
    runner = Runner(convert_int8(tiny[1], tiny[2][:8] * loudness, fixed_input=True))
    assert (runner.input_scale, runner.input_zero_point) == (26 / 256, -128)


def test_free_input_follows_the_clips(tiny: tuple[Config, Any, NDArray[np.float32]]) -> None:
    """Other front ends have ranges of their own, negative values among them."""
    clips = np.linspace(-3, 9, 20 * 500, dtype=np.float32).reshape(20, 500)
    runner = Runner(convert_int8(tiny[1], clips, fixed_input=False))
    assert runner.input_scale == pytest.approx(12 / 255, rel=0.02)
    assert -128 < runner.input_zero_point < 0


def test_fully_connected_layers_have_one_scale(int8: bytes) -> None:
    """Older TFLM, like that of the SPRD sketch, reads the first one alone."""
    graph = unpacked(int8).subgraphs[0]
    (layer,) = (op for op in read_graph(int8).operators if op.op == "FULLY_CONNECTED")
    assert [len(graph.tensors[i].quantization.scale) for i in layer.inputs] == [1, 1, 1]


def test_names_and_metadata_are_stripped(int8: bytes, unstripped: bytes) -> None:
    """A tenth of a small model; the operators stay."""
    model = unpacked(int8)
    assert not model.description
    assert not model.metadata
    assert not model.signatureDefs
    assert not any(tensor.name for graph in model.subgraphs for tensor in graph.tensors)
    assert len(int8) < len(unstripped)
    assert read_graph(int8).ops == read_graph(unstripped).ops


def test_stripped_model_computes_the_same_bytes(int8: bytes, unstripped: bytes) -> None:
    """For random inputs, and as large an arena or a smaller one."""
    inputs = np.random.default_rng(0).integers(-128, 128, (50, 500)).astype(np.int8)
    np.testing.assert_array_equal(Runner(int8).run(inputs), Runner(unstripped).run(inputs))
    assert Runner(int8).arena_host_bytes <= Runner(unstripped).arena_host_bytes


def test_stripping_twice_changes_nothing(int8: bytes) -> None:
    """What is gone is gone."""
    assert strip(int8) == int8


@pytest.mark.parametrize("architecture", ["tiny_conv", "ds_cnn"])
def test_buffers_of_a_stripped_model_are_aligned_to_16(architecture: str) -> None:
    """Kernels read int32 biases in place: C++ writers align so, the Python one does not."""
    defaults = ARCHITECTURES[architecture].defaults()
    section = ModelSection(architecture=architecture, params=defaults)
    data = convert_untrained(section, SHAPE, 4)
    model = schema.Model.GetRootAsModel(data, 0)
    starts = []
    for i in range(model.BuffersLength()):
        buffer = model.Buffers(i)
        if buffer.DataLength():
            table = buffer._tab
            starts.append(table.Vector(table.Offset(4)))
            assert bytes(data[starts[-1] :][: buffer.DataLength()]) == bytes(buffer.DataAsNumpy())
    assert len(starts) >= 4
    assert [start % 16 for start in starts] == [0] * len(starts)


DEEP = [
    ("tiny_conv", {}),
    ("low_latency_conv", SMALL["low_latency_conv"]),
    ("tiny_embedding_conv", {}),
    ("ds_cnn", {"n_blocks": 8, "filters": 8}),
    ("ds_cnn", {"n_blocks": 3, "filters": 64}),
    ("temporal_conv", {"layer_filters": "-".join(["8"] * 12), "layer_strides": "1"}),
]


@pytest.mark.parametrize(("architecture", "values"), DEEP, ids=str)
def test_no_constant_of_a_model_told_in_advance_is_shared_or_dropped(
    architecture: str, values: dict[str, Any]
) -> None:
    """Zero biases and equal statistics would be, and the model told too small."""
    params = ARCHITECTURES[architecture].defaults()
    section = ModelSection(architecture=architecture, params={**params, **values})
    data = convert_untrained(section, SHAPE, 4)
    tensors = unpacked(data).subgraphs[0].tensors
    weighted = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    constants = [op.inputs[1:] for op in read_graph(data).operators if op.op in weighted]
    assert all(len(inputs) == 2 for inputs in constants)
    buffers = [tensors[i].buffer for inputs in constants for i in inputs]
    assert len(set(buffers)) == len(buffers)


def test_size_does_not_depend_on_which_weights_happen_to_be_equal() -> None:
    """Two kernels of one weight each are 127 or -127: the converter would store equal ones once."""
    params = ARCHITECTURES["conv"].defaults()
    one: dict[str, Any] = {
        "first_filters": 1,
        "first_kernel": "1x1",
        "second_filters": 1,
        "second_kernel": "1x1",
    }
    model = build_model(
        ModelSection(architecture="conv", params={**params, **one}), (10, 8), n_labels=4
    )
    calibration = np.random.default_rng(0).uniform(0, 26, (4, 80)).astype(np.float32)
    first, second = (layer for layer in model.layers if layer.name.startswith("conv2d"))
    first.set_weights([np.ones((1, 1, 1, 1)), np.array([0.5])])
    sizes = []
    for weight in (0.9, -0.9):
        second.set_weights([np.full((1, 1, 1, 1), weight), np.array([20.0])])
        sizes.append(len(convert_int8(model, calibration, fixed_input=True)))
    assert sizes[0] == sizes[1]


def test_told_size_is_the_same_every_time() -> None:
    """It is seeded by itself, whatever was built before."""
    config = trained_config("ds_cnn")
    first = convert_untrained(config.model, SHAPE, 4)
    keras.utils.set_random_seed(99)
    build_model(config.model, SHAPE, 4)
    assert convert_untrained(config.model, SHAPE, 4) == first


def test_calibration_takes_each_label_alike() -> None:
    """Seeded, sorted, no clip twice; a label with few clips gives what it has."""
    labels = np.array([0] * 500 + [1] * 10 + [2] * 500 + [3] * 500)
    chosen = calibration_clips(labels, seed=1)
    share = N_CALIBRATION // 4
    assert np.bincount(labels[chosen]).tolist() == [share, 10, share, share]
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, calibration_clips(labels, seed=1))
    assert (chosen != calibration_clips(labels, seed=2)).any()
