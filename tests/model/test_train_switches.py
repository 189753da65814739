"""What helps small data is off unless asked for, and off changes no bit of a training."""

import hashlib
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sprd.audio.store import Features
from sprd.config.trial import Config, TrainSection
from sprd.model.batches import Batches, mixing
from sprd.model.loop import TrainingLoop
from sprd.model.losses import Loss, distillation_loss, mixed, smoothed
from sprd.model.zoo import build_model
from tests.model.trainings import digest, make_config, reports_of

pytestmark = pytest.mark.usefixtures("one_thread")

SWITCHES = {
    "label_smoothing": {"label_smoothing": 0.1},
    "mixup": {"mixup_alpha": 0.4},
    "teacher": {"teacher_weight": 0.5, "teacher_filters": 8, "teacher_steps": 60},
}
ALL = {key: value for switch in SWITCHES.values() for key, value in switch.items()}
CALM = {"learning_rate": 0.001}
"""A rate at which no training loses its units for good."""

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 3.0]], np.float32)
LABELS = np.array([0, 1], np.int32)


def log_softmax(logits: NDArray[np.float32]) -> np.ndarray:
    """In float64."""
    logits = np.asarray(logits, np.float64)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


class TestOff:
    """A training with no switch on is the one of before there were any."""

    def test_defaults_are_off(self) -> None:
        """Of the section as a file without these keys gives it."""
        train = TrainSection()
        assert (train.label_smoothing, train.mixup_alpha, train.teacher_weight) == (0, 0, 0)

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

    def test_weights_are_those_of_a_plain_step(self, training: Features) -> None:
        """Bit for bit: cross entropy, gradients, update, and nothing else."""
        config = make_config(train={"steps": 12, "optimizer": "momentum"})
        weights = []
        for run in (TrainingLoop, PlainSteps):
            keras.backend.clear_session()
            keras.utils.set_random_seed(0)
            model = build_model(config.model, config.features.shape, len(config.labels))
            run(model, config, training.scale).run(Batches(config, training), 0, 12)
            weights.append([weight.numpy() for weight in model.weights])
        for first, second in zip(*weights, strict=True):
            np.testing.assert_array_equal(first, second)


class PlainSteps:
    """The training loop as it was before the switches."""

    def __init__(self, model: Any, config: Config, scale: float) -> None:
        self.model, self.scale = model, scale
        self.optimizer = keras.optimizers.SGD(momentum=config.train.momentum)
        self.optimizer.build(model.trainable_variables)
        self.optimizer.learning_rate.assign(config.train.learning_rate)
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def run(self, batches: Batches, start: int, stop: int) -> None:
        step = tf.function(self.step)
        features, labels, _, _ = batches.gather(start, stop)
        for i in range(stop - start):
            step(tf.constant(features[i]), tf.constant(labels[i]))

    def step(self, features: Any, labels: Any) -> None:
        with tf.GradientTape() as tape:
            logits = self.model(tf.cast(features, tf.float32) * self.scale, training=True)
            loss = self.loss(labels, logits)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)


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

    def test_rows_are_mixed_with_their_partners(self) -> None:
        """Share by share; without partners they stay as they are."""
        rows = np.array([[1.0, 0.0], [0.0, 4.0]], np.float32)
        extra = {"partners": np.array([1, 0]), "weights": np.array([0.75, 1.0], np.float32)}
        np.testing.assert_array_equal(mixed(rows, extra), [[0.75, 1.0], [0.0, 4.0]])
        assert mixed(rows, {}) is rows


class TestLoss:
    """What a step minimizes, against sums written out."""

    def test_plain_loss_is_cross_entropy(self) -> None:
        """The mean of -log p of the labels."""
        expected = -log_softmax(LOGITS)[[0, 1], LABELS].mean()
        assert float(Loss(TrainSection())(LABELS, LOGITS, {})) == pytest.approx(expected)

    @pytest.mark.parametrize("smoothing", [0.1, 0.5])
    def test_smoothing_spreads_a_share_over_all_labels(self, smoothing: float) -> None:
        """The label keeps the rest and its part of the share."""
        targets = np.full((2, 3), smoothing / 3)
        targets[[0, 1], LABELS] += 1 - smoothing
        np.testing.assert_allclose(smoothed(LABELS, 3, smoothing), targets, rtol=1e-6)
        expected = -(targets * log_softmax(LOGITS)).sum(1).mean()
        loss = Loss(TrainSection(label_smoothing=smoothing))
        assert float(loss(LABELS, LOGITS, {})) == pytest.approx(expected)

    def test_mixed_rows_are_compared_with_mixed_labels(self) -> None:
        """0.6 of the own one, 0.4 of the partner's."""
        extra = {"partners": np.array([1, 0]), "weights": np.array([0.6, 1.0], np.float32)}
        targets = np.array([[0.6, 0.4, 0], [0, 1, 0]])
        expected = -(targets * log_softmax(LOGITS)).sum(1).mean()
        loss = Loss(TrainSection(mixup_alpha=0.4))
        assert float(loss(LABELS, LOGITS, extra)) == pytest.approx(expected)

    @pytest.mark.parametrize("temperature", [1.0, 3.0])
    def test_teacher_is_compared_at_the_temperature(self, temperature: float) -> None:
        """T^2 KL, weighed against the labels' cross entropy."""
        teacher = np.array([[4.0, 1.0, -2.0], [0.0, 5.0, 1.0]], np.float32)
        taught, student = log_softmax(teacher / temperature), log_softmax(LOGITS / temperature)
        kl = (np.exp(taught) * (taught - student)).sum(1).mean()
        hard = -log_softmax(LOGITS)[[0, 1], LABELS].mean()
        loss = Loss(TrainSection(teacher_weight=0.3, teacher_temperature=temperature))
        expected = 0.7 * hard + 0.3 * temperature**2 * kl
        assert float(loss(LABELS, LOGITS, {"teacher": teacher})) == pytest.approx(expected)

    def test_student_that_is_its_teacher_has_no_distance(self) -> None:
        """However sure the two are: a probability of 0 adds nothing."""
        logits = np.array([[200.0, -200.0, 0.0]], np.float32)
        assert float(distillation_loss(tf.nn.softmax(logits), logits, 1.0)) == 0

    def test_teacher_is_mixed_like_the_features(self) -> None:
        """Its probabilities, not its logits."""
        teacher = np.array([[4.0, 1.0, -2.0], [0.0, 5.0, 1.0]], np.float32)
        extra = {
            "partners": np.array([1, 0]),
            "weights": np.array([0.6, 1.0], np.float32),
            "teacher": teacher,
        }
        p = np.exp(log_softmax(teacher))
        taught = np.stack([0.6 * p[0] + 0.4 * p[1], p[1]])
        kl = (taught * (np.log(taught) - log_softmax(LOGITS))).sum(1).mean()
        loss = Loss(TrainSection(teacher_weight=1.0, teacher_temperature=1.0))
        assert float(loss(LABELS, LOGITS, extra)) == pytest.approx(kl, rel=1e-5)


@pytest.fixture(scope="module")
def plain(training: Features, validation: Features) -> str:
    """SHA-256 of the model with no switch on."""
    config = make_config(train=CALM, augment={"time_mask_frames": 2})
    return digest(reports_of(config, training, validation)[0], training)


@pytest.mark.parametrize("train", [*SWITCHES.values(), ALL], ids=[*SWITCHES, "all"])
def test_continued_training_with_switches_ends_in_the_same_bytes(
    plain: str, training: Features, validation: Features, tmp_path: Path, train: dict[str, float]
) -> None:
    """It learns, differs from the plain one, and comes back from a checkpoint."""
    config = make_config(train={**CALM, **train}, augment={"time_mask_frames": 2})
    path = tmp_path / "state.npz"
    whole, seen = reports_of(config, training, validation, save_at=(20, path))
    continued, seen_later = reports_of(config, training, validation, restore=path)
    assert seen[-1]["loss"] < seen[0]["loss"]
    assert seen[-1]["accuracy"] > seen[0]["accuracy"]
    assert all(math.isfinite(value) for metrics in seen for value in metrics.values())
    assert seen_later == seen[2:]
    assert digest(continued, training) == digest(whole, training) != plain


class TestLastStep:
    """Cross-validation: no checkpoint is chosen on the clips that are scored."""

    def test_without_validation_nothing_is_evaluated(self, training: Features) -> None:
        """Reports have what training itself tells."""
        trained, seen = reports_of(make_config(), training, None, keep="last")
        assert [set(metrics) for metrics in seen] == [{"step", "accuracy", "loss"}] * 4
        assert (trained.best_step, trained.val_balanced_accuracy) == (40, None)

    def test_weights_are_those_of_the_last_step(
        self, training: Features, validation: Features, tmp_path: Path
    ) -> None:
        """Whether or not they were evaluated, and from a checkpoint."""
        path = tmp_path / "state.npz"
        blind, _ = reports_of(make_config(), training, None, save_at=(20, path), keep="last")
        seeing, seen = reports_of(make_config(), training, validation, keep="last")
        continued, _ = reports_of(make_config(), training, None, restore=path, keep="last")
        assert digest(blind, training) == digest(seeing, training) == digest(continued, training)
        assert (seeing.best_step, seeing.val_balanced_accuracy) == (
            40,
            seen[-1]["val_balanced_accuracy"],
        )

    def test_best_needs_validation(self, training: Features) -> None:
        """There is nothing to choose it by."""
        with pytest.raises(ValueError, match="validation must be given where keep='best'"):
            reports_of(make_config(), training, None)
