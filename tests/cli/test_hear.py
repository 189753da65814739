"""`sprd listen`: what is printed when a word is heard, in files and before a stand-in."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from rich.console import Console

import sprd.bundle.live
from sprd.cli import hear as verb
from sprd.cli.hear import Timeline, bar, clock
from sprd.cli.main import main
from sprd.config.trial import FeaturesSection
from sprd.errors import MachineError
from sprd.listening.live import Listener
from sprd.listening.recognizers import Heard, Recognizer

FEATURES = FeaturesSection(n_channels=4)
RECOGNIZER = Recognizer("recognize_commands", 300, (150, 160), 1500, 3, 20)
LABELS = ("_silence_", "_unknown_", "up", "down")


class LoudnessFrontEnd:
    """A frame tells how loud its window is."""

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.int16)
        self._n_told = 0

    def __call__(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """The frames that are new."""
        self._samples = np.concatenate([self._samples, samples])
        found = []
        while self._n_told * 320 + 480 <= len(self._samples):
            start = self._n_told * 320
            found.append([np.abs(self._samples[start : start + 480].astype(int)).mean()] * 4)
            self._n_told += 1
        return (np.array(found) // 200).astype(np.int8).reshape(-1, 4)


def answers(windows: NDArray[np.int8]) -> NDArray[np.int8]:
    """Whatever is loud is "up"; very loud is "down"."""
    last = windows[:, -1, 0].astype(int)
    scores = np.full((len(windows), 4), -128, np.int8)
    scores[np.arange(len(last)), 2 * (last > 5) + (last > 40)] = 100
    return scores


class StandInEar:
    """What `sprd listen` asks of a model."""

    labels, features, recognizer = LABELS, FEATURES, RECOGNIZER

    def listener(self) -> Listener:
        """One that has heard nothing yet."""
        return Listener(LoudnessFrontEnd(), answers, FEATURES, RECOGNIZER)


@pytest.fixture(autouse=True)
def ear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bundle hears alike here."""
    monkeypatch.setattr(sprd.bundle.live, "open_live_ear", lambda *_: StandInEar())


def sound(*loud: tuple[float, int], seconds: float = 4.0, rate_hz: int = 16_000) -> np.ndarray:
    """Silence with half a second of a tone at each of these seconds, as loud as that."""
    made = np.zeros(int(seconds * rate_hz), np.int16)
    tone = np.sin(2 * np.pi * 440 * np.arange(rate_hz // 2) / rate_hz)
    for start, peak in loud:
        at = int(start * rate_hz)
        made[at : at + len(tone)] = (tone * peak)[: len(made) - at]
    return made


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """ "up" after a second, "down" after 2.5."""
    path = tmp_path / "kitchen.wav"
    soundfile.write(path, sound((1.0, 5000), (2.5, 20_000)), 16_000)
    return path


def test_words_are_told_with_their_seconds(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line a word, the answer at its average score; the totals at the end."""
    assert main(["listen", "bundle", str(recording)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == str(recording)
    assert [line.split()[:2] for line in lines[1:3]] == [["0:01.25", "up"], ["0:02.78", "down"]]
    assert lines[3] == "  0:04.00 heard: up 1, down 1"
    assert err == (
        "recognize_commands: up above 150, down above 160 of 255 over 300 ms, one inference each"
        " 20 ms\n"
    )


def test_json_has_totals_and_every_word(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else goes to standard output."""
    assert main(["listen", "bundle", str(recording), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_heard"], told["seconds"]) == ({"up": 1, "down": 1}, 4.0)
    assert told["recognizer"]["thresholds"] == [150, 160]
    (part,) = told["recordings"]
    assert part["file"] == str(recording)
    assert [(one["at_s"], one["label"]) for one in part["heard"]] == [
        (1.248, "up"), (2.784, "down"),
    ]  # fmt: skip


def test_stereo_at_another_rate_is_heard_alike(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Channels are averaged and the rate is brought to the model's."""
    other = tmp_path / "stereo.flac"
    one = sound((1.0, 5000), (2.5, 20_000), rate_hz=44_100)
    soundfile.write(other, np.stack([one, one], 1), 44_100)
    assert main(["listen", "bundle", str(recording), str(other)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:20] for line in lines[1:4]] == [line[:20] for line in lines[5:8]]


def test_word_at_the_very_end_is_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Silence follows a recording, in which a device answers; it counts for no second."""
    path = tmp_path / "cut.wav"
    soundfile.write(path, sound((0.8, 5000), seconds=1.0), 16_000)
    assert main(["listen", "bundle", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:2] == ["0:01.02", "up"]
    assert lines[2] == "  0:01.00 heard: up 1, down 0"


def test_folder_stands_for_what_is_in_it(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other files there are no recordings; without one the folder is refused."""
    (recording.parent / "notes.txt").write_text("up")
    (recording.parent / "empty").mkdir()
    assert main(["listen", "bundle", str(recording.parent)]) == 0
    assert capsys.readouterr().out.count("heard:") == 1
    assert main(["listen", "bundle", str(recording.parent / "empty")]) == 2
    assert "empty: must hold recordings, got none. Name another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "must be a readable file: No such file or directory"),
        (b"", "must be audio that libsndfile reads"),
        (b"This is no sound." * 9, "must be audio that libsndfile reads"),
    ],
)
def test_file_that_is_no_audio_is_one_line(
    content: bytes | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends the command with exit code 2."""
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    assert main(["listen", "bundle", str(path)]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_sample_that_is_no_number_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever was heard before it has been told."""
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.0, np.nan]), 16_000, "FLOAT")
    assert main(["listen", "bundle", str(path)]) == 2
    assert "samples must be finite, got NaN" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "FILE or --microphone: must be given, one of them, got neither."),
        (["a.wav", "--microphone"], "FILE or --microphone: must be given, one of them, got both."),
        (["a.wav", "--device", "x"], "--device: must come with --microphone, got none. Add it."),
        (["a.wav", "--seconds", "3"], "--seconds: must come with --microphone, got none. Add it."),
    ],
)
def test_one_source_of_sound_is_named(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is loaded."""
    assert main(["listen", "bundle", *flags]) == 2
    assert said in capsys.readouterr().err


class StandInMicrophone:
    """Gives blocks, then what comes last; a context manager as `open_microphone` makes one."""

    name = "headset"

    def __init__(self, made: np.ndarray, last: BaseException | None = None) -> None:
        self.n_lost = 0
        self._made, self._last = made, last

    def __call__(self, rate_hz: int, block_ms: int, device: str | None) -> "StandInMicrophone":
        """Opens it."""
        self.device, self._length = device, rate_hz * block_ms // 1000
        return self

    def __enter__(self) -> "StandInMicrophone":
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closed = True

    def blocks(self) -> Iterator[np.ndarray]:
        """Its sound."""
        for start in range(0, len(self._made), self._length):
            yield self._made[start : start + self._length]
        if self._last:
            raise self._last


def use(monkeypatch: pytest.MonkeyPatch, microphone: StandInMicrophone) -> StandInMicrophone:
    """Puts it in place of the machine's own."""
    monkeypatch.setattr("sprd.audio.microphone.open_microphone", microphone)
    return microphone


def test_microphone_is_heard_until_somebody_stops_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The totals are told all the same; it is closed; the exit code is that of an interrupt."""
    found = use(monkeypatch, StandInMicrophone(sound((1.0, 5000)), KeyboardInterrupt()))
    found.n_lost = 3
    assert main(["listen", "bundle", "--microphone", "--device", "head"]) == 130
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "microphone headset"
    assert lines[1].split()[:2] == ["0:01.25", "up"]
    assert lines[2] == "  0:04.00 heard: up 1, down 0"
    assert err.splitlines()[1:] == [
        "Ctrl-C stops",
        "3 blocks of sound were lost: this machine is too slow or too busy",
    ]
    assert (found.device, found.is_closed) == ("head", True)


def test_microphone_stops_after_its_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--seconds`, exit code 0."""
    use(monkeypatch, StandInMicrophone(sound(seconds=60)))
    assert main(["listen", "bundle", "--microphone", "--seconds", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seconds"], told["recordings"][0]["file"]) == (2.048, "microphone headset")


def test_unplugged_microphone_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As any error."""
    use(monkeypatch, StandInMicrophone(sound(), MachineError("microphone: gone.")))
    assert main(["listen", "bundle", "--microphone"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "sprd listen: microphone: gone."


def test_microphone_without_its_package_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["listen", "bundle", "--microphone"]) == 2
    assert "pip install 'sprd[microphone]'" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 40])
def test_terminal_shows_where_it_is(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line below what was heard, which no terminal of 80 columns breaks."""
    shown: list[str] = []

    def terminal(*_: Any, **settings: Any) -> Console:
        return Console(width=width, force_terminal=True, file=io.StringIO(), **settings)

    monkeypatch.setattr(verb, "Console", terminal)
    with Timeline(LABELS) as timeline:
        monkeypatch.setattr(timeline._live, "update", lambda text, **_: shown.append(text.plain))
        timeline.begin("microphone")
        listener = StandInEar().listener()
        made = sound((1.0, 5000))
        for start in range(0, len(made), 1024):
            block = made[start : start + 1024]
            timeline.heard(listener.feed(block), block, listener.heard_ms)
    assert max(map(len, shown)) <= 60
    assert shown[10].split()[:3] == ["0:00.70", "-96", "dB"]
    assert shown[19].endswith("-19 dB  up 227") or any(" up 2" in one for one in shown)


def test_clock_and_bar() -> None:
    """Hundredths are rounded; a bar is as wide whatever it shows."""
    assert clock(59.996) == "  1:00.00"
    assert clock(36_000.5) == "10:00:00.50"
    assert [len(bar(share)) for share in (-1.0, 0.0, 0.03, 0.5, 1.0, 7.0)] == [20] * 6
    assert bar(0.5).strip() == "\N{FULL BLOCK}" * 10


def test_answer_of_silence_or_another_word_is_no_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They are commands to the recogniser, and news to nobody."""
    from sprd.listening.live import Answer

    timeline = Timeline(LABELS)
    timeline.begin("x")
    found = [Answer(100 * label, Heard(label, 200, True)) for label in range(3)]
    timeline.heard(found, np.zeros(10, np.int16), 300)
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]] == ["up"]
