"""The front end's cost is what was counted on emulated cores, and what fits beside an inference."""

import csv
import importlib.util
import math
import os
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sprd.device.emulation.toolchain import INSTALL, check_toolchain
from sprd.device.frontend_cost import (
    BUILDS_DATA,
    DATA,
    FrontendCost,
    FrontendSettings,
    frontend_cost,
    instructions_per_stride,
    setup_instructions,
    state_bytes,
)
from sprd.errors import ConfigError, EmulationError

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "frontend_cost.py"
SOURCES_VARIABLE = "SPRD_TEST_FRONTEND_SOURCES"
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")
USUAL = FrontendSettings(16000, 30, 20, 40)


def measured() -> list[tuple[FrontendSettings, dict[str, int]]]:
    """The committed grid: settings, with the bytes of state and the instructions of each core."""
    rows = csv.DictReader(tomllib.loads(DATA.read_text(encoding="utf-8"))["grid"].split())
    found = []
    for row in rows:
        whole = {k: int(v) for k, v in row.items() if not k.endswith(("_hz", "pcan", "log"))}
        settings = FrontendSettings(
            int(row["sample_rate_hz"]),
            whole.pop("window_size_ms"),
            whole.pop("window_stride_ms"),
            whole.pop("n_channels"),
            float(row["lower_band_limit_hz"]),
            float(row["upper_band_limit_hz"]),
            row["enable_pcan"] == "1",
            row["enable_log"] == "1",
        )
        found.append((settings, whole))
    return found


@pytest.mark.parametrize("core", CORES)
def test_model_agrees_with_every_measured_row(core: str) -> None:
    """The mean error over the grid is below 2 %, the worst below 8 %."""
    errors = [instructions_per_stride(s, core) / counts[core] - 1 for s, counts in measured()]
    assert len(errors) > 200
    assert math.fsum(map(abs, errors)) / len(errors) < 0.02
    assert max(map(abs, errors)) < 0.08


def test_errors_left_out_are_stated_and_small() -> None:
    """The data file states the errors of rows left out of the fit: 5 % in the mean is the bar."""
    cores = tomllib.loads(DATA.read_text(encoding="utf-8"))["cores"]
    assert sorted(cores) == sorted(CORES)
    assert all(0 < core["mean_error"] < 0.05 for core in cores.values())
    assert all(core["mean_error"] < core["worst_error"] < 0.10 for core in cores.values())


def test_state_is_what_the_program_asked_its_allocator_for() -> None:
    """The sum over the structures is the measured one, byte for byte, in every row."""
    rows = measured()
    assert [state_bytes(s) for s, _ in rows] == [counts["state_bytes"] for _, counts in rows]


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("n_channels", [10, 40, 80])
def test_cost_grows_with_the_window(core: str, n_channels: int) -> None:
    """A longer window takes no fewer instructions and no less RAM."""
    costs = [frontend_cost(FrontendSettings(16000, ms, 10, n_channels), core)
             for ms in range(10, 201)]  # fmt: skip
    for shorter, longer in pairwise(costs):
        assert shorter.instructions_per_stride < longer.instructions_per_stride
        assert shorter.state_bytes <= longer.state_bytes


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("window_size_ms", [20, 40, 64])
def test_cost_grows_with_the_channels(core: str, window_size_ms: int) -> None:
    """Eight channels more take more instructions and more RAM."""
    settings = [FrontendSettings(16000, window_size_ms, 20, n) for n in range(8, 129, 8)]
    costs = [frontend_cost(s, core) for s in settings]
    for fewer, more in pairwise(costs):
        assert fewer.instructions_per_stride < more.instructions_per_stride
        assert fewer.state_bytes < more.state_bytes


def test_pcan_and_logarithm_cost_something() -> None:
    """Either one left out takes fewer instructions; PCAN's table is 250 B, rounded up."""
    without_pcan = FrontendSettings(16000, 30, 20, 40, enable_pcan=False)
    without_log = FrontendSettings(16000, 30, 20, 40, enable_log=False)
    assert instructions_per_stride(without_pcan) < instructions_per_stride(USUAL)
    assert instructions_per_stride(without_log) < instructions_per_stride(USUAL)
    assert state_bytes(USUAL) - state_bytes(without_pcan) == 256 + 8


def test_core_that_was_not_emulated_has_no_figure() -> None:
    """Instructions and code of an Xtensa are unknown; its state has the same structures."""
    cost = frontend_cost(USUAL, "xtensa-lx7")
    assert cost == FrontendCost(None, state_bytes(USUAL), None)


@pytest.mark.parametrize(
    ("build", "window_ms", "stride_ms", "n_channels", "counted"),
    [
        ("arduino-O2", 30, 20, 40, 84_557),
        ("arduino", 30, 20, 40, 88_391),
        ("arduino-O2", 40, 40, 20, 159_537),
        ("arduino", 40, 40, 20, 166_085),
    ],
)
def test_frame_of_a_build_is_what_its_firmware_took(
    build: str, window_ms: int, stride_ms: int, n_channels: int, counted: int
) -> None:
    """Within 4 % of TensorFlow's front end in the Arduino library (calibration/tflm_cortex_m4)."""
    settings = FrontendSettings(16000, window_ms, stride_ms, n_channels)
    assert instructions_per_stride(settings, build=build) == pytest.approx(counted, rel=0.04)


def test_start_takes_millions_of_instructions_once() -> None:
    """4 to 8 M for usual settings, as in firmware; -Os is within 2 % of -O2, an M0+ far above."""
    usual, demo = USUAL, FrontendSettings(16000, 40, 40, 20)
    starts = [setup_instructions(one, build="arduino") or 0.0 for one in (usual, demo)]
    assert starts == pytest.approx([3_801_960, 6_532_960], rel=0.01)
    assert setup_instructions(demo) == pytest.approx(starts[1], rel=0.02)
    assert (setup_instructions(demo, "cortex-m0plus") or 0.0) > 2 * starts[1]


def test_front_end_of_a_build_that_was_not_counted_is_unknown() -> None:
    """No other build's figures stand in, nor another core's; its RAM is known all the same."""
    for cost in (
        frontend_cost(USUAL, "cortex-m4", "own"),
        frontend_cost(USUAL, "xtensa-lx6", "arduino"),
    ):
        assert (cost.instructions_per_stride, cost.setup_instructions) == (None, None)
        assert cost.state_bytes == state_bytes(USUAL)


def test_fits_of_every_level_hold_on_settings_left_out() -> None:
    """Frames within 3 %, starts within half a percent; every build names a level that is there."""
    found = tomllib.loads(BUILDS_DATA.read_text(encoding="utf-8"))
    for what, worst in (("frame", 0.03), ("setup", 0.005)):
        for level in set(found["levels"].values()):
            assert set(found[what][level]) == set(CORES)
            assert all(fit["worst_error"] < worst for fit in found[what][level].values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sample_rate_hz": 3999}, "sample_rate_hz"),
        ({"window_size_ms": 4}, "window_size_ms"),
        ({"window_size_ms": 201}, "window_size_ms"),
        ({"window_size_ms": 30.0}, "window_size_ms"),
        ({"window_stride_ms": 0}, "window_stride_ms"),
        ({"window_stride_ms": 31}, "window_stride_ms <= window_size_ms"),
        ({"n_channels": 129}, "n_channels"),
        ({"n_channels": True}, "n_channels"),
        ({"lower_band_limit_hz": -1.0}, "lower_band_limit_hz"),
        ({"lower_band_limit_hz": 7500.0}, "lower_band_limit_hz"),
        ({"upper_band_limit_hz": 8000.0}, "upper_band_limit_hz"),
        ({"upper_band_limit_hz": math.nan}, "upper_band_limit_hz"),
    ],
)
def test_settings_outside_the_rules_are_refused(change: dict[str, Any], message: str) -> None:
    """A front end that the device could not run is an error that names the setting."""
    good = {"sample_rate_hz": 16000, "window_size_ms": 30, "window_stride_ms": 20, "n_channels": 40}
    with pytest.raises(ConfigError, match=message):
        FrontendSettings(**(good | change))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """`benchmarks/frontend_cost.py`, which is no module of the package."""
    spec = importlib.util.spec_from_file_location("benchmark_frontend_cost", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_emulated_front_end_agrees_with_the_data_file(script: ModuleType) -> None:
    """Two settings, compiled and counted again, are the committed rows and fit the model."""
    try:
        check_toolchain()
    except EmulationError:
        pytest.skip(f"the Arm compiler or QEMU is missing: {INSTALL}")
    given = os.environ.get(SOURCES_VARIABLE)
    settings = [USUAL, FrontendSettings(16000, 64, 20, 16, 125.0, 2000.0)]
    try:
        with script.sources(Path(given) if given else None) as root:
            results, code_bytes = script.measure(root, "cortex-m4", settings)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network for {error.cmd}: set {SOURCES_VARIABLE} to the unpacked sources")
    committed = {s: counts["cortex-m4"] for s, counts in measured()}
    for setting, result in zip(settings, results, strict=True):
        # Compilers differ; the same one gives the same count to a tick of the clock.
        assert result.busiest == pytest.approx(committed[setting], rel=0.1)
        assert result.busiest == pytest.approx(instructions_per_stride(setting), rel=0.1)
        assert result.state_bytes == state_bytes(setting)
        assert result.n_fft == setting.n_fft
    assert code_bytes == pytest.approx(frontend_cost(USUAL).code_bytes, rel=0.1)
