"""A model with its front end on a board: the RAM of both, and whether the board keeps up."""

import math
from dataclasses import dataclass, replace

from sprd.config.board import Board
from sprd.config.limits import KEEPS_UP, Violation, find_violations
from sprd.device.footprint import Footprint
from sprd.device.frontend_cost import (
    FrontendCost,
    FrontendSettings,
    frontend_cost,
    state_bytes,
)
from sprd.device.latency import cycles_per_instruction
from sprd.errors import ConfigError

CPU_SHARE = KEEPS_UP.key
MAX_INTERVAL_MS = 3_600_000.0
_RING_HZ = 16_000
"""The sample rate that the audio items of the board files are for."""


@dataclass(frozen=True)
class RealTime:
    """Front end and inference against the time between two inferences.

    `frontend_ms` is that of all frames of one inference. The shares are of the CPU, 1 being all of
    it; low and high are the ends of the interval. `keeps_up` is whether even the high end fits.
    `energy_uj` is the energy of one inference with its frames, in microjoules. `setup_ms` is the
    start of the front end, once, before it all, `frame_ms` one of its frames. None is unknown;
    `unknown` says why the share is.
    """

    frontend_ms: float | None
    inference_ms: float | None
    stride_ms: float
    cpu_share: float | None = None
    cpu_share_low: float | None = None
    cpu_share_high: float | None = None
    keeps_up: bool | None = None
    energy_uj: float | None = None
    setup_ms: float | None = None
    frame_ms: float | None = None
    unknown: str | None = None


def with_frontend(board: Board, footprint: Footprint, settings: FrontendSettings) -> Footprint:
    """Returns the footprint with the RAM of this front end, where it exceeds the board's."""
    items = dict(footprint.ram_items)
    if not items:
        return footprint
    state = state_bytes(settings)
    items["frontend"] = max(items.get("frontend", 0), state)
    items["audio"] = items.get("audio", 0) * max(settings.sample_rate_hz, _RING_HZ) // _RING_HZ
    return replace(footprint, ram_items=items, ram_bytes=sum(items.values()))


def real_time_on(
    board: Board,
    footprint: Footprint,
    settings: FrontendSettings,
    interval_ms: float | None = None,
) -> RealTime:
    """Returns what front end and inference take of a board's time.

    Args:
        board: Where both run.
        footprint: The model's, measured for this board.
        settings: The front end's.
        interval_ms: Between two inferences; None: one for each frame of features.

    Raises:
        ConfigError: The interval is shorter than the stride of the front end, or over an hour.
    """
    stride_ms = float(settings.window_stride_ms)
    interval = stride_ms if interval_ms is None else float(interval_ms)
    if not interval >= stride_ms:
        raise ConfigError(
            f"interval: must be at least the stride of the front end, {stride_ms:g} ms, got"
            f" {interval:g} ms. There are no new features before."
        )
    if interval > MAX_INTERVAL_MS:
        raise ConfigError(
            f"interval: must be at most {MAX_INTERVAL_MS:,.0f} ms, got {interval:g} ms."
        )
    cost = frontend_cost(settings, board.core, board.build.cost)
    return real_time(board, footprint, cost, interval, interval / stride_ms)


def real_time(
    board: Board,
    footprint: Footprint,
    cost: FrontendCost,
    interval_ms: float,
    frames_per_inference: float,
) -> RealTime:
    """Says whether a board computes `frames_per_inference` frames and one inference in time.

    The front end runs at the same cycles an instruction as the kernels, so it has the relative
    interval of the inference.

    Args:
        board: Where both run.
        footprint: The model's, measured for this board.
        cost: Of the front end on this board's core.
        interval_ms: Between two inferences.
        frames_per_inference: Frames of features that are new at each inference, in the mean.

    Raises:
        ConfigError: The interval of the latency does not hold its estimate.
    """
    known = _frontend(board, cost, interval_ms, frames_per_inference)
    known, latency = replace(known, inference_ms=footprint.latency_ms), _latency(footprint)
    if known.frontend_ms is None or latency is None:
        return replace(known, unknown=_why_unknown(board, footprint))
    low_ms, latency_ms, high_ms = latency
    busy_ms = known.frontend_ms + latency_ms
    share = busy_ms / interval_ms
    low, high = (share * end / latency_ms for end in (low_ms, high_ms))
    return replace(
        known,
        cpu_share=share,
        cpu_share_low=low,
        cpu_share_high=high,
        keeps_up=KEEPS_UP.fits(high),
        energy_uj=None if board.active_mw is None else board.active_mw * busy_ms,
    )


def _why_unknown(board: Board, footprint: Footprint) -> str:
    """Returns why the share of the CPU is unknown: the inference's time is, or the front end's."""
    if footprint.latency_ms is None:
        return footprint.latency_unknown or "the latency is unknown"
    return f"what the front end takes on a {board.core} was never counted"


def _latency(footprint: Footprint) -> tuple[float, float, float] | None:
    """Returns low end, estimate and high end of the milliseconds; None where they are unknown."""
    low_ms, latency_ms = footprint.latency_low_ms, footprint.latency_ms
    high_ms = footprint.latency_high_ms
    if low_ms is None or latency_ms is None or high_ms is None:
        return None
    if not 0 < low_ms <= latency_ms <= high_ms < math.inf:
        raise ConfigError(
            "real time: 0 < latency_low_ms <= latency_ms <= latency_high_ms must hold, got"
            f" {low_ms!r}, {latency_ms!r}, {high_ms!r}."
        )
    return low_ms, latency_ms, high_ms


def check_real_time(found: RealTime) -> tuple[Violation, ...]:
    """Returns the violation of a board that does not keep up, by the estimate; () if it does."""
    return find_violations(lambda _: found.cpu_share, (KEEPS_UP,))


def _frontend(board: Board, cost: FrontendCost, interval_ms: float, n_frames: float) -> RealTime:
    return RealTime(
        frontend_ms=_milliseconds(board, cost.instructions_per_stride, n_frames),
        inference_ms=None,
        stride_ms=interval_ms,
        setup_ms=_milliseconds(board, cost.setup_instructions),
        frame_ms=_milliseconds(board, cost.instructions_per_stride),
    )


def _milliseconds(board: Board, instructions: float | None, times: float = 1.0) -> float | None:
    """Milliseconds of the front end's code; None where core or kernels were not measured."""
    found = cycles_per_instruction(board)
    if instructions is None or found is None:
        return None
    return 1000 * (times * instructions) * found[0] / board.clock_hz
