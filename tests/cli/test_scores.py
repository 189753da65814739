"""What is read of scores: no rate of nothing, no interval of no width, people apart from cuts."""

from typing import Any

import numpy as np
import pytest

from sprd.cli.scores import show_scores
from sprd.model.evaluate import score_predicted
from tests.speakers import LABELS


def shown(
    capsys: pytest.CaptureFixture[str], truth: list[int], speakers: list[str], **found: Any
) -> str:
    """What is printed of a model that is right throughout."""
    clips = np.array(truth)
    scores = score_predicted(clips, clips, speakers, LABELS).as_dict()
    show_scores({**scores, "other_words": [], **found})
    return capsys.readouterr().out


def test_one_speaker_is_told_beside_intervals_that_have_width(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two cuts of silence are no people."""
    said = shown(capsys, [0, 0, 1, 2, 2, 3], ["silence 0", "silence 1", *["me"] * 4])
    assert said.startswith("4 clips of 1 speaker, 2 cuts of silence, int8 in TFLM\n")
    assert "1 speaker: intervals hold for that voice" in said
    rows = [line.split() for line in said.splitlines()]
    assert ["recall", "up", "1.000", "0.158", "..", "1.000", "clips"] in rows
    assert "1.000 .. 1.000" not in said


def test_rate_of_no_clip_is_unknown_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The labels that occur are named, and the words that are there instead."""
    said = shown(capsys, [0, 1, 1], ["silence 0", "a", "b"], other_words=["Down", "UP"])
    rows = [line.split() for line in said.splitlines()]
    assert ["false", "reject", "rate", "unknown", "-"] in rows
    assert ["recall", "down", "unknown", "-"] in rows
    assert (
        "no clip of 'up', 'down': what only they decide is unknown; balanced accuracy is the mean"
        " over '_silence_', '_unknown_'" in said
    )
    assert "counted as _unknown_: the words 'Down', 'UP'" in said


def test_rates_of_silence_alone_are_over_clips(capsys: pytest.CaptureFixture[str]) -> None:
    """However many cuts there are, nobody speaks in them."""
    silent = [f"silence {i}" for i in range(40)]
    for others, over in (([], "clips"), ([1] * 12, "speakers")):
        truth = np.array([0] * 40 + [2] * 12 + others)
        predicted = np.where(np.arange(len(truth)) % 4, truth, 3)
        people = [*silent, *(f"p{i}" for i in range(12)), *(f"q{i}" for i in range(len(others)))]
        scores = score_predicted(predicted, truth, people, LABELS).as_dict()
        show_scores({**scores, "other_words": []})
        rows = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert [row[-1] for row in rows if row[:2] == ["false", "accept"]] == [over]


def test_long_list_of_words_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Speech Commands has 35."""
    words = [f"word{i}" for i in range(11)]
    said = shown(capsys, [1, 1], ["a", "b"], other_words=words)
    assert "'word7' and 3 more" in said and "word8" not in said


def test_nothing_is_noted_where_people_and_clips_are_many(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A bootstrap over speakers needs no word, and no list of other words."""
    people, rng = [f"p{i}" for i in range(40)], np.random.default_rng(0)
    truth = np.tile(np.arange(4), 40)
    predicted = np.where(rng.random(160) < 0.7, truth, 1 - truth % 2 + 2 * (truth < 2))
    scores = score_predicted(predicted, truth, list(np.repeat(people, 4)), LABELS)
    assert not scores.interval_kinds
    show_scores({**scores.as_dict(), "other_words": ["left"]})
    said = capsys.readouterr().out
    assert "clip of" not in said and "left" not in said and "speaker:" not in said
