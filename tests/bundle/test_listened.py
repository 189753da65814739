"""What a bundle says of streams: scores with their hours, thresholds, the sketch's recognizer."""

from dataclasses import replace
from typing import Any

from sprd.bundle.cpp_sources import Thresholds
from sprd.bundle.listened import (
    basis_of,
    recognizer_step,
    streams_text,
    thresholds_text,
)
from sprd.config.recognizer import RecognizerSection

FITTED = Thresholds(
    average_window_ms=700,
    detection_threshold=170,
    suppression_ms=900,
    minimum_count=4,
    detection_thresholds=(170, 190),
    interval_ms=40,
    basis="Fitted to streams.",
)


def record(**changes: Any) -> dict[str, Any]:
    """What was heard on the streams of a split."""
    heard = {
        "metrics": {"recall_streaming": 0.84, "recall_streaming_10db": None},
        "intervals": {"recall_streaming": [0.8, 0.88]},
        "false_accepts": {
            "speech": {"n": 4, "hours": 3.28, "per_hour": 1.2195, "interval": [0.3323, 3.1225]},
            "noise": {"n": 0, "hours": 1.0, "per_hour": 0.0, "interval": [0.0, 3.6889]},
        },
    }
    return heard | changes


def test_scores_stand_with_hours_and_limits() -> None:
    """Each material apart; none is told as the rate that it is below."""
    text = streams_text({"validation": record(), "test": record()})
    lines = text.splitlines()
    assert lines[0] == "| | test | validation |"
    assert "| recall on streams | 0.840 (0.800 .. 0.880) | 0.840 (0.800 .. 0.880) |" in lines
    assert "| recall on streams at 10 dB | unknown | unknown |" in lines
    speech = "1.22 (0.33 .. 3.12) in 3.28 h"
    assert f"| False accepts an hour, speech | {speech} | {speech} |" in lines
    none = "below 3.69 in 1.00 h"
    assert f"| False accepts an hour, noise | {none} | {none} |" in lines
    assert "synthetic" not in text


def test_synthetic_speech_is_said_to_tell_no_rate() -> None:
    """It ranks alone."""
    text = streams_text({"validation": record(is_synthetic=True), "test": None})
    assert text.startswith("| | validation |\n")
    assert text.endswith("ranks models, and tells no rate.**")


def test_rate_over_all_unseen_speech_stands_below() -> None:
    """Where it is known, with its hours; and how many people spoke."""
    unseen = {"n": 6, "hours": 5.2, "per_hour": 1.1538, "interval": [0.4234, 2.5114]}
    heard = {"validation": record(n_speakers=80), "test": record(n_speakers=117)}
    text = streams_text({**heard, "unseen": unseen})
    assert text.endswith(
        "fitted to the others:\n1.15 (0.42 .. 2.51) in 5.20 h false accepts an hour."
    )
    assert "Speakers of keywords, test: 117, validation: 80." in text
    assert streams_text({**heard, "unseen": None}) == streams_text(heard)


def test_basis_says_how_far_a_limit_is_kept() -> None:
    """And of whose speech; where there was none, that nobody fitted anything."""
    section = RecognizerSection(max_false_accepts_per_hour=2.0)
    fitted = "Fitted to streams of validation speakers: at most 2 false accepts an hour of"
    assert basis_of(section, {}).startswith(fitted)
    over = {
        "fit": {"seen": {"speech": {}}, "shortfall": "The best there is is 3."},
        "is_synthetic": True,
    }
    told = basis_of(section, {"validation": over})
    assert told.startswith(fitted)
    assert "The best there is is 3. That speech is of synthetic voices" in told
    few = {"fit": {"seen": {}, "limits": {"speech": 2.0}}}
    assert basis_of(section, {"validation": few}).endswith(
        "2 false accepts an hour of running speech."
    )
    none = {"fit": {"seen": {"recall": 0.5}, "shortfall": "No running speech."}}
    assert basis_of(section, {"validation": none}) == "No running speech."
    fixed = RecognizerSection(
        average_window_ms=700, threshold=180, suppression_ms=900, minimum_count=3
    )
    assert basis_of(fixed, {}).startswith("Those of the sweep file")


def test_model_that_did_not_listen_is_said_not_to() -> None:
    """Nobody may take a score on clips for one on streams."""
    assert streams_text({}).startswith("**Nobody measured how it listens**")


def test_thresholds_are_told_with_where_they_come_from() -> None:
    """Those of old are nobody's."""
    told = " ".join(thresholds_text(FITTED, ["up", "down"]).split())
    assert told == (
        'Thresholds, of 255: "up" 170, "down" 190; averaged over 700 ms, at least 4 inferences,'
        " one inference each 40 ms; the same word is not heard again for 900 ms."
        " Fitted to streams."
    )
    old = " ".join(thresholds_text(Thresholds(), ["up", "down"]).split())
    assert '"up" 200, "down" 200; averaged over 1,000 ms, at least 3 inferences; the' in old
    assert old.endswith("nobody fitted them to this model.")


def test_step_of_the_sketch_takes_what_its_recognizer_can() -> None:
    """One threshold, or one a keyword by an edit; a sliding mean not at all."""
    assert "kDetectionThresholds[current_top_index]" in recognizer_step(FITTED)
    assert "one inference each 40 ms" in recognizer_step(FITTED)
    same = recognizer_step(replace(FITTED, detection_thresholds=(170, 170)))
    assert "kDetectionThresholds" not in same
    assert recognizer_step(Thresholds()).endswith(
        "`RecognizeCommands(kAverageWindowDurationMs, kDetectionThreshold, kSuppressionMs,"
        " kMinimumCount)`."
    )
    assert "replace its" in recognizer_step(replace(FITTED, kind="sliding_mean"))
