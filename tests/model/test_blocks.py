"""The architectures over time that are built of blocks: shapes, operators, what has an effect."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprd.config.sections import BrokenRule, check_value
from sprd.config.trial import ModelSection
from sprd.device.board import load_board
from sprd.device.footprint import measure
from sprd.device.graph import macs_of, read_graph
from sprd.model.params import ARCHITECTURES, BLOCK_KINDS, N_POSITIONS, BlocksParams
from sprd.model.quantize import convert_untrained
from sprd.model.zoo import build_model
from tests.model.test_zoo import ALLOWED_OPS, N_LABELS, described, section
from tests.strategies import legal_params

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (25, 20)

POINTS = [
    ("tc_resnet", {"layer_filters": "16-16-24", "layer_strides": "1-2", "kernel_frames": 9}),
    ("tc_resnet", {"layer_filters": "7-12", "layer_strides": "3", "kernel_frames": 4}),
    ("bottleneck", {"layer_filters": "16-16-24", "layer_strides": "1-2", "expansion": 1}),
    ("bottleneck", {"first_stride": 2, "layer_filters": "7-7", "expansion": 3, "kernel_frames": 4}),
    ("blocks", {"block_1": "residual3", "block_4": "residual5", "stride_4": 2, "block_6": "conv7"}),
    ("blocks", {"block_1": "separable9", "stride_1": 2, "filters_1": 7, "block_2": "none"}),
]
"""Strided and projected shortcuts, even kernels, odd widths, and positions that stand empty."""


def filled(**kinds: Any) -> ModelSection:
    """`blocks` with the given positions in use and no other; the first is a conv3 of stride 1."""
    empty = {f"block_{i}": "none" for i in range(2, N_POSITIONS + 1)}
    return section("blocks", **{**empty, "block_1": "conv3", "stride_1": 1, **kinds})


def layers_of(model_section: ModelSection, kind: str, shape: Any = SHAPE) -> list[Any]:
    """The layers of a kind that a model has."""
    model = build_model(model_section, shape, N_LABELS)
    return [layer for layer in model.layers if type(layer).__name__ == kind]


@pytest.mark.parametrize("shape", [(49, 40), (24, 20), (25, 40)], ids=str)
@pytest.mark.parametrize(("architecture", "values"), POINTS, ids=str)
def test_residuals_have_a_cost_whatever_the_shape(
    architecture: str, values: dict[str, int | str], shape: tuple[int, int]
) -> None:
    """Allowed operators, and instructions and latency on a board: nothing that is unknown."""
    model = convert_untrained(section(architecture, **values), shape, N_LABELS)
    found = measure(model, load_board("arduino_nano_33_ble"))
    assert set(found.ops) <= ALLOWED_OPS
    assert found.instructions is not None
    assert found.latency_ms is not None


@pytest.mark.parametrize(
    ("filters", "strides", "n_projections"),
    [("16-16", "1", 0), ("16-16", "2", 2), ("16-24", "1", 1), ("24-24-24", "1-2", 2)],
)
def test_tc_resnet_projects_the_shortcut_where_the_shape_changes(
    filters: str, strides: str, n_projections: int
) -> None:
    """Pointwise convolutions: as many as blocks that change the width or the frames."""
    found = section(
        "tc_resnet", first_filters=16, layer_filters=filters, layer_strides=strides, kernel_frames=3
    )
    sizes = [layer.kernel_size for layer in layers_of(found, "Conv2D")]
    n_blocks = len(filters.split("-"))
    assert sizes.count((1, 1)) == n_projections
    assert sizes.count((3, 1)) == 1 + 2 * n_blocks
    assert len(layers_of(found, "Add")) == n_blocks


def test_an_addition_is_one_operator() -> None:
    """The ReLU behind it is fused: one ADD for each residual block."""
    model = section("tc_resnet", layer_filters="16-16-24")
    ops = [op.op for op in read_graph(convert_untrained(model, SHAPE, N_LABELS)).operators]
    assert ops.count("ADD") == 3
    assert "RELU" not in ops


@pytest.mark.parametrize(
    ("filters", "strides", "n_shortcuts"),
    [("16-16", "1", 2), ("16-16", "2", 0), ("16-24", "1", 1), ("24-24", "2-1", 1)],
)
def test_bottleneck_has_a_shortcut_where_the_shape_stays(
    filters: str, strides: str, n_shortcuts: int
) -> None:
    """Neither a new width nor a stride can be added to."""
    found = section(
        "bottleneck", first_filters=16, layer_filters=filters, layer_strides=strides, expansion=2
    )
    assert len(layers_of(found, "Add")) == n_shortcuts


def test_bottleneck_of_expansion_1_has_no_expanding_convolution() -> None:
    """A depthwise and a projecting one a block, as in the first block of MobileNetV2."""
    values = {"first_filters": 16, "layer_filters": "16-24", "layer_strides": "1"}
    plain = section("bottleneck", **values, expansion=1)
    wide = section("bottleneck", **values, expansion=3)
    assert [layer.filters for layer in layers_of(plain, "Conv2D")] == [16, 16, 24]
    assert [layer.filters for layer in layers_of(wide, "Conv2D")] == [16, 48, 16, 48, 24]
    depths = [layer.input.shape[3] for layer in layers_of(wide, "DepthwiseConv2D")]
    assert depths == [48, 48]


def test_projection_of_a_bottleneck_has_no_activation() -> None:
    """What is added is linear: a ReLU in so few channels would lose what they hold."""
    found = section("bottleneck", first_filters=8, layer_filters="8-8", layer_strides="1")
    for add in layers_of(found, "Add"):
        assert type(add.input[1]._keras_history.operation).__name__ == "BatchNormalization"


@pytest.mark.parametrize("kind", BLOCK_KINDS)
def test_kind_of_a_block_tells_the_frames_that_it_spans(kind: str) -> None:
    """And the number of convolutions: one, a depthwise and a pointwise, or two and a shortcut."""
    found = filled(block_2=kind, filters_1=8, filters_2=12, stride_2=2)
    frames = (int(kind[-1]), 1)
    wide = sorted(layer.kernel_size for layer in layers_of(found, "Conv2D")[1:])
    depthwise = [layer.kernel_size for layer in layers_of(found, "DepthwiseConv2D")]
    expected = {
        "conv": ([frames], []),
        "separable": ([(1, 1)], [frames]),
        "residual": ([(1, 1), frames, frames], []),
    }
    assert (wide, depthwise) == expected[kind[:-1]]


@pytest.mark.parametrize(("stride", "n_frames"), [(1, 25), (2, 13)])
@pytest.mark.parametrize("kind", BLOCK_KINDS)
def test_stride_of_a_block_is_that_of_its_frames(kind: str, stride: int, n_frames: int) -> None:
    """The frames shrink, the one column stays."""
    found = filled(block_2=kind, filters_2=12, stride_2=stride)
    (pool,) = layers_of(found, "AveragePooling2D")
    assert pool.input.shape == (None, n_frames, 1, 12)


def test_every_position_may_stand_empty_but_the_first() -> None:
    """A model without a block would be none."""
    kinds: dict[int, Any] = {
        i: BlocksParams.model_fields[f"block_{i}"].annotation for i in range(1, 7)
    }
    assert get_args(kinds[1]) == BLOCK_KINDS
    assert all(get_args(kinds[i]) == ("none", *BLOCK_KINDS) for i in range(2, N_POSITIONS + 1))
    assert len(layers_of(filled(), "Conv2D")) == 1


@pytest.mark.parametrize(
    ("architecture", "name", "value", "rule"),
    [
        ("blocks", "block_1", "none", "must be 'conv3', 'conv5', 'conv7', 'separable3',"),
        ("blocks", "block_2", "conv4", "must be 'none', 'conv3', "),
        ("blocks", "stride_1", 3, "must lie in 1 .. 2"),
        ("blocks", "filters_6", 0, "must lie in 1 .. 1024"),
        ("bottleneck", "expansion", 0, "must lie in 1 .. 6"),
        ("bottleneck", "expansion", 7, "must lie in 1 .. 6"),
        ("bottleneck", "layer_strides", "1-5", "must lie in 1 .. 4"),
        ("tc_resnet", "kernel_frames", 32, "must lie in 1 .. 31"),
        ("tc_resnet", "layer_filters", "16,16", "must be integers joined by '-'"),
    ],
)
def test_illegal_value_is_refused(
    architecture: str, name: str, value: int | str, rule: str
) -> None:
    """Before anything is built."""
    with pytest.raises(BrokenRule) as caught:
        check_value(ARCHITECTURES[architecture], name, value)
    assert (caught.value.key, caught.value.rule[: len(rule)]) == (name, rule)


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"blocks"}))
def test_all_parameters_of_other_architectures_have_an_effect(architecture: str) -> None:
    """Whatever the point says."""
    kind = ARCHITECTURES[architecture]
    assert kind.active({}) == set(kind.model_fields)
    assert kind.active({"block_2": "none"}) == set(kind.model_fields)


def test_filters_and_stride_of_an_empty_position_have_no_effect() -> None:
    """The block itself does: it says that the position is empty."""
    point = {f"block_{i}": "conv3" for i in range(1, N_POSITIONS + 1)}
    known = set(BlocksParams.model_fields)
    assert BlocksParams.active(point) == known
    found = BlocksParams.active(point | {"block_3": "none"})
    assert known - found == {"filters_3", "stride_3"}


def test_block_that_a_point_does_not_name_has_its_default() -> None:
    """Other values at the point do not matter."""
    defaults = BlocksParams.defaults()
    assert BlocksParams.active({}) == BlocksParams.active(defaults)
    assert BlocksParams.active({"dropout": 0.3, "filters_6": 8}) == BlocksParams.active({})
    empty = {name[-1] for name, value in defaults.items() if value == "none"}
    assert set(defaults) - BlocksParams.active({}) == {
        f"{name}_{i}" for i in empty for name in ("filters", "stride")
    }


@given(data=st.data())
@settings(max_examples=30)
def test_parameters_without_an_effect_leave_the_model_as_it_is(data: Any) -> None:
    """Two points that agree in the active ones are the same model."""
    drawn = data.draw(legal_params("blocks", most=6))
    kept = {name: drawn[name] for name in BlocksParams.active(drawn)}
    assert BlocksParams.active(kept) == kept.keys()
    assert described(section("blocks", **kept), SHAPE) == described(
        section("blocks", **drawn), SHAPE
    )


def test_residual_block_of_a_search_is_that_of_tc_resnet() -> None:
    """A model of the one can be found by the other."""
    one = filled(block_2="residual5", filters_1=16, filters_2=24, stride_2=2)
    other = section(
        "tc_resnet", first_filters=16, layer_filters="24", kernel_frames=5, layer_strides="2"
    )
    graphs = [read_graph(convert_untrained(found, SHAPE, N_LABELS)) for found in (one, other)]
    assert graphs[0].ops == graphs[1].ops
    macs = [sum(macs_of(graph, operator) for operator in graph.operators) for graph in graphs]
    assert macs[0] == macs[1]
