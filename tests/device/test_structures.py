"""TFLM's structures explain the tail of this host, and bound that of a board."""

from pathlib import Path

import pytest

from sprd.device.structures import BOARD, HOST, tail_items
from sprd.device.tflm import Runner, plan_head
from tests.device.test_memory import MODELS, channels_of


@pytest.mark.parametrize("name", MODELS)
def test_structures_explain_the_hosts_tail_to_the_byte(shared: Path, name: str) -> None:
    """With the sizes of x86-64, the count is the tail that TFLM reports."""
    runner = Runner((shared / "models" / f"{name}.tflite").read_bytes(), name)
    graph, split = runner.graph, runner.arena_split
    items = tail_items(len(graph.tensors), channels_of(graph), HOST)
    assert sum(items.values()) == split.tail_bytes
    assert items["tensors"] == pytest.approx(24 * len(graph.tensors), abs=16)
    assert items["nodes"] == 64 * len(graph.operators)
    assert plan_head(graph) == split.head_bytes


def test_tail_never_shrinks_with_another_part() -> None:
    """Another tensor, operator, channel or scratch buffer costs memory, or its alignment."""
    operators = [("CONV_2D", 8), ("SOFTMAX", 0)]
    for structures in (HOST, BOARD):
        plain = sum(tail_items(5, operators, structures).values())
        assert plain % 16 == 0
        assert sum(tail_items(7, operators, structures).values()) > plain
        assert sum(tail_items(5, [("CONV_2D", 12), ("SOFTMAX", 0)], structures).values()) > plain
        assert sum(tail_items(5, [*operators, ("ADD", 0)], structures).values()) > plain
        assert sum(tail_items(5, operators, structures, 5).values()) > plain


def test_structures_of_a_board_are_no_larger_than_the_hosts_but_for_cmsis_nn() -> None:
    """Pointers of 4 B halve tensors and nodes; only kernels with scratch keep an index more."""
    assert (2 * BOARD.tensor, 2 * BOARD.node) == (HOST.tensor, HOST.node)
    assert BOARD.fixed <= HOST.fixed
    grown = {op for op in HOST.operator_data if BOARD.operator_data[op] > HOST.operator_data[op]}
    assert grown == {"FULLY_CONNECTED", "AVERAGE_POOL_2D", "MAX_POOL_2D"}
    assert BOARD.operator_data.keys() == HOST.operator_data.keys()
