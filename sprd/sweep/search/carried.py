"""Streams and the numbers that are asked of them in, whether their hours carry these out.

Before anything is trained: hours that can never carry a number would cost a sweep for nothing.
"""

from collections.abc import Collection, Mapping

from sprd.audio.split import Split
from sprd.audio.stream_sets import StreamSet
from sprd.config.recognizer import RecognizerSection
from sprd.errors import DataError
from sprd.listening.fit import hours_needed
from sprd.listening.measures import RATES_PER_HOUR
from sprd.listening.rates import LEAST_EVENTS
from sprd.model.evaluate import MIN_SPEAKERS

RATE = "false_accepts_per_hour"
WORST = "worst_tenth_recall"
OVER_RATES = ("recall_streaming", "recall_streaming_20db", "recall_streaming_10db", WORST, RATE)
"""Numbers that take running speech."""

LEAST_RECORDINGS = 2
"""A rate is told of speech that nothing was fitted to."""

_REMEDY = "Give more with --speech or in data.speech, or ask for another number."


def check_carried(
    sets: Collection[StreamSet],
    asked: Collection[str],
    bounds: Mapping[str, float],
    section: RecognizerSection,
) -> tuple[str, ...]:
    """Checks that streams can carry what is asked of them.

    Args:
        sets: What a trial hears.
        asked: Keys of the numbers that decide or are limited.
        bounds: By key what is allowed of them at most.
        section: Its limit is what a recogniser is fitted to.

    Returns:
        What is to be told, in sentences.

    Raises:
        DataError: They cannot; the message says how many hours it takes.
    """
    speech = [one for one in sets if one.material == "speech"]
    hours = sum(one.seconds for one in speech) / 3600
    n_recordings = len({cut.recording.key for one in speech for cut in one.cuts})
    is_recorded = not any(one.is_synthetic for one in speech)
    for key in OVER_RATES:
        if key in asked:
            _check(key, hours, _hours_for(key, bounds), is_recorded)
    if RATE in asked and n_recordings < LEAST_RECORDINGS:
        raise DataError(
            f"{RATE}: takes {LEAST_RECORDINGS} recordings of running speech of {Split.VALIDATION}"
            f" readers, one to fit to and one to count in, got {n_recordings}. {_REMEDY}"
        )
    speakers = {clip.speaker for one in sets if one.material == "keywords" for clip in one.clips}
    if WORST in asked and len(speakers) < MIN_SPEAKERS:
        raise DataError(
            f"{WORST}: takes {MIN_SPEAKERS} {Split.VALIDATION} speakers who say a keyword, got"
            f" {len(speakers)}. Raise data.validation_percentage, or ask for another number."
        )
    return tuple(_notes(hours, is_recorded, section))


def _hours_for(key: str, bounds: Mapping[str, float]) -> float:
    """Returns the hours that carry a number: as many false accepts would be in them at its rate."""
    rate = bounds.get(key) if key == RATE else None
    return LEAST_EVENTS / min(rate or RATES_PER_HOUR[-1], RATES_PER_HOUR[-1])


def _check(key: str, hours: float, needed: float, is_recorded: bool) -> None:
    what = f"{needed:.2g} h of running speech of {Split.VALIDATION} readers"
    if hours < needed:
        raise DataError(f"{key}: takes {what}, got {hours:.2g} h. {_REMEDY}")
    if key == RATE and not is_recorded:
        raise DataError(
            f"{key}: takes {what} that people speak, got synthetic voices, which tell no rate."
            f" {_REMEDY}"
        )


def _notes(hours: float, is_recorded: bool, section: RecognizerSection) -> list[str]:
    """Words what holds nothing up, and is to be known."""
    limit = section.max_false_accepts_per_hour
    if not hours:
        return ["no running speech: the recognizer is not fitted. Give some with --speech"]
    if not is_recorded:
        return [
            "no recorded running speech: synthetic voices speak, which ranks models and tells no"
            " rate of false accepts. Give some with --speech"
        ]
    needed = hours_needed(limit)
    if hours < needed:
        return [
            f"{hours:.2g} h of running speech of {Split.VALIDATION} readers: a limit of {limit:g}"
            f" false accepts an hour takes {needed:.2g} h, so thresholds are the lowest without one"
        ]
    return []
