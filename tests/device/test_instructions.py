"""Instructions told from shapes agree with those of an emulated core."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sprd.device.costs import costs as tables
from sprd.device.graph import read_graph
from sprd.device.instructions import count_instructions, work_of

EMULATED = {
    "sprd_tiny_conv_up_down": 2.511e6,
    "mlperf_tiny_kws_ds_cnn": 7.644e6,
    "mlperf_tiny_ic_resnet8": 34.291e6,
    "mlperf_tiny_vww_mobilenet": 25.504e6,
    "mlperf_tiny_ad_autoencoder": 0.576e6,
}
"""Instructions of one inference on an emulated Cortex-M4 (`sprd emulate`)."""

EMULATED_AT_OS = {
    "sprd_tiny_conv_up_down": 3.160e6,
    "mlperf_tiny_kws_ds_cnn": 9.079e6,
    "mlperf_tiny_ic_resnet8": 47.193e6,
    "mlperf_tiny_vww_mobilenet": 30.034e6,
    "mlperf_tiny_ad_autoencoder": 0.811e6,
}
"""The same with the build `arduino` (`sprd emulate --build arduino`)."""


@pytest.mark.parametrize("name", EMULATED)
def test_published_models_agree_within_three_percent(shared: Path, name: str) -> None:
    """None of them was in the fit."""
    graph = read_graph((shared / "models" / f"{name}.tflite").read_bytes())
    counted = [n for n in count_instructions(graph) if n is not None]
    assert len(counted) == len(graph.operators)
    assert sum(counted) == pytest.approx(EMULATED[name], rel=0.03)


@pytest.mark.parametrize(("name", "emulated"), EMULATED_AT_OS.items())
def test_published_models_agree_at_os(shared: Path, name: str, emulated: float) -> None:
    """None of them was in the fit of what -Os makes of the kernels."""
    graph = read_graph((shared / "models" / f"{name}.tflite").read_bytes())
    counted = count_instructions(graph, tables("arduino").emulated)
    assert sum(n or 0.0 for n in counted) == pytest.approx(emulated, rel=0.03)


def test_every_loop_has_a_cost(shared: Path) -> None:
    """Each loop that a kernel of the published models runs was fitted; none is below 0."""
    costs = tables().instructions
    for name in EMULATED:
        graph = read_graph((shared / "models" / f"{name}.tflite").read_bytes())
        for operator in graph.operators:
            for work in work_of(graph, operator):
                assert work.loops.keys() == costs[work.kernel].keys()
    assert all(cost >= 0 for loops in costs.values() for cost in loops.values())


def test_softmax_and_reshape_run_no_counted_instruction(tiny_conv: bytes) -> None:
    """The emulation stops at the logits and reshapes in place."""
    graph = read_graph(tiny_conv)
    counts = dict(zip((op.op for op in graph.operators), count_instructions(graph), strict=True))
    assert counts["SOFTMAX"] == counts["RESHAPE"] == 0


def test_unknown_operator_is_not_guessed(tiny_conv: bytes, edit_model: Callable[..., Any]) -> None:
    """What was never measured has no count."""

    def change(tree: Any) -> None:
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 14, 14  # LOGISTIC

    assert count_instructions(read_graph(edit_model(tiny_conv, change)))[-1] is None


def test_dilated_convolution_is_not_guessed(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """CMSIS-NN runs another kernel for those."""

    def change(tree: Any) -> None:
        tree.subgraphs[0].operators[1].builtinOptions.dilationHFactor = 2

    assert count_instructions(read_graph(edit_model(tiny_conv, change)))[1] is None
