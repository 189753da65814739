"""The tail of one version of TFLM: what it holds, in which order, and what it never does."""

import pytest

from sprd.device.layouts import FIXED_BYTES, LAYOUTS, planning_bytes_of, tail_of
from sprd.device.structures import BOARD, tail_items

OPERATORS = [("CONV_2D", 8), ("RESHAPE", 0), ("FULLY_CONNECTED", 0), ("SOFTMAX", 0)]


def test_a_model_of_one_layer_is_counted_by_hand() -> None:
    """Fixed 132 B, tensors and node as they come, options, data at 16 B, input and output."""
    tail = tail_of(4, [("FULLY_CONNECTED", 0)], LAYOUTS["2026-08", "cmsis-nn"])
    before = sum(FIXED_BYTES) + 4 * 12 + 32 + 5
    data = -(-(before + 76) // 16) * 16
    assert tail.total_bytes - tail.ends_bytes == data
    # A pointer at 16 B, its tensor and 20 B of quantization; the next pointer at 80 B.
    assert tail.ends_bytes == 80 + 32 + 20


@pytest.mark.parametrize("key", sorted(LAYOUTS))
def test_another_part_costs_memory(key: tuple[str, str]) -> None:
    """Another tensor, operator or channel costs memory, four scratch buffers an alignment."""
    layout = LAYOUTS[key]
    plain = tail_of(9, OPERATORS, layout).total_bytes
    assert tail_of(13, OPERATORS, layout).total_bytes > plain
    assert tail_of(9, [*OPERATORS, ("ADD", 0)], layout).total_bytes > plain
    assert tail_of(9, [("CONV_2D", 12), *OPERATORS[1:]], layout).total_bytes > plain
    assert tail_of(9, OPERATORS, layout, n_scratch=4).total_bytes == plain + 16
    assert tail_of(9, OPERATORS, layout, n_ends=3).total_bytes > plain


@pytest.mark.parametrize("key", sorted(LAYOUTS))
def test_a_version_needs_no_more_than_the_bound_over_all(key: tuple[str, str]) -> None:
    """The bound was there before single versions were known, and still holds."""
    bound = sum(tail_items(9, OPERATORS, BOARD, 2).values())
    assert tail_of(9, OPERATORS, LAYOUTS[key], 2).total_bytes < bound


def test_december_needs_more_a_node_than_august() -> None:
    """Without TF_LITE_STATIC_MEMORY a node has fields that a microcontroller never reads."""
    december, august = (LAYOUTS[tflm, "cmsis-nn"] for tflm in ("2023-12", "2026-08"))
    assert december.node - august.node == 12
    assert december.end == 2 * august.end


def test_planner_borrows_for_every_tensor_and_buffer() -> None:
    """The autoencoder's 31 tensors and 11 activations: 744 B, 440 B, and room for requests."""
    assert planning_bytes_of(31, 11, 0) == 12 * 12 + 24 * 31 + 40 * 11 + 32
    assert planning_bytes_of(31, 11, 1) == planning_bytes_of(31, 11, 0) + 12 + 24 + 40
