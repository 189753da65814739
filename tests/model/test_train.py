"""A training is a pure function of its configuration and its clips, however often interrupted."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sprd.audio.store import Features
from sprd.config.trial import TrainSection
from sprd.errors import TrainingError
from sprd.model import train as room
from sprd.model.train import Trained, predict
from tests.model.trainings import ALL, CALM, SWITCHES, digest, make_config, reports_of

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def undisturbed(training: Features, validation: Features) -> tuple[Trained, list[dict[str, float]]]:
    """The result of one training and what it reported."""
    return reports_of(make_config(), training, validation)


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


def test_defaults_are_off() -> None:
    """Of the section as a file without these keys gives it."""
    train = TrainSection()
    assert (train.label_smoothing, train.mixup_alpha, train.teacher_weight) == (0, 0, 0)
    assert (train.average_decay, train.keyword_offset) == (0, 0)


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

    def test_average_is_kept_without_validation(
        self, training: Features, validation: Features
    ) -> None:
        """Whether or not it was evaluated, the weights are the averaged ones."""
        config = make_config(train={"average_decay": 0.9})
        blind, _ = reports_of(config, training, None, keep="last")
        seeing, _ = reports_of(config, training, validation, keep="last")
        plain, _ = reports_of(make_config(), training, None, keep="last")
        assert digest(blind, training) == digest(seeing, training) != digest(plain, training)

    def test_best_needs_validation(self, training: Features) -> None:
        """There is nothing to choose it by."""
        with pytest.raises(ValueError, match="validation must be given where keep='best'"):
            reports_of(make_config(), training, None)
