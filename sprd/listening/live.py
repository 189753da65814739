"""Sound in, in blocks of any length, what a device hears of it out, as soon as it is heard.

The firmware's way from samples to commands in flat memory, for a microphone and for a recording of
ten hours alike. Knows neither files nor devices; front end and model come in as functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.config.trial import FeaturesSection
from sprd.listening.recognizers import BLOCK_MS, RULES, Heard, Recognizer

MOST_AT_ONCE = 4096
"""Inferences in one call of the model."""

FrontEndStep = Callable[[NDArray[np.int16]], NDArray[np.int8]]
"""Takes the next samples, (n,); returns the frames that have ended since, (m, channels), as the
model takes them."""

Answers = Callable[[NDArray[np.int8]], NDArray[np.int8]]
"""Takes what the model is given, (n, frames, channels); returns its scores, (n, n_labels)."""


@dataclass(frozen=True)
class Answer:
    """What the recogniser answered at an inference, `time_ms` of sound after the start."""

    time_ms: int
    heard: Heard


class Listener:
    """Hears a signal that comes in blocks; one instance a signal.

    At the first block of 32 ms the firmware only starts; later the model runs whenever there is a
    new frame and the interval has passed, as `inference_times` tells for a whole stream. Before
    there are frames enough for a window its first ones are 0, as in the firmware's buffer.
    """

    def __init__(
        self,
        front_end: FrontEndStep,
        answers: Answers,
        features: FeaturesSection,
        recognizer: Recognizer,
    ) -> None:
        self._front_end, self._answers, self._features = front_end, answers, features
        self._interval_ms = recognizer.interval_ms
        self._rules = RULES[recognizer.kind](recognizer)
        self._n_samples = 0
        self._now_ms = BLOCK_MS
        self._last_ms: int | None = None
        self._n_known = 0  # frames at the last inference
        self._first = -features.n_frames  # number of the first frame that is kept
        self._frames = np.zeros(features.shape, np.int8)

    @property
    def heard_ms(self) -> int:
        """How long the signal was so far."""
        return self._n_samples * 1000 // self._features.sample_rate_hz

    def feed(self, samples: NDArray[np.int16]) -> list[Answer]:
        """Takes the next samples, (n,) int16, as many as there are.

        Returns:
            An answer for each inference that was due since, in the order of time.
        """
        self._n_samples += len(samples)
        new = self._front_end(samples)
        self._frames = np.concatenate([self._frames, new]) if len(new) else self._frames
        due = self._due()
        found = []
        for start in range(0, len(due), MOST_AT_ONCE):
            found += self._infer(due[start : start + MOST_AT_ONCE])
        n_past = max(0, len(self._frames) - self._features.n_frames - self._n_unseen())
        self._frames, self._first = self._frames[n_past:], self._first + n_past
        return found

    def _due(self) -> list[tuple[int, int]]:
        """Times of the inferences that are due, and the frames that are known at each."""
        window, stride = self._features.window_size_ms, self._features.window_stride_ms
        found = []
        while self._now_ms + BLOCK_MS <= self.heard_ms:
            self._now_ms += BLOCK_MS
            n_frames = (self._now_ms - window + stride) // stride
            has_waited = self._last_ms is None or self._now_ms - self._last_ms >= self._interval_ms
            if n_frames > self._n_known and has_waited:
                found.append((self._now_ms, n_frames))
                self._last_ms, self._n_known = self._now_ms, n_frames
        return found

    def _infer(self, due: list[tuple[int, int]]) -> list[Answer]:
        ends = np.array([n_frames for _, n_frames in due]) - self._first
        reach = np.arange(-self._features.n_frames, 0)
        scores = self._answers(self._frames[ends[:, None] + reach])
        return [
            Answer(time_ms, self._rules.feed(time_ms, row))
            for (time_ms, _), row in zip(due, scores, strict=True)
        ]

    def _n_unseen(self) -> int:
        """Frames that have ended after the last inference."""
        return self._first + len(self._frames) - self._n_known
