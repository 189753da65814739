"""A microphone in, its 16-bit mono samples out, block after block, at the rate asked for.

Read through sounddevice (PortAudio): the extra `microphone`, loaded when it is needed. Knows
nothing of what the sound is for.
"""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from sprd.audio.clips import to_int16
from sprd.audio.sound import FULL_SCALE
from sprd.errors import MachineError, suggest

INSTALL = (
    "Install it: pip install 'sprd[microphone]', on Debian with apt-get install libportaudio2 too."
)
_WAITING_BLOCKS = 200
_PATIENCE_S = 5.0
"""A microphone that gives nothing for so long was unplugged."""

_OTHER = "Close what else records, or name another one with --device."


class Microphone:
    """An open microphone. `n_lost` counts blocks that came while nobody listened."""

    def __init__(self, name: str, device_rate_hz: int, sample_rate_hz: int) -> None:
        self.name = name
        self.n_lost = 0
        self._rates = device_rate_hz, sample_rate_hz
        self._waiting: queue.Queue[NDArray[np.int16]] = queue.Queue(_WAITING_BLOCKS)

    def take(self, data: Any, n_samples: int, time: Any, status: Any) -> None:
        """Keeps a block until it is asked for: called by PortAudio's own thread."""
        if status and status.input_overflow:
            self.n_lost += 1
        try:
            self._waiting.put_nowait(np.frombuffer(data, np.int16).copy())
        except queue.Full:
            self.n_lost += 1

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Yields what is heard, (n,) int16 with n > 0, without an end.

        Raises:
            MachineError: Nothing comes any more.
        """
        device_rate_hz, sample_rate_hz = self._rates
        resampler = None
        if device_rate_hz != sample_rate_hz:
            resampler = soxr.ResampleStream(device_rate_hz, sample_rate_hz, 1, "float64", "HQ")
        while True:
            try:
                block = self._waiting.get(timeout=_PATIENCE_S)
            except queue.Empty:
                raise MachineError(
                    f"microphone {self.name!r}: must give sound, got none for {_PATIENCE_S:g} s."
                    " Is it still plugged in?"
                ) from None
            if resampler is not None:
                block = to_int16(resampler.resample_chunk(block / FULL_SCALE))
            if len(block):
                yield block


@contextmanager
def open_microphone(
    sample_rate_hz: int, block_ms: int, device: str | None = None
) -> Iterator[Microphone]:
    """Opens a microphone; it is closed whatever happens.

    A microphone that does not record at the given rate is resampled (soxr, HQ).

    Args:
        sample_rate_hz: Of what is heard.
        block_ms: Length of a block.
        device: Part of its name, or its number; None: the one that the system prefers.

    Raises:
        MachineError: sounddevice or PortAudio is missing, there is no microphone, or it is busy.
    """
    sounddevice = _sounddevice()
    found = _device(sounddevice, device)
    number, name = found["index"], str(found["name"])
    rate_hz = _rate_hz(sounddevice, found, sample_rate_hz)
    microphone = Microphone(name, rate_hz, sample_rate_hz)
    try:
        stream = sounddevice.RawInputStream(
            samplerate=rate_hz,
            blocksize=rate_hz * block_ms // 1000,
            device=number,
            channels=1,
            dtype="int16",
            callback=microphone.take,
        )
        stream.start()
    except sounddevice.PortAudioError as error:
        raise MachineError(
            f"microphone {name!r}: must be free to record at {rate_hz:,} Hz: {_reason(error)}."
            f" {_OTHER}"
        ) from error
    try:
        yield microphone
    finally:
        stream.close()


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise MachineError(
            f"--microphone: must have the package sounddevice, got none. {INSTALL}"
        ) from error
    except OSError as error:  # the package is there, the library that it calls is not
        raise MachineError(f"--microphone: must have PortAudio: {error}. {INSTALL}") from error
    return sounddevice


def _device(sounddevice: Any, device: str | None) -> Any:
    """Returns what sounddevice knows of a microphone."""
    wanted = int(device) if device is not None and device.isdecimal() else device
    try:
        return sounddevice.query_devices(wanted, "input")
    except (sounddevice.PortAudioError, ValueError) as error:
        names = [one["name"] for one in sounddevice.query_devices() if one["max_input_channels"]]
        if not names:
            rule = f"must have a microphone, got none: {_reason(error)}. Plug one in."
            raise MachineError(f"--microphone: {rule}") from error
        told = "no preferred one" if device is None else repr(device)
        raise MachineError(
            f"--device: must name one microphone, got {told}. {suggest(device or '', names)}"
        ) from error


def _rate_hz(sounddevice: Any, found: Any, sample_rate_hz: int) -> int:
    """Returns the wanted rate, or the microphone's own where it records at no other."""
    try:
        sounddevice.check_input_settings(
            device=found["index"], channels=1, dtype="int16", samplerate=sample_rate_hz
        )
    except sounddevice.PortAudioError:
        return int(found["default_samplerate"])
    return sample_rate_hz


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
