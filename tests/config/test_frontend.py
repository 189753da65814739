"""The geometry of a front end is computed once, for the sweep file and for the device."""

import math
from dataclasses import dataclass, replace

import pytest

from sprd.config.frontend import check_frames, n_fft, n_samples
from sprd.errors import ConfigError


@dataclass(frozen=True)
class Frames:
    """Settings as a sweep file or a flag gives them."""

    sample_rate_hz: int = 16_000
    window_size_ms: int = 30
    window_stride_ms: int = 20
    lower_band_limit_hz: float = 125.0
    upper_band_limit_hz: float = 7500.0


@pytest.mark.parametrize(
    ("rate_hz", "ms", "samples", "points"),
    [
        (16_000, 30, 480, 512),
        (16_000, 32, 512, 512),
        (16_000, 33, 528, 1024),
        (11_025, 30, 330, 512),
    ],
)
def test_window_is_held_by_the_next_power_of_two(
    rate_hz: int, ms: int, samples: int, points: int
) -> None:
    """A window of whole samples, and the FFT that it fits into; 512 samples fit 512 points."""
    assert (n_samples(rate_hz, ms), n_fft(samples)) == (samples, points)


@pytest.mark.parametrize(
    ("frames", "rule"),
    [
        (Frames(window_stride_ms=31), "window_stride_ms <= window_size_ms must hold"),
        (Frames(lower_band_limit_hz=-1.0), "lower_band_limit_hz >= 0 must hold"),
        (Frames(lower_band_limit_hz=7500.0), "lower_band_limit_hz < upper_band_limit_hz must hold"),
        (Frames(upper_band_limit_hz=math.nan), "lower_band_limit_hz < upper_band_limit_hz must"),
        (Frames(upper_band_limit_hz=8000.0), "upper_band_limit_hz < sample_rate_hz / 2 must hold"),
    ],
)
def test_frames_that_no_front_end_computes_are_refused(frames: Frames, rule: str) -> None:
    """Each rule between two settings is an error that names both, after where they stand."""
    with pytest.raises(ConfigError, match=f"^x.toml: {rule}"):
        check_frames("x.toml", frames)


def broken_rule(frames: Frames) -> str | None:
    """What is said of settings that are refused."""
    try:
        check_frames("", frames)
    except ConfigError as error:
        return str(error)
    return None


def test_rules_hold_at_their_limits() -> None:
    """A stride as long as the window, a band from 0 to just below half the rate."""
    frames = Frames(window_stride_ms=30, lower_band_limit_hz=0, upper_band_limit_hz=7999.9)
    assert broken_rule(frames) is None
    assert broken_rule(replace(frames, upper_band_limit_hz=8000.0)) is not None
