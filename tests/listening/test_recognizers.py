"""Recognizers against firmware that was run, and whole streams against step by step."""

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sprd.config.recognizer import n_averaged
from sprd.listening.recognizers import (
    MAX_RESULTS,
    RULES,
    Detections,
    RecognizeCommands,
    Recognizer,
    SlidingMean,
    average,
    detections,
    inference_times,
)

TFLM = Recognizer("recognize_commands", 1000, (200, 200), 1500, 3, 40)
MEAN = Recognizer("sliding_mean", 320, (120, 100), 300, 1, 40)
LABELS = ("silence", "unknown", "up", "down")


def trace(shared: Path, name: str) -> tuple[NDArray[np.int64], NDArray[np.int8], list[list[str]]]:
    """Times, scores (T, 4), and [label, score, is_new] that firmware answered."""
    path = shared / "calibration" / f"recognizer_trace_{name}.csv"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    times = np.array([int(row["t_ms"]) for row in rows])
    scores = np.array([[int(row[label]) for label in LABELS] for row in rows], np.int8)
    answers = [[row["found"].strip("_"), row["score"], row["is_new"]] for row in rows]
    return times, scores, answers


def step_by_step(
    scores: NDArray[np.int8], times_ms: NDArray[np.int64], recognizer: Recognizer
) -> list[tuple[int, int, int]]:
    """(time, label, score) of each keyword that `feed` tells anew."""
    rules = RULES[recognizer.kind](recognizer)
    heard = [(int(t), rules.feed(int(t), s)) for t, s in zip(times_ms, scores, strict=True)]
    return [(t, h.label, h.score) for t, h in heard if h.is_new and h.label >= 2]


def listed(found: Detections) -> list[tuple[int, int, int]]:
    """The same of a whole stream."""
    columns = (found.times_ms.tolist(), found.labels.tolist(), found.scores.tolist())
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("name", ["default", "sprd_shipped"])
def test_every_step_is_that_of_the_firmware(shared: Path, name: str) -> None:
    """Label, score and whether it is new, as TFLM answered on an emulated Cortex-M4."""
    times, scores, answers = trace(shared, name)
    rules = RecognizeCommands(TFLM)
    heard = [rules.feed(int(t), s) for t, s in zip(times, scores, strict=True)]
    assert len(heard) > 600
    assert [[LABELS[h.label], str(h.score), str(int(h.is_new))] for h in heard] == answers


@pytest.mark.parametrize("name", ["default", "sprd_shipped"])
def test_whole_stream_is_that_of_the_firmware(shared: Path, name: str) -> None:
    """Averages and labels of every step with enough results, and the keywords that are new."""
    times, scores, answers = trace(shared, name)
    averages = average(scores, times, 1000)
    told = [
        [LABELS[top], str(value)] for top, value in zip(averages.tops, averages.values, strict=True)
    ]
    n_early = sum(t - times[0] < 250 for t in times)
    assert told[n_early:] == [answer[:2] for answer in answers[n_early:]]
    new = [
        (int(t), LABELS.index(label), int(score))
        for t, (label, score, is_new) in zip(times, answers, strict=True)
        if is_new == "1" and label in LABELS[2:]
    ]
    assert listed(detections(scores, times, TFLM)) == new


@pytest.mark.parametrize(("name", "frame"), [("default", (40, 40)), ("sprd_shipped", (30, 20))])
def test_clock_is_that_of_the_firmware(shared: Path, name: str, frame: tuple[int, int]) -> None:
    """Blocks of 32 ms: the first starts the front end, and one without a new frame is skipped."""
    times, _, _ = trace(shared, name)
    features = frames(*frame)
    found = inference_times(int(times[-1]) * 16, features, interval_ms=20)
    assert found.tolist() == times.tolist()


def frames(window_ms: int, stride_ms: int) -> SimpleNamespace:
    """What the clock has to know of a front end."""
    return SimpleNamespace(
        sample_rate_hz=16_000, window_size_ms=window_ms, window_stride_ms=stride_ms
    )


def test_slow_model_skips_blocks() -> None:
    """100 ms a look: what comes in meanwhile is looked at together, when it is done."""
    found = inference_times(16_000, frames(30, 20), 20, block_ms=16, busy_ms=100)
    assert found.tolist() == [32, 128, 224, 320, 432, 528, 624, 720, 832, 928]
    fast = inference_times(16_000, frames(30, 20), 20, block_ms=16, busy_ms=16)
    assert fast.tolist() == inference_times(16_000, frames(30, 20), 20, block_ms=16).tolist()


def test_interval_is_kept_in_whole_blocks() -> None:
    """At least 80 ms lie between two inferences: three blocks of 32 ms."""
    assert set(np.diff(inference_times(160_000, frames(30, 20), 80))) == {96}


def test_stream_shorter_than_a_frame_has_no_inference() -> None:
    """Nor does anything come of no scores."""
    times = inference_times(500, frames(40, 20), 20)
    assert times.tolist() == []
    for recognizer in (TFLM, MEAN):
        assert len(detections(np.zeros((0, 4), np.int8), times, recognizer)) == 0


recognizers = st.builds(
    Recognizer,
    kind=st.sampled_from(sorted(RULES)),
    average_window_ms=st.integers(1, 1200),
    thresholds=st.tuples(st.integers(0, 255), st.integers(0, 255)),
    suppression_ms=st.integers(0, 2000),
    minimum_count=st.integers(1, 6),
    interval_ms=st.sampled_from([1, 20, 60, 500]),
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Scores that stay with a label for a while, at times that come in odd steps."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, longest = draw(st.integers(0, 250)), draw(st.integers(1, 40))
    steps = rng.integers(0, draw(st.sampled_from([2, 40, 90])) + 1, n)
    labels = np.repeat(rng.integers(0, 4, n), rng.integers(1, longest + 1, n))[:n]
    scores = rng.integers(-128, 128, (n, 4))
    scores[np.arange(n), labels] = rng.integers(draw(st.integers(-128, 127)), 128, n)
    return scores.astype(np.int8), np.cumsum(steps)


@given(streams(), recognizers)
def test_whole_stream_is_one_step_after_the_other(
    stream: tuple[NDArray[np.int8], NDArray[np.int64]], recognizer: Recognizer
) -> None:
    """The same keywords at the same times with the same averages, full queues included."""
    scores, times = stream
    expected = step_by_step(scores, times, recognizer)
    assert listed(detections(scores, times, recognizer)) == expected


def test_full_queue_loses_results() -> None:
    """Of 60 inferences within the window the first 50 stay: later ones are never averaged."""
    times = np.arange(60) * 10
    scores = np.full((60, 4), -128, np.int8)
    scores[:50, 0], scores[50:, 2] = 127, 127
    assert n_averaged(1000, 40) == 26 <= MAX_RESULTS < n_averaged(1000, 10)
    averages = average(scores, times, 1000)
    assert (averages.tops[-1], averages.values[-1], averages.counts[-1]) == (0, 255, 50)


def test_same_keyword_is_told_again_after_the_suppression() -> None:
    """Only when more than it has passed; silence in between makes it new at once."""
    times = np.arange(100) * 40
    up = np.tile(np.array([-128, -128, 127, -128], np.int8), (100, 1))
    quick = replace(TFLM, average_window_ms=200)
    assert detections(up, times, quick).times_ms.tolist() == [80, 1600, 3120]
    up[20:30] = [127, -128, -128, -128]
    assert detections(up, times, quick).times_ms.tolist() == [80, 1360, 2880]


def test_silence_is_told_again_at_every_step() -> None:
    """It is the first label: nothing holds it back."""
    rules = RecognizeCommands(replace(TFLM, average_window_ms=100))
    silence = np.array([127, -128, -128, -128], np.int8)
    assert [rules.feed(40 * i, silence).is_new for i in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_each_keyword_has_its_threshold() -> None:
    """Silence and unknown have the lowest."""
    assert replace(TFLM, thresholds=(150, 180)).label_thresholds == (150, 150, 150, 180)
    scores = np.tile(np.array([-128, -128, 40, -128], np.int8), (50, 1))  # an average of 168
    times = np.arange(50) * 40
    assert len(detections(scores, times, replace(TFLM, thresholds=(160, 200)))) == 2
    assert len(detections(scores, times, replace(TFLM, thresholds=(168, 100)))) == 0


def test_ring_starts_as_zeros_and_is_zeroed() -> None:
    """Of five the third probability of 200 brings the mean above 100, after any reset."""
    rules = SlidingMean(replace(MEAN, thresholds=(255, 100), suppression_ms=0))
    down = np.array([-128, -128, -128, 72], np.int8)
    heard = [rules.feed(40 * i, down) for i in range(6)]
    assert [h.is_new for h in heard] == [False, False, True, False, False, True]
    assert [(h.label, h.score) for h in heard] == 2 * [(3, 40), (3, 80), (3, 120)]
