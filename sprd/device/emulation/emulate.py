"""Counts the instructions of a model on an emulated core, and compares every output byte.

What it proves: the kernels as compiled for the core, their instruction counts, and that the outputs
up to the logits are those of TensorFlow Lite Micro. What it does not: TFLM's interpreter, its
resolver and its arena, SOFTMAX, and time (an emulated core has no flash and no cache). Kernels are
CMSIS-NN's where the generator calls it, else the generator's portable C (ADD, PAD, uneven pools);
each layer says which.
"""

import json
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
    FLAGS,
    Sections,
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
N_CHECKED = 8
"""Inputs on which the rewritten model is held against the model itself, both in TFLM."""
RUN_SECONDS = 120.0

_CALL = re.compile(r"^    (bknn_m_\w+)\(", re.M)
_STEP = re.compile(r"tflite_(\d+)_|operator\[(\d+)\]")
_TENSOR = re.compile(r"\bt(?:ensor )?(\d+)\b")
CMSIS_NN, PORTABLE_C = "cmsis-nn", "portable c"


@dataclass(frozen=True)
class LayerCount:
    """Instructions of one operator of the model, what was put before it included.

    `kernel` is "cmsis-nn" or "portable c", None where nothing runs (RESHAPE, SOFTMAX).
    """

    op: str
    output_shape: tuple[int, ...]
    instructions: int
    kernel: str | None


@dataclass(frozen=True)
class Difference:
    """The first output byte that is not TFLM's: of which input, which output, and both values."""

    input: int
    output: int
    expected: int
    got: int


@dataclass(frozen=True)
class _Call:
    """A call of the generated code: the operator of the rewritten graph, and its kernel."""

    operator: int
    kernel: str


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
    first_difference: Difference | None
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
    flags: Sequence[str] = FLAGS,
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
        flags: How the kernels are optimised, as a build of a board compiles them.

    Raises:
        EmulationError: The toolchain is missing, or the model holds what cannot be emulated.
        ModelFileError: It is no int8 .tflite, or TFLM lacks one of its operators.
    """
    start = time.perf_counter()
    check_toolchain()
    core_named(core)
    adapted = adapt(model, name)
    runner = Runner(adapted.model, name)
    rows = _inputs(runner, inputs, n_inputs)
    job = _Job(core, tuple(flags), adapted, read_graph(model, name), rows, runner.run(rows))
    _check_rewriting(model, adapted, rows[:N_CHECKED], job.expected[:N_CHECKED], name)
    with tempfile.TemporaryDirectory(prefix="sprd-emulate-") as folder:
        elf, calls = _program(Path(folder), job)
        printed = run(elf, core, RUN_SECONDS)
        image = sections(elf)
    return _emulation(job, calls, printed, image, time.perf_counter() - start)


def program(model: bytes, core: str, folder: Path, flags: Sequence[str] = FLAGS) -> Path:
    """Builds the program that `emulate` would run on one random input, and does not run it.

    Raises:
        EmulationError, ModelFileError: As `emulate`.
    """
    adapted = adapt(model, "model")
    runner = Runner(adapted.model, "model")
    rows = _inputs(runner, None, 1)
    job = _Job(core, tuple(flags), adapted, read_graph(model), rows, runner.run(rows))
    return _program(folder, job)[0]


@dataclass(frozen=True)
class _Job:
    """A model made ready for a core; `expected` (n, n_outputs) is what TFLM gives for `rows`."""

    core: str
    flags: tuple[str, ...]
    adapted: Adapted
    graph: Graph
    rows: "NDArray[np.int8]"
    expected: "NDArray[np.int8]"


def _emulation(
    job: _Job, calls: Sequence[_Call], printed: str, image: Sections, seconds: float
) -> Emulation:
    """Reads what the program printed."""
    counts, marks = _counts(job, printed, n_marks=len(calls) + 1)
    n_different, first = _compare(printed, job.expected)
    return Emulation(
        core=job.core,
        instructions=counts[0],
        instructions_min=min(counts),
        instructions_max=max(counts),
        layers=_layers(job, calls, marks),
        outputs_equal=n_different == 0,
        n_clips=len(job.rows),
        n_outputs_different=n_different,
        first_difference=first,
        flash_bytes=image.flash_bytes,
        ram_bytes=values(printed, "arena")[0] + image.ram_bytes,
        stack_bytes=values(printed, "stack")[0],
        seconds=round(seconds, 3),
    )


def _counts(job: _Job, printed: str, n_marks: int) -> tuple[list[int], list[int]]:
    """Reads the instructions of each input, and those counted at each mark of the first one."""
    ticks = CORES[job.core].instructions_per_tick
    counts = [ticks * count for count in values(printed, "ticks")]
    marks = [ticks * mark for mark in values(printed, "mark")]
    if len(counts) != len(job.rows) or len(marks) != n_marks:
        raise EmulationError(
            f"{job.graph.name}: the core must run every input, got {len(counts)} of"
            f" {len(job.rows)}."
        )
    return counts, marks


def _inputs(runner: Runner, inputs: "NDArray[np.int8] | None", n_inputs: int) -> "NDArray[np.int8]":
    import numpy as np

    n = n_inputs if inputs is None else len(inputs)
    if n < 1:
        raise EmulationError(f"inputs: must be at least one, got {n}.")
    if inputs is None:
        generator = np.random.default_rng(0)
        return generator.integers(-128, 128, (n, runner.n_inputs), dtype=np.int8)
    if inputs.dtype != np.int8 or inputs.size != n * runner.n_inputs:
        raise EmulationError(
            f"inputs: must be int8 with {runner.n_inputs} values each, got {inputs.dtype} of shape"
            f" {inputs.shape}."
        )
    return inputs.reshape(n, -1)


def _check_rewriting(
    model: bytes,
    adapted: Adapted,
    rows: "NDArray[np.int8]",
    logits: "NDArray[np.int8]",
    name: str,
) -> None:
    """Checks that the rewritten model is the model: both run in TFLM, what was left out behind."""
    outputs = logits if adapted.rest is None else Runner(adapted.rest, name).run(logits)
    n_different = int((outputs != Runner(model, name).run(rows)).sum())
    if n_different:
        raise EmulationError(
            f"{name}: must give the same outputs after it was rewritten for the emulation, got"
            f" {n_different:,} other bytes for {len(rows)} inputs. Report this model."
        )


def _program(folder: Path, job: _Job) -> tuple[Path, list[_Call]]:
    """Generates and builds; returns the program and what it calls, with a mark before each."""
    _generate(folder, job.adapted, job.graph)
    infer = (folder / "bknn_m.c").read_text(encoding="utf-8")
    calls = _calls(folder, infer, job.graph.name)
    marked = _CALL.sub(r"    sprd_mark();\n    \1(", infer)
    marked = marked.replace("bknn_m_infer(", "sprd_marked_infer(")
    end = marked.rindex("}")
    marked = f"void sprd_mark(void);\n{marked[:end]}    sprd_mark();\n{marked[end:]}"
    (folder / "marked.c").write_text(marked, encoding="utf-8")
    (folder / "inputs.bin").write_bytes(job.rows.tobytes())
    defines = [
        f"N_INPUTS={len(job.rows)}",
        f"INPUT_BYTES={job.rows.shape[1]}",
        f"N_MARKS={len(calls) + 1}",
        'INPUT_FILE="../inputs.bin"',  # beside the folder of objects, whatever its name
    ]
    paths, own = _sources(folder)
    elf = build(
        folder,
        [path for path in paths if path.suffix == ".c"],
        job.core,
        [path for path in paths if path.suffix != ".c"],
        [*defines, *own],
        harness=[HERE / "measure.c", folder / "marked.c"],
        flags=job.flags,
    )
    return elf, calls


def _generate(folder: Path, adapted: Adapted, graph: Graph) -> None:
    """Writes C that runs the model, with the kernels of CMSIS-NN, into the folder."""
    import bakenn

    # The generator would call no CMSIS-NN for a core without the DSP extension. CMSIS-NN itself
    # asks the compiler, and has portable loops for such a core.
    target = bakenn.CORTEX_M4
    options = bakenn.CBackendOptions(
        kernel_policy=bakenn.KernelPolicy.STATIC_PRIORITY, enable_cmsis_nn=True, target=target
    )
    try:
        bakenn.compile_tflite(
            adapted.model, str(folder), name="m", target=target.target_id, backend_options=options
        )
    except Exception as error:  # it may raise anything on a model that it does not foresee
        raise _not_generated(adapted, graph, error) from error


def _calls(folder: Path, infer: str, name: str) -> list[_Call]:
    """Pairs the calls of the generated code with the operators that the generator lists."""
    listing = json.loads((folder / "bknn_m_manifest.json").read_text(encoding="utf-8"))
    steps = [
        _STEP.match(step["name"])
        for step in listing["operations"]
        if step.get("emits_kernel", True)  # a view runs nothing
    ]
    functions = _CALL.findall(infer)
    if len(steps) != len(functions) or None in steps:
        raise EmulationError(
            f"{name}: each layer must be one call, got {len(functions)} calls for"
            f" {len(steps)} layers. Report this model."
        )
    return [
        _Call(int(step[1]), CMSIS_NN if "_cmsis_nn_" in function else PORTABLE_C)
        for step, function in zip(steps, functions, strict=True)
        if step is not None
    ]


def _not_generated(adapted: Adapted, graph: Graph, error: Exception) -> EmulationError:
    """Returns the error that names the operator that the generator refused, where it told one."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    step, tensor = _STEP.search(reason), _TENSOR.search(reason)
    index = int(step[1] or step[2]) if step else None
    if index is None and tensor:
        found = int(tensor[1])
        users = [found in (*op.inputs, *op.outputs) for op in adapted.graph.operators]
        index = users.index(True) if any(users) else None
    known = index is not None and index < len(adapted.origin)
    where = f" {graph.operators[adapted.origin[index or 0]].op}:" if known else ""
    return EmulationError(
        f"{graph.name}:{where} must be what C can be made of, but: {reason}. It cannot be emulated."
    )


def _sources(folder: Path) -> tuple[list[Path], list[str]]:
    """Reads which sources, folders of headers and macros the generated code needs."""
    listing = (folder / "bakenn_sources.cmake").read_text(encoding="utf-8")
    paths = [folder / path for path in re.findall(r'CURRENT_LIST_DIR\}/([^"]+)', listing)]
    macros = re.search(r"COMPILE_DEFINITIONS\s*([^)]*)\)", listing)
    return paths, [macro.strip('"') for macro in macros[1].split()] if macros else []


def _compare(printed: str, expected: "NDArray[np.int8]") -> tuple[int, Difference | None]:
    """Counts the output bytes that are not those of TFLM, and finds the first."""
    import numpy as np

    outputs = re.findall(r"^outputs=([0-9a-f]*)$", printed, re.M)
    got = np.frombuffer(b"".join(map(bytes.fromhex, outputs)), np.int8)
    if got.size != expected.size:
        raise EmulationError(
            f"emulation: the core must print {expected.size:,} output bytes, got {got.size:,}."
        )
    got = got.reshape(expected.shape)
    where = np.argwhere(got != expected)
    if not len(where):
        return 0, None
    row, column = (int(n) for n in where[0])
    first = Difference(row, column, int(expected[row, column]), int(got[row, column]))
    return len(where), first


def _layers(job: _Job, calls: Sequence[_Call], marks: Sequence[int]) -> tuple[LayerCount, ...]:
    """Sums the instructions between marks by the operator of the model that they belong to."""
    operators = job.graph.operators
    sums = [0] * len(operators)
    kernels: list[str | None] = [None] * len(operators)
    for call, (before, after) in zip(calls, pairwise(marks), strict=True):
        index = job.adapted.origin[call.operator]
        sums[index] += after - before
        kernels[index] = call.kernel  # the layer's own comes after the padding before it
    return tuple(
        LayerCount(operator.op, job.graph.shape(operator.outputs[0]), count, kernel)
        for operator, count, kernel in zip(operators, sums, kernels, strict=True)
    )
