"""A microphone through a stand-in of sounddevice: blocks, rates, and what is said without one."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sprd.audio import microphone as module
from sprd.audio.microphone import open_microphone
from sprd.errors import MachineError


class PortAudioError(Exception):
    """As sounddevice raises it."""


@dataclass
class StandIn:
    """What `open_microphone` calls of sounddevice; `streams` are those that were opened."""

    devices: list[dict[str, Any]]
    rates_hz: tuple[int, ...] = (16_000,)
    busy: str = ""
    streams: list["Stream"] = field(default_factory=list)
    PortAudioError: type[Exception] = PortAudioError

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        """All of them, the preferred one, or the one that is meant."""
        if kind is None:
            return self.devices
        inputs = [one for one in self.devices if one["max_input_channels"]]
        if device is None and not inputs:
            raise PortAudioError("Error querying device -1")
        found = [one for one in inputs if device in (None, one["index"]) or device == one["name"]]
        if not found:
            raise ValueError(f"No input device matching {device!r}")
        return found[0]

    def check_input_settings(self, samplerate: int, **_: Any) -> None:
        """Refuses rates that the device does not have."""
        if samplerate not in self.rates_hz:
            raise PortAudioError("Invalid sample rate")

    def RawInputStream(self, callback: Callable[..., None], **settings: Any) -> "Stream":
        """Opens it, unless something else does."""
        if self.busy:
            raise PortAudioError(self.busy)
        self.streams.append(Stream(callback, settings))
        return self.streams[-1]


@dataclass
class Stream:
    """An open stream: `say` is what PortAudio's thread does."""

    callback: Callable[..., None]
    settings: dict[str, Any]
    is_open: bool = True

    def start(self) -> None:
        """Nothing comes of itself."""

    def close(self) -> None:
        """As at the end of a `with`."""
        self.is_open = False

    def say(self, samples: np.ndarray, overflow: bool = False) -> None:
        """Hands a block over."""
        status = SimpleNamespace(input_overflow=True) if overflow else None
        self.callback(samples.astype(np.int16).tobytes(), len(samples), None, status)


SPEAKER = {"index": 0, "name": "speaker", "max_input_channels": 0, "default_samplerate": 48e3}
HEADSET = {"index": 1, "name": "headset", "max_input_channels": 1, "default_samplerate": 48e3}


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A machine with a loudspeaker and a headset."""
    stand_in = StandIn([SPEAKER, HEADSET])
    monkeypatch.setitem(sys.modules, "sounddevice", stand_in)
    return stand_in


def test_blocks_come_as_they_were_heard(sound: StandIn) -> None:
    """Bit by bit where the microphone has the rate; it is closed at the end."""
    with open_microphone(16_000, 32) as found:
        stream = sound.streams[0]
        stream.say(np.arange(512))
        stream.say(-np.arange(512))
        blocks = found.blocks()
        np.testing.assert_array_equal(next(blocks), np.arange(512))
        np.testing.assert_array_equal(next(blocks), -np.arange(512))
        assert (found.name, found.n_lost) == ("headset", 0)
    assert not stream.is_open
    told = {"samplerate": 16_000, "blocksize": 512, "device": 1, "channels": 1, "dtype": "int16"}
    assert stream.settings == told


def test_other_rate_is_resampled(sound: StandIn) -> None:
    """A headset of 48 kHz gives a third of the samples, of the same tone."""
    sound.rates_hz = (48_000,)
    tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    with open_microphone(16_000, 32) as found:
        sound.streams[0].say(tone)
        sound.streams[0].say(tone)
        blocks = found.blocks()
        heard = np.concatenate([next(blocks), next(blocks)])
    assert sound.streams[0].settings["samplerate"] == 48_000
    assert 31_000 < len(heard) <= 32_000
    wanted = 8000 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / 16_000)
    np.testing.assert_allclose(heard[1000:], wanted[1000:], atol=3)


def test_lost_blocks_are_counted(sound: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that PortAudio dropped, and those for which there was no room."""
    monkeypatch.setattr(module, "_WAITING_BLOCKS", 2)
    with open_microphone(16_000, 32) as found:
        for is_late in (False, True, False, False):
            sound.streams[0].say(np.zeros(512), is_late)
        assert found.n_lost == 3


def test_silent_cable_is_told(sound: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was unplugged gives no more blocks, and no error either."""
    monkeypatch.setattr(module, "_PATIENCE_S", 0.01)
    with open_microphone(16_000, 32) as found, pytest.raises(MachineError) as error:
        next(found.blocks())
    assert str(error.value) == (
        "microphone 'headset': must give sound, got none for 0.01 s. Is it still plugged in?"
    )


def test_busy_microphone_is_told(sound: StandIn) -> None:
    """In one line, whatever PortAudio says."""
    sound.busy = "Error opening RawInputStream:\n Device unavailable [PaErrorCode -9985]"
    with pytest.raises(MachineError) as error, open_microphone(16_000, 32):
        pass
    assert str(error.value) == (
        "microphone 'headset': must be free to record at 16,000 Hz: Error opening RawInputStream:"
        " Device unavailable [PaErrorCode -9985]. Close what else records, or name another one"
        " with --device."
    )


def test_machine_without_a_microphone_is_told(sound: StandIn) -> None:
    """A loudspeaker is none."""
    sound.devices = [SPEAKER]
    with pytest.raises(MachineError, match="must have a microphone, got none: Error querying"):
        open_microphone(16_000, 32).__enter__()


def test_device_goes_by_name_or_number(sound: StandIn) -> None:
    """Others are refused with those that there are."""
    for device in ("headset", "1"):
        with open_microphone(16_000, 32, device) as found:
            assert found.name == "headset"
    said = "--device: must name one microphone, got 'headsit'. Did you mean 'headset'? Known"
    with pytest.raises(MachineError, match=said.replace("?", r"\?")):
        open_microphone(16_000, 32, "headsit").__enter__()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ImportError("No module"), "must have the package sounddevice, got none. Install it: pip"),
        (OSError("PortAudio library not found"), "must have PortAudio: PortAudio library not"),
    ],
)
def test_missing_package_or_library_is_told(
    failure: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it."""

    class Finder:
        @staticmethod
        def find_spec(name: str, *_: Any) -> None:
            if name == "sounddevice":
                raise failure

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    with pytest.raises(MachineError, match=said):
        open_microphone(16_000, 32).__enter__()
