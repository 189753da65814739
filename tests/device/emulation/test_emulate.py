"""Models run on an emulated core byte for byte as in TFLM, and their instructions are counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sprd.device.emulation.adapt import adapt
from sprd.device.emulation.emulate import emulate
from sprd.device.graph import read_graph
from sprd.device.instructions import count_instructions
from sprd.errors import EmulationError

PUBLISHED = {
    "sprd_tiny_conv_up_down": 2.511e6,
    "mlperf_tiny_kws_ds_cnn": 7.644e6,
    "mlperf_tiny_ic_resnet8": 34.291e6,
    "mlperf_tiny_vww_mobilenet": 25.504e6,
    "mlperf_tiny_ad_autoencoder": 0.576e6,
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.usefixtures("toolchain")
def test_published_models_run_as_in_tflm(shared: Path, name: str) -> None:
    """Every output byte of 32 inputs is TFLM's; the count is that of the prototype."""
    found = emulate((shared / "models" / f"{name}.tflite").read_bytes(), "cortex-m4")
    assert found.outputs_equal and found.n_clips == 32 and found.n_outputs_different == 0
    assert found.instructions == pytest.approx(PUBLISHED[name], rel=2e-3)
    assert found.instructions_min <= found.instructions <= found.instructions_max
    assert sum(layer.instructions for layer in found.layers) == pytest.approx(
        found.instructions, rel=1e-3
    )
    assert 0 < found.stack_bytes < 2048
    assert found.flash_bytes > found.ram_bytes > 0


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33"])
@pytest.mark.usefixtures("toolchain")
def test_every_core_gives_the_same_bytes(tiny_conv: bytes, core: str) -> None:
    """Every core runs CMSIS-NN; an M0+, without long multiplication, takes less than twice as long.

    The generator's own C took 22.9 M instructions there, where CMSIS-NN takes 4.3 M.
    """
    found = emulate(tiny_conv, core, n_inputs=3)
    assert found.outputs_equal
    assert {layer.kernel for layer in found.layers} == {"cmsis-nn", None}
    expected = 4.27e6 if core == "cortex-m0plus" else 2.5e6
    assert found.instructions == pytest.approx(expected, rel=0.02)


@pytest.mark.usefixtures("toolchain")
def test_layer_says_which_kernel_ran(shared: Path) -> None:
    """ADD is the generator's own C, convolutions are CMSIS-NN's, views run nothing."""
    model = (shared / "models" / "mlperf_tiny_ic_resnet8.tflite").read_bytes()
    kernels = {layer.op: layer.kernel for layer in emulate(model, "cortex-m4", n_inputs=1).layers}
    assert kernels == {
        "CONV_2D": "cmsis-nn",
        "AVERAGE_POOL_2D": "cmsis-nn",
        "FULLY_CONNECTED": "cmsis-nn",
        "ADD": "portable c",
        "RESHAPE": None,
        "SOFTMAX": None,
    }


@pytest.mark.usefixtures("toolchain")
def test_same_count_on_every_run(tiny_conv: bytes) -> None:
    """Two runs give the same figures, total and by layer."""
    one, two = (emulate(tiny_conv, "cortex-m4", n_inputs=2) for _ in range(2))
    assert (one.instructions, one.layers, one.stack_bytes) == (
        two.instructions,
        two.layers,
        two.stack_bytes,
    )


@pytest.mark.usefixtures("toolchain")
def test_each_layer_agrees_with_the_cost_model(shared: Path) -> None:
    """Layers above 50,000 instructions are within 15 % of what their shapes tell."""
    model = (shared / "models" / "mlperf_tiny_ic_resnet8.tflite").read_bytes()
    graph = read_graph(model)
    found = emulate(model, "cortex-m4", n_inputs=1)
    pairs = list(zip(found.layers, count_instructions(graph), strict=True))
    assert [layer.op for layer, _ in pairs] == [operator.op for operator in graph.operators]
    for layer, estimate in pairs:
        if layer.instructions > 50_000:
            assert estimate == pytest.approx(layer.instructions, rel=0.15), layer


@pytest.mark.usefixtures("toolchain")
def test_different_outputs_are_noticed(tiny_conv: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that computes something else is not called equal."""
    from sprd.device.emulation import emulate as room
    from sprd.device.emulation.toolchain import build

    def break_weights(folder: Any, *args: Any, **kwargs: Any) -> Any:
        weights = folder / "bknn_m_weights.c"
        weights.write_text(weights.read_text().replace(" 1", " 2"))
        return build(folder, *args, **kwargs)

    monkeypatch.setattr(room, "build", break_weights)
    found = room.emulate(tiny_conv, "cortex-m4", n_inputs=4)
    assert not found.outputs_equal and found.n_outputs_different > 0
    first = found.first_difference
    assert first is not None and first.expected != first.got
    assert 0 <= first.input < 4 and 0 <= first.output < 4


@pytest.mark.usefixtures("toolchain")
def test_inputs_can_be_given(tiny_conv: bytes) -> None:
    """Features of real clips, say; their number and type are checked."""
    rows = np.zeros((2, 1960), np.int8)
    assert emulate(tiny_conv, "cortex-m4", rows).n_clips == 2
    with pytest.raises(EmulationError, match="1960 values"):
        emulate(tiny_conv, "cortex-m4", rows[:, :10])
    with pytest.raises(EmulationError, match="at least one, got 0"):
        emulate(tiny_conv, "cortex-m4", rows[:0])
    with pytest.raises(EmulationError, match="at least one, got -1"):
        emulate(tiny_conv, "cortex-m4", n_inputs=-1)


@pytest.mark.usefixtures("toolchain")
def test_nothing_is_left_behind(
    tiny_conv: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary folder goes, when all is well and when something fails."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    emulate(tiny_conv, "cortex-m4", n_inputs=1)
    monkeypatch.setattr("sprd.device.emulation.emulate.run", lambda *args: "")
    with pytest.raises(EmulationError, match="run every input"):
        emulate(tiny_conv, "cortex-m4", n_inputs=1)
    monkeypatch.setattr("sprd.device.emulation.emulate.run", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        emulate(tiny_conv, "cortex-m4", n_inputs=1)
    assert list(tmp_path.iterdir()) == []


def _interrupted(*args: float | str | Path) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("toolchain")
def test_rewriting_that_changes_a_model_is_noticed(
    tiny_conv: bytes, edit_model: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rewritten model and what was left out are held against the model itself, in TFLM."""
    from sprd.device.emulation import emulate as room

    def change(tree: Any) -> None:
        buffers, graph = tree.buffers, tree.subgraphs[0]
        bias = graph.tensors[graph.operators[1].inputs[2]]
        buffers[bias.buffer].data = np.full(32, 99, np.uint8)

    other = edit_model(tiny_conv, change)
    monkeypatch.setattr(room, "adapt", lambda model, name: adapt(other, name))
    with pytest.raises(EmulationError, match="same outputs after it was rewritten"):
        emulate(tiny_conv, "cortex-m4", n_inputs=2)


@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize("error", [IndexError(), ValueError("operator[1] is odd"), MemoryError()])
def test_whatever_the_generator_raises_is_told(
    tiny_conv: bytes, error: IndexError | MemoryError | ValueError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the generator names the operator where it tells one; none comes through."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr("bakenn.compile_tflite", fail)
    # The second operator of the rewritten graph is a PAD: it belongs to the convolution.
    expected = "CONV_2D: .*is odd" if str(error) else type(error).__name__
    with pytest.raises(EmulationError, match=expected):
        emulate(tiny_conv, "cortex-m4", n_inputs=1)


def test_softmax_is_left_out(tiny_conv: bytes) -> None:
    """The rewritten graph ends at the logits; its arithmetic is untouched up to there."""
    adapted = adapt(tiny_conv)
    assert adapted.graph.ops[-1] == "FULLY_CONNECTED"
    assert "SOFTMAX" not in adapted.graph.ops
    assert list(adapted.origin) == sorted(adapted.origin)


def test_rewritten_model_gives_the_same_logits(tiny_conv: bytes) -> None:
    """Softmax of the rewritten model's logits ranks the labels as the model itself does."""
    from sprd.device.tflm import Runner

    rows = np.random.default_rng(1).integers(-128, 128, (50, 1960), dtype=np.int8)
    logits, outputs = Runner(adapt(tiny_conv).model).run(rows), Runner(tiny_conv).run(rows)
    best = outputs == outputs.max(1, keepdims=True)
    assert (best[np.arange(50), logits.argmax(1)]).all()


def test_operator_that_cannot_run_is_named(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """The message says which operator and what could run."""

    def change(tree: Any) -> None:
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 14, 14  # LOGISTIC

    with pytest.raises(EmulationError, match="LOGISTIC"):
        adapt(edit_model(tiny_conv, change))


def test_model_that_computes_nothing_is_refused(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """A reshape alone runs no kernel."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.operators = graph.operators[:1]
        graph.outputs = graph.operators[0].outputs

    with pytest.raises(EmulationError, match="layer that computes"):
        adapt(edit_model(tiny_conv, change))


@pytest.mark.usefixtures("toolchain")
def test_odd_temporary_folder_is_no_obstacle(
    tiny_conv: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spaces and quotes in a path reach neither a shell nor a macro."""
    odd = tmp_path / 'a "quoted" folder'
    odd.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    assert emulate(tiny_conv, "cortex-m4", n_inputs=1).outputs_equal


def test_dilated_convolution_is_named(tiny_conv: bytes, edit_model: Callable[..., Any]) -> None:
    """CMSIS-NN would fall back to slow code."""

    def change(tree: Any) -> None:
        tree.subgraphs[0].operators[1].builtinOptions.dilationHFactor = 2

    with pytest.raises(EmulationError, match="dilation 1"):
        adapt(edit_model(tiny_conv, change))


def test_layer_without_a_bias_gets_one_of_zeros(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """The generator takes no layer without; TFLM computes the same."""
    from sprd.device.tflm import Runner

    def change(tree: Any) -> None:
        layer = next(o for o in tree.subgraphs[0].operators if len(o.inputs) == 3)
        dense = [o for o in tree.subgraphs[0].operators if len(o.inputs) == 3][-1]
        assert layer is not dense
        dense.inputs = list(dense.inputs)[:2]

    without = edit_model(tiny_conv, change)
    rows = np.random.default_rng(2).integers(-128, 128, (20, 1960), dtype=np.int8)
    logits, outputs = Runner(adapt(without).model).run(rows), Runner(without).run(rows)
    best = outputs == outputs.max(1, keepdims=True)
    assert (best[np.arange(20), logits.argmax(1)]).all()
