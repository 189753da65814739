"""Programs are compiled for a core, run on it, and say what they cost."""

from pathlib import Path

import pytest

from sprd.device.emulation import toolchain
from sprd.errors import EmulationError

LOOP = """
#include "runtime.h"
int main(void) {
    uint32_t before = sprd_ticks();
    for (volatile uint32_t i = 0; i < N; i++) {
    }
    sprd_print_u32("ticks", sprd_ticks() - before);
    sprd_print_hex("bytes", "\\1\\xab", 2);
    return RESULT;
}
"""


def program(folder: Path, core: str, n: int = 1000, result: int = 0, text: str = LOOP) -> Path:
    """Builds the loop for a core."""
    source = folder / "loop.c"
    source.write_text(text)
    defines = [f"N={n}", f"RESULT={result}"]
    return toolchain.build(folder, [source], core, defines=defines)


@pytest.mark.parametrize("core", toolchain.CORES)
@pytest.mark.usefixtures("toolchain")
def test_every_core_counts_a_loop(tmp_path: Path, core: str) -> None:
    """A thousand rounds more cost the same instructions each, on every core."""
    ticks = []
    for n in (1000, 2000, 3000):
        folder = tmp_path / str(n)
        folder.mkdir()
        said = toolchain.run(program(folder, core, n), core)
        ticks += toolchain.values(said, "ticks")
        assert "bytes=01ab\n" in said
    per_round = [toolchain.CORES[core].instructions_per_tick * (b - a) / 1000
                 for a, b in ((ticks[0], ticks[1]), (ticks[1], ticks[2]))]  # fmt: skip
    assert per_round[0] == pytest.approx(per_round[1], abs=0.1)
    assert 3 <= per_round[0] <= 10


@pytest.mark.usefixtures("toolchain")
def test_flags_are_those_of_a_build(tmp_path: Path) -> None:
    """A loop takes more instructions at -O0 than at -O2, which is what it gets if none is told."""
    counts = []
    for name in ("", "-O2", "-O0"):
        folder = tmp_path / f"at{name}"
        folder.mkdir()
        source = folder / "loop.c"
        source.write_text(LOOP)
        flags = (name,) if name else toolchain.FLAGS
        defines = ["N=3000", "RESULT=0"]
        elf = toolchain.build(folder, [source], "cortex-m4", defines=defines, flags=flags)
        counts += toolchain.values(toolchain.run(elf, "cortex-m4"), "ticks")
    assert counts[0] == counts[1] < counts[2]


@pytest.mark.usefixtures("toolchain")
def test_what_the_measuring_program_takes_is_left_out(tmp_path: Path) -> None:
    """Code and variables of the harness are not the model's."""
    (tmp_path / "part.c").write_text("int table[100]; int part(int i) { return table[i]++; }")
    (tmp_path / "main.c").write_text(
        "int part(int); static volatile char large[5000];"
        " int main(void) { large[4] = 1; return part(large[7]) > 9; }"
    )
    elf = toolchain.build(
        tmp_path, [tmp_path / "part.c"], "cortex-m4", harness=[tmp_path / "main.c"]
    )
    found = toolchain.sections(elf)
    assert 400 <= found.ram_bytes < 1000
    assert 10 <= found.flash_bytes < 1000


@pytest.mark.usefixtures("toolchain")
def test_failing_program_is_an_error(tmp_path: Path) -> None:
    """What returns anything but 0 did not do what it was told."""
    with pytest.raises(EmulationError, match="run to its end"):
        toolchain.run(program(tmp_path, "cortex-m4", result=1), "cortex-m4")


@pytest.mark.usefixtures("toolchain")
def test_crash_is_an_error(tmp_path: Path) -> None:
    """A fault of the core ends the program at once."""
    text = "int main(void) { return *(volatile int *)0xF0000001; }"
    with pytest.raises(EmulationError, match="run to its end"):
        toolchain.run(program(tmp_path, "cortex-m4", text=text), "cortex-m4", timeout_s=20)


@pytest.mark.usefixtures("toolchain")
def test_endless_program_is_an_error(tmp_path: Path) -> None:
    """A hang ends when its time is up."""
    elf = program(tmp_path, "cortex-m4", text="int main(void) { for (;;) { } }")
    with pytest.raises(EmulationError, match=r"within 0\.5 s"):
        toolchain.run(elf, "cortex-m4", timeout_s=0.5)


@pytest.mark.usefixtures("toolchain")
def test_chatty_program_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program prints is bounded, so that it cannot fill the memory."""
    monkeypatch.setattr(toolchain, "MAX_OUTPUT_BYTES", 10_000)
    text = '#include "runtime.h"\nint main(void) { for (;;) sprd_print_u32("key", 1); }'
    with pytest.raises(EmulationError, match="at most 10,000 B"):
        toolchain.run(program(tmp_path, "cortex-m4", text=text), "cortex-m4")


@pytest.mark.usefixtures("toolchain")
def test_stack_of_a_call_is_measured(tmp_path: Path) -> None:
    """A function with 1,000 B of its own is seen to take little more."""
    text = """
#include "runtime.h"
static __attribute__((noinline)) void deep(void) {
    volatile uint8_t large[1000];
    for (uint32_t i = 0; i < sizeof large; i++) large[i] = 1;
}
int main(void) {
    sprd_paint_stack();
    deep();
    sprd_print_u32("stack", sprd_stack_used_bytes());
    return 0;
}
"""
    said = toolchain.run(program(tmp_path, "cortex-m4", text=text), "cortex-m4")
    assert 1000 <= toolchain.values(said, "stack")[0] < 1200


@pytest.mark.usefixtures("toolchain")
def test_missing_header_says_what_to_install(tmp_path: Path) -> None:
    """Debian packs the C library apart from the compiler."""
    with pytest.raises(EmulationError, match=r"run: apt-get install .*libnewlib"):
        program(tmp_path, "cortex-m4", text="#include <no_such_header.h>\n")


@pytest.mark.usefixtures("toolchain")
def test_broken_source_is_an_error(tmp_path: Path) -> None:
    """The compiler's first complaint is told."""
    with pytest.raises(EmulationError, match="expected"):
        program(tmp_path, "cortex-m4", text="int main(void) { return }")


def test_missing_programs_are_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without compiler and emulator the message says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmulationError, match=r"qemu-system-arm.*Run: apt-get install gcc-arm"):
        toolchain.check_toolchain()


def test_unknown_core_is_refused() -> None:
    """A core that no machine of QEMU has is named."""
    with pytest.raises(EmulationError, match="xtensa-lx7"):
        toolchain.core_named("xtensa-lx7")
