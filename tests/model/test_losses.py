"""What a step minimizes, against sums written out."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from sprd.config.trial import TrainSection
from sprd.model.losses import Loss, distillation_loss, mixed, smoothed

pytestmark = pytest.mark.usefixtures("one_thread")

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 3.0]], np.float32)
LABELS = np.array([0, 1], np.int32)


def log_softmax(logits: NDArray[np.float32]) -> np.ndarray:
    """In float64."""
    logits = np.asarray(logits, np.float64)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


class TestLoss:
    """What a step minimizes, against sums written out."""

    def test_plain_loss_is_cross_entropy(self) -> None:
        """The mean of -log p of the labels."""
        expected = -log_softmax(LOGITS)[[0, 1], LABELS].mean()
        assert float(Loss(TrainSection())(LABELS, LOGITS, {})) == pytest.approx(expected)

    def test_keywords_are_learnt_with_lower_logits(self) -> None:
        """By the offset, and what is no keyword is not: the model's own come out higher."""
        expected = -log_softmax(LOGITS - np.array([0, 0, 1.5], np.float32))[[0, 1], LABELS].mean()
        loss = Loss(TrainSection(keyword_offset=1.5))
        assert float(loss(LABELS, LOGITS, {})) == pytest.approx(expected)

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

    def test_rows_are_mixed_with_their_partners(self) -> None:
        """Share by share; without partners they stay as they are."""
        rows = np.array([[1.0, 0.0], [0.0, 4.0]], np.float32)
        extra = {"partners": np.array([1, 0]), "weights": np.array([0.75, 1.0], np.float32)}
        np.testing.assert_array_equal(mixed(rows, extra), [[0.75, 1.0], [0.0, 4.0]])
        assert mixed(rows, {}) is rows
