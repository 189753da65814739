"""Points as vectors: what computes alike lies close together."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sprd.config.params import Scalar
from sprd.sweep.search.encoding import Encoder
from sprd.sweep.search.sampler import Sampler
from tests.builders import make_sweep

Point = Mapping[str, Scalar]

SPACE = """
"model.architecture" = ["tiny_conv", "ds_cnn", "temporal_conv"]
"model.filters" = { low = 4, high = 36 }
"model.layer_filters" = ["8-8", "16-16-24", "16-16-24-32"]
"features.frame" = ["30/20x40", "40/40x20"]
"features.enable_pcan" = [true, false]
"train.batch_size" = [16, 32, 256]
"train.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"train.momentum" = [0.3, 0.4]
"""


def encoder_of(space: str) -> Encoder:
    """An encoder of a space."""
    return Encoder(make_sweep(space).space)


def one(encoder: Encoder, **point: Any) -> NDArray[np.float64]:
    """The features of a point; `_` for "." in its names."""
    (features,) = encoder.encode([{name.replace("_", ".", 1): v for name, v in point.items()}])
    return features


def test_features_of_every_point_are_as_many_and_in_0_to_1() -> None:
    """Whatever exists at a point."""
    sweep = make_sweep(SPACE, 'sampler = "random"')
    sampler = Sampler(sweep)
    points: list[Point] = [sampler.ask(number) for number in range(60)]
    features = Encoder(sweep.space).encode(points)
    assert features.shape[0] == 60
    assert len({frozenset(point) for point in points}) == 2
    assert np.isfinite(features).all()
    assert features.min() >= 0.0 and features.max() <= 1.0


def test_points_that_differ_have_features_that_differ() -> None:
    """No two points of a small space are one to the surrogate."""
    space = '"model.kernel" = ["4x8", "8x4", "8x8"]\n"model.filters" = [4, 8]'
    kernels = ("4x8", "8x4", "8x8")
    points: list[Point] = [{"model.kernel": k, "model.filters": f} for k in kernels for f in (4, 8)]
    features = encoder_of(space).encode(points)
    assert len(np.unique(features, axis=0)) == 6


def test_range_runs_from_0_to_1() -> None:
    """In the middle where the value lies in the middle; by logarithm where it is drawn so."""
    plain = encoder_of('"model.filters" = { low = 4, high = 36 }')
    found = [float(one(plain, model_filters=n)[0]) for n in (4, 20, 36)]
    assert found == [0.0, 0.5, 1.0]
    by_log = encoder_of('"train.learning_rate" = { low = 1e-4, high = 1e-2, log = true }')
    found = [float(one(by_log, train_learning_rate=rate)[0]) for rate in (1e-4, 1e-3, 1e-2)]
    assert found == pytest.approx([0.0, 0.5, 1.0])


def test_list_of_numbers_that_grow_by_factors_is_taken_by_logarithm() -> None:
    """From a factor of 4 on; 0.3, 0.4 and 0.5 are taken as they are, and so is what has a 0."""
    factors = encoder_of('"train.batch_size" = [256, 16, 64]')
    found = [float(one(factors, train_batch_size=n)[0]) for n in (16, 64, 256)]
    assert found == pytest.approx([0.0, 0.5, 1.0])
    plain = encoder_of('"train.momentum" = [0.3, 0.4, 0.5]')
    assert float(one(plain, train_momentum=0.4)[0]) == pytest.approx(0.5)
    at_the_edge = encoder_of('"train.batch_size" = [16, 32, 64]')
    assert float(one(at_the_edge, train_batch_size=32)[0]) == pytest.approx(0.5)
    below = encoder_of('"train.batch_size" = [16, 32, 63]')
    assert float(one(below, train_batch_size=32)[0]) == pytest.approx(16 / 47)
    with_zero = encoder_of('"train.momentum" = [0.0, 0.1, 0.4]')
    assert float(one(with_zero, train_momentum=0.1)[0]) == pytest.approx(0.25)


def test_lists_of_layers_that_are_alike_lie_close() -> None:
    """Three layers and four with the same filters, against two small ones."""
    encoder = encoder_of(
        '"model.architecture" = ["temporal_conv"]\n'
        '"model.layer_filters" = ["8-8", "16-16-24", "16-16-24-32"]'
    )
    small, three, four = (
        one(encoder, model_architecture="temporal_conv", model_layer_filters=layers)
        for layers in ("8-8", "16-16-24", "16-16-24-32")
    )
    assert np.linalg.norm(three - four) < np.linalg.norm(small - four)


def test_words_without_numbers_are_equally_far() -> None:
    """Nothing says that one architecture is between two others."""
    encoder = encoder_of('"train.optimizer" = ["adam", "momentum", "gradient_descent"]')
    first, second, third = (
        one(encoder, train_optimizer=name) for name in ("adam", "momentum", "gradient_descent")
    )
    distances = [np.linalg.norm(a - b) for a, b in ((first, second), (second, third))]
    assert distances[0] == pytest.approx(distances[1])


def test_dimension_of_one_value_tells_nothing() -> None:
    """It is in the middle, and divides nothing by 0."""
    encoder = encoder_of('"model.filters" = { low = 8, high = 8 }\n"train.momentum" = [0.5]')
    assert one(encoder, model_filters=8, train_momentum=0.5).tolist() == [0.5, 0.5]


def test_what_does_not_exist_is_in_the_middle() -> None:
    """As far from each end."""
    encoder = encoder_of('"model.filters" = { low = 4, high = 36 }')
    assert one(encoder).tolist() == [0.5]
