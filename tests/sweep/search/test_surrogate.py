"""The Gaussian process: what it knows, what it guesses, and how sure it is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sprd.sweep.search.surrogate import GaussianProcess, matern_5_2


def wave(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth function of the first feature; the second does not matter."""
    return np.sin(4 * x[:, 0])


@pytest.fixture
def known() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Twenty points and the function there."""
    x = np.random.default_rng(0).random((20, 2))
    return x, wave(x)


def test_exact_data_are_interpolated(
    known: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """At the points themselves the guess is what was seen, and sure."""
    x, y = known
    mean, deviation = GaussianProcess(x, y, seed=0, is_exact=True).predict(x)
    assert mean == pytest.approx(y, abs=0.02)
    assert deviation.max() < 0.05 * y.std()


def test_function_is_guessed_between_the_points(
    known: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Better than by the mean, by far."""
    x, y = known
    at = np.random.default_rng(1).random((200, 2))
    mean, _ = GaussianProcess(x, y, seed=0, is_exact=True).predict(at)
    assert np.sqrt(np.mean((mean - wave(at)) ** 2)) < 0.2 * wave(at).std()


def test_feature_that_does_not_matter_is_found_out(
    known: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Its length becomes long."""
    process = GaussianProcess(*known, seed=0, is_exact=True)
    assert process.lengths[1] > 2 * process.lengths[0]


def test_uncertainty_grows_away_from_the_data() -> None:
    """Up to that of something of which nothing is known."""
    x = np.linspace(0, 0.4, 8)[:, None]
    process = GaussianProcess(x, wave(x), seed=0, is_exact=True)
    _, deviation = process.predict(np.array([[0.2], [0.6], [1.0], [3.0]]))
    assert (np.diff(deviation) > 0).all()
    _, far = process.predict(np.array([[100.0]]))
    assert far[0] == pytest.approx(wave(x).std(), rel=1e-6)


def test_noise_is_not_followed() -> None:
    """The same place seen twenty times: the guess is nearer to the truth than one sight is."""
    rng = np.random.default_rng(3)
    x = np.repeat(np.linspace(0, 1, 3), 20)[:, None]
    y = x[:, 0] + rng.normal(0, 0.2, len(x))
    mean, _ = GaussianProcess(x, y, seed=0).predict(np.array([[0.0], [0.5], [1.0]]))
    assert mean == pytest.approx([0.0, 0.5, 1.0], abs=0.12)


def test_same_seed_same_guess(known: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    """Bit by bit: a resumed search asks what the undisturbed one would have asked."""
    at = np.random.default_rng(1).random((5, 2))
    guesses = [GaussianProcess(*known, seed=7).predict(at) for _ in range(2)]
    for first, second in zip(*guesses, strict=True):
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("value", [0.0, 0.1, 0.7, -3e5])
@pytest.mark.parametrize("is_exact", [True, False])
def test_constant_stays_constant(value: float, is_exact: bool) -> None:
    """0.1 + 0.1 + 0.1 is not quite 3 x 0.1: rounding is no signal."""
    x = np.random.default_rng(0).random((7, 2))
    process = GaussianProcess(x, np.full(7, value), seed=0, is_exact=is_exact)
    mean, deviation = process.predict(np.random.default_rng(1).random((5, 2)))
    assert mean == pytest.approx(np.full(5, value), abs=1e-9)
    assert np.isfinite(deviation).all() and (deviation > 1e-6).all()


@pytest.mark.parametrize("is_exact", [True, False])
def test_two_points_are_enough(is_exact: bool) -> None:
    """The guess at one of them leans to what was seen there."""
    x, y = np.array([[0.0], [1.0]]), np.array([2.0, 4.0])
    mean, deviation = GaussianProcess(x, y, seed=0, is_exact=is_exact).predict(x)
    assert mean[0] < 3 < mean[1]
    assert np.isfinite(deviation).all()


@pytest.mark.parametrize("is_exact", [True, False])
def test_duplicates_do_not_make_it_fail(is_exact: bool) -> None:
    """Points that compute alike, with values that agree or do not."""
    x = np.repeat(np.random.default_rng(0).random((3, 2)), 4, axis=0)
    y = np.repeat([1.0, 2.0, 3.0], 4)
    y[::4] += 0.1
    mean, deviation = GaussianProcess(x, y, seed=0, is_exact=is_exact).predict(x[::4])
    assert np.isfinite(mean).all() and np.isfinite(deviation).all()
    assert mean[0] < mean[1] < mean[2]


def test_points_without_features_are_guessed_as_their_mean() -> None:
    """A space of one-valued dimensions."""
    process = GaussianProcess(np.full((4, 1), 0.5), np.array([1.0, 2.0, 3.0, 4.0]), seed=0)
    mean, _ = process.predict(np.array([[0.5]]))
    assert mean == pytest.approx([2.5], abs=1e-6)


def test_extended_knows_more_and_leaves_the_old_one_as_it_was(
    known: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """What runs counts as if it had come out as guessed: less is to be learned there."""
    process = GaussianProcess(*known, seed=0)
    at = np.array([[1.5, 0.5], [0.2, 0.2]])
    mean, deviation = process.predict(at)
    more = process.extended(at[:1], mean[:1])
    later, surer = more.predict(at)
    assert later == pytest.approx(mean, abs=0.05)
    assert surer[0] < 0.7 * deviation[0]
    again, as_before = process.predict(at)
    assert again.tolist() == mean.tolist() and as_before.tolist() == deviation.tolist()


@pytest.mark.parametrize(
    ("distance", "value"),
    [
        (0.0, 1.0),
        (0.25, 0.950959921678632923),
        (0.5, 0.828649142418125313),
        (1.0, 0.523994108831820311),
        (2.0, 0.138660219138504277),
        (4.0, 0.004777084546698494),
    ],
)
def test_kernel_is_matern_5_2(distance: float, value: float) -> None:
    """(1 + s + s^2 / 3) exp(-s), s = sqrt(5) d, worked out in 40 digits; in two features too."""
    at = np.array([[distance]])
    assert matern_5_2(np.zeros((1, 1)), at, np.ones(1)) == pytest.approx(value, abs=1e-13)
    assert matern_5_2(np.zeros((1, 1)), 3 * at, np.array([3.0])) == pytest.approx(value, abs=1e-13)
    slanted = np.array([[0.6 * distance, 8 * distance]])
    found = matern_5_2(np.zeros((1, 2)), slanted, np.array([1.0, 10.0]))
    assert found == pytest.approx(value, abs=1e-13)


def test_likelihood_prior_and_guess_of_two_points_by_hand() -> None:
    """2 at 0 and 4 at 1: standardised -1 and 1, which is an eigenvector of their covariance.

    With length 2 the kernel between them is k = 0.8286...; with noise 0.1 the diagonal is a = 1.1.
    The likelihood is -1 / (a - k) - log(a^2 - k^2) / 2, the prior -(log 2)^2 / (2 * 1.5^2).
    """
    process = GaussianProcess(np.array([[0.0], [1.0]]), np.array([2.0, 4.0]), seed=0)
    found = process.condition(np.array([2.0]), 0.1)
    assert found == pytest.approx(-3.468271498535720954, abs=1e-12)
    mean, deviation = process.predict(np.array([[0.0], [0.5]]))
    k, a = 0.828649142418125313, 1.1 + 1e-8
    assert mean == pytest.approx([3 - (1 - k) / (a - k), 3.0], abs=1e-12)
    variance = 1 - (a - 2 * k * k + a * k * k) / (a * a - k * k)
    assert deviation[0] == pytest.approx(variance**0.5, abs=1e-12)
