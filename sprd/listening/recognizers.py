"""Scores of a model and their times in, what a device hears out, to the integer.

Twice: step by step, as firmware does it, and for a whole stream at once, which a property holds
equal. What is heard is a label: the first two are silence and unknown, as everywhere. Knows neither
model nor audio.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sprd.config.labels import NOT_KEYWORDS
from sprd.config.recognizer import MAX_RESULTS as MAX_RESULTS
from sprd.config.recognizer import n_averaged, real_interval_ms
from sprd.listening.clock import BLOCK_MS as BLOCK_MS
from sprd.listening.clock import inference_times as inference_times

_OFFSET = 128
"""From int8 scores to those that are averaged, 0 to 255."""

_FIRST_KEYWORD = len(NOT_KEYWORDS)


@dataclass(frozen=True)
class Recognizer:
    """What makes commands of scores: a `kind`, the settings of its rules, a threshold a keyword.

    A threshold is an average score, 0 to 255, that has to be exceeded. `interval_ms` lies between
    two inferences.
    """

    kind: str
    average_window_ms: int
    thresholds: tuple[int, ...]
    suppression_ms: int
    minimum_count: int
    interval_ms: int

    @property
    def label_thresholds(self) -> tuple[int, ...]:
        """One a label. Silence and unknown are commands as well: they have the lowest of all."""
        return (*[min(self.thresholds)] * _FIRST_KEYWORD, *self.thresholds)

    @property
    def n_results(self) -> int:
        """Inferences that lie in an average window on the device, its ends included."""
        return n_averaged(self.average_window_ms, real_interval_ms(self.interval_ms))

    @property
    def ring_size(self) -> int:
        """Probabilities in the ring of a sliding mean: as many as come in its window."""
        return max(1, self.average_window_ms // real_interval_ms(self.interval_ms))


@dataclass(frozen=True)
class Heard:
    """The answer at one inference: a label, its average score, and whether it is a new command."""

    label: int
    score: int
    is_new: bool


@dataclass(frozen=True)
class Detections:
    """Keywords that were heard anew: three arrays of int64, one place a detection, by time."""

    times_ms: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.int64]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.times_ms)


@dataclass(frozen=True)
class Averages:
    """What an average window holds at each inference: arrays (T,) of int64.

    `tops` is the label of the largest average and `values` that average, `counts` how many
    inferences it is of, and `spans_ms` how long ago the first of them was.
    """

    times_ms: NDArray[np.int64]
    tops: NDArray[np.int64]
    values: NDArray[np.int64]
    counts: NDArray[np.int64]
    spans_ms: NDArray[np.int64]


@dataclass(frozen=True)
class Peaks:
    """All of averages that thresholds and suppression make keywords of: arrays of int64.

    The steps at which a keyword is on top, and the largest average of each stretch without.
    """

    times_ms: NDArray[np.int64]
    tops: NDArray[np.int64]
    values: NDArray[np.int64]


@dataclass(frozen=True)
class Rings:
    """Sums of the probabilities of each keyword, int64.

    `running` has those of all so far, (T + 1, n_keywords), `full` those of each full ring,
    (n_keywords, T - its size + 1).
    """

    times_ms: NDArray[np.int64]
    running: NDArray[np.int64]
    full: NDArray[np.int64]


class RecognizeCommands:
    """TensorFlow Lite Micro's rules, one inference after the other.

    Source: recognize_commands.cc of its micro_speech example.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._rules = recognizer
        self._thresholds = recognizer.label_thresholds
        self._results: deque[tuple[int, NDArray[np.int64]]] = deque()
        self._last_label = 0
        self._last_ms: int | None = None

    def feed(self, time_ms: int, scores: NDArray[np.int8]) -> Heard:
        """Takes the scores, (n_labels,), of an inference; times must not fall."""
        window = self._rules.average_window_ms
        while self._results and self._results[0][0] < time_ms - window:
            self._results.popleft()
        if len(self._results) < MAX_RESULTS:
            self._results.append((time_ms, scores.astype(np.int64) + _OFFSET))
        count = len(self._results)
        if count < self._rules.minimum_count or time_ms - self._results[0][0] < window // 4:
            return Heard(self._last_label, 0, False)
        averages = np.sum([result for _, result in self._results], axis=0) // count
        top = int(np.argmax(averages))
        value = int(averages[top])
        is_new = value > self._thresholds[top] and (
            top != self._last_label or self._may_repeat(time_ms)
        )
        if is_new:
            self._last_label, self._last_ms = top, time_ms
        return Heard(top, value, is_new)

    def _may_repeat(self, time_ms: int) -> bool:
        """Whether the last label may be told again: silence always may."""
        if self._last_label == 0 or self._last_ms is None:
            return True
        return time_ms - self._last_ms > self._rules.suppression_ms


class SlidingMean:
    """microWakeWord's rule, one inference after the other, for several keywords.

    A ring of probabilities a keyword, 0 to 255, starts as zeros; a keyword whose sum exceeds its
    threshold times the size of the ring is heard, of several the one with the largest sum. Then all
    rings are zeroed, and nothing is heard before `minimum_count` further inferences, nor until more
    than the suppression has passed.

    Source: `determine_detected` and `reset_probabilities` in ESPHome's streaming_model.cpp, where
    every model has one keyword.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._rules = recognizer
        self._bars = np.array(recognizer.thresholds) * recognizer.ring_size
        self._ring: deque[NDArray[np.int64]] = deque(maxlen=recognizer.ring_size)
        self._n_since_reset = 0
        self._last_ms: int | None = None

    def feed(self, time_ms: int, scores: NDArray[np.int8]) -> Heard:
        """Takes the scores, (n_labels,), of an inference; times must not fall."""
        self._ring.append(scores[_FIRST_KEYWORD:].astype(np.int64) + _OFFSET)
        self._n_since_reset += 1
        sums = np.sum(self._ring, axis=0)
        above = sums > self._bars
        top = int(np.argmax(np.where(above, sums, -1) if above.any() else sums))
        is_new = bool(above[top]) and self._may_answer(time_ms)
        if is_new:
            self._ring.clear()
            self._n_since_reset, self._last_ms = 0, time_ms
        return Heard(_FIRST_KEYWORD + top, int(sums[top]) // self._rules.ring_size, is_new)

    def _may_answer(self, time_ms: int) -> bool:
        if self._n_since_reset < self._rules.minimum_count:
            return False
        return self._last_ms is None or time_ms - self._last_ms > self._rules.suppression_ms


RULES: dict[str, type[RecognizeCommands | SlidingMean]] = {
    "recognize_commands": RecognizeCommands,
    "sliding_mean": SlidingMean,
}
"""Kind -> its rules step by step."""


def detections(
    scores: NDArray[np.int8], times_ms: NDArray[np.int64], recognizer: Recognizer
) -> Detections:
    """Returns the keywords that are heard anew in a stream: what `feed` says, step by step.

    Args:
        scores: (T, n_labels), of one inference after the other.
        times_ms: (T,), of the audio that each ended with; they must not fall.
        recognizer: The rules and their settings.
    """
    return recognize(prepare(scores, times_ms, recognizer), recognizer)


def prepare(
    scores: NDArray[np.int8], times_ms: NDArray[np.int64], recognizer: Recognizer
) -> Peaks | Rings:
    """Returns what `recognize` takes: it holds for all thresholds and suppressions."""
    if recognizer.kind == "sliding_mean":
        return _rings(scores, times_ms, recognizer.ring_size)
    return _peaks(average(scores, times_ms, recognizer.average_window_ms), recognizer)


def recognize(prepared: Peaks | Rings, recognizer: Recognizer) -> Detections:
    """Returns the keywords that are heard anew, of what was prepared of a stream.

    What was prepared knows the kind, window, minimum count and interval: they must be the same.
    """
    if isinstance(prepared, Rings):
        return _slide(prepared, recognizer)
    return _command(prepared, recognizer)


def average(
    scores: NDArray[np.int8], times_ms: NDArray[np.int64], average_window_ms: int
) -> Averages:
    """Returns what TensorFlow Lite Micro's queue holds at each inference, by running sums.

    Args:
        scores: (T, n_labels).
        times_ms: (T,); they must not fall.
        average_window_ms: Results older than this are dropped.
    """
    kept, first, stop = _queue(times_ms, average_window_ms)
    counts = stop - first
    divisors = counts.astype(np.int32)
    tops = np.zeros(len(times_ms), np.int64)
    values = np.full(len(times_ms), -1, np.int32)
    sums = np.zeros(len(kept) + 1, np.int32)  # may wrap: their differences are the same
    for label in range(scores.shape[1]):
        np.cumsum(scores[kept, label] + np.int32(_OFFSET), out=sums[1:])
        means = (sums[stop] - sums[first]) // divisors
        tops[means > values] = label
        np.maximum(values, means, out=values)
    spans_ms = times_ms - times_ms[kept[first]]
    return Averages(times_ms, tops, values.astype(np.int64), counts, spans_ms)


def _peaks(averages: Averages, recognizer: Recognizer) -> Peaks:
    """Leaves out steps that answer nothing, and all but one of a stretch without a keyword."""
    is_ready = averages.counts >= recognizer.minimum_count
    is_ready &= averages.spans_ms >= recognizer.average_window_ms // 4
    tops, values = averages.tops[is_ready], averages.values[is_ready]
    is_keyword = tops >= _FIRST_KEYWORD
    is_first = is_keyword | np.append(True, is_keyword[:-1])[: len(tops)]
    at = np.flatnonzero(is_first)
    highest = np.maximum.reduceat(values, at) if len(at) else values
    return Peaks(averages.times_ms[is_ready][at], tops[at], highest)


def _command(peaks: Peaks, recognizer: Recognizer) -> Detections:
    """TensorFlow Lite Micro's rules at once.

    Whatever exceeds its threshold becomes the last label, or is it already: so a label is new where
    it is another than that of the step before among those that exceed theirs.
    """
    thresholds = np.array(recognizer.label_thresholds)
    is_above = peaks.values > thresholds[peaks.tops]
    at = np.flatnonzero(is_above)
    labels, times = peaks.tops[at], peaks.times_ms[at]
    changes = np.flatnonzero(labels != np.concatenate([[0], labels[:-1]])[: len(labels)])
    ends = np.append(changes, len(at))[1:]
    is_keyword = labels[changes] >= _FIRST_KEYWORD
    changes, ends = changes[is_keyword], ends[is_keyword]
    repeats = _repeats(times, changes, ends, recognizer.suppression_ms)
    new = at[np.sort(np.concatenate([changes, *repeats]))]
    return Detections(peaks.times_ms[new], peaks.tops[new], peaks.values[new])


def _queue(
    times_ms: NDArray[np.int64], average_window_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which results are kept, and at each step the first and the one after the last in the queue.

    The latter two count places among the kept ones.
    """
    first = np.searchsorted(times_ms, times_ms - average_window_ms)
    stop = np.arange(1, len(times_ms) + 1)
    if not len(times_ms) or (stop - first).max() <= MAX_RESULTS:
        return stop - 1, first, stop
    kept: list[int] = []
    head = 0
    for step, time in enumerate(times_ms):
        while head < len(kept) and times_ms[kept[head]] < time - average_window_ms:
            head += 1
        if len(kept) - head < MAX_RESULTS:
            kept.append(step)
        first[step], stop[step] = head, len(kept)
    return np.array(kept), first, stop


def _repeats(
    times: NDArray[np.int64],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    suppression_ms: int,
) -> Iterator[NDArray[np.intp]]:
    """Where a label that goes on, over each [start, end), is told for the second time, and on."""
    is_long = times[ends - 1] - times[starts] > suppression_ms
    last, ends = starts[is_long], ends[is_long]
    while len(last):
        following = times.searchsorted(times[last] + suppression_ms, side="right")
        is_inside = following < ends
        last, ends = following[is_inside], ends[is_inside]
        yield last


def _rings(scores: NDArray[np.int8], times_ms: NDArray[np.int64], size: int) -> Rings:
    running = np.zeros((len(times_ms) + 1, scores.shape[1] - _FIRST_KEYWORD), np.int64)
    np.cumsum(scores[:, _FIRST_KEYWORD:].astype(np.int64) + _OFFSET, axis=0, out=running[1:])
    return Rings(times_ms, running, np.ascontiguousarray((running[size:] - running[:-size]).T))


def _slide(rings: Rings, recognizer: Recognizer) -> Detections:
    """`SlidingMean` at once: sums are differences of running ones, but for a ring that fills up."""
    size, running, times_ms = recognizer.ring_size, rings.running, rings.times_ms
    bars = np.array(recognizer.thresholds) * size
    above = np.flatnonzero((rings.full > bars[:, None]).any(0)) + size - 1
    found: list[tuple[int, int, int]] = []
    reset, step = 0, _next_above(running, bars, above, 0, recognizer.minimum_count - 1, size)
    while step is not None:
        ring = running[step + 1] - running[max(reset, step + 1 - size)]
        top = int(np.argmax(np.where(ring > bars, ring, -1)))
        found.append((int(times_ms[step]), _FIRST_KEYWORD + top, int(ring[top]) // size))
        reset = step + 1
        passed = np.searchsorted(times_ms, times_ms[step] + recognizer.suppression_ms, "right")
        earliest = max(step + recognizer.minimum_count, int(passed))
        step = _next_above(running, bars, above, reset, earliest, size)
    columns = np.array(found, np.int64).reshape(-1, 3).T
    return Detections(columns[0], columns[1], columns[2])


def _next_above(
    running: NDArray[np.int64],
    bars: NDArray[np.int64],
    above: NDArray[np.int64],
    reset: int,
    earliest: int,
    size: int,
) -> int | None:
    """The first step from `earliest` on at which a ring that was zeroed at `reset` exceeds a bar.

    `above` has the steps at which a full ring does.
    """
    filling = np.arange(max(earliest, reset), min(reset + size - 1, len(running) - 1))
    hits = filling[(running[filling + 1] - running[reset] > bars).any(1)]
    full = above[np.searchsorted(above, max(earliest, reset + size - 1)) :]
    steps = [int(each[0]) for each in (hits, full) if len(each)]
    return steps[0] if steps else None
