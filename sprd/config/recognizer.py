"""`[recognizer]` of a sweep file, frozen: how a device turns scores into what it heard.

What says "fit" is chosen on streams of validation speakers by `sprd.listening`.
"""

from collections.abc import Collection
from math import ceil
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from sprd.config.frozen import Section
from sprd.errors import ConfigError

FIT: Final = "fit"
MAX_RESULTS = 50
"""What TFLM's RecognizeCommands holds; it loses a further one in silence (kMaxResults)."""
FIT_WINDOWS_MS = (300, 1000)
"""The shortest and the longest average window that a fit may choose."""
BLOCK_MS = 32
"""Between two looks of SPRD's firmware at the microphone: 512 samples at 16 kHz."""
FIT_INTERVAL_MS = 40
"""Least time between two inferences where nothing asks for one: no loss against every stride."""

Fit = Literal["fit"]
Milliseconds = Annotated[int, Field(ge=1, le=10_000)]
Threshold = Annotated[int, Field(ge=0, le=255)]
Thresholds = Annotated[tuple[Threshold, ...], Field(strict=False, min_length=1)]


class RecognizerSection(Section):
    """How scores become what is heard. `"fit"` chooses on streams of validation speakers."""

    kind: Literal["recognize_commands", "sliding_mean"] = Field(
        "recognize_commands",
        description="TensorFlow Lite Micro's RecognizeCommands, or microWakeWord's sliding mean.",
    )
    average_window_ms: Milliseconds | Fit = Field(
        FIT, description="Scores are averaged over so long."
    )
    threshold: Threshold | Thresholds | Fit = Field(
        FIT,
        description="Average, 255 being sure, above which a keyword is heard; a list gives one a"
        " keyword. As the device has it, in whole numbers.",
    )
    suppression_ms: Annotated[int, Field(ge=0, le=60_000)] | Fit = Field(
        FIT, description="For so long after a detection the same keyword is not heard again."
    )
    minimum_count: Annotated[int, Field(ge=1, le=MAX_RESULTS)] | Fit = Field(
        FIT, description="Inferences that an average takes at least."
    )
    interval_ms: Milliseconds | Fit = Field(
        FIT,
        description='Time between two inferences. `"fit"`: `[budget] inference_interval_ms`, else'
        f" the first multiple of the stride from {FIT_INTERVAL_MS} ms on.",
    )
    max_false_accepts_per_hour: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="What a fit allows in running speech of validation speakers.",
    )
    max_false_accepts_per_hour_words: float = Field(
        10.0,
        gt=0,
        le=10_000,
        description="The same in their other words, some 1,200 an hour said one after the other.",
    )

    def basis(self, materials: Collection[str] = ("speech", "words")) -> str:
        """Where the settings of a device come from, in a sentence.

        Args:
            materials: Those of which there was enough to keep to their limit.
        """
        keys = ("average_window_ms", "threshold", "suppression_ms", "minimum_count")
        fixed = [key for key in keys if getattr(self, key) != FIT]
        if len(fixed) == len(keys):
            return "Those of the sweep file: nobody fitted them to this model."
        text = (
            "Fitted to streams of validation speakers: at most"
            f" {self.max_false_accepts_per_hour:g} false accepts an hour of running speech"
        )
        if "words" in materials:
            text += f", {self.max_false_accepts_per_hour_words:g} an hour of other words"
        return f"{text}; {', '.join(fixed)} of the sweep file." if fixed else f"{text}."

    def interval(self, stride_ms: int, asked_ms: float | None = None) -> int:
        """Returns the milliseconds between two inferences.

        Args:
            stride_ms: Between two frames of the front end.
            asked_ms: `[budget] inference_interval_ms`.
        """
        if self.interval_ms != FIT:
            return int(self.interval_ms)
        if asked_ms is not None:
            return ceil(asked_ms)
        return stride_ms * ceil(FIT_INTERVAL_MS / stride_ms)


def check_recognizer(
    where: str,
    recognizer: RecognizerSection,
    interval_ms: int,
    stride_ms: int,
    clip_duration_ms: int,
    n_keywords: int,
) -> None:
    """Checks the rules between a recognizer and the model that it listens to.

    Args:
        where: Starts the message.
        recognizer: What the file says.
        interval_ms: Between two inferences, see `RecognizerSection.interval`.
        stride_ms: Between two frames of the front end.
        clip_duration_ms: What the model hears at once.
        n_keywords: Labels that are neither silence nor unknown.

    Raises:
        ConfigError: One is broken.
    """
    if interval_ms < stride_ms:
        raise ConfigError(
            f"{where} interval_ms: must be at least [features] window_stride_ms = {stride_ms}, got"
            f" {interval_ms}. There are no new features before."
        )
    if interval_ms > clip_duration_ms:
        raise ConfigError(
            f"{where} interval_ms: must be at most [features] clip_duration_ms ="
            f" {clip_duration_ms}, got {interval_ms}. Words between two inferences would not be"
            " heard."
        )
    _check_counts(where, recognizer, interval_ms)
    given = recognizer.threshold
    if isinstance(given, tuple) and len(given) not in (1, n_keywords):
        raise ConfigError(
            f"{where} threshold: must be one number, or one a keyword, got {len(given)} for"
            f" {n_keywords} keywords."
        )


def _check_counts(where: str, recognizer: RecognizerSection, interval_ms: int) -> None:
    """Checks that a window holds what it must, and no more than TFLM keeps."""
    is_fit = recognizer.average_window_ms == FIT
    window: Any = recognizer.average_window_ms
    if is_fit:
        window = longest_window_ms(recognizer.kind, interval_ms)
    n_results = n_averaged(window, interval_ms)
    if recognizer.kind == "recognize_commands" and not is_fit and n_results > MAX_RESULTS:
        raise ConfigError(
            f"{where} average_window_ms: must hold at most {MAX_RESULTS} inferences, as many as"
            f" TensorFlow Lite Micro keeps, got {window} ms with {n_results}, one each"
            f" {interval_ms} ms. Shorten it, or make interval_ms longer."
        )
    real_ms = real_interval_ms(interval_ms)
    n_held, least = n_averaged(window, real_ms), recognizer.minimum_count
    if least != FIT and int(least) > n_held:
        raise ConfigError(
            f"{where} minimum_count: must be at most {n_held}, the inferences that a window of"
            f" {window} ms holds, one each {real_ms} ms (interval_ms = {interval_ms} in blocks of"
            f" {BLOCK_MS} ms of audio), got {least}. No word would be heard."
        )


def longest_window_ms(kind: str, interval_ms: int) -> int:
    """Returns the longest average window that a fit may choose: TFLM keeps so many results."""
    longest = FIT_WINDOWS_MS[1]
    return min(longest, (MAX_RESULTS - 1) * interval_ms) if kind != "sliding_mean" else longest


def real_interval_ms(interval_ms: int) -> int:
    """Returns the milliseconds between two inferences of SPRD's firmware.

    It looks at the microphone once a block: the first look after the interval has passed infers.
    """
    return BLOCK_MS * ceil(interval_ms / BLOCK_MS)


def n_averaged(average_window_ms: int, interval_ms: int) -> int:
    """Returns how many inferences a window holds, those at both of its ends included.

    RecognizeCommands drops what is older than the window, not what is as old.
    """
    return average_window_ms // interval_ms + 1
