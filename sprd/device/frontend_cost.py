"""Settings of the micro front end in, its cost on a core out: instructions, RAM, flash.

The front end is TensorFlow's (C, fixed point). Its instructions were counted on an emulated core
over a grid of settings and fitted piece by piece: so many for a sample, an FFT, a weight of the
filter bank, a channel. Coefficients, grid and errors are in data/frontend_cost.toml, made by
benchmarks/frontend_cost.py. Where a cost depends on what is heard, the busiest of the sounds tried
counts for the build `cmake-O2`. Other builds, and the start of all, are in
data/frontend_builds.toml, by their optimisation level (benchmarks/frontend_builds.py): a mean frame
of sounds that are like a room, as a mean is what was measured of firmware.

Knows no audio and no board: plain numbers in. What it does not know: the driver that brings the
samples, caches, and a flash that stalls the core.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sprd.config.build import CMAKE_O2
from sprd.config.frontend import (
    FRAMES_MS,
    N_CHANNELS,
    SAMPLE_RATES_HZ,
    check_frames,
    n_fft,
    n_samples,
)
from sprd.errors import ConfigError

DATA = Path(__file__).parent / "data" / "frontend_cost.toml"
BUILDS_DATA = DATA.with_name("frontend_builds.toml")

_RANGES: Mapping[str, tuple[float, float]] = {
    "sample_rate_hz": SAMPLE_RATES_HZ,
    "window_size_ms": FRAMES_MS,
    "window_stride_ms": FRAMES_MS,
    "n_channels": N_CHANNELS,
}
_BLOCK = 4
"""Weights of a channel come in blocks of four (filterbank_util.cc, kFilterbankChannelBlockSize)."""
_ALIGNMENT = 2
"""Channels start at an even bin (filterbank_util.cc: kFilterbankIndexAlignment of 4 B)."""
_STATE_STRUCT_BYTES = 136
"""sizeof(FrontendState) on a 32-bit core, as the emulated program reports it."""
_FFT_STRUCT_BYTES = 12 + 2 * 4 + 64 * 4
"""kiss_fftr_state, and kiss_fft_state with its 32 factors (kiss_fftr.cc, _kiss_fft_guts.h)."""
_GAIN_TABLE_BYTES = 2 * (4 * 32 - 3)
"""PCAN's table (pcan_gain_control_util.h, kWideDynamicFunctionLUTSize)."""
_GRANULE_BYTES = 8
"""The allocator rounds up to this, and takes at most as much for itself a block (newlib-nano)."""


@dataclass(frozen=True)
class FrontendSettings:
    """What the cost of the front end depends on; named as in a sweep's `[features]`.

    Raises:
        ConfigError: A value is outside its range, the stride is longer than the window, or the band
            does not lie between 0 and half the sample rate.
    """

    sample_rate_hz: int
    window_size_ms: int
    window_stride_ms: int
    n_channels: int
    lower_band_limit_hz: float = 125.0
    upper_band_limit_hz: float = 7500.0
    enable_pcan: bool = True
    enable_log: bool = True

    def __post_init__(self) -> None:
        """Checks the values."""
        for key, (low, high) in _RANGES.items():
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ConfigError(
                    f"features [{key}]: must be a whole number in {low:,} .. {high:,},"
                    f" got {value!r}. The front end was measured in this range."
                )
        check_frames("features", self)

    @property
    def window_samples(self) -> int:
        """Samples of one window."""
        return n_samples(self.sample_rate_hz, self.window_size_ms)

    @property
    def stride_samples(self) -> int:
        """Samples between the starts of two windows."""
        return n_samples(self.sample_rate_hz, self.window_stride_ms)

    @property
    def n_fft(self) -> int:
        """Points of the FFT: the power of two that holds a window."""
        return n_fft(self.window_samples)


@dataclass(frozen=True)
class FrontendCost:
    """What the front end takes on a core.

    `instructions_per_stride` is None where the core or the build was not emulated, likewise
    `code_bytes` and `setup_instructions`, which the start takes, once.
    `state_bytes` is the heap that it takes, the allocator's own bytes included (newlib-nano takes 1
    to 4 % less); audio buffers and features are not in it. `code_bytes` is flash: code, tables, and
    the parts of the maths library that it alone brings.
    """

    instructions_per_stride: float | None
    state_bytes: int
    code_bytes: int | None
    setup_instructions: float | None = None


def frontend_cost(
    settings: FrontendSettings, core: str = "cortex-m4", build: str = CMAKE_O2
) -> FrontendCost:
    """Returns the cost of the front end on a core; unknown parts of it are None.

    Args:
        settings: Of the front end.
        core: Where it runs.
        build: The name of a build's cost tables (`Build.cost`).
    """
    known = _cores().get(core)
    return FrontendCost(
        instructions_per_stride=instructions_per_stride(settings, core, build),
        state_bytes=state_bytes(settings),
        code_bytes=None if known is None else int(known["code_bytes"]),
        setup_instructions=setup_instructions(settings, core, build),
    )


def instructions_per_stride(
    settings: FrontendSettings, core: str = "cortex-m4", build: str = CMAKE_O2
) -> float | None:
    """Returns the instructions of one frame of features; None for what was not emulated."""
    known = _cores().get(core) if build == CMAKE_O2 else _of_build("frame", core, build)
    return _sum(known, pieces(settings))


def setup_instructions(
    settings: FrontendSettings, core: str = "cortex-m4", build: str = CMAKE_O2
) -> float | None:
    """Returns the instructions of the start, once; None for what was not emulated.

    In soft float, as was counted; a build that computes floats in an FPU takes about half.
    """
    return _sum(_of_build("setup", core, build), setup_pieces(settings))


def _sum(known: Mapping[str, Any] | None, work: Mapping[str, int]) -> float | None:
    if known is None:
        return None
    costs = known["instructions"]
    return math.fsum(float(costs[piece]) * n for piece, n in work.items())


def state_bytes(settings: FrontendSettings) -> int:
    """Returns the RAM of the front end's state on a 32-bit core, in bytes.

    Includes three tables that only the start needs, because a heap seldom gives them back.
    Source: the `*PopulateState` functions of TensorFlow's microfrontend/lib.
    """
    window, n_fft = settings.window_samples, settings.n_fft
    edges = settings.n_channels + 1
    n_weights = _filter_bank(settings).n_weights
    blocks = [2 * window] * 3
    blocks += [2 * n_fft, 8 * (n_fft // 2 + 1)]
    blocks += [_FFT_STRUCT_BYTES + 4 * (n_fft // 2) + 4 * (n_fft // 2 * 3 // 2)]
    blocks += [2 * edges] * 3 + [8 * edges]
    blocks += [4 * edges, 2 * edges, 2 * edges]
    blocks += [2 * n_weights] * 2 + [4 * settings.n_channels]
    blocks += [_GAIN_TABLE_BYTES] if settings.enable_pcan else []
    rounded = sum(-(-block // _GRANULE_BYTES) * _GRANULE_BYTES for block in blocks)
    return _STATE_STRUCT_BYTES + rounded + _GRANULE_BYTES * len(blocks)


def pieces(settings: FrontendSettings) -> dict[str, int]:
    """Returns how many of each piece of work one stride takes; the cost is linear in them."""
    bank = _filter_bank(settings)
    window, stride, channels = settings.window_samples, settings.stride_samples, settings.n_channels
    return {
        f"fft_{settings.n_fft}": 1,
        "window_sample": window,
        "new_sample": stride,
        "kept_sample": window - stride,
        "weight": bank.n_products,
        "channel": channels,
        "heard_channel": bank.n_heard,
        "pcan_channel": channels * settings.enable_pcan,
        "log_channel": channels * settings.enable_log,
    }


def setup_pieces(settings: FrontendSettings) -> dict[str, int]:
    """Returns how many of each piece of work the start takes; the cost is linear in them."""
    band_hz = settings.upper_band_limit_hz - settings.lower_band_limit_hz
    return {
        f"fft_{settings.n_fft}": 1,
        "window_sample": settings.window_samples,
        "band_bin": round(band_hz * settings.n_fft / settings.sample_rate_hz),
        "channel": settings.n_channels,
        "pcan": int(settings.enable_pcan),
    }


@dataclass(frozen=True)
class _FilterBank:
    """Sizes of the filter bank. `n_products` are those of one frame, `n_weights` those stored.

    `n_heard` channels hold at least one bin; the others are always 0, and cheap.
    """

    n_heard: int
    n_products: int
    n_weights: int


def _mel(hz: float) -> float:
    return 1127.0 * math.log1p(hz / 700.0)


@cache
def _filter_bank(settings: FrontendSettings) -> _FilterBank:
    """Lays out the channels as filterbank_util.cc does: evenly in mel, whole bins, blocks of four.

    The device computes in float32, where an edge that falls on a bin may go either way: a bin and
    a block more or less, by which compilers differ too.
    """
    bin_hz = settings.sample_rate_hz / settings.n_fft
    low, high = _mel(settings.lower_band_limit_hz), _mel(settings.upper_band_limit_hz)
    edges = settings.n_channels + 1
    start = int(1.5 + settings.lower_band_limit_hz / bin_hz)
    n_products, n_weights, was_empty, n_empty, n_silent = 0, 0, False, 0, 0
    for edge in range(1, edges + 1):
        hz = 700.0 * math.expm1((low + (high - low) * edge / edges) / 1127.0)
        end = max(start, math.floor(hz / bin_hz + 1e-6) + 1)
        if end == start:
            # An empty channel multiplies one block of zeros, which all empty ones share.
            n_products += _BLOCK
            n_empty += 1
            n_silent += edge > 1 and was_empty
        else:
            width = -(-(start % _ALIGNMENT + end - start) // _BLOCK) * _BLOCK
            n_products, n_weights = n_products + width, n_weights + width
        was_empty = end == start
        start = end
    n_weights += _BLOCK if n_empty else 0
    return _FilterBank(edges - 1 - n_silent, n_products, n_weights)


@cache
def _cores() -> Mapping[str, Any]:
    with DATA.open("rb") as file:
        cores: Mapping[str, Any] = tomllib.load(file)["cores"]
    return cores


def _of_build(what: str, core: str, build: str) -> Mapping[str, Any] | None:
    """Returns the fit of a "frame" or the "setup" at the level of a build; None if unknown."""
    level = _builds()["levels"].get(build)
    return None if level is None else _builds()[what][level].get(core)


@cache
def _builds() -> Mapping[str, Any]:
    with BUILDS_DATA.open("rb") as file:
        return tomllib.load(file)
