"""Prints the flash of CMSIS-NN's int8 kernels: `INT8_KERNEL_BYTES` of sprd/device/flash.py.

    python benchmarks/kernel_code_size.py [--sources DIR]

Links each operator's entry function alone with all of CMSIS-NN, drops what it does not reach, and
reads the size of .text. Needs `apt-get install gcc-arm-none-eabi` and, unless --sources names a
folder that holds CMSIS-NN and the core headers of CMSIS, the Python package bakenn, which carries
them. TFLM's side of a kernel is not measured.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ENTRIES = {
    "CONV_2D": "arm_convolve_wrapper_s8",
    "DEPTHWISE_CONV_2D": "arm_depthwise_conv_wrapper_s8",
    "FULLY_CONNECTED": "arm_fully_connected_s8",
    "AVERAGE_POOL_2D": "arm_avgpool_s8",
    "MAX_POOL_2D": "arm_max_pool_s8",
}
LEVELS = ("-Os", "-O2", "-O3")
COMPILER = "arm-none-eabi-gcc"
FLAGS = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-w"]
FLAGS += ["-ffunction-sections", "-nostartfiles", "-specs=nosys.specs", "-Wl,--gc-sections"]


def main() -> int:
    """Prints the bytes of each kernel at each level of optimization, and the largest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, default=None)
    sources = parser.parse_args().sources or bundled_sources()
    if shutil.which(COMPILER) is None:
        print(f"{COMPILER} is missing: apt-get install gcc-arm-none-eabi", file=sys.stderr)
        return 1
    if sources is None or not any(sources.rglob("arm_convolve_wrapper_s8.c")):
        print("--sources: must hold CMSIS-NN. Or: pip install bakenn", file=sys.stderr)
        return 2
    print(f"{'':20}" + "".join(f"{level:>8}" for level in (*LEVELS, "most")))
    for op, entry in ENTRIES.items():
        sizes = [text_bytes(sources, entry, level) for level in LEVELS]
        print(f"{op:20}" + "".join(f"{size:>8,}" for size in (*sizes, max(sizes))))
    return 0


def bundled_sources() -> Path | None:
    """Returns the folder of CMSIS-NN in the package bakenn, or None."""
    spec = importlib.util.find_spec("bakenn")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "backend" / "cmsis_nn" / "vendor"


def text_bytes(sources: Path, entry: str, level: str) -> int:
    """Links what `entry` reaches; returns the bytes of its code and constants."""
    headers = sorted({path.parent for path in sources.rglob("*.h")})
    files = [str(path) for path in sorted(sources.rglob("*.c"))]
    with tempfile.TemporaryDirectory() as folder:
        image = f"{folder}/kernel.elf"
        command = [COMPILER, *FLAGS, level, *(f"-I{header}" for header in headers), *files]
        command += [f"-Wl,-e,{entry}", f"-Wl,-u,{entry}", "-o", image]
        subprocess.run(command, check=True)
        done = subprocess.run(
            ["arm-none-eabi-size", image], check=True, capture_output=True, text=True
        )
    return int(done.stdout.splitlines()[1].split()[0])


if __name__ == "__main__":
    sys.exit(main())
