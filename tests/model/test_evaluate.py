"""Scores against numbers worked out by hand, and what their intervals hold."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sprd.model.evaluate import Scores, balanced_accuracy, paired_difference, score, score_predicted
from sprd.model.exact import exact_interval
from tests.speakers import LABELS, RATES, binomial_intervals, coverage, right_or_wrong

TRUTH = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3])
PREDICTED = np.array([0, 1, 1, 1, 0, 2, 2, 2, 3, 1, 3, 0])
SPEAKERS = ["a", "b", "a", "b", "c", "c", "a", "a", "b", "c", "b", "c"]


def one_hot(predicted: NDArray[np.int64], n_labels: int = 4) -> NDArray[np.float32]:
    """Probabilities of a model that is sure of itself."""
    return np.eye(n_labels, dtype=np.float32)[predicted]


@pytest.fixture(scope="module")
def scores() -> Scores:
    """The scores of the example above."""
    return score(one_hot(PREDICTED), TRUTH, SPEAKERS, LABELS)


def test_confusion_has_the_truth_in_rows(scores: Scores) -> None:
    """Columns are what was heard."""
    assert scores.confusion == ((1, 1, 0, 0), (1, 2, 1, 0), (0, 1, 2, 1), (1, 0, 0, 1))


def test_recall_of_each_label(scores: Scores) -> None:
    """Diagonal over the sum of the row."""
    assert scores.recall == {"_silence_": 0.5, "_unknown_": 0.5, "up": 0.5, "down": 0.5}


def test_rates_by_hand(scores: Scores) -> None:
    """1 of 6 other clips is heard as a keyword; 2 of 6 keywords are not heard as one."""
    assert scores.rates == {
        "balanced_accuracy": 0.5,
        "accuracy": 0.5,
        "false_accept_rate": round(1 / 6, 6),
        "false_reject_rate": round(2 / 6, 6),
    }
    assert scores.balanced_accuracy == 0.5


def test_balanced_accuracy_weighs_labels_alike() -> None:
    """Nine of ten silent clips right and one of one keyword: 0.95, not 10 of 11."""
    truth = np.array([0] * 10 + [2])
    predicted = np.array([0] * 9 + [1, 2])
    found = score(one_hot(predicted), truth, ["a"] * 11, LABELS)
    assert found.rates["balanced_accuracy"] == 0.95
    assert balanced_accuracy(predicted, truth) == pytest.approx(0.95)
    assert found.rates["accuracy"] == round(10 / 11, 6)


def test_keyword_heard_as_another_is_neither_accepted_nor_rejected_falsely() -> None:
    """It is wrong all the same: accuracy and recall say so."""
    found = score(one_hot(np.array([3, 3])), np.array([2, 3]), ["a", "b"], LABELS)
    assert found.rates["false_reject_rate"] == 0
    assert found.recall == {"_silence_": None, "_unknown_": None, "up": 0, "down": 1}


def test_counts_of_clips_and_speakers(scores: Scores) -> None:
    """They stand beside every score."""
    assert (scores.n_clips, scores.n_silence, scores.n_speakers) == (12, 2, 3)


def test_cuts_of_silence_are_no_speakers() -> None:
    """Two people and five cuts of noise are two speakers."""
    truth = np.array([2, 3, 1, 0, 0, 0, 0, 0])
    speakers = ["a", "b", "b", *(f"silence {i}" for i in range(5))]
    found = score(one_hot(truth), truth, speakers, LABELS)
    assert (found.n_clips, found.n_silence, found.n_speakers) == (8, 5, 2)


def test_record_is_plain_data(scores: Scores) -> None:
    """What JSON can hold, under the names of the design."""
    record: Any = scores.as_dict()
    assert record["labels"] == list(LABELS)
    assert record["confusion"][1] == [1, 2, 1, 0]
    assert record["balanced_accuracy"] == 0.5
    assert set(record["intervals"]) == {*scores.rates, *(f"recall {label}" for label in LABELS)}


def test_recall_of_a_label_that_no_clip_has_is_unknown() -> None:
    """It does not lower the balanced accuracy."""
    found = score(one_hot(np.array([0, 1, 2, 3])), np.array([0, 1, 2, 2]), list("abcd"), LABELS)
    assert found.recall == {"_silence_": 1, "_unknown_": 1, "up": 0.5, "down": None}
    assert found.rates["balanced_accuracy"] == round(2.5 / 3, 6)
    assert "recall down" not in found.intervals


@pytest.mark.parametrize(("label", "unknown"), [(3, "false_accept_rate"), (1, "false_reject_rate")])
def test_rate_that_no_clip_decides_is_unknown(label: int, unknown: str) -> None:
    """Keywords alone say nothing of false accepts, other words nothing of false rejects."""
    clips = np.array([label, label])
    found = score(one_hot(clips), clips, ["a", "b"], LABELS)
    assert found.rates == {
        "balanced_accuracy": 1,
        "accuracy": 1,
        "false_accept_rate": 0,
        "false_reject_rate": 0,
    } | {unknown: None}
    assert unknown not in found.intervals and json.loads(json.dumps(found.as_dict()))


def test_intervals_of_one_speaker_are_exact_on_clips() -> None:
    """Drawing that one again and again says nothing: 6 of 12 is 0.211 .. 0.789.

    Source: R's binom.test(6, 12).
    """
    found = score(one_hot(PREDICTED), TRUTH, ["a"] * 12, LABELS)
    assert found.intervals["accuracy"] == pytest.approx((0.210945, 0.789055), abs=1e-6)
    assert set(found.interval_kinds) == set(found.intervals) == set(RATES)
    assert set(found.interval_kinds.values()) == {"exact"}


def test_interval_without_width_is_exact_on_clips() -> None:
    """Of 20 clips of 20 people all are right: from 0.025 ** (1 / 20) on."""
    truth = np.full(20, 2)
    found = score(one_hot(truth), truth, [str(i) for i in range(20)], LABELS)
    assert found.intervals["recall up"] == (0.831567, 1.0)
    assert found.intervals["false_reject_rate"] == (0.0, 0.168433)
    assert found.interval_kinds == dict.fromkeys(found.intervals, "exact")


def test_silence_is_decided_by_its_cuts() -> None:
    """One speaker beside them makes their bootstrap no worse, but that of all others exact."""
    truth = np.array([0] * 40 + [1, 2, 3] * 4)
    predicted = np.where(np.arange(52) % 4 == 0, 1, truth)
    speakers = [*(f"silence {i}" for i in range(40)), *["a"] * 12]
    found = score(one_hot(predicted), truth, speakers, LABELS)
    assert set(found.intervals) - set(found.interval_kinds) == {"recall _silence_"}


def test_intervals_of_few_speakers_reach_as_far_as_either() -> None:
    """Of nine people the bootstrap alone is not believed, of ten it is."""
    for n_people, kind in ((9, "wider"), (10, None)):
        truth = np.full(4 * n_people, 2)
        predicted = np.array([2, 2, 2, 2, *[1, 2, 2, 2] * (n_people - 1)])  # all but one alike
        speakers = [str(i // 4) for i in range(4 * n_people)]
        found = score(one_hot(predicted), truth, speakers, LABELS)
        assert found.interval_kinds.get("recall up") == kind
        exact = exact_interval(3 * n_people + 1, 4 * n_people)
        is_exact = found.intervals["recall up"] == pytest.approx(exact, abs=1e-6)
        assert is_exact == (kind == "wider")


def test_interval_is_wider_when_speakers_differ_than_when_clips_do() -> None:
    """Clips of one speaker stand or fall together."""
    truth = np.full(40, 2)
    right = np.array([2] * 20 + [1] * 20)
    by_speaker = score(one_hot(right), truth, ["a"] * 20 + ["b"] * 20, LABELS)
    by_clip = score(one_hot(right), truth, [str(i) for i in range(40)], LABELS)
    assert by_speaker.intervals["accuracy"] == (0.0, 1.0)
    assert by_speaker.interval_kinds["accuracy"] == "wider"
    low, high = by_clip.intervals["accuracy"]
    assert 0.3 < low < 0.5 < high < 0.7


class TestIntervals:
    """95 % of every score: exact where it can be worked out, and counted where it cannot."""

    def test_bounds_are_the_binomial_quantiles_by_hand(self) -> None:
        """Of 16 speakers 8 are right: at most 3 in 1.1 % of the draws, at most 4 in 3.8 %.

        So the 2.5 % quantile is 4 of 16, and 12 by symmetry; that of 5 % would be 5, and 11.
        """
        found = score_predicted(*right_or_wrong(16, 8), LABELS)
        assert found.intervals == dict.fromkeys(RATES, (4 / 16, 12 / 16))
        assert binomial_intervals(16, 8) == found.intervals

    @pytest.mark.parametrize("n_right", [40, 200, 340])
    def test_bounds_of_many_speakers_are_the_binomial_quantiles(self, n_right: int) -> None:
        """Within 1 speaker of 400, the grain of 1,000 draws; a 90 % interval is 2 off."""
        found = score_predicted(*right_or_wrong(400, n_right), LABELS).intervals
        exact = binomial_intervals(400, n_right)
        assert set(found) == set(exact) == set(RATES)
        for name, bounds in exact.items():
            assert found[name] == pytest.approx(bounds, abs=1.01 / 400), name

    def test_intervals_hold_the_truth_in_95_of_100_data_sets(self) -> None:
        """Of 600 with 40 speakers each; 90 % intervals of the same data hold it in at most 0.905.

        A percentile bootstrap of 40 speakers is known to fall one or two percent short.
        """
        shares = coverage(
            lambda predicted, truth, speakers: (
                score_predicted(predicted, truth, speakers, LABELS).intervals
            )
        )
        assert set(shares) == set(RATES)
        assert 0.93 < np.mean(list(shares.values())) < 0.97
        assert all(0.92 < share < 0.98 for share in shares.values()), shares

    def test_paired_interval_is_the_binomial_one_too(self) -> None:
        """Against a model that is wrong throughout, the difference is the score itself."""
        predicted, truth, speakers = right_or_wrong(16, 8)
        wrong = one_hot((truth + 2) % 4)
        found = paired_difference(one_hot(predicted), wrong, truth, speakers, 4)
        assert found == (0.5, 4 / 16, 12 / 16)


CLIPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from("abcdefgh")),
    min_size=1,
    max_size=60,
)


@given(CLIPS)
@settings(max_examples=30)
def test_interval_holds_the_score(clips: list[tuple[int, int, str]]) -> None:
    """Bounds are ordered, lie in 0 .. 1 and hold the score, but for the grain of the bootstrap.

    A label that one speaker alone has is missing from some resamples, which shifts the mean: here
    every speaker has every label.
    """
    truth, predicted, speakers = (list(column) for column in zip(*clips, strict=True))
    for speaker in set(speakers):
        truth += [0, 1, 2, 3]
        predicted += [0, 1, 2, 0]
        speakers += [speaker] * 4
    found = score(one_hot(np.array(predicted)), np.array(truth), speakers, LABELS)
    points = found.rates | {f"recall {label}": value for label, value in found.recall.items()}
    assert set(points) == set(found.intervals)
    for name, (low, high) in found.intervals.items():
        assert 0 <= low <= high <= 1
        assert low - 0.02 <= points[name] <= high + 0.02


@given(CLIPS)
@settings(max_examples=20)
def test_scores_agree_with_counting(clips: list[tuple[int, int, str]]) -> None:
    """Accuracy and balanced accuracy, the slow way."""
    truth, predicted, speakers = (np.array(column) for column in zip(*clips, strict=True))
    found = score(one_hot(predicted), truth, list(speakers), LABELS)
    recalls = [np.mean(predicted[truth == label] == label) for label in set(truth)]
    assert found.rates["accuracy"] == pytest.approx(np.mean(predicted == truth), abs=1e-6)
    assert found.rates["balanced_accuracy"] == pytest.approx(np.mean(recalls), abs=1e-6)
    assert balanced_accuracy(predicted, truth) == pytest.approx(np.mean(recalls))
    assert sum(map(sum, found.confusion)) == found.n_clips == len(truth)


def test_scores_are_the_same_every_time() -> None:
    """The bootstrap is seeded."""
    again = [score(one_hot(PREDICTED), TRUTH, SPEAKERS, LABELS) for _ in range(2)]
    assert again[0] == again[1]


def test_order_of_clips_does_not_matter(scores: Scores) -> None:
    """Speakers are sorted before they are drawn."""
    order = np.random.default_rng(0).permutation(len(TRUTH))
    shuffled = score(one_hot(PREDICTED[order]), TRUTH[order], [SPEAKERS[i] for i in order], LABELS)
    assert shuffled == scores


def test_model_does_not_differ_from_itself() -> None:
    """Neither in its score nor in any resample."""
    probabilities = one_hot(PREDICTED)
    assert paired_difference(probabilities, probabilities, TRUTH, SPEAKERS, 4) == (0, 0, 0)


def test_paired_difference_turns_round_with_the_models() -> None:
    """First minus second."""
    first, second = one_hot(TRUTH), one_hot(PREDICTED)
    difference, low, high = paired_difference(first, second, TRUTH, SPEAKERS, 4)
    assert difference == 0.5
    assert 0 <= low < difference < high
    turned = paired_difference(second, first, TRUTH, SPEAKERS, 4)
    assert turned == pytest.approx((-difference, -high, -low))


def test_pairing_is_narrower_than_two_intervals() -> None:
    """Both models find the same speakers hard: what they share cancels."""
    rng = np.random.default_rng(0)
    truth = np.tile([0, 1, 2, 3], 100)
    speakers = np.repeat([f"{i}" for i in range(40)], 10)
    is_hard = np.repeat(rng.random(40) < 0.5, 10)
    first = np.where(is_hard & (rng.random(400) < 0.6), (truth + 1) % 4, truth)
    second = np.where(rng.random(400) < 0.05, (first + 1) % 4, first)
    _, low, high = paired_difference(one_hot(first), one_hot(second), truth, list(speakers), 4)
    alone = score(one_hot(first), truth, list(speakers), LABELS).intervals["balanced_accuracy"]
    assert high - low < (alone[1] - alone[0]) / 2
