"""Which models guess: by the words that they tell apart, where clips are enough to say so."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from sprd.config.limits import Violation
from sprd.model.evaluate import score_predicted
from sprd.sweep.rows.guessing import GUESSING, guess_of, guess_violations, is_guess
from tests.speakers import LABELS

PEOPLE = 20


def scored(heard: Sequence[Sequence[int]], n_silence: int = 80, n_people: int = PEOPLE) -> Any:
    """Scores of clips that every person says alike: for each word what was heard of its clips.

    Silence is told from speech without a mistake.
    """
    clips = [(label + 1, one) for label, found in enumerate(heard) for one in found]
    truth, predicted = (np.array(column * n_people) for column in zip(*clips, strict=True))
    speakers = [f"p{i}" for i in range(n_people) for _ in clips]
    cuts = [f"silence {i}" for i in range(n_silence)]
    nothing = np.zeros(n_silence, np.int64)
    return score_predicted(
        np.concatenate([predicted, nothing]),
        np.concatenate([truth, nothing]),
        speakers + cuts,
        LABELS,
    )


ALWAYS_UNKNOWN = [[1], [1], [1]]
BY_LOT = [[1, 2, 3]] * 3
ALWAYS_SILENCE = [[0], [0], [0]]
GOOD = [[1, 1, 2], [2, 2, 1], [3, 3, 1]]


@pytest.mark.parametrize("heard", [ALWAYS_UNKNOWN, BY_LOT, ALWAYS_SILENCE])
def test_one_label_for_all_and_labels_by_lot_are_guesses(heard: list[list[int]]) -> None:
    """However well silence is told from speech, which lifts the balanced accuracy to a half."""
    scores = scored(heard)
    assert scores.balanced_accuracy >= 0.25
    for metrics in (scores.as_dict(), scores.as_metrics()):
        (found,) = guess_violations(metrics)
        assert found.key == GUESSING and str(found) == guess_of(metrics)
        assert str(found).startswith("no better than guessing: mean recall of words 0.")
        assert str(found).endswith(", guessing has 0.333")
    assert is_guess(guess_violations(scores.as_dict()))


def test_model_that_hears_words_is_no_guess() -> None:
    """Two of three right, a third by chance."""
    scores = scored(GOOD)
    assert guess_of(scores.as_dict()) is None
    assert guess_violations(scores.as_metrics()) == ()


@pytest.mark.parametrize(("n_people", "is_kept_back"), [(9, False), (10, True)])
def test_few_clips_tell_and_hold_nothing_back(n_people: int, is_kept_back: bool) -> None:
    """27 clips of three words are few, 30 are not; silence does not count."""
    scores = scored(ALWAYS_UNKNOWN, n_people=n_people)
    for metrics in (scores.as_dict(), scores.as_metrics()):
        told = guess_of(metrics)
        assert told is not None
        assert told.startswith("27 clips cannot tell it from guessing") != is_kept_back
        assert bool(guess_violations(metrics)) == is_kept_back


def test_row_of_an_older_version_is_held_against_the_rule_too() -> None:
    """Its intervals had no width, and it tells no number of clips."""
    recall = {"_silence_": 1.0, "_unknown_": 1.0, "up": 0.0, "down": 0.0}
    old = {"recall": recall, "intervals": {f"recall {k}": [v, v] for k, v in recall.items()}}
    assert guess_violations(old)
    counts = {"n_clips": 83, "n_speakers": 81, "confusion": [[80, 0, 0, 0], [0, 1, 0, 0]]}
    told = guess_of({**old, **counts})
    assert told is not None and told.startswith("3 clips cannot tell it from guessing")


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"balanced_accuracy": 0.25},
        {"recall": {"up": 1.0, "down": None}, "intervals": {"recall up": [0.9, 1.0]}},
    ],
)
def test_nothing_is_said_of_what_is_not_known(metrics: dict[str, Any]) -> None:
    """Of one word alone whoever always says it is right."""
    assert guess_of(metrics) is None and guess_violations(metrics) == ()


def test_over_the_budget_is_no_guess() -> None:
    """Nor is what breaks nothing."""
    over, guess = Violation("macs", 2, 1), Violation(GUESSING, None, None, error="x")
    assert [is_guess(one) for one in ((), (over,), (over, guess), (guess,))] == [
        *(False, False, False, True)
    ]
