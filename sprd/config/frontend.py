"""The settings of a front end in, the rules that they keep and the sizes that follow from them out.

Plain numbers: the sections of a sweep file and the cost model of the device both take them here.
"""

from typing import Protocol

from sprd.errors import ConfigError

SAMPLE_RATES_HZ = (4000, 48_000)
FRAMES_MS = (5, 200)
"""Shortest and longest window, and step between windows."""
N_CHANNELS = (4, 128)

FEATURE_NUMERATOR, FEATURE_DENOMINATOR = 10, 256
"""A feature of the micro front end is its uint16 times 10 / 256. Source: SPRD's trainer."""


class Frames(Protocol):
    """How a front end cuts a signal into frames, and the band that it listens to."""

    @property
    def sample_rate_hz(self) -> int:
        """Of the signal."""

    @property
    def window_size_ms(self) -> int:
        """Length of a frame."""

    @property
    def window_stride_ms(self) -> int:
        """Between the starts of two frames."""

    @property
    def lower_band_limit_hz(self) -> float:
        """Bottom of the filter bank."""

    @property
    def upper_band_limit_hz(self) -> float:
        """Top of the filter bank."""


def n_samples(sample_rate_hz: int, duration_ms: int) -> int:
    """Returns the samples of a duration: whole ones."""
    return sample_rate_hz * duration_ms // 1000


def n_fft(window_samples: int) -> int:
    """Returns the points of the FFT: the power of two that holds a window."""
    return 1 << (window_samples - 1).bit_length()


def check_frames(where: str, frames: Frames) -> None:
    """Checks the rules between the settings; `where` stands before what is wrong with them.

    Raises:
        ConfigError: One is broken.
    """
    check_stride(where, frames)
    check_band(where, frames)


def check_stride(where: str, frames: Frames) -> None:
    """Checks that no sample lies between two windows.

    Raises:
        ConfigError: The stride is longer than the window.
    """
    window, stride = frames.window_size_ms, frames.window_stride_ms
    if stride > window:
        raise ConfigError(
            f"{where}: window_stride_ms <= window_size_ms must hold, got window_stride_ms={stride},"
            f" window_size_ms={window}. The micro front end cannot skip samples."
        )


def check_band(where: str, frames: Frames) -> None:
    """Checks that the filter bank has a band, and that the signal reaches so high.

    Raises:
        ConfigError: The band is empty, or not within 0 .. half the sample rate.
    """
    lower, upper = frames.lower_band_limit_hz, frames.upper_band_limit_hz
    if not lower >= 0:
        raise ConfigError(f"{where}: lower_band_limit_hz >= 0 must hold, got {lower:g}.")
    if not lower < upper:
        raise ConfigError(
            f"{where}: lower_band_limit_hz < upper_band_limit_hz must hold, got {lower:g} and"
            f" {upper:g}."
        )
    if upper >= frames.sample_rate_hz / 2:
        raise ConfigError(
            f"{where}: upper_band_limit_hz < sample_rate_hz / 2 must hold, got {upper:g} Hz at"
            f" {frames.sample_rate_hz} Hz."
        )
