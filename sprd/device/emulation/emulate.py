"""Counts the instructions of a model on an emulated core, and compares every output byte.

What it proves: CMSIS-NN's kernels as compiled for the core, their instruction counts, and that the
outputs up to the logits are those of TensorFlow Lite Micro. What it does not: TFLM's interpreter,
its resolver and its arena, SOFTMAX, and time (an emulated core has no flash and no cache).
"""

import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from sprd.device.emulation.adapt import Adapted, adapt
from sprd.device.emulation.toolchain import (
    CORES,
    build,
    check_toolchain,
    core_named,
    run,
    sections,
    values,
)
from sprd.device.graph import Graph, read_graph
from sprd.device.tflm import Runner
from sprd.errors import EmulationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HERE = Path(__file__).parent
N_CLIPS = 32
RUN_SECONDS = 120.0

_CALL = re.compile(r"^    (bknn_m_\w+)\(", re.M)


@dataclass(frozen=True)
class LayerCount:
    """Instructions of one operator of the model, what was put before it included."""

    op: str
    output_shape: tuple[int, ...]
    instructions: int


@dataclass(frozen=True)
class Emulation:
    """What the emulated core did.

    `instructions` are those of the first input; `instructions_min` and `_max` are over the inputs
    that were counted. `flash_bytes` holds kernels and weights, `ram_bytes` activations, scratch and
    variables, `stack_bytes` the deepest stack below the call; none holds TFLM.
    """

    core: str
    instructions: int
    instructions_min: int
    instructions_max: int
    layers: tuple[LayerCount, ...]
    outputs_equal: bool
    n_clips: int
    n_outputs_different: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    seconds: float


def emulate(
    model: bytes,
    core: str,
    inputs: "NDArray[np.int8] | None" = None,
    n_inputs: int = N_CLIPS,
    name: str = "model",
) -> Emulation:
    """Runs a model on an emulated core and in TFLM.

    The model must be one that `sprd.device.footprint.measure_untrusted` accepted: it runs in TFLM
    in this process.

    Args:
        model: An int8 .tflite.
        core: A name of `sprd.device.emulation.toolchain.CORES`.
        inputs: int8 (n, values of one input); seeded random ones if None.
        n_inputs: How many random ones.
        name: What messages call the model.

    Raises:
        EmulationError: The toolchain is missing, or the model holds what cannot be emulated.
    """
    start = time.perf_counter()
    check_toolchain()
    core_named(core)
    adapted = adapt(model, name)
    runner = Runner(adapted.model, name)
    rows = _inputs(runner, inputs, n_inputs)
    expected = runner.run(rows)
    with tempfile.TemporaryDirectory(prefix="sprd-emulate-") as folder:
        elf, n_marks = _program(Path(folder), adapted, rows, core, name)
        said = run(elf, core, RUN_SECONDS)
        image = sections(elf)
    ticks = CORES[core].instructions_per_tick
    counts = [ticks * count for count in values(said, "ticks")]
    marks = [ticks * mark for mark in values(said, "mark")]
    if len(counts) != len(rows) or len(marks) != n_marks:
        raise EmulationError(
            f"{name}: the core must run every input, got {len(counts)} of {len(rows)}."
        )
    different = _n_different(said, expected)
    return Emulation(
        core=core,
        instructions=counts[0],
        instructions_min=min(counts),
        instructions_max=max(counts),
        layers=_layers(adapted, read_graph(model, name), marks),
        outputs_equal=different == 0,
        n_clips=len(rows),
        n_outputs_different=different,
        flash_bytes=image.flash_bytes,
        ram_bytes=values(said, "arena")[0] + image.ram_bytes,
        stack_bytes=values(said, "stack")[0],
        seconds=round(time.perf_counter() - start, 3),
    )


def _inputs(runner: Runner, inputs: "NDArray[np.int8] | None", n_inputs: int) -> "NDArray[np.int8]":
    import numpy as np

    if inputs is None:
        generator = np.random.default_rng(0)
        return generator.integers(-128, 128, (n_inputs, runner.n_inputs), dtype=np.int8)
    if inputs.dtype != np.int8 or inputs.reshape(len(inputs), -1).shape[1] != runner.n_inputs:
        raise EmulationError(
            f"inputs: must be int8 with {runner.n_inputs} values each, got {inputs.dtype} of shape"
            f" {inputs.shape}."
        )
    return inputs.reshape(len(inputs), -1)


def _program(
    folder: Path, adapted: Adapted, rows: "NDArray[np.int8]", core: str, name: str
) -> tuple[Path, int]:
    """Generates and builds; returns the program and how many marks it prints."""
    import bakenn

    # The generator knows cores with and without the DSP extension; the compiler knows which one.
    has_dsp = core not in ("cortex-m0plus", "cortex-m3")
    target = bakenn.CORTEX_M4 if has_dsp else bakenn.CORTEX_M0PLUS
    options = bakenn.CBackendOptions(
        kernel_policy=bakenn.KernelPolicy.STATIC_PRIORITY, enable_cmsis_nn=True, target=target
    )
    try:
        bakenn.compile_tflite(
            adapted.model, str(folder), name="m", target=target.target_id, backend_options=options
        )
    except bakenn.BakeNNError as error:
        reason = str(error).strip().splitlines()[0]
        raise EmulationError(f"{name}: must be a model that C can be made of: {reason}") from error
    infer = (folder / "bknn_m.c").read_text(encoding="utf-8")
    marked, n_calls = _CALL.subn(r"    sprd_mark();\n    \1(", infer)
    marked = marked.replace("bknn_m_infer(", "sprd_marked_infer(")
    end = marked.rindex("}")
    marked = f"void sprd_mark(void);\n{marked[:end]}    sprd_mark();\n{marked[end:]}"
    (folder / "marked.c").write_text(marked, encoding="utf-8")
    (folder / "inputs.bin").write_bytes(rows.tobytes())
    defines = [
        f"N_INPUTS={len(rows)}",
        f"INPUT_BYTES={rows.shape[1]}",
        f"N_MARKS={n_calls + 1}",
        'INPUT_FILE="../inputs.bin"',  # beside the folder of objects, whatever its name
    ]
    paths, own = _sources(folder)
    elf = build(
        folder,
        [path for path in paths if path.suffix == ".c"],
        core,
        [path for path in paths if path.suffix != ".c"],
        [*defines, *own],
        harness=[HERE / "measure.c", folder / "marked.c"],
    )
    return elf, n_calls + 1


def _sources(folder: Path) -> tuple[list[Path], list[str]]:
    """Reads which sources, folders of headers and macros the generated code needs."""
    listing = (folder / "bakenn_sources.cmake").read_text(encoding="utf-8")
    paths = [folder / path for path in re.findall(r'CURRENT_LIST_DIR\}/([^"]+)', listing)]
    macros = re.search(r"COMPILE_DEFINITIONS\s*([^)]*)\)", listing)
    return paths, [macro.strip('"') for macro in macros[1].split()] if macros else []


def _n_different(said: str, expected: "NDArray[np.int8]") -> int:
    """Counts the output bytes that are not those of TFLM."""
    import numpy as np

    found = [bytes.fromhex(text) for text in re.findall(r"^outputs=([0-9a-f]*)$", said, re.M)]
    got = np.frombuffer(b"".join(found), np.int8)
    if got.size != expected.size:
        return int(expected.size)
    return int((got.reshape(expected.shape) != expected).sum())


def _layers(adapted: Adapted, graph: Graph, marks: Sequence[int]) -> tuple[LayerCount, ...]:
    """Sums the instructions between marks by the operator of the model that they belong to."""
    between = [after - before for before, after in pairwise(marks)]
    running = [
        origin
        for origin, operator in zip(adapted.origin, adapted.graph.operators, strict=True)
        if operator.op != "RESHAPE"  # a view: nothing runs
    ]
    if len(running) != len(between):
        raise EmulationError(
            f"{graph.name}: each layer must be one call, got {len(between)} calls for"
            f" {len(running)} layers."
        )
    sums = [0] * len(graph.operators)
    for origin, count in zip(running, between, strict=True):
        sums[origin] += count
    return tuple(
        LayerCount(operator.op, graph.shape(operator.outputs[0]), count)
        for operator, count in zip(graph.operators, sums, strict=True)
    )
