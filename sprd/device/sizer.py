"""Asks mcufit's sizer for an arena: a file in, bytes out.

The sizer is TensorFlow Lite Micro of August 2026 with its reference kernels, compiled for 32 bits
to WebAssembly. It runs under Node.js and tells what it allocates for a model: exact for that build,
without what other kernels ask for, CMSIS-NN's scratch above all. `sprd.device.layouts` is held
against it. Both must be installed.
"""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from sprd.errors import MachineError, ModelFileError

NODE = "node"
PACKAGE = "mcufit"
INSTALL = "apt-get install nodejs && pip install 'mcufit>=0.5.2'"
SECONDS = 20.0
OWN_BYTES = 2_112
"""What only its benchmark keeps in the arena: 100 resource variables of 20 B, and records of each
allocation. 16 B more where both shift what follows by an alignment."""

_TOTAL = re.compile(r"^\s*Total \|\s*(\d+) \|", re.MULTILINE)


def sizer() -> Path:
    """Returns the program that Node.js runs.

    Raises:
        MachineError: It or Node.js is missing.
    """
    # Looked up, not imported: the package is used for this one file.
    spec = importlib.util.find_spec(PACKAGE)
    folders = (spec.submodule_search_locations or []) if spec else []
    programs = [Path(folder) / "wasm" / "run_benchmark.mjs" for folder in folders]
    found = [path for path in programs if path.is_file()]
    missing = [] if shutil.which(NODE) else [NODE]
    missing += [] if found else [PACKAGE]
    if missing:
        raise MachineError(f"sizer: {' and '.join(missing)} must be installed, got none. {INSTALL}")
    return found[0]


def arena_sizer_bytes(model: Path) -> int:
    """Returns the arena that the sizer's build of TFLM needs for a model, in bytes.

    At most 16 B more than it would need without its benchmark. The file must have been measured by
    `sprd.device.footprint.measure_untrusted` before: it checks what the file holds.

    Raises:
        MachineError: The sizer is missing.
        ModelFileError: It refuses the model or does not come back.
    """
    command = [NODE, str(sizer()), str(model.absolute())]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelFileError(
            f"{model}: the sizer must answer within {SECONDS:g} s, got nothing. Leave out --sizer."
        ) from error
    total = _TOTAL.search(done.stdout.decode("utf-8", "replace"))
    if total is None:
        raise ModelFileError(
            f"{model}: the sizer must tell its arena, got none (exit status {done.returncode})."
            " Leave out --sizer."
        )
    return int(total[1]) - OWN_BYTES
