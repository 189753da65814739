"""How much scores are of, in words."""

from typing import Any

import pytest

from sprd.sweep.rows.counts import counted, told_clips


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (
            {"n_clips": 116, "n_silence": 80, "n_speakers": 1},
            "36 clips of 1 speaker, 80 cuts of silence",
        ),
        ({"n_clips": 1, "n_silence": 0, "n_speakers": 1}, "1 clip of 1 speaker"),
        (
            {"n_clips": 2001, "n_silence": 1, "n_speakers": 1500},
            "2,000 clips of 1,500 speakers, 1 cut of silence",
        ),
        ({"n_clips": 9}, "9 clips"),
    ],
)
def test_clips_people_and_cuts_are_told_apart(scores: dict[str, Any], told: str) -> None:
    """A cut of silence is nobody's clip."""
    assert told_clips(scores) == told


def test_record_of_an_older_version_counted_cuts_as_speakers() -> None:
    """They are the first row of its confusion matrix."""
    old = {"n_clips": 656, "n_speakers": 96, "confusion": [[79, 1, 0], [1, 2, 3], [570, 0, 0]]}
    assert told_clips(old) == "576 clips of 16 speakers, 80 cuts of silence"


def test_one_is_no_plural() -> None:
    """None is."""
    assert [counted(n, "clip") for n in (0, 1, 2000)] == ["0 clips", "1 clip", "2,000 clips"]
