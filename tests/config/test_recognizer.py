"""`[recognizer]`: what it may say, how often a model runs, and what no device could hear."""

from typing import Any

import numpy as np
import pytest

from sprd.config.recognizer import (
    FIT,
    RecognizerSection,
    check_recognizer,
    n_averaged,
    real_interval_ms,
)
from sprd.errors import ConfigError
from sprd.listening.clock import inference_times
from tests.builders import make_sweep


def test_empty_table_fits_everything() -> None:
    """For one false accept an hour, and ten in other words."""
    section = RecognizerSection()
    limits = {"max_false_accepts_per_hour": 1.0, "max_false_accepts_per_hour_words": 10.0}
    fitted = section.model_dump(exclude={"kind"})
    assert {key: fitted.pop(key) for key in limits} == limits
    assert set(fitted.values()) == {FIT}
    assert section.kind == "recognize_commands"


@pytest.mark.parametrize(
    ("stride_ms", "asked_ms", "interval_ms"),
    [(20, None, 40), (10, None, 40), (30, None, 60), (40, None, 40), (60, None, 60),
     (20, 100.0, 100), (20, 99.5, 100)],
)  # fmt: skip
def test_interval_is_what_the_budget_asks_else_a_few_strides(
    stride_ms: int, asked_ms: float | None, interval_ms: int
) -> None:
    """A whole number of milliseconds, as a device counts them."""
    assert RecognizerSection().interval(stride_ms, asked_ms) == interval_ms
    assert RecognizerSection(interval_ms=70).interval(stride_ms, asked_ms) == 70


def test_window_holds_the_inferences_at_both_of_its_ends() -> None:
    """RecognizeCommands drops what is older than its window, not what is as old."""
    assert [n_averaged(window, 20) for window in (0, 19, 20, 980, 1000)] == [1, 1, 2, 50, 51]


def test_firmware_infers_at_blocks_of_audio() -> None:
    """The first block of 32 ms after the interval: the times of `inference_times`."""
    features = make_sweep().default.features
    for interval_ms in (20, 40, 64, 100, 500):
        steps = np.diff(inference_times(16_000 * 9, features, interval_ms))
        assert set(steps.tolist()) == {real_interval_ms(interval_ms)}


def check(interval_ms: int, **values: Any) -> None:
    """Checks a recognizer of two keywords on a window of a second, a frame each 20 ms."""
    check_recognizer("[recognizer]", RecognizerSection(**values), interval_ms, 20, 1000, 2)


@pytest.mark.parametrize(
    ("interval_ms", "values", "message"),
    [
        (10, {}, "interval_ms: must be at least .* window_stride_ms = 20, got 10"),
        (1001, {}, "interval_ms: must be at most .* clip_duration_ms = 1000, got 1001"),
        (20, {"average_window_ms": 1000}, "at most 50 inferences, .* got 1000 ms with 51"),
        (40, {"average_window_ms": 100, "minimum_count": 3}, "minimum_count: must be at most 2"),
        (100, {"minimum_count": 9}, "at most 8, .* one each 128 ms .* got 9"),
        (40, {"average_window_ms": 700, "minimum_count": 12}, "must be at most 11, .* got 12"),
        (40, {"threshold": (1, 2, 3)}, "one number, or one a keyword, got 3 for 2 keywords"),
    ],
)
def test_what_no_device_could_hear_is_refused(
    interval_ms: int, values: dict[str, Any], message: str
) -> None:
    """In one line, with the value and the bound."""
    with pytest.raises(ConfigError, match=message) as caught:
        check(interval_ms, **values)
    assert str(caught.value).startswith("[recognizer] ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("interval_ms", "values"),
    [
        (20, {}),
        (1000, {}),
        (20, {"average_window_ms": 980}),
        (20, {"average_window_ms": 2000, "kind": "sliding_mean"}),
        (40, {"average_window_ms": 128, "minimum_count": 3}),
        (100, {"minimum_count": 8}),
        (40, {"threshold": (180, 200)}),
        (40, {"threshold": (180,)}),
        (40, {"threshold": 180}),
    ],
)
def test_what_lies_at_a_bound_is_taken(interval_ms: int, values: dict[str, Any]) -> None:
    """A sliding mean keeps as many results as its window holds."""
    section = RecognizerSection(**values)
    assert section.model_dump(include=set(values)) == values
    check(interval_ms, **values)
