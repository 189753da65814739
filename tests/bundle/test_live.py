"""A model that listens to a whole signal, to the byte what it would say to each window."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sprd.audio.clips import read_clip
from sprd.audio.frontend import StreamFrontEnd
from sprd.bundle.live import LiveEar, live_ear_of, open_live_ear
from sprd.bundle.opened import open_model
from sprd.config.frozen import replaced
from sprd.config.trial import FeaturesSection
from sprd.errors import ModelFileError
from sprd.listening.recognizers import detections, inference_times

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def demo(shared: Path) -> LiveEar:
    """A bundle of old, easier to please than it was exported."""
    ear = open_live_ear(shared / "models/default_demo", None, False)
    rules = replace(ear.recognizer, average_window_ms=500, thresholds=(110, 130))
    return replace(ear, recognizer=rules)


@pytest.fixture(scope="module")
def signal(shared: Path) -> np.ndarray:
    """Sixteen seconds: clips of up, down and others, half a second apart, int16."""
    folder = shared / "data/speech_commands"
    clips = [path for word in ("up", "down", "cat") for path in sorted((folder / word).iterdir())]
    parts = [read_clip(path, 16_000) for path in clips[:4] + clips[400:404] + clips[-3:]]
    return np.concatenate([np.pad(part, (0, 8000)) for part in parts])


def test_ear_hears_what_the_whole_signal_says(demo: LiveEar, signal: np.ndarray) -> None:
    """Front end over all of it, every window in TFLM, the recogniser at once: the same commands."""
    frames = StreamFrontEnd(demo.features).feed(signal)
    times = inference_times(len(signal), demo.features, demo.recognizer.interval_ms)
    ends = (times - demo.features.window_size_ms) // demo.features.window_stride_ms + 1
    scores = demo.ear.scores(frames, ends)
    expected = detections(scores, times, demo.recognizer)
    listener = demo.listener()
    answers = [one for start in range(0, len(signal), 5000)
               for one in listener.feed(signal[start : start + 5000])]  # fmt: skip
    assert [one.time_ms for one in answers] == times.tolist()
    commands = [one for one in answers if one.heard.is_new and one.heard.label >= 2]
    assert [one.time_ms for one in commands] == expected.times_ms.tolist()
    assert [one.heard.label for one in commands] == expected.labels.tolist()
    assert len(commands) >= 2


def test_second_listener_has_heard_nothing_of_the_first(demo: LiveEar, signal: np.ndarray) -> None:
    """They share a graph, no state."""
    one = demo.listener().feed(signal[:48_000])
    assert demo.listener().feed(signal[:48_000]) == one


def test_model_of_another_front_end_is_refused(shared: Path) -> None:
    """Its inputs are counted."""
    opened = open_model(shared / "models/default_demo", None)
    config = replaced(opened.config, features=FeaturesSection())
    with pytest.raises(ModelFileError, match="must take 49 frames x 40 channels"):
        live_ear_of(replace(opened, config=config), False)


@pytest.mark.parametrize("keywords", [("up",), ("up", "down", "left")])
def test_model_of_other_keywords_is_refused(shared: Path, keywords: tuple[str, ...]) -> None:
    """Its outputs are counted, too many and too few."""
    opened = open_model(shared / "models/default_demo", None)
    config = replaced(opened.config, data=replaced(opened.config.data, keywords=keywords))
    with pytest.raises(ModelFileError, match=rf"give {len(keywords) + 2} labels, got .* 4 outputs"):
        live_ear_of(replace(opened, config=config), False)
