"""The numbers of a model on streams, by their keys, and what a record keeps."""

import json
from dataclasses import replace

import pytest

from sprd.audio.streams import Piece
from sprd.config.numbers import NUMBERS
from sprd.listening.matching import HeardStream
from sprd.listening.recognizers import Recognizer
from sprd.listening.told import N_TOLD, metrics_of, streams_record
from tests.listening.heard import INTERVAL_MS, KEYWORDS, heard, said, stream

RULES = Recognizer("recognize_commands", 400, (150, 170), 1000, 3, INTERVAL_MS)


def spoken(heights: list[float], snr_db: float | None = None) -> HeardStream:
    """A word each four seconds, each of another speaker, and how sure of it a model was."""
    words = [said("up", 4.0 * i + 2, f"speaker {i}") for i in range(len(heights))]
    bumps = [(one.end_s, "up", height) for one, height in zip(words, heights, strict=True)]
    return heard(stream("keywords", 4.0 * len(heights), words, snr_db=snr_db), bumps)


def silent(material: str, heights: list[float], seconds: float = 3600.0) -> HeardStream:
    """What holds no keyword, in recordings of ten seconds; a model heard one in the first few."""
    bumps = [(10.0 * i + 5, "down", height) for i, height in enumerate(heights)]
    pieces = [Piece(f"{i}.ogg", "ann", 10.0 * i, 10.0 * i + 10) for i in range(int(seconds / 10))]
    return heard(stream(material, seconds, pieces=pieces), bumps)


HEARD = [
    silent("speech", [180, 200, 220]),
    silent("words", [200] * 25, 1800.0),
    spoken([150, 190, 210, 240]),
    spoken([140, 140, 210, 240], 20.0),
]


def test_every_number_is_a_known_one() -> None:
    """Each has words and a unit in the one table of numbers."""
    metrics, record = metrics_of(HEARD, RULES, KEYWORDS)
    assert set(metrics) <= set(NUMBERS)
    assert record["metrics"] == metrics
    assert json.loads(json.dumps(record)) == record


def test_recall_at_the_threshold_is_of_each_condition() -> None:
    """Three of four words exceed 150 in quiet, two at 20 dB; nothing was said at 10 dB."""
    metrics, record = metrics_of(HEARD, RULES, KEYWORDS)
    assert metrics["recall_at_threshold"] == 0.75
    assert metrics["recall_at_threshold_20db"] == 0.5
    assert metrics["recall_at_threshold_10db"] is None
    low, high = record["intervals"]["recall_at_threshold"]
    assert low < 0.75 < high
    assert (record["n_words"], record["n_speakers"]) == (4, 4)


def test_rates_are_told_a_material_with_exact_limits() -> None:
    """Three an hour in speech, 50 in other words: never added up."""
    metrics, record = metrics_of(HEARD, RULES, KEYWORDS)
    assert metrics["false_accepts_per_hour"] == 3.0
    assert metrics["false_accepts_per_hour_words"] == 50.0
    speech = record["false_accepts"]["speech"]
    assert (speech["n"], speech["hours"]) == (3.0, 1.0)
    assert speech["interval"] == [0.6187, 8.7673]
    assert set(record["false_accepts"]) == {"speech", "words"}


def test_what_fooled_it_is_named_with_recording_and_second() -> None:
    """The first few of each material: they can be heard."""
    _, record = metrics_of(HEARD, RULES, KEYWORDS)
    first = record["false_accepts"]["speech"]["first"]
    assert [one["recording"] for one in first] == ["0.ogg", "1.ogg", "2.ogg"]
    assert all(one["heard"] == "down" and 4.5 < one["second"] < 5.5 for one in first)
    assert len(record["false_accepts"]["words"]["first"]) == N_TOLD


def test_second_is_that_of_the_recording() -> None:
    """A piece that goes on a recording begins in the middle of it."""
    pieces = [Piece("long.ogg", "ann", 0.0, 3600.0, offset_s=1200.0)]
    speech = heard(stream("speech", 3600, pieces=pieces), [(10.0, "down", 240)])
    _, record = metrics_of([speech], RULES, KEYWORDS)
    (one,) = record["false_accepts"]["speech"]["first"]
    assert 1209.5 < one["second"] < 1210.5


def test_synthetic_speech_ranks_and_tells_no_rate() -> None:
    """Recall over its false accepts is told; how many an hour is not, in no field."""
    voices = replace(HEARD[0], stream=replace(HEARD[0].stream, is_synthetic=True))
    metrics, record = metrics_of([voices, *HEARD[1:]], RULES, KEYWORDS)
    recorded, _ = metrics_of(HEARD, RULES, KEYWORDS)
    assert metrics["recall_streaming"] == recorded["recall_streaming"] is not None
    assert metrics["false_accepts_per_hour"] is None
    assert "speech" not in record["false_accepts"]
    assert record["is_synthetic"]
    assert record["counted_only"]["speech"]["n"] == 3


def test_hours_that_carry_nothing_give_no_figure() -> None:
    """Two minutes of speech are too few for a recall over its false accepts, or a rate."""
    metrics, record = metrics_of([silent("speech", [], 120), HEARD[2]], RULES, KEYWORDS)
    assert metrics["recall_streaming"] is None
    assert metrics["worst_tenth_recall"] is None
    assert metrics["false_accepts_per_hour"] is None
    assert metrics["recall_at_threshold"] == 0.75
    assert record["recall_at_rate"]["quiet"]["20"] is None


def test_few_minutes_of_words_give_no_figure() -> None:
    """None in a minute is not none an hour."""
    metrics, record = metrics_of([HEARD[0], silent("words", [], 60)], RULES, KEYWORDS)
    assert metrics["false_accepts_per_hour"] == 3.0
    assert metrics["false_accepts_per_hour_words"] is None
    assert record["false_accepts"]["words"]["interval"][1] > 200


def test_without_speech_there_are_recalls_alone() -> None:
    """A data set of keywords without an espeak-ng to talk."""
    metrics, record = metrics_of([HEARD[2]], RULES, KEYWORDS)
    assert metrics["recall_at_threshold"] == 0.75
    assert metrics["recall_streaming"] is metrics["false_accepts_per_hour"] is None
    assert record["false_accepts"] == {}


def test_delays_are_from_the_end_of_a_word() -> None:
    """The median is below what nearly all have."""
    metrics, _ = metrics_of(HEARD, RULES, KEYWORDS)
    median, most = metrics["detection_delay_ms"], metrics["detection_delay_p95_ms"]
    assert median is not None
    assert most is not None
    assert -400 < median <= most < 1500


def test_streams_are_told_by_material() -> None:
    """Hours, words and seeds of each; what is heard twice counts once."""
    told = streams_record([one.stream for one in (*HEARD, HEARD[0])])
    assert told["speech"]["hours"] == 1.0
    assert told["speech"]["n_groups"] == 1
    assert told["keywords"]["n_said"] == 8
    assert told["keywords"]["hours"] == pytest.approx(2 * 16 / 3600, abs=1e-4)
