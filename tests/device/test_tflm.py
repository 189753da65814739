"""TFLM runs a model as it will on the device, and tells the arena."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sprd.device.graph import read_graph
from sprd.device.tflm import Runner, plan_head, planning_bytes
from sprd.errors import ModelFileError


def published_arenas(shared: Path) -> dict[str, int]:
    """Returns model -> arena bytes of the wheel, as calibration/memory.csv has them."""
    lines = (shared / "calibration" / "memory.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {r["model"]: int(r["arena_bytes"]) for r in rows if "x86-64" in r["platform"]}


MODELS = (
    "sprd_tiny_conv_up_down",
    "mlperf_tiny_kws_ds_cnn",
    "mlperf_tiny_ic_resnet8",
    "mlperf_tiny_vww_mobilenet",
    "mlperf_tiny_ad_autoencoder",
)


@pytest.fixture(scope="module")
def runner(tiny_conv: bytes) -> Runner:
    """SPRD's shipped model."""
    return Runner(tiny_conv)


@pytest.mark.parametrize("name", MODELS)
def test_host_arena_and_head_of_published_models(shared: Path, name: str) -> None:
    """The arena is the published one, and our layout of its head is TFLM's, byte for byte."""
    model = (shared / "models" / f"{name}.tflite").read_bytes()
    runner = Runner(model, name)
    assert runner.arena_host_bytes == published_arenas(shared)[name]
    assert plan_head(runner.graph) == runner.arena_split.head_bytes


def test_tiny_conv_has_its_published_arena_and_scales(runner: Runner) -> None:
    """The firmware's contract: features 0..26 in int8, probabilities in 1/256."""
    assert runner.arena_host_bytes == 9_776
    assert runner.input_shape == (1, 1960)
    assert runner.n_outputs == 4
    assert (runner.input_scale, runner.input_zero_point) == (0.1015625, -128)
    assert (runner.output_scale, runner.output_zero_point) == (1 / 256, -128)


def test_planner_needs_no_less_than_the_wheel_refuses(shared: Path) -> None:
    """The wheel takes mlperf_tiny_ad_autoencoder at 4,640 B, 1,424 B of them above the tail."""
    model = (shared / "models" / "mlperf_tiny_ad_autoencoder.tflite").read_bytes()
    assert 1_424 <= planning_bytes(read_graph(model), 0) <= 2_048


def test_batch_equals_single(runner: Runner) -> None:
    """A row gives the same output alone and among others, and in another order."""
    inputs = np.random.default_rng(0).integers(-128, 128, (6, 1960)).astype(np.int8)
    together = runner.run(inputs)
    assert together.dtype == np.int8
    assert together.shape == (6, 4)
    alone = np.concatenate([runner.run(row[None]) for row in inputs])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(runner.run(inputs[::-1]), together[::-1])


def test_no_rows_give_no_rows(runner: Runner) -> None:
    """An empty batch is no error."""
    assert runner.run(np.empty((0, 1960), np.int8)).shape == (0, 4)
    assert runner.predict(np.empty((0, 49, 40), np.float32)).shape == (0, 4)


def test_predict_rounds_and_clips(runner: Runner) -> None:
    """Features that int8 cannot say are clipped to its ends; none wraps around."""
    low = runner.predict(np.full((1, 49, 40), -1e9, np.float32))
    high = runner.predict(np.full((1, 49, 40), 1e9, np.float32))
    ends = runner.run(np.array([[-128] * 1960, [127] * 1960], np.int8))
    np.testing.assert_array_equal(low[0], (ends[0].astype(np.float32) + 128) / 256)
    np.testing.assert_array_equal(high[0], (ends[1].astype(np.float32) + 128) / 256)
    # 26.0 is 256 steps of 0.1015625: the quantized 128 must become 127.
    np.testing.assert_array_equal(runner.predict(np.full((1, 1960), 26.0, np.float32)), high)


def test_predict_is_run_of_quantized_features(runner: Runner) -> None:
    """Features on the grid of the input scale pass unchanged; others go to the nearest step."""
    steps = np.random.default_rng(1).integers(-128, 128, (3, 1960))
    features = ((steps + 128) * runner.input_scale).astype(np.float32)
    expected = (runner.run(steps.astype(np.int8)).astype(np.float32) + 128) / 256
    np.testing.assert_array_equal(runner.predict(features), expected)
    np.testing.assert_array_equal(runner.predict(features + np.float32(0.04)), expected)
    assert runner.predict(features).dtype == np.float32


@pytest.mark.parametrize(
    ("inputs", "rule"),
    [
        (np.zeros((2, 1959), np.int8), "1960 values, got 1959"),
        (np.zeros((2, 1960), np.float32), "must be int8"),
        (np.zeros((2, 1960), np.uint8), "must be int8"),
    ],
)
def test_run_refuses_other_inputs(runner: Runner, inputs: NDArray[Any], rule: str) -> None:
    """Nothing is cast in silence."""
    with pytest.raises(ValueError, match=rule):
        runner.run(inputs)


def test_predict_refuses_nan(runner: Runner) -> None:
    """NaN has no int8 value."""
    with pytest.raises(ValueError, match="finite"):
        runner.predict(np.full((1, 1960), np.nan, np.float32))


def test_missing_operator_is_named(
    tiny_conv: bytes, edit_model: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """An operator that TFLM lacks is named, and TFLM's own words stay off the terminal."""

    def change(tree: Any) -> None:
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 150, 127  # GELU

    with pytest.raises(
        ModelFileError, match="must be ones that TensorFlow Lite Micro has, got GELU"
    ):
        Runner(edit_model(tiny_conv, change))
    assert capfd.readouterr().err == ""


def test_standard_error_is_given_back(tiny_conv: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """What is written to file descriptor 2 after a measurement arrives again."""
    Runner(tiny_conv)
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_module_measures_a_file_in_a_process_of_its_own(tiny_conv_path: Path) -> None:
    """`python -m sprd.device.tflm` writes head and tail as JSON."""
    command = [sys.executable, "-m", "sprd.device.tflm", str(tiny_conv_path), "x"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == '{"head_bytes": 8000, "tail_bytes": 1776}\n'


@pytest.mark.parametrize(("features", "n_labels"), [((49, 39), 4), ((49, 40), 3)])
def test_model_of_another_shape_is_refused(
    tiny_conv: bytes, features: tuple[int, int], n_labels: int
) -> None:
    """49 x 40 features and 4 labels are SPRD's; the message says both and the model's name."""
    runner = Runner(tiny_conv, "x.tflite")
    runner.check_shape((49, 40), 4)
    with pytest.raises(ModelFileError, match=r"^x\.tflite: must take .* got 1960 inputs and 4 out"):
        runner.check_shape(features, n_labels)
