"""Front end and inference together: whether a board keeps up, and what that is reckoned from."""

import math
from dataclasses import replace

import pytest

from sprd.config.board import Board
from sprd.config.build import cmake_o2
from sprd.device.board import load_board
from sprd.device.footprint import Footprint
from sprd.device.frontend_cost import FrontendCost, FrontendSettings, frontend_cost
from sprd.device.realtime import real_time, real_time_on
from sprd.errors import ConfigError

USUAL = FrontendSettings(16000, 30, 20, 40)


@pytest.fixture
def board() -> Board:
    """64 MHz, 1.5 cycles an instruction, 10 mW while computing."""
    nano = load_board("arduino_nano_33_ble")
    return replace(nano, clock_hz=64_000_000, cycles_per_instruction=1.5, active_mw=10.0)


def footprint(latency_ms: float | None, low_ms: float | None, high_ms: float | None) -> Footprint:
    """A model that takes this time, and otherwise nothing that is asked for here."""
    return Footprint(
        flash_bytes=None,
        model_bytes=0,
        ram_bytes=None,
        arena_bytes=None,
        arena_host_bytes=0,
        macs=0,
        latency_ms=latency_ms,
        latency_low_ms=low_ms,
        latency_high_ms=high_ms,
        latency_source=None,
        ops=(),
        flash_items={},
        ram_items={},
        layers=(),
    )


def test_busy_time_is_frames_and_inference(board: Board) -> None:
    """2 frames of 100,000 instructions at 1.5 cycles and 64 MHz, and 35.3125 ms: 40 ms of 100."""
    model = footprint(35.3125, 30.0, 42.375)
    result = real_time(board, model, FrontendCost(1e5, 0, 0), 100.0, 2)
    assert result.frontend_ms == pytest.approx(4.6875)
    assert result.cpu_share == pytest.approx(0.4)
    assert result.cpu_share_low == pytest.approx(0.4 * 30 / 35.3125)
    assert result.cpu_share_high == pytest.approx(0.48)
    assert result.energy_uj == pytest.approx(400.0)
    assert result.keeps_up is True


def test_start_of_the_front_end_is_told_apart(board: Board) -> None:
    """6.4 M instructions at 1.5 cycles and 64 MHz are 150 ms, in no frame's time and no share."""
    model, cost = footprint(35.3125, 30.0, 42.375), FrontendCost(1e5, 0, 0)
    result = real_time(board, model, replace(cost, setup_instructions=6.4e6), 100.0, 2)
    assert result.setup_ms == pytest.approx(150.0)
    assert replace(result, setup_ms=None) == real_time(board, model, cost, 100.0, 2)


@pytest.mark.parametrize("cost", ["arduino", "cmake-O2"])
def test_front_end_costs_what_the_build_makes_of_it(
    board: Board, cost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The milliseconds of a frame are of the tables that the chosen build names."""
    monkeypatch.setattr("sprd.device.realtime.cycles_per_instruction", lambda board: (1.5, 1.2))
    built = replace(board, build=replace(cmake_o2(board.core, "cmsis-nn"), cost=cost))
    found = real_time_on(built, footprint(10.0, 9.0, 11.0), USUAL).frontend_ms
    counted = frontend_cost(USUAL, board.core, cost).instructions_per_stride
    assert counted is not None and found == pytest.approx(1.5 * counted / 64_000)


@pytest.mark.parametrize(("interval_ms", "keeps_up"), [(48.0, True), (47.9, False), (40.0, False)])
def test_board_keeps_up_only_if_the_high_end_fits(
    board: Board, interval_ms: float, keeps_up: bool
) -> None:
    """An estimate of 40 ms whose interval ends at 48 ms needs 48 ms; without power no energy."""
    plain = replace(board, cycles_per_instruction=1.0, active_mw=None)
    cost = FrontendCost(640_000.0, 0, 0)
    result = real_time(plain, footprint(30.0, 27.0, 36.0), cost, interval_ms, 1.0)
    assert result.keeps_up is keeps_up
    assert result.energy_uj is None


@pytest.mark.parametrize(
    ("cost", "latency_ms", "kernels"),
    [(1e5, None, "cmsis-nn"), (1e5, 10.0, "reference"), (None, 10.0, "cmsis-nn")],
)
def test_unknown_time_gives_no_verdict(
    board: Board, cost: float | None, latency_ms: float | None, kernels: str
) -> None:
    """Where a part is unknown, whether the board keeps up is unknown, never a guess."""
    other = replace(board, build=cmake_o2(board.core, kernels))
    model = footprint(latency_ms, latency_ms, latency_ms)
    result = real_time(other, model, FrontendCost(cost, 0, 0), 20.0, 1.0)
    assert (result.cpu_share, result.keeps_up, result.energy_uj) == (None, None, None)
    assert (result.frontend_ms is None) == (cost is None or kernels == "reference")
    reason = "the latency is unknown" if latency_ms is None else "what the front end takes on"
    assert result.unknown is not None and result.unknown.startswith(reason)


def test_unknown_share_has_the_reason_of_the_latency(board: Board) -> None:
    """What makes the milliseconds unknown makes the share unknown."""
    model = replace(footprint(None, None, None), latency_unknown="LOGISTIC was never measured")
    result = real_time(board, model, FrontendCost(1e5, 0, 0), 20.0, 1.0)
    assert result.unknown == "LOGISTIC was never measured"
    known = real_time(board, footprint(10.0, 9.0, 11.0), FrontendCost(1e5, 0, 0), 20.0, 1.0)
    assert known.unknown is None


@pytest.mark.parametrize(
    "latency", [(-1.0, -1.0, 11.0), (10.0, 11.0, 12.0), (10.0, 9.0, math.inf), (0.0, 0.0, 0.0)]
)
def test_latency_outside_its_own_interval_is_refused(
    board: Board, latency: tuple[float, float, float]
) -> None:
    """An interval holds its estimate, which is above 0."""
    with pytest.raises(ConfigError, match="real time"):
        real_time(board, footprint(*latency), FrontendCost(1e5, 0, 0), 20.0, 1.0)


@pytest.mark.parametrize("interval_ms", [0.0, -20.0, 19.9, math.nan, 3_600_001.0, math.inf])
def test_interval_is_from_the_stride_to_an_hour(board: Board, interval_ms: float) -> None:
    """Before the next stride there are no new features; nothing else is an interval."""
    with pytest.raises(ConfigError, match="interval: must be at"):
        real_time_on(board, footprint(10.0, 9.0, 11.0), USUAL, interval_ms)


def test_an_inference_every_second_takes_the_frames_of_a_second(board: Board) -> None:
    """50 strides of 20 ms: 50 times the front end of an inference at every stride."""
    model = footprint(10.0, 9.0, 11.0)
    every_stride, every_second = (real_time_on(board, model, USUAL, ms) for ms in (None, 1000.0))
    assert every_stride.frontend_ms is not None and every_stride.stride_ms == 20.0
    assert every_second.frontend_ms == pytest.approx(50 * every_stride.frontend_ms)
    assert every_second.frame_ms == every_stride.frame_ms == every_stride.frontend_ms
