"""The sizer tells the arena of a 32-bit build, and our layouts tell the same."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sprd.device import sizer as module
from sprd.device.memory import arena_of
from sprd.device.sizer import OWN_BYTES, arena_sizer_bytes, sizer
from sprd.device.tflm import ALIGNMENT_BYTES, Runner
from sprd.errors import MachineError, ModelFileError

MODELS = (
    "sprd_tiny_conv_up_down",
    "mlperf_tiny_kws_ds_cnn",
    "mlperf_tiny_ic_resnet8",
    "mlperf_tiny_vww_mobilenet",
    "mlperf_tiny_ad_autoencoder",
    "default_demo/model",
)


@pytest.fixture(scope="module")
def installed() -> None:
    """Node.js and mcufit; tests that need them are skipped without."""
    try:
        sizer()
    except MachineError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", MODELS)
def test_layout_of_the_reference_kernels_is_the_sizers(shared: Path, name: str) -> None:
    """For its own kernels the count is what the sizer allocates; CMSIS-NN's needs a little more."""
    path = shared / "models" / f"{name}.tflite"
    runner = Runner(path.read_bytes(), name)
    reference = arena_of(runner.graph, runner.arena_split, "reference", "2026-08")
    told = arena_sizer_bytes(path)
    # The benchmark's own allocations shift what follows by up to one alignment.
    assert told - ALIGNMENT_BYTES <= reference.total_bytes <= told
    fast = arena_of(runner.graph, runner.arena_split, "cmsis-nn", "2026-08")
    most = 1.08 if name == "mlperf_tiny_ad_autoencoder" else 1.04
    assert told <= fast.total_bytes - fast.scratch_bytes <= most * told


@pytest.mark.parametrize("missing", ["node", "mcufit"])
def test_what_is_missing_is_named_with_the_command(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line names what is missing and how to install it."""
    if missing == "node":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    else:
        monkeypatch.setattr(module, "PACKAGE", "no_such_package")
        missing = "no_such_package"
    with pytest.raises(MachineError, match=rf"{missing}.* must be installed.* nodejs"):
        sizer()


def answer(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """Lets the sizer print a text, or fail."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if isinstance(found, Exception):
            raise found
        return subprocess.CompletedProcess(args, 0, found, b"")

    monkeypatch.setattr(module, "sizer", lambda: Path("run_benchmark.mjs"))
    monkeypatch.setattr(subprocess, "run", run)


def test_own_allocations_of_the_benchmark_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its total counts variables and records that no firmware has."""
    answer(monkeypatch, b"[[ Table ]]: Arena\n        Total |  4508 |   100.00\n")
    assert arena_sizer_bytes(Path("a.tflite")) == 4_508 - OWN_BYTES


@pytest.mark.parametrize("found", [b"Invoke failed\n", subprocess.TimeoutExpired("node", 20)])
def test_sizer_without_an_answer_is_an_error(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """A refusal and a hang end in one line that says what to leave out."""
    answer(monkeypatch, found)
    with pytest.raises(ModelFileError, match=r"a\.tflite: the sizer must .* Leave out --sizer"):
        arena_sizer_bytes(Path("a.tflite"))
