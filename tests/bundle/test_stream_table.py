"""The figures of streams: by hand where a hand can count them, unknown where nobody knows."""

from dataclasses import replace

import pytest

from tests.bundle.listened import N_SPEAKERS, example, keywords, table


def test_conditions_are_told_as_they_were_heard() -> None:
    """24 words, of which the last speaker's two and one that was another keyword were missed."""
    told, _ = table(example())
    quiet, noisy = told["conditions"]
    assert (quiet["condition"], noisy["condition"]) == ("quiet", "10db")
    for one in (quiet, noisy):
        assert (one["n_words"], one["n_heard"], one["n_confused"]) == (24, 21, 1)
        assert one["n_speakers"] == N_SPEAKERS
        assert one["recall"] == pytest.approx(21 / 24)
        low, high = one["interval"]
        assert low < one["recall"] < high
    assert quiet["delay_ms"] < noisy["delay_ms"] < 400
    assert told["recall_at_threshold"] == told["recall_at_threshold_10db"] == 0.875
    assert told["detection_delay_ms"] == quiet["delay_ms"]


def test_curve_begins_where_the_hours_carry_it() -> None:
    """1.5 h tell of 1.33 an hour and more; in quiet all that is heard is heard there too."""
    told, _ = table(example())
    quiet, noisy = (one["curve"] for one in told["conditions"])
    assert told["hours_of_speech"] == pytest.approx(1.5)
    assert quiet[0][0] == pytest.approx(1.4142, abs=1e-3)
    assert [recall for _, recall in quiet] == [0.875] * len(quiet)
    assert noisy[0][1] <= noisy[-1][1] == 0.875
    assert told["recall_streaming"] == 0.875
    assert told["worst_tenth_recall"] == pytest.approx(0.25)


def test_materials_are_never_pooled() -> None:
    """Each with its hours, its count and its exact limits; of none only the upper one."""
    told, _ = table(example())
    found = {one["material"]: one for one in told["materials"]}
    assert set(found) == {"speech", "words", "noise"}
    speech = found["speech"]
    assert (speech["n"], speech["hours"], speech["per_hour"]) == (2, 1.5, 1.3333)
    assert speech["interval"] == pytest.approx([0.2422 / 1.5, 7.2247 / 1.5], abs=1e-3)
    assert found["noise"]["text"] == "below 37"
    assert found["noise"]["interval_of_groups"] is None
    assert found["words"]["n"] == 2
    assert told["false_accepts_per_hour"] == 1.333333
    assert told["false_accepts_per_hour_words"] == 12.0


def test_pauses_count_for_whoever_spoke_before_them() -> None:
    """So the interval of readers holds the rate of which it is one."""
    told, _ = table(example())
    for one in told["materials"]:
        if one["interval_of_groups"]:
            low, high = one["interval_of_groups"]
            assert low <= one["per_hour"] <= high


def test_mistakes_say_in_which_recording_and_when() -> None:
    """The surest first; of a clip the word, of a recording the transcript."""
    told, fooled = table(example())
    mistakes = told["false_accepts"]
    assert [one["score"] for one in mistakes] == sorted(o["score"] for o in mistakes)[::-1]
    of_speech = [one for one in mistakes if one["material"] == "speech"]
    assert [(one["heard"], one["recording"]) for one in of_speech] == [
        ("up", "books/1-2-0003.ogg"), ("up", "books/9-9-0001.ogg"),
    ]  # fmt: skip
    assert of_speech[0]["said"] == "HE HELD <b>IT</b> UPSIDE" and of_speech[1]["said"] is None
    assert of_speech[1]["recording_at_s"] == pytest.approx(of_speech[1]["at_s"] - 2640.3, abs=1e-3)
    word = next(one for one in mistakes if one["material"] == "words")
    assert (word["heard"], word["said"], word["recording"]) == (
        "down", "cat", "cat/ann_nohash_11.wav",
    )  # fmt: skip
    kinds = [(one.kind, one.heard, one.said) for one in fooled if one.stream.said]
    assert kinds == [("confusion", "up", "down")] * 2


def test_without_speech_nothing_is_told_of_rates() -> None:
    """Recall at the thresholds is known, a mean over rates is not."""
    told, _ = table([keywords(None, 240)])
    assert told["recall_at_threshold"] == 0.875
    assert told["recall_streaming"] is None and told["worst_tenth_recall"] is None
    assert told["false_accepts_per_hour"] is None
    assert told["conditions"][0]["curve"] == []
    assert told["materials"] == []


def test_speech_of_a_synthesizer_tells_no_rate() -> None:
    """It ranks: the curve is there, and its material is marked."""
    streams = example()
    streams[2] = replace(streams[2], stream=replace(streams[2].stream, is_synthetic=True))
    told, _ = table(streams)
    assert told["false_accepts_per_hour"] is None
    assert told["recall_streaming"] == 0.875
    assert next(o for o in told["materials"] if o["material"] == "speech") == {
        "material": "speech",
        "is_synthetic": True,
        "n": 2.0,
        "hours": 1.5,
        "per_hour": None,
        "interval": None,
        "text": "-",
        "interval_of_groups": None,
    }


def test_keywords_are_not_needed() -> None:
    """Streams of speech alone have rates."""
    told, _ = table(example()[2:])
    assert told["conditions"] == [] and told["false_accepts_per_hour"] == 1.333333
    assert told["detection_delay_ms"] is None
    assert told["recall_at_threshold"] is None
