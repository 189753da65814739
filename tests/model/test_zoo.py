"""Every architecture can be built, and holds only what the device is fast at once converted."""

import functools
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sprd.config.sections import BrokenRule, check_value
from sprd.config.trial import ModelSection
from sprd.device.graph import macs_of, read_graph
from sprd.device.tflm import Runner
from sprd.model import params, zoo
from sprd.model.quantize import convert_untrained
from tests.strategies import legal_params

pytestmark = pytest.mark.usefixtures("one_thread")

ALLOWED_OPS = {
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "ADD",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
    "RESHAPE",
    "PAD",
    "SOFTMAX",
}
N_LABELS = 4

OTHER_VALUES = (3, 2, 1, 0.25, "3x2", "3-2", "conv5", "conv7")
"""Among them a legal value of every parameter that is not its default."""


def other_value(kind: Any, name: str) -> float | str:
    """A legal value of a parameter that is not its default."""
    default = kind.defaults()[name]
    return next(v for v in OTHER_VALUES if v != default and is_legal(kind, name, v))


def is_legal(kind: Any, name: str, value: float | str) -> bool:
    """Whether a parameter may have a value."""
    try:
        check_value(kind, name, value)
    except BrokenRule:
        return False
    return True


def section(architecture: str, **values: Any) -> ModelSection:
    """An architecture with its defaults, some replaced."""
    defaults = params.ARCHITECTURES[architecture].defaults()
    return ModelSection(architecture=architecture, params={**defaults, **values})


def described(model_section: ModelSection, shape: tuple[int, int] = (25, 20)) -> str:
    """The layers of a model as text, their names without the number that Keras counts up."""
    model = zoo.build_model(model_section, shape, N_LABELS)
    return re.sub(r'_\d+"', '"', json.dumps(model.get_config(), sort_keys=True))


@functools.cache
def described_default(architecture: Any) -> Any:
    """The layers of an architecture with nothing replaced."""
    return described(section(architecture))


def assert_fits_the_device(model: bytes, shape: tuple[int, int]) -> None:
    """An int8 graph of allowed operators, flat in and flat out, that TFLM runs."""
    graph = read_graph(model)
    assert set(graph.ops) <= ALLOWED_OPS
    assert {t.type for t in graph.tensors} <= {"INT8", "INT32"}
    ends = [graph.tensors[i] for i in (*graph.inputs, *graph.outputs)]
    assert [(t.type, t.shape) for t in ends] == [
        ("INT8", (1, shape[0] * shape[1])),
        ("INT8", (1, N_LABELS)),
    ]
    runner = Runner(model)
    zeros = np.zeros((1, runner.n_inputs), np.int8)
    assert runner.run(zeros).shape == (1, N_LABELS)


def n_strides(values: Mapping[str, Any]) -> int:
    """By how much the strides of all layers divide the frames; the last is that of the rest."""
    strides = [int(stride) for stride in str(values.get("layer_strides", "1")).split("-")]
    n_layers = len(str(values.get("layer_filters", "1")).split("-"))
    return math.prod([*strides, *[strides[-1]] * n_layers][:n_layers])


def test_zoo_and_parameters_name_the_same_architectures() -> None:
    """What a sweep file may name can be built, and the other way round."""
    assert zoo.ARCHITECTURES.keys() == params.ARCHITECTURES.keys()


@pytest.mark.parametrize("shape", [(49, 40), (25, 20)], ids=str)
@pytest.mark.parametrize("architecture", zoo.ARCHITECTURES)
def test_default_fits_the_device(architecture: str, shape: tuple[int, int]) -> None:
    """SPRD's feature shape and a small one."""
    assert_fits_the_device(convert_untrained(section(architecture), shape, N_LABELS), shape)


@pytest.mark.parametrize("architecture", zoo.ARCHITECTURES)
@given(data=st.data())
@settings(max_examples=3)
def test_any_parameters_and_shape_fit_the_device(architecture: str, data: Any) -> None:
    """Every legal value gives a model of allowed operators; `most` keeps it quick.

    But for layers that go on where one frame is left: TFLM aborts on some, and takes the tests
    along.
    """
    values = data.draw(legal_params(architecture, most=6))
    shape = data.draw(st.tuples(st.integers(6, 60), st.integers(4, 40)))
    assume(n_strides(values) <= shape[0])
    model = convert_untrained(section(architecture, **values), shape, N_LABELS)
    assert_fits_the_device(model, shape)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [(name, key) for name, kind in params.ARCHITECTURES.items() for key in kind.model_fields],
)
def test_every_parameter_changes_the_model(architecture: str, name: str) -> None:
    """A search over it is a search, where it has an effect at all."""
    kind, place = params.ARCHITECTURES[architecture], {}
    if name not in kind.active({}):
        place = {f"block_{name[-1]}": "conv3"}
        assert name in kind.active(place)
    before = described(section(architecture, **place)) if place else described_default(architecture)
    changed = place | {name: other_value(kind, name)}
    assert described(section(architecture, **changed)) != before


@pytest.mark.parametrize("architecture", zoo.ARCHITECTURES)
def test_model_takes_flat_features_and_gives_a_logit_a_label(architecture: str) -> None:
    """The batch is open while it trains."""
    model = zoo.build_model(section(architecture), (25, 20), N_LABELS)
    assert (model.input_shape, model.output_shape) == ((None, 500), (None, N_LABELS))
    assert model.layers[-1].activation is keras.activations.linear


def test_tiny_conv_is_the_model_that_the_seed_ships(shared: Path) -> None:
    """Same operators, weights and multiply-accumulates as its .tflite."""
    shipped = (shared / "models" / "sprd_tiny_conv_up_down.tflite").read_bytes()
    ours = convert_untrained(section("tiny_conv"), (49, 40), N_LABELS)
    graphs = [read_graph(shipped), read_graph(ours)]
    assert graphs[0].ops == graphs[1].ops
    macs = [sum(macs_of(graph, op) for op in graph.operators) for graph in graphs]
    assert macs == [336_000, 336_000]
    weights = [sorted(t.data_bytes for t in g.tensors if t.data_bytes > 8) for g in graphs]
    assert weights[0] == weights[1]
    assert Runner(ours).arena_host_bytes == Runner(shipped).arena_host_bytes == 9_776
    assert len(ours) <= len(shipped)


def test_layer_strides_repeat_if_they_are_shorter() -> None:
    """Two strides serve four layers."""
    filters = {"layer_filters": "4-4-4-4"}
    long = section("temporal_conv", layer_strides="1-2-1-2", **filters)
    short = section("temporal_conv", layer_strides="1-2", **filters)
    assert described(short) == described(long)
