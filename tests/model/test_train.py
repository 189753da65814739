"""A training is a pure function of its configuration and its clips, however often interrupted."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprd.audio.store import Features
from sprd.config.trial import TrainSection
from sprd.errors import TrainingError
from sprd.model import train as room
from sprd.model.batches import Batches, masks
from sprd.model.loop import TrainingLoop, learning_rates
from sprd.model.train import Trained, predict
from sprd.model.zoo import build_model
from tests.model.trainings import digest, make_config, reports_of

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def undisturbed(training: Features, validation: Features) -> tuple[Trained, list[dict[str, float]]]:
    """The result of one training and what it reported."""
    return reports_of(make_config(), training, validation)


class TestLearningRates:
    """The rate of each step, from the file alone."""

    def test_phases_follow_each_other(self) -> None:
        """SPRD's two: the first step of the second phase has its rate."""
        train = TrainSection(steps=(12000, 3000), learning_rate=(0.001, 0.0001))
        np.testing.assert_allclose(learning_rates(train, 11998, 12002), [1e-3, 1e-3, 1e-4, 1e-4])
        np.testing.assert_allclose(learning_rates(train, 0, 15000)[[0, -1]], [1e-3, 1e-4])

    def test_one_number_is_one_phase(self) -> None:
        """Constant to the end."""
        train = TrainSection(steps=10, learning_rate=0.5)
        assert learning_rates(train, 0, 10).tolist() == [0.5] * 10

    def test_one_rate_may_serve_all_phases(self) -> None:
        """Steps as a list, the rate as a number."""
        train = TrainSection(steps=(3, 2), learning_rate=0.5)
        assert learning_rates(train, 0, 5).tolist() == [0.5] * 5

    def test_cosine_falls_from_the_rate_to_zero(self) -> None:
        """Half of it half way."""
        train = TrainSection(steps=1000, learning_rate=0.4, schedule="cosine")
        rates = learning_rates(train, 0, 1000)
        assert rates[0] == pytest.approx(0.4)
        assert rates[500] == pytest.approx(0.2)
        assert rates[-1] == pytest.approx(0.4 * 0.5 * (1 + math.cos(math.pi * 0.999)), rel=1e-3)
        assert (np.diff(rates) < 0).all()

    @given(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["constant", "cosine"]))
    def test_rates_do_not_depend_on_where_a_call_starts(
        self, first: int, second: int, schedule: Literal["constant", "cosine"]
    ) -> None:
        """A continued training gets the same ones."""
        start, stop = sorted((first, second))
        train = TrainSection(steps=40, learning_rate=0.1, schedule=schedule)
        np.testing.assert_array_equal(
            learning_rates(train, start, stop), learning_rates(train, 0, 40)[start:stop]
        )


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


def test_masked_frames_and_channels_are_blank(training: Features) -> None:
    """And only they."""
    config = make_config(augment={"time_mask_frames": 9, "channel_mask_channels": 9})
    steps = TrainingLoop(build_model(config.model, (25, 20), 4), config, 1.0)
    stretches = np.array([[2, 5, 0, 0], [0, 0, 18, 20], [0, 25, 3, 4], [7, 7, 9, 9]], np.int32)
    masked = steps.masked(np.ones((4, 500), np.float32), stretches).numpy().reshape(4, 25, 20)
    expected = np.ones((4, 25, 20))
    expected[0, 2:5] = expected[1, :, 18:] = expected[2] = 0
    np.testing.assert_array_equal(masked, expected)


def test_training_learns(undisturbed: tuple[Trained, list[dict[str, float]]]) -> None:
    """Bands of channels are told apart; the loss falls."""
    trained, seen = undisturbed
    assert trained.val_balanced_accuracy > 0.9
    assert seen[-1]["loss"] < seen[0]["loss"]
    assert seen[-1]["accuracy"] > seen[0]["accuracy"]


def test_every_evaluation_reports_every_metric(
    undisturbed: tuple[Trained, list[dict[str, float]]],
) -> None:
    """At the interval; a scheduler dies of a report that lacks its metric."""
    _, seen = undisturbed
    assert [metrics["step"] for metrics in seen] == [10, 20, 30, 40]
    names = {"step", "accuracy", "loss", "val_accuracy", "val_loss", "val_balanced_accuracy"}
    assert all(set(metrics) == names for metrics in seen)
    assert all(math.isfinite(value) for metrics in seen for value in metrics.values())


@pytest.mark.parametrize(
    ("n_steps", "interval", "start", "expected"),
    [
        (40, 10, 0, [10, 20, 30, 40]),
        (45, 20, 0, [20, 40, 45]),
        (5, 1000, 0, [5]),
        (45, 20, 20, [40, 45]),
        (45, 20, 25, [40, 45]),
        (45, 20, 45, []),
    ],
)
def test_last_step_is_evaluated_whatever_the_interval(
    n_steps: int, interval: int, start: int, expected: list[Any]
) -> None:
    """From the start, and from a checkpoint."""
    train = TrainSection(steps=n_steps, learning_rate=0.1, eval_interval=interval)
    assert list(room._evaluation_steps(train, start)) == expected


@pytest.mark.parametrize(
    ("architecture", "optimizer"), [("tiny_conv", "momentum"), ("ds_cnn", "adam")]
)
def test_continued_training_ends_in_the_same_bytes(
    architecture: str, optimizer: str, training: Features, validation: Features, tmp_path: Path
) -> None:
    """Weights, statistics, optimizer, dropout and the best so far come back from a checkpoint."""
    config = make_config(
        train={"optimizer": optimizer, "steps": 30, "learning_rate": 0.001},
        augment={"time_mask_frames": 5},
    )
    if architecture == "ds_cnn":
        params = {"filters": 4, "n_blocks": 1, "first_kernel": "3x3", "first_stride": "2x2"}
        section = config.model.model_copy(
            update={"architecture": "ds_cnn", "params": {**params, "kernel": "3x3", "dropout": 0.2}}
        )
        config = config.model_copy(update={"model": section})
    path = tmp_path / "state.npz"
    whole, seen = reports_of(config, training, validation, save_at=(20, path))
    continued, seen_later = reports_of(config, training, validation, restore=path)
    assert seen_later == seen[2:]
    assert (continued.best_step, continued.val_balanced_accuracy) == (
        whole.best_step,
        whole.val_balanced_accuracy,
    )
    assert digest(continued, training) == digest(whole, training)


def test_checkpoint_of_the_last_step_gives_the_trained_model(
    training: Features, validation: Features, tmp_path: Path
) -> None:
    """A crash between the training and its end costs no step."""
    path = tmp_path / "state.npz"
    whole, _ = reports_of(make_config(), training, validation, save_at=(40, path))
    continued, seen = reports_of(make_config(), training, validation, restore=path)
    assert seen == []
    assert digest(continued, training) == digest(whole, training)


def test_same_training_twice_gives_the_same_bytes(
    undisturbed: tuple[Trained, list[dict[str, float]]], training: Features, validation: Features
) -> None:
    """SHA-256 of the int8 file; what was reported, too."""
    again, seen = reports_of(make_config(), training, validation)
    assert seen == undisturbed[1]
    assert digest(again, training) == digest(undisturbed[0], training)


def test_another_seed_gives_another_model(
    undisturbed: tuple[Trained, list[dict[str, float]]], training: Features, validation: Features
) -> None:
    """Weights and batches follow the seed."""
    other, _ = reports_of(make_config(seed=1), training, validation)
    assert digest(other, training) != digest(undisturbed[0], training)


def test_best_evaluation_is_kept(
    training: Features, validation: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Highest balanced accuracy; of equals the lower loss, then the earlier."""
    found = iter([(0.5, 1.0), (0.8, 1.0), (0.8, 0.9), (0.8, 0.9), (0.7, 0.1)])
    weights = []

    def evaluate(model: Any, features: Any, truth: Any) -> Any:
        score, loss = next(found)
        weights.append([w.numpy() for w in model.weights])
        return {"val_accuracy": 0.0, "val_loss": loss, "val_balanced_accuracy": score}

    monkeypatch.setattr(room, "_evaluate", evaluate)
    trained, _ = reports_of(make_config(train={"steps": 50}), training, validation)
    assert (trained.best_step, trained.val_balanced_accuracy) == (30, 0.8)
    for weight, expected in zip(trained.model.weights, weights[2], strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected)
    assert any((a != b).any() for a, b in zip(weights[2], weights[4], strict=True))


def test_loss_that_is_not_finite_ends_the_training(
    training: Features, validation: Features
) -> None:
    """With a reason and a way out."""
    config = make_config(train={"learning_rate": 10.0, "momentum": 0.99, "steps": 400})
    features = Features(
        raw=training.raw.astype(np.float32) * 1e30,
        scale=1.0,
        words=training.words,
        speakers=training.speakers,
    )
    with pytest.raises(TrainingError) as caught:
        reports_of(config, features, validation)
    message = str(caught.value)
    assert message.startswith("training: the loss must be finite, got ")
    assert message.endswith(". Lower train.learning_rate.")


def test_time_of_a_step_leaves_out_the_start(
    undisturbed: tuple[Trained, list[dict[str, float]]], training: Features, validation: Features
) -> None:
    """A training of one graph call has no step to time."""
    assert 0 < undisturbed[0].ms_per_step < 1000
    short, _ = reports_of(make_config(train={"steps": 5}), training, validation)
    assert short.ms_per_step is None


def test_prediction_of_a_batch_is_that_of_each_clip(
    undisturbed: tuple[Trained, list[dict[str, float]]], validation: Features
) -> None:
    """Probabilities that sum to 1."""
    features = validation.scaled()
    whole = predict(undisturbed[0].model, features)
    single = np.concatenate([predict(undisturbed[0].model, clip[None]) for clip in features])
    np.testing.assert_allclose(whole, single, atol=1e-6)
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-6)
