"""Itemises the flash of an application: operators of a model and a board in, bytes by owner out.

For the builds in data/flash-*.toml: the linker's map of one application, and the rows of others,
divided by owner: model, kernels, interpreter, front end, C and C++ libraries. Then the board's own:
boot loader, core, application. For other builds a sum of what was measured, published or assumed
before builds were told apart. All are estimates for Cortex-M4 code. Where the core of a board has
parts of the C library already, they are counted twice.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sprd.config.board import Board

DATA = Path(__file__).parent / "data"

INT8_KERNEL_BYTES: Mapping[str, int] = {
    "CONV_2D": 5_772,
    "DEPTHWISE_CONV_2D": 6_932,
    "FULLY_CONNECTED": 920,
    "AVERAGE_POOL_2D": 524,
    "MAX_POOL_2D": 1_144,
}
"""Code of each int8 kernel of CMSIS-NN and of what it calls, on a Cortex-M4 at -O3, the largest of
-Os, -O2 and -O3. Measured with `python benchmarks/kernel_code_size.py` (arm-none-eabi-gcc 12.2)."""
OTHER_TYPES = 2
"""A registration that takes every type links the int16 and int4 kernels too. Assumed: together they
are as large as the int8 kernel."""
WRAPPER_BYTES = 4_096
"""TFLM's side of a kernel: Init, Prepare, Eval. Assumed: it cannot be compiled here."""

KERNEL_CODE_BYTES: Mapping[str, int] = {
    op: OTHER_TYPES * n_bytes + WRAPPER_BYTES for op, n_bytes in INT8_KERNEL_BYTES.items()
} | {
    "SOFTMAX": 4_096,
    "ADD": 4_096,
    "PAD": 3_072,
    "RESHAPE": 1_024,
    "SVDF": 6_144,
}
"""Flash of each operator's kernel; those that have no measured part are assumed. Held against two
published points: with the interpreter they exceed the 22 KB of micro_speech (DEPTHWISE_CONV_2D,
FULLY_CONNECTED, RESHAPE, SOFTMAX; TFLM README), and a keyword model's whole application exceeds the
89 KB of MicroNets (table 4)."""
OTHER_KERNEL_CODE_BYTES = 8_192
"""Flash of any other kernel. Assumed."""


@dataclass(frozen=True)
class Code:
    """Flash of what a build links beside a model, in bytes.

    `kernels` holds TFLM's side of each operator and that of the kernel library. The front end
    includes `frontend_libraries_bytes` of the C library, which nothing else calls.
    """

    interpreter_bytes: int
    frontend_bytes: int
    frontend_libraries_bytes: int
    libraries_bytes: int
    other_kernel_bytes: int
    kernels: Mapping[str, tuple[int, int]]

    def kernel_bytes(self, op: str) -> int:
        """Returns the flash of an operator's kernel, both sides."""
        return sum(self.kernels.get(op, (self.other_kernel_bytes,)))


def flash_items_of(ops: Sequence[str], model_bytes: int, board: Board) -> dict[str, int]:
    """Returns the bytes of each owner under a name for a table.

    Args:
        ops: Distinct operators of the model.
        model_bytes: Size of its file.
        board: The board, and the build that was chosen of it.
    """
    own = {key.removesuffix("_bytes"): size for key, size in board.code_bytes.items()}
    code = code_of(board.build.cost)
    if code is None:
        sizes = {op: KERNEL_CODE_BYTES.get(op, OTHER_KERNEL_CODE_BYTES) for op in ops}
        return {"model": model_bytes} | {f"kernel {op}": size for op, size in sizes.items()} | own
    kernels = {f"kernel {op}": code.kernel_bytes(op) for op in ops}
    linked = {
        "interpreter": code.interpreter_bytes,
        "frontend": code.frontend_bytes + code.frontend_libraries_bytes,
        "libraries": code.libraries_bytes,
    }
    return {"model": model_bytes} | kernels | own | linked


@cache
def code_of(cost: str) -> Code | None:
    """Returns what is known of a build's code, by the name of its cost tables; None if nothing."""
    path = DATA / f"flash-{cost}.toml"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        table = tomllib.load(file)
    return Code(
        interpreter_bytes=table["interpreter_bytes"],
        frontend_bytes=table["frontend_bytes"],
        frontend_libraries_bytes=table["frontend_libraries_bytes"],
        libraries_bytes=table["libraries_bytes"],
        other_kernel_bytes=table["other_kernel_bytes"],
        kernels={
            op: (kernel["tflm_bytes"], kernel["library_bytes"])
            for op, kernel in table["kernels"].items()
        },
    )
