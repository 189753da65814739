"""Compiles C or C++ for a Cortex-M and runs it in QEMU, one instruction a virtual nanosecond.

Knows no model. A program has `main` and what `runtime.h` offers; it is linked with our own start-up
code, prints by semihosting, and ends when `main` returns.
"""

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sprd.errors import EmulationError

HERE = Path(__file__).parent
COMPILER = "arm-none-eabi-gcc"
CPLUSPLUS = "arm-none-eabi-g++"
SIZE = "arm-none-eabi-size"
QEMU = "qemu-system-arm"
INSTALL = (
    "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"
    " qemu-system-arm"
)
FLAGS = ("-O2",)
"""How what is measured is optimised where no build is told."""
COMPILE_SECONDS = 120.0
N_COMPILERS = min(4, os.cpu_count() or 1)
"""Compilers that run at the same time."""
MAX_OUTPUT_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Core:
    """A core: compiler flags, and the machine of QEMU that runs its code."""

    flags: tuple[str, ...]
    machine: str
    flash: str
    ram: str
    ram_size: str
    instructions_per_tick: int
    """SysTick counts the machine's clock, 25 or 20 MHz, while an instruction takes 1 ns."""


def _flags(cpu: str) -> tuple[str, ...]:
    return (f"-mcpu={cpu}", "-mthumb", "-mfloat-abi=soft")


_MPS2 = ("0x00000000", "0x20000000", "4M", 40)

CORES: Mapping[str, Core] = {
    # The M4 runs the code of an M0+: ARMv6-M is a part of its instruction set.
    "cortex-m0plus": Core(_flags("cortex-m0plus"), "mps2-an386", *_MPS2),
    "cortex-m3": Core(_flags("cortex-m3"), "mps2-an385", *_MPS2),
    "cortex-m4": Core(_flags("cortex-m4"), "mps2-an386", *_MPS2),
    "cortex-m7": Core(_flags("cortex-m7"), "mps2-an500", *_MPS2),
    "cortex-m33": Core(_flags("cortex-m33"), "mps2-an505", "0x10000000", "0x38000000", "2M", 50),
}
"""Source of machines and clocks: QEMU, docs/system/arm/mps2.rst and hw/arm/mps2*.c."""


@dataclass(frozen=True)
class Sections:
    """Bytes of a linked image, without the measuring program: code and constants, variables."""

    flash_bytes: int
    ram_bytes: int


def check_toolchain() -> None:
    """Checks that the compiler and the emulator are there.

    Raises:
        EmulationError: One is missing.
    """
    missing = [name for name in (COMPILER, CPLUSPLUS, SIZE, QEMU) if shutil.which(name) is None]
    if missing:
        raise EmulationError(
            f"emulation: the Arm compiler and QEMU must be installed, got no {', '.join(missing)}."
            f" Run: {INSTALL}"
        )


def core_named(name: str) -> Core:
    """Returns a core that can be emulated.

    Raises:
        EmulationError: It cannot.
    """
    if name not in CORES:
        raise EmulationError(
            f"emulation: the core must be one of {', '.join(CORES)}, got {name!r}."
            " Choose a board with such a core."
        )
    return CORES[name]


def build(
    folder: Path,
    sources: Sequence[Path],
    core: str,
    includes: Sequence[Path] = (),
    defines: Sequence[str] = (),
    harness: Sequence[Path] = (),
    flags: Sequence[str] = FLAGS,
) -> Path:
    """Compiles and links a program.

    Args:
        folder: Where objects and the program go.
        sources: What is measured: C, or C++ where a name ends in `.cc` or `.cpp`.
        core: A name of `CORES`.
        includes: Folders of headers.
        defines: Macros, as `NAME` or `NAME=VALUE`.
        harness: Sources of the measuring program, left out of `sections`.
        flags: How what is measured is optimised, as a build of a board compiles it.

    Returns:
        The ELF file.

    Raises:
        EmulationError: A program is missing, or the compiler refuses a source.
    """
    check_toolchain()
    common = [*core_named(core).flags, "-w", "-ffreestanding", "-ffunction-sections",
              "-fdata-sections", "-I", str(HERE), "-I", str(folder)]  # fmt: skip
    common += [f"-I{path}" for path in includes] + [f"-D{macro}" for macro in defines]
    objects = folder / "objects"
    objects.mkdir(exist_ok=True)
    commands = [
        *_measured([*common, *flags], [*sources, HERE / "memory.c"]),
        *_harness([*common, *FLAGS], [HERE / "runtime.c", *harness], objects),
    ]
    with ThreadPoolExecutor(N_COMPILERS) as pool:
        list(pool.map(lambda command: _run(command, objects), commands))
    return _link(folder, objects, core_named(core))


def _measured(flags: Sequence[str], sources: Sequence[Path]) -> Iterator[list[str]]:
    """Gives the commands that compile what is measured, in as many shares as compilers run."""
    for cplusplus in (False, True):
        some = [source for source in sources if _is_cplusplus(source) == cplusplus]
        compiler, more = _language(cplusplus)
        for i in range(min(N_COMPILERS, len(some))):
            yield [compiler, *flags, *more, "-c", *map(str, some[i::N_COMPILERS])]


def _harness(flags: Sequence[str], sources: Sequence[Path], objects: Path) -> Iterator[list[str]]:
    """Gives the commands that compile the measuring program; its objects are told by their name."""
    for source in sources:
        compiler, more = _language(_is_cplusplus(source))
        target = objects / f"harness_{source.stem}.o"
        yield [compiler, *flags, *more, "-c", str(source), "-o", str(target)]


def _link(folder: Path, objects: Path, core: Core) -> Path:
    """Links the objects to one program."""
    script = folder / "link.ld"
    script.write_text(_script(core), encoding="ascii")
    elf = folder / "program.elf"
    parts = sorted(str(path) for path in objects.glob("*.o"))
    # The C library gives memcpy and the like, the maths library what a front end's set-up takes.
    link = [*core.flags, "-nostartfiles", "-Wl,--gc-sections", "-T", str(script)]
    _run([CPLUSPLUS, *link, *parts, "-lm", "-lc", "-lnosys", "-lgcc", "-o", str(elf)], folder)
    return elf


def run(elf: Path, core: str, timeout_s: float = 60.0, counted: bool = True) -> str:
    """Runs a program and returns what it printed.

    Args:
        elf: A program that `build` made.
        core: The core it was made for.
        timeout_s: Wall clock that it gets.
        counted: Whether one instruction takes one virtual nanosecond; without, ticks mean nothing
            and it runs faster.

    Raises:
        EmulationError: QEMU is missing, or the program faults, does not end or prints too much.
    """
    check_toolchain()
    command = [QEMU, "-M", core_named(core).machine, "-display", "none", "-monitor", "none",
               "-serial", "none", "-semihosting-config", "enable=on,target=native",
               *(["-icount", "shift=0"] if counted else []), "-kernel", str(elf)]  # fmt: skip
    status, output = _listen(command, timeout_s)
    said = output.decode("ascii", "replace")
    if status != 0 or "fault=1" in said:
        reason = said.strip().splitlines()[-1:] or [f"exit status {status}"]
        raise EmulationError(f"emulation: the program must run to its end, got {reason[0]!r}.")
    return said


def sections(elf: Path) -> Sections:
    """Returns the bytes of a linked image."""
    said = _run([SIZE, "-A", str(elf)], elf.parent)
    sizes = {name: int(size) for name, size in re.findall(r"^(\.[\w.]+)\s+(\d+)", said, re.M)}
    data = sizes.get(".data", 0)
    flash = sizes.get(".text", 0) + sizes.get(".ARM.exidx", 0) + data
    return Sections(flash, data + sizes.get(".bss", 0))


def values(said: str, key: str) -> list[int]:
    """Returns the numbers that a program printed under a key."""
    return [int(value) for value in re.findall(rf"^{re.escape(key)}=(\d+)$", said, re.M)]


def _is_cplusplus(source: Path) -> bool:
    return source.suffix in (".cc", ".cpp")


def _language(cplusplus: bool) -> tuple[str, tuple[str, ...]]:
    if cplusplus:
        return CPLUSPLUS, ("-std=gnu++17", "-fno-exceptions", "-fno-rtti")
    return COMPILER, ("-std=gnu11",)


def _script(core: Core) -> str:
    text = (HERE / "link.ld").read_text(encoding="ascii")
    for key, value in (("FLASH", core.flash), ("RAM", core.ram), ("RAM_SIZE", core.ram_size)):
        text = text.replace(f"@{key}@", value)
    return text


def _listen(command: list[str], timeout_s: float) -> tuple[int, bytes]:
    """Runs QEMU; returns its exit status and what the program printed, which goes to stderr."""
    deadline = time.monotonic() + timeout_s
    said = bytearray()
    null = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=null, stdout=null, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        pipe = process.stderr.fileno()
        poll = select.poll()
        poll.register(pipe)
        try:
            while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                chunk = os.read(pipe, 2**16)
                said += chunk
                if not chunk:
                    return process.wait(max(0.1, deadline - time.monotonic())), bytes(said)
                if len(said) > MAX_OUTPUT_BYTES:
                    raise EmulationError(
                        f"emulation: the program must print at most {MAX_OUTPUT_BYTES:,} B,"
                        " got more. Try fewer inputs."
                    )
        except subprocess.TimeoutExpired:
            pass  # told below
        finally:
            process.kill()
    raise EmulationError(
        f"emulation: the program must end within {timeout_s:g} s, got no end. Try a smaller model."
    )


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=COMPILE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise EmulationError(
            f"emulation: {command[0]} must end within {COMPILE_SECONDS:g} s, got no end."
        ) from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        wrong = [
            line
            for line in lines
            if re.search(r" error: |undefined reference|overflowed by|cannot find -l", line)
        ]
        reason = (wrong or lines or ["no reason given"])[0][:200]
        # Debian ships the C library's headers and archives apart from the compiler.
        is_missing = re.search(r"No such file or directory|cannot find -l", reason)
        hint = f" If the C library is missing, run: {INSTALL}" if is_missing else ""
        raise EmulationError(
            f"emulation: {command[0]} must accept the program, got: {reason}.{hint}"
        )
    return done.stdout.decode("utf-8", "replace")
