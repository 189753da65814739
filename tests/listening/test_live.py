"""A signal heard in blocks: the answers of the whole, the firmware's clock, flat memory."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sprd.config.trial import FeaturesSection
from sprd.listening import live
from sprd.listening.live import Answer, Listener
from sprd.listening.recognizers import RULES, Recognizer, inference_times

FEATURES = FeaturesSection(n_channels=4)
RECOGNIZER = Recognizer("recognize_commands", 300, (150, 160), 1500, 3, 20)


class CountingFrontEnd:
    """Frame i of a signal is i % 125 + 1 in every channel, as soon as it has ended."""

    def __init__(self, features: FeaturesSection) -> None:
        self._features = features
        self._n_samples = self._n_frames = 0

    def __call__(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """The frames that are new."""
        self._n_samples += len(samples)
        past = self._n_samples - self._features.window_samples
        n_frames = max(0, 1 + past // self._features.stride_samples)
        new = (np.arange(self._n_frames, n_frames) % 125 + 1).astype(np.int8)
        self._n_frames = n_frames
        return np.repeat(new[:, None], self._features.n_channels, 1)


def answers(windows: NDArray[np.int8]) -> NDArray[np.int8]:
    """Scores that depend on the last frame of a window alone: "up" once in 2.5 seconds."""
    last = windows[:, -1, 0].astype(int)
    scores = np.full((len(windows), 4), -128, np.int8)
    scores[np.arange(len(last)), np.where((last > 60) & (last < 110), 2, 0)] = 120
    return scores


def listener(recognizer: Recognizer = RECOGNIZER) -> Listener:
    """One that has heard nothing yet."""
    return Listener(CountingFrontEnd(FEATURES), answers, FEATURES, recognizer)


def heard_in(blocks: list[int], recognizer: Recognizer = RECOGNIZER) -> list[Answer]:
    """The answers to silence that comes in blocks of these lengths."""
    one = listener(recognizer)
    return [answer for length in blocks for answer in one.feed(np.zeros(length, np.int16))]


@pytest.mark.parametrize("interval_ms", [20, 32, 50, 96])
def test_model_runs_when_the_firmware_runs_it(interval_ms: int) -> None:
    """At the times that a whole stream has, whatever the blocks are."""
    recognizer = Recognizer("recognize_commands", 300, (150, 160), 500, 1, interval_ms)
    expected = inference_times(80_000, FEATURES, interval_ms).tolist()
    assert [one.time_ms for one in heard_in([80_000], recognizer)] == expected
    assert [one.time_ms for one in heard_in([7, 1600, 78_393], recognizer)] == expected


def test_blocks_change_nothing() -> None:
    """The same answers from one long block, from blocks of 10 ms, and in small batches."""
    whole = heard_in([80_000])
    assert heard_in([160] * 500) == whole
    assert heard_in([80_000 - 12_345, 12_345]) == whole


def test_few_inferences_at_once_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long block is shared out among several calls of the model."""
    whole = heard_in([80_000])
    monkeypatch.setattr(live, "MOST_AT_ONCE", 7)
    assert heard_in([80_000]) == whole


def test_recogniser_gets_every_inference() -> None:
    """Each answer is the rules' to the scores of the frames known by then; two are commands."""
    rules = RULES[RECOGNIZER.kind](RECOGNIZER)
    expected = []
    for time_ms in inference_times(80_000, FEATURES, 20).tolist():
        n_frames = (time_ms - 10) // 20
        window = np.full((1, 49, 4), (n_frames - 1) % 125 + 1, np.int8)
        expected.append(Answer(time_ms, rules.feed(time_ms, answers(window)[0])))
    assert heard_in([80_000]) == expected
    assert [one.heard.label for one in expected if one.heard.is_new and one.heard.label >= 2] == [
        2,
        2,
    ]


def test_first_windows_begin_with_zeros() -> None:
    """As the buffer of the firmware does: there are no frames from before the start."""
    seen: list[NDArray[np.int8]] = []

    def look(windows: NDArray[np.int8]) -> NDArray[np.int8]:
        seen.append(windows[:, :, 0])
        return answers(windows)

    one = Listener(CountingFrontEnd(FEATURES), look, FEATURES, RECOGNIZER)
    one.feed(np.zeros(32_000, np.int16))
    windows = np.concatenate(seen)
    assert windows[0].tolist() == [0] * 47 + [1, 2]
    assert windows[-1].tolist() == list(range(windows[-1, -1] - 48, windows[-1, -1] + 1))


def test_memory_stays_flat() -> None:
    """Frames that no later window needs are dropped."""
    one = listener()
    for _ in range(50):
        one.feed(np.zeros(16_000, np.int16))
    assert one.heard_ms == 50_000
    assert len(one._frames) <= FEATURES.n_frames + 2
