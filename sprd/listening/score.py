"""A model and a corpus in, what it hears all day long out: the scores of a trial, and of an export.

A trial hears streams of validation speakers, bounded in length, and its recogniser is fitted to
them. For what is exported it is fitted to five seeds of all of them, and rates are told of test
speakers, in TensorFlow Lite Micro.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sprd.audio.corpus import Corpus
from sprd.audio.scene import makes_scenes
from sprd.audio.split import Split
from sprd.audio.stream_features import open_stream_features
from sprd.audio.streams import Stream
from sprd.config.recognizer import RecognizerSection
from sprd.config.trial import Config
from sprd.listening.fit import Fitted, fit
from sprd.listening.interpreter import Ear
from sprd.listening.matching import HeardStream
from sprd.listening.recognizers import Recognizer
from sprd.listening.told import Metrics, metrics_of
from sprd.listening.trial_streams import streams_of_export, streams_of_trial

STREAMS = "streams"
"""The key of what a record, and a manifest, tell of them."""

RATES = {"speech": "false_accepts_per_hour", "words": "false_accepts_per_hour_words"}
"""By material the key of its false accepts an hour."""

UNSEEN = "speakers, running speech and recordings of noise of the split: no training heard them"
UNSEEN_BUT_NOISE = (
    "speakers and running speech of the split: no training heard them; of all recordings of noise"
    " training heard the first 70 %"
)
"""Where training clips are varied by themselves, see `sprd.audio.augment.noise_of`."""


@dataclass(frozen=True)
class Listened:
    """What came of listening: numbers by their keys, a record of them, the recogniser.

    A number is None where the hours do not carry it.
    """

    metrics: Metrics
    record: dict[str, Any]
    recognizer: Recognizer


@dataclass(frozen=True)
class ListenedForExport:
    """A recogniser, and a record of what it does with the people of each split.

    `streams` has "validation", to whom it was fitted, "test", and false accepts over all speech
    that no training heard: "unseen".
    """

    recognizer: Recognizer
    streams: dict[str, Any]


def prepare(corpus: Corpus, config: Config) -> None:
    """Makes what a trial hears, and its features, if that is not on this machine yet."""
    for stream in streams_of_trial(corpus, config):
        open_stream_features(stream, config.features)


def listen(config: Config, corpus: Corpus, model: bytes) -> Listened:
    """Hears the streams of a trial with a model, and fits its recogniser to them.

    False accepts an hour are those in what the recogniser was not fitted to, with their exact
    limits in the intervals; None where all that is there is one recording.

    Args:
        config: The trial; it has a `[recognizer]`.
        corpus: Its audio.
        model: The int8 .tflite.
    """
    heard = hear(config, model, streams_of_trial(corpus, config))
    fitted = _fit(config, heard)
    metrics, record = metrics_of(heard, fitted.recognizer, config.data.keywords)
    unseen = fitted.unseen.rates if fitted.unseen else {}
    for material, key in RATES.items():
        rate = unseen.get(material) if metrics[key] is not None else None
        metrics[key] = round(rate.per_hour, 6) if rate else None
        if rate:
            record["intervals"][key] = [round(rate.low, 6), round(rate.high, 6)]
    return Listened(metrics, record | {"fit": fitted.as_dict()}, fitted.recognizer)


def listen_for_export(config: Config, corpus: Corpus, model: bytes) -> ListenedForExport:
    """Fits the recogniser of what is exported, and tells what it does with people who are new.

    Test speakers are heard in TensorFlow Lite Micro. Besides, of all speech that no training heard,
    each hour counts once, by a recogniser that was fitted to the other hours.

    Args:
        config: The trial; it has a `[recognizer]`.
        corpus: Its audio.
        model: The int8 .tflite.
    """
    known = hear(config, model, streams_of_export(corpus, config, Split.VALIDATION))
    new = hear(config, model, streams_of_export(corpus, config, Split.TESTING), exact=True)
    fitted, keywords = _fit(config, known), config.data.keywords
    over_all = _fit(config, [*known, *new]).unseen
    expected = over_all.rates.get("speech") if over_all else None
    is_synthetic = any(
        one.stream.is_synthetic for one in (*known, *new) if one.stream.material == "speech"
    )
    streams = {
        "validation": metrics_of(known, fitted.recognizer, keywords)[1] | {"fit": fitted.as_dict()},
        "test": metrics_of(new, fitted.recognizer, keywords)[1] | {"unseen": _unseen(config)},
        "unseen": None if expected is None or is_synthetic else expected.as_dict(),
    }
    return ListenedForExport(fitted.recognizer, streams)


def _unseen(config: Config) -> str:
    return UNSEEN if makes_scenes(config.augment) else UNSEEN_BUT_NOISE


def hear(
    config: Config, model: bytes, streams: Sequence[Stream], *, exact: bool = False
) -> list[HeardStream]:
    """Returns what a model answers to streams, at the interval of its recogniser.

    Args:
        config: Front end and recogniser.
        model: The int8 .tflite.
        streams: Of any material.
        exact: In TensorFlow Lite Micro, as a device does.
    """
    ear = Ear(model, config.features, len(config.labels), exact)
    interval_ms = config.interval_ms or config.features.window_stride_ms
    return [ear.hear(stream, interval_ms) for stream in streams]


def nameless(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record without the recordings that fooled it: a bundle names nobody."""
    rates = record["false_accepts"].items()
    without = {n: {key: rate[key] for key in rate if key != "first"} for n, rate in rates}
    return {**record, "false_accepts": without}


def _fit(config: Config, heard: Sequence[HeardStream]) -> Fitted:
    section = config.recognizer or RecognizerSection()
    return fit(heard, config.data.keywords, section, interval_ms=config.interval_ms)
