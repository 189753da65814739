"""Runs a model in TensorFlow Lite Micro: outputs, and the tensor arena it takes.

`python -m sprd.device.tflm PATH NAME` measures one file in a process of its own and writes JSON,
since the wheel can crash on a model that is not what it says; messages call the file NAME. Knows
nothing of boards.
"""

import json
import os
import re
import resource
import sys
import tempfile
import threading
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sprd.device.graph import MALFORMED, MAX_MODEL_BYTES, Graph, read_graph
from sprd.device.int8 import check_int8
from sprd.errors import ModelFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIGNMENT_BYTES = 16
"""TFLM aligns every buffer of the arena's head. Source: MicroArenaBufferAlignment()."""
MAX_ARENA_BYTES = 512 * 2**20
CHILD_MEMORY_BYTES = 3 * 2**30
CHILD_CPU_SECONDS = 20

_MISSING_OP = re.compile(r"Didn't find op for builtin opcode '([^']*)'")
_PART = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_stderr_lock = threading.Lock()
"""File descriptor 2 belongs to the whole process: one capture at a time."""


@dataclass(frozen=True)
class ArenaSplit:
    """The arena: head holds activations and scratch, tail what persists."""

    head_bytes: int
    tail_bytes: int

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole arena."""
        return self.head_bytes + self.tail_bytes


class Runner:
    """A model in this process.

    For models that this program made: the wheel can crash the process on others. Files of users go
    through `sprd.device.footprint.measure_untrusted`.
    """

    def __init__(self, model: bytes, name: str = "model") -> None:
        """Loads the model with an arena that is surely large enough.

        Raises:
            ModelFileError: It is no int8 .tflite, or TFLM lacks one of its operators.
        """
        self.graph = read_graph(model, name)
        check_int8(self.graph)
        self._interpreter = _start(model, self.graph)
        source = self._interpreter.get_input_details(0)
        result = self._interpreter.get_output_details(0)
        self.input_shape: tuple[int, ...] = tuple(int(n) for n in source["shape"])
        self.input_scale, self.input_zero_point = _quantization(source, name)
        self.output_scale, self.output_zero_point = _quantization(result, name)
        self.n_inputs = _size(source)
        self.n_outputs = _size(result)
        self.arena_split = _arena_split(self._interpreter, name)
        self._has_state = any(tensor.is_variable for tensor in self.graph.tensors)

    @property
    def arena_host_bytes(self) -> int:
        """Bytes of arena that TFLM needs on this host, as `print_allocations()` says."""
        return self.arena_split.total_bytes

    def check_shape(self, features: tuple[int, int], n_labels: int) -> None:
        """Checks that the model takes what a front end gives, and knows the labels.

        Args:
            features: Frames and channels of one clip.
            n_labels: Outputs that it must have.

        Raises:
            ModelFileError: It does not.
        """
        frames, channels = features
        if self.n_inputs != frames * channels or self.n_outputs != n_labels:
            raise ModelFileError(
                f"{self.graph.name}: must take {frames} frames x {channels} channels and give"
                f" {n_labels} labels, got {self.n_inputs} inputs and {self.n_outputs} outputs."
                " Give the sweep file that it was trained with."
            )

    def run(self, inputs: "NDArray[np.int8]") -> "NDArray[np.int8]":
        """Runs the model on each row.

        Args:
            inputs: int8 (n, n_inputs), or (n, ...) with as many values a row.

        Returns:
            int8 (n, n_outputs).

        Raises:
            ValueError: The type is not int8 or a row has another number of values.
        """
        import numpy as np

        if inputs.dtype != np.int8:
            raise ValueError(f"inputs: must be int8, got {inputs.dtype}.")
        rows = self._rows(inputs)
        outputs = np.empty((len(rows), self.n_outputs), np.int8)
        for row, output in zip(rows, outputs, strict=True):
            if self._has_state:
                self._interpreter.reset()
            self._interpreter.set_input(row.reshape(self.input_shape), 0)
            self._interpreter.invoke()
            output[:] = self._interpreter.get_output(0).reshape(-1)
        return outputs

    def predict(self, features: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Quantizes real-valued features, runs the model and returns real-valued outputs.

        Args:
            features: float (n, ...), as many values a row as the model takes. Values beyond what
                int8 can say are clipped: 128 becomes 127, never -128.

        Returns:
            float32 (n, n_outputs): probabilities where the model ends in a softmax.

        Raises:
            ValueError: A row has another number of values, or a value is not finite.
        """
        import numpy as np

        outputs = self.run(self.quantized(features))
        real = (outputs.astype(np.float32) - self.output_zero_point) * self.output_scale
        return real.astype(np.float32)

    def quantized(self, features: "NDArray[np.float32]") -> "NDArray[np.int8]":
        """Returns what the model is fed for real-valued features: int8 (n, n_inputs).

        Raises:
            ValueError: A row has another number of values, or a value is not finite.
        """
        import numpy as np

        rows: NDArray[np.float32] = self._rows(features)
        if not np.isfinite(rows).all():
            raise ValueError("features: must be finite, got NaN or infinity.")
        steps = np.rint(rows / np.float64(self.input_scale)) + self.input_zero_point
        values: NDArray[np.int8] = np.clip(steps, -128, 127).astype(np.int8)
        return values

    def _rows(self, values: "NDArray[Any]") -> "NDArray[Any]":
        rows = values.reshape(len(values), -1) if values.size else values.reshape(0, self.n_inputs)
        if rows.shape[1] != self.n_inputs:
            raise ValueError(
                f"inputs: each row must have {self.n_inputs} values, got {rows.shape[1]}."
            )
        return rows


def plan_head(graph: Graph, scratch_bytes: Iterable[tuple[int, int]] = ()) -> int:
    """Returns the bytes of the arena's head: activations and scratch buffers laid out as TFLM does.

    Largest first, each at the lowest offset where no buffer alive at the same time is in the way.
    Source: tflite-micro, micro_allocation_info.cc and greedy_memory_planner.cc. Checked against
    the heads that the wheel reports.

    Args:
        graph: The model.
        scratch_bytes: (index of the operator, bytes) of each scratch buffer.
    """
    # (bytes, first operator, last operator), 0 being what precedes the first operator.
    buffers = [
        (_aligned(graph.tensors[index].n_bytes), first, last)
        for index, (first, last) in sorted(lifetimes(graph).items())
        if graph.tensors[index].is_activation
    ]
    buffers += [(_aligned(size), index + 1, index + 1) for index, size in scratch_bytes if size]
    placed: list[tuple[int, int, int, int]] = []  # (offset, bytes, first, last), by offset
    # The planner fills its list from the back, so of equal buffers the last comes first.
    for size, first, last in sorted(reversed(buffers), key=lambda buffer: -buffer[0]):
        offset = 0
        for other, other_size, other_first, other_last in placed:
            if other_first > last or other_last < first:
                continue
            if other - offset >= size:
                break
            offset = max(offset, other + other_size)
        insort(placed, (offset, size, first, last), key=lambda entry: entry[0])
    return max((offset + size for offset, size, _, _ in placed), default=0)


def planning_bytes(graph: Graph, n_scratch: int) -> int:
    """Returns an upper bound of what TFLM's planner borrows from the head while it lays it out.

    A model with few activations and many tensors needs more arena to start than to run: the wheel
    refuses mlperf_tiny_ad_autoencoder 4,624 B and takes 4,640 B, though it reports 3,984 B.
    Source: sizes of AllocationInfo (32 B on 64 bits, less on 32) for each tensor and of the greedy
    planner's lists (44 B) for each buffer it places; 1,648 B here where the wheel uses 1,424 B.
    """
    n_placed = sum(graph.tensors[index].is_activation for index in lifetimes(graph))
    return 32 * (len(graph.tensors) + n_scratch) + 48 * (n_placed + n_scratch) + 128


def lifetimes(graph: Graph) -> dict[int, tuple[int, int]]:
    """Returns tensor -> (first, last) operator that needs it, counted from 1; 0 is the start."""
    end = len(graph.operators)
    lives: dict[int, tuple[int, int]] = {index: (0, 0) for index in graph.inputs}
    for step, operator in enumerate(graph.operators, start=1):
        for index in operator.outputs:
            lives[index] = (lives.get(index, (step, step))[0], step)
        for index in operator.inputs:
            if index in lives:
                lives[index] = (lives[index][0], step)
    for index in graph.outputs:
        lives[index] = (lives.get(index, (0, 0))[0], end)
    lives.pop(-1, None)
    return lives


def _aligned(n_bytes: int) -> int:
    return -(-n_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _generous_arena_bytes(graph: Graph) -> int:
    """Returns an arena with room for every activation at once and what persists."""
    values = sum(tensor.n_bytes for tensor in graph.tensors if not tensor.data_bytes)
    constants = sum(tensor.data_bytes for tensor in graph.tensors)
    structures = 1024 * (len(graph.tensors) + len(graph.operators))
    # Whole pages: the tail is aligned from the arena's end, and an odd end costs up to 15 B.
    pages = -(-(2**20 + 4 * values + 2 * constants + structures) // 4096)
    return min(4096 * pages, MAX_ARENA_BYTES)


def _start(model: bytes, graph: Graph) -> Any:
    """Returns a TFLM interpreter; an arena that is still too small is doubled twice."""
    from tflite_micro.python.tflite_micro import runtime

    arena_bytes = _generous_arena_bytes(graph)
    while True:
        said: list[str] = []
        try:
            with _captured_stderr(said.append):
                return runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
        except (RuntimeError, MemoryError, *MALFORMED) as error:
            message = "".join(said)
            too_small = "Failed to allocate" in message or "failed to allocate" in message
            if too_small and not _MISSING_OP.search(message) and arena_bytes < MAX_ARENA_BYTES:
                arena_bytes = min(4 * arena_bytes, MAX_ARENA_BYTES)
                continue
            raise _refused(graph.name, message or str(error)) from error


def _refused(name: str, message: str) -> ModelFileError:
    missing = _MISSING_OP.search(message)
    if missing:
        return ModelFileError(
            f"{name}: operators must be ones that TensorFlow Lite Micro has, "
            f"got {missing.group(1)}. Use another layer."
        )
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reason = lines[0][:200] if lines else "no reason given"
    return ModelFileError(f"{name}: TensorFlow Lite Micro must accept the model, got: {reason}")


def _arena_split(interpreter: Any, name: str) -> ArenaSplit:
    said: list[str] = []
    with _captured_stderr(said.append):
        interpreter.print_allocations()
    parts = {part: int(size) for part, size in _PART.findall("".join(said))}
    if parts.keys() != {"total", "head", "tail"}:
        raise ModelFileError(f"{name}: TensorFlow Lite Micro must report its arena, got nothing.")
    return ArenaSplit(parts["head"], parts["tail"])


def _quantization(details: Any, name: str) -> tuple[float, int]:
    parameters = details["quantization_parameters"]
    scales, zero_points = parameters["scales"], parameters["zero_points"]
    if len(scales) != 1 or len(zero_points) != 1 or not 0 < float(scales[0]) < float("inf"):
        raise ModelFileError(
            f"{name}: input and output must have one positive scale and zero point, "
            f"got {list(scales)} and {list(zero_points)}."
        )
    return float(scales[0]), int(zero_points[0])


def _size(details: Any) -> int:
    size = 1
    for n in details["shape"]:
        size *= int(n)
    return size


@contextmanager
def _captured_stderr(hear: Callable[[str], None]) -> Iterator[None]:
    """Sends file descriptor 2 to a file for the block, then hands what was written to `hear`.

    TFLM writes to the C stream, past `sys.stderr`; this works under pytest and in a Ray worker.
    """
    with _stderr_lock, tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        saved = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            hear(file.read(64 * 1024).decode("utf-8", "replace"))


def _limit_child() -> None:
    """Bounds what this process may take: a hostile model must not take the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY_BYTES, CHILD_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_CPU_SECONDS, CHILD_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: str, name: str) -> int:
    """Measures the model at `path` and writes one JSON object: head and tail bytes, or an error.

    The error is a whole message, which begins with `name`.
    """
    import numpy as np

    _limit_child()
    try:
        with Path(path).open("rb") as file:
            runner = Runner(file.read(MAX_MODEL_BYTES + 1), name)
        runner.run(np.zeros((1, runner.n_inputs), np.int8))
        split = runner.arena_split
        report: dict[str, object] = {"head_bytes": split.head_bytes, "tail_bytes": split.tail_bytes}
    except ModelFileError as error:
        report = {"error": str(error)}
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        report = {"error": f"{name}: {str(error) or type(error).__name__}"}
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
