"""What a step gets depends on the seed and the step alone."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprd.audio.store import Features
from sprd.model.batches import Batches, masks, mixing
from tests.model.trainings import SWITCHES, make_config

pytestmark = pytest.mark.usefixtures("one_thread")


class TestBatches:
    """What a step gets depends on the seed and the step alone."""

    @pytest.fixture
    def draw(self, training: Features) -> Callable[..., Any]:
        """A function: step, and keys of the configuration -> rows, labels, masks."""

        def run(step: Any, **keys: Any) -> Any:
            return Batches(make_config(**keys), training).draw(step)

        return run

    def test_batch_is_the_same_every_time(self, draw: Callable[..., Any]) -> None:
        """Drawn anew, or after others."""
        for first, second in zip(draw(7), draw(7), strict=True):
            np.testing.assert_array_equal(first, second)

    def test_batches_differ_by_step_and_seed(self, draw: Callable[..., Any]) -> None:
        """No step repeats another, no seed another's."""
        rows = draw(7)[0].tolist()
        assert rows != draw(8)[0].tolist()
        assert rows != draw(7, seed=1)[0].tolist()

    def test_gathering_is_drawing_step_by_step(self, training: Features) -> None:
        """One graph call takes many steps; their order is theirs."""
        batches = Batches(make_config(augment={"time_mask_frames": 5}), training)
        features, labels, blanked, extra = batches.gather(3, 6)
        assert features.shape == (3, 16, 500)
        for i, step in enumerate(range(3, 6)):
            rows, drawn_labels, drawn_masks = batches.draw(step)
            np.testing.assert_array_equal(features[i], training.raw.reshape(-1, 500)[rows])
            np.testing.assert_array_equal(labels[i], drawn_labels)
            np.testing.assert_array_equal(blanked[i], drawn_masks)
        assert extra == {}

    def test_labels_are_those_of_the_clips(
        self, draw: Callable[..., Any], training: Features
    ) -> None:
        """And all the variants of a clip are drawn."""
        rows, labels, _ = draw(0, train={"batch_size": 20_000})
        truth = training.labels(make_config().labels)
        np.testing.assert_array_equal(labels, truth[rows // 3])
        assert set(rows.tolist()) == set(range(training.raw.shape[0] * 3))

    @pytest.mark.parametrize(
        ("silence", "unknown", "expected"),
        [
            (25, 25, [25 / 150, 25 / 150, 50 / 150, 50 / 150]),
            (0, 100, [0, 0.5, 0.25, 0.25]),
            (100, 0, [0.5, 0, 0.25, 0.25]),
            (0, 0, [0, 0, 0.5, 0.5]),
            (50, 300, [50 / 450, 300 / 450, 50 / 450, 50 / 450]),
        ],
    )
    def test_shares_follow_the_percentages(
        self, draw: Callable[..., Any], silence: int, unknown: int, expected: list[float]
    ) -> None:
        """In percent of the keyword clips, as SPRD's trainer has it, within what chance allows."""
        data = {"silence_percentage": silence, "unknown_percentage": unknown}
        _, labels, _ = draw(0, data=data, train={"batch_size": 20_000})
        shares = np.bincount(labels, minlength=4) / len(labels)
        np.testing.assert_allclose(shares, expected, atol=0.015)
        assert [s == 0 for s in shares] == [s == 0 for s in expected]

    def test_rare_keyword_is_drawn_as_often_as_it_occurs(self) -> None:
        """Keywords are one group: its clips are drawn alike."""
        words = ("up",) * 30 + ("down",) * 10 + ("_silence_",) * 5 + ("dog",) * 5
        raw = np.zeros((50, 1, 25, 20), np.uint16)
        features = Features(raw=raw, scale=1.0, words=words, speakers=words)
        batches = Batches(make_config(train={"batch_size": 20_000}), features)
        counts = np.bincount(batches.draw(0)[1], minlength=4)
        assert counts[2] / counts[3] == pytest.approx(3, rel=0.1)

    def test_unknown_words_are_drawn_evenly_by_word(self) -> None:
        """However many clips a word has; all clips of it alike, and no keyword oftener."""
        words = ("up",) * 20 + ("dog", "cat", "dog", "dog") * 10 + ("bed",) * 2 + ("_silence_",)
        raw = np.zeros((len(words), 1, 25, 20), np.uint16)
        features = Features(raw=raw, scale=1.0, words=words, speakers=words)
        keys: Any = {"data": {"unknown_draw": "word"}, "train": {"batch_size": 20_000}}
        rows, labels, _ = Batches(make_config(**keys), features).draw(0)
        drawn = np.bincount(rows, minlength=len(words))
        n_unknown = (labels == 1).sum()
        for word in ("dog", "cat", "bed"):
            counts = drawn[[i for i, one in enumerate(words) if one == word]]
            assert counts.sum() / n_unknown == pytest.approx(1 / 3, abs=0.03)
            assert counts.min() > 0.5 * counts.max()
        plain, _, _ = Batches(make_config(train={"batch_size": 20_000}), features).draw(0)
        np.testing.assert_array_equal(rows[labels != 1], plain[labels != 1])

    @given(st.integers(0, 100), st.integers(0, 64), st.integers(0, 1000))
    @settings(max_examples=30)
    def test_masks_lie_within_the_features(self, frames: int, channels: int, step: int) -> None:
        """First and end of each, as wide as the file allows at most."""
        augment = make_config().augment.model_copy(
            update={"time_mask_frames": frames, "channel_mask_channels": channels}
        )
        drawn = masks(np.random.default_rng(step), 50, (25, 20), augment)
        for first, end, length, widest in (
            (drawn[:, 0], drawn[:, 1], 25, frames),
            (drawn[:, 2], drawn[:, 3], 20, channels),
        ):
            assert (first >= 0).all()
            assert (end <= length).all()
            assert ((end - first >= 0) & (end - first <= widest)).all()

    def test_masks_reach_both_ends_and_their_full_width(self, draw: Callable[..., Any]) -> None:
        """Nothing at the edges is spared for ever."""
        augment = {"time_mask_frames": 3, "channel_mask_channels": 4}
        _, _, drawn = draw(0, augment=augment, train={"batch_size": 2000})
        widths = drawn[:, [1, 3]] - drawn[:, [0, 2]]
        assert (widths.min(0).tolist(), widths.max(0).tolist()) == ([0, 0], [3, 4])
        assert drawn.min(0).tolist()[::2] == [0, 0]
        assert drawn.max(0).tolist()[1::2] == [25, 20]

    def test_batches_are_those_of_before(self, training: Features) -> None:
        """SHA-256 of five steps, taken from the code before the switches."""
        augment = {"time_mask_frames": 5, "channel_mask_channels": 3}
        batches = Batches(make_config(augment=augment), training)
        drawn = b"".join(array.tobytes() for step in range(5) for array in batches.draw(step))
        expected = "798d52875b6dc54c676cb71ebf6400870447087b3de535b24c55488a2f928ace"
        assert hashlib.sha256(drawn).hexdigest() == expected

    @pytest.mark.parametrize("train", SWITCHES.values(), ids=SWITCHES)
    def test_switches_leave_the_draws_alone(
        self, training: Features, train: dict[str, float]
    ) -> None:
        """The same clips, labels and masks: what is compared differs in the switch alone."""
        plain = Batches(make_config(), training).draw(3)
        for first, second in zip(
            plain, Batches(make_config(train=train), training).draw(3), strict=True
        ):
            np.testing.assert_array_equal(first, second)


class TestMixing:
    """Partners and shares: what a step mixes depends on the seed and the step alone."""

    @given(st.integers(0, 2**31 - 1), st.integers(0, 10**6), st.integers(1, 64))
    def test_partners_are_a_permutation(self, seed: int, step: int, size: int) -> None:
        """Each row is a partner once; its own share is the larger."""
        partners, shares = mixing(seed, step, size, 0.3)
        assert sorted(partners.tolist()) == list(range(size))
        assert ((shares >= 0.5) & (shares <= 1)).all()
        again = mixing(seed, step, size, 0.3)
        np.testing.assert_array_equal(partners, again[0])
        np.testing.assert_array_equal(shares, again[1])

    def test_steps_and_seeds_differ(self) -> None:
        """No step repeats another, no seed another's."""
        drawn = [mixing(*which, 50, 0.3)[1].tolist() for which in ((0, 0), (0, 1), (1, 0))]
        assert drawn[0] not in drawn[1:]
        assert drawn[1] != drawn[2]

    def test_shares_follow_the_beta_distribution(self) -> None:
        """Even for alpha 1: the larger share is 0.75 in the mean. For a small one it is near 1."""
        assert mixing(0, 0, 20_000, 1.0)[1].mean() == pytest.approx(0.75, abs=0.01)
        assert mixing(0, 0, 20_000, 0.05)[1].mean() > 0.95

    def test_gathered_steps_are_mixed_each_its_way(self, training: Features) -> None:
        """One graph call takes many steps."""
        batches = Batches(make_config(train={"mixup_alpha": 0.4}), training)
        extra = batches.gather(3, 6)[3]
        assert set(extra) == {"partners", "weights"}
        for i, step in enumerate(range(3, 6)):
            partners, weights = mixing(0, step, 16, 0.4)
            np.testing.assert_array_equal(extra["partners"][i], partners)
            np.testing.assert_array_equal(extra["weights"][i], weights)
