"""Labels and logits in, the loss of a step out: hard, smoothed, mixed or taught.

With no switch on it is the plain cross entropy, and the compiled step holds nothing else.
"""

from collections.abc import Mapping

import keras
import tensorflow as tf

from sprd.config.labels import NOT_KEYWORDS
from sprd.config.trial import TrainSection

Extra = Mapping[str, tf.Tensor]
"""One step of `sprd.model.batches.Extra`."""


class Loss:
    """The loss that a configuration asks for."""

    def __init__(self, train: TrainSection) -> None:
        self._train = train
        self._plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def __call__(self, labels: tf.Tensor, logits: tf.Tensor, extra: Extra) -> tf.Tensor:
        """Returns the mean loss of (size,) labels, (size, n_labels) logits.

        Keywords are learnt with logits that are lower by the offset, so the model's own are higher.
        Source: logit adjustment, Menon et al., arXiv:2007.07314.
        """
        if self._train.keyword_offset:
            n_others = len(NOT_KEYWORDS)
            offsets = [0.0] * n_others + [self._train.keyword_offset] * (logits.shape[1] - n_others)
            logits = logits - tf.constant(offsets)
        if not extra and not self._train.label_smoothing:
            return self._plain(labels, logits)
        targets = mixed(smoothed(labels, logits.shape[1], self._train.label_smoothing), extra)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        if "teacher" not in extra:
            return loss
        weight, temperature = self._train.teacher_weight, self._train.teacher_temperature
        taught = mixed(tf.nn.softmax(extra["teacher"] / temperature), extra)
        return (1 - weight) * loss + weight * distillation_loss(taught, logits, temperature)


def smoothed(labels: tf.Tensor, n_labels: int, smoothing: float) -> tf.Tensor:
    """Returns (size, n_labels) targets: 1 - smoothing on the label, the rest on all alike."""
    return tf.one_hot(labels, n_labels) * (1 - smoothing) + smoothing / n_labels


def mixed(rows: tf.Tensor, extra: Extra) -> tf.Tensor:
    """Mixes (size, n) rows with their partners, or returns them if there are none."""
    if "partners" not in extra:
        return rows
    share = extra["weights"][:, None]
    return share * rows + (1 - share) * tf.gather(rows, extra["partners"])


def distillation_loss(taught: tf.Tensor, logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Returns T^2 KL(teacher || student at temperature T), the mean of the rows.

    Source: Hinton et al., arXiv:1503.02531: T^2 keeps the gradients as large as those of labels.
    """
    student = tf.nn.log_softmax(logits / temperature)
    kl = tf.math.xlogy(taught, taught) - taught * student
    return temperature**2 * tf.reduce_mean(tf.reduce_sum(kl, 1))
