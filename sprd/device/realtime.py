"""A model with its front end on a board: the RAM of both, and whether the board keeps up."""

from dataclasses import replace

from sprd.config.board import Board
from sprd.device.footprint import Footprint
from sprd.device.frontend_cost import FrontendSettings, RealTime, frontend_cost, real_time
from sprd.device.latency import cycles_per_instruction
from sprd.device.verdict import Violation
from sprd.errors import ConfigError

CPU_SHARE = "cpu_share"
MAX_INTERVAL_MS = 3_600_000.0
_RING_HZ = 16_000
"""The sample rate that the audio items of the board files are for."""


def with_frontend(board: Board, footprint: Footprint, settings: FrontendSettings) -> Footprint:
    """Returns the footprint with the RAM of this front end, where it exceeds the board's."""
    items = dict(footprint.ram_items)
    if not items:
        return footprint
    state = frontend_cost(settings, board.core).state_bytes
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
        ConfigError: The interval is shorter than the stride of the front end, or an hour.
    """
    stride_ms = float(settings.window_stride_ms)
    interval = stride_ms if interval_ms is None else float(interval_ms)
    if interval < stride_ms:
        raise ConfigError(
            f"interval: must be at least the stride of the front end, {stride_ms:g} ms, got"
            f" {interval:g} ms. There are no new features before."
        )
    if interval > MAX_INTERVAL_MS:
        raise ConfigError(
            f"interval: must be at most {MAX_INTERVAL_MS:,.0f} ms, got {interval:g} ms."
        )
    found = cycles_per_instruction(board)
    return real_time(
        frontend_cost(settings, board.core),
        footprint.latency_ms,
        footprint.latency_low_ms,
        footprint.latency_high_ms,
        stride_ms=interval,
        cycles_per_instruction=None if found is None else found[0],
        clock_hz=board.clock_hz,
        active_mw=board.active_mw,
        frames_per_inference=interval / stride_ms,
    )


def check_real_time(found: RealTime) -> tuple[Violation, ...]:
    """Returns the violation of a board that does not keep up, by the estimate; () if it does."""
    if found.cpu_share is not None and found.cpu_share <= 1:
        return ()
    return (Violation(CPU_SHARE, found.cpu_share, 1.0),)
