"""Thresholds that are chosen from counts, and what they let through in speech that nobody saw."""

import numpy as np
import pytest

from sprd.listening.choose import (
    Limited,
    choose_level,
    choose_offsets,
    from_above,
    lowest_level,
    mean_recall,
    path_of,
)

FALSE = np.array([9.0, 5, 3, 2, 1, 0])


def test_path_adds_thresholds_that_lie_apart() -> None:
    """Beyond the ends of the grid a threshold stays at its end."""
    table = np.array([[10.0, 1], [20, 2], [30, 3]])
    assert path_of(table, (0, 0)).tolist() == [11, 22, 33]
    assert path_of(table, (0, 1)).tolist() == [12, 23, 33]
    assert path_of(table, (0, -2)).tolist() == [11, 21, 31]


def test_lower_level_is_no_better_than_one_above_it() -> None:
    """Where labels hold each other back, fewer false accepts may be below more."""
    false = np.array([4.0, 1, 3, 0])
    assert from_above(false).tolist() == [4, 3, 3, 0]
    assert [lowest_level(false, n) for n in (4, 3, 1, 0, -1)] == [0, 1, 3, 3, 3]


def test_recall_is_compared_at_rates_above_the_limit() -> None:
    """From it to 4 times it: here from one to four false accepts."""
    hits = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.0])
    at_each = [0.5, 0.5, 0.5, 0.5, 0.6, 0.6, 0.7, 0.7]  # 1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 4
    assert mean_recall([Limited(FALSE, 1.0)], hits) == pytest.approx(np.mean(at_each))


@pytest.mark.parametrize(
    ("hours", "level"),
    [(3.0, 3), (2.0, 4), (2.5, 4), (1.0, 5), (0.2, 5), (20.0, 0)],
)
def test_level_reckons_with_one_more(hours: float, level: int) -> None:
    """Of 1 an hour in three hours two are left; half an event asks for the level in between."""
    assert choose_level([Limited(FALSE, hours)]) == level


def test_level_lies_between_those_of_whole_numbers() -> None:
    """Of a fine grid as far along as the hours ask for."""
    false = np.repeat(FALSE, 10)
    levels = [choose_level([Limited(false, allowed)]) for allowed in (2.0, 2.5, 2.9, 3.0)]
    assert levels == [40, 35, 31, 30]


def test_keyword_gets_the_threshold_that_pays() -> None:
    """The second has its false accepts further up; alike ones stay together."""
    heights = np.arange(60)[:, None]
    easy, hard = np.exp(-heights / 6), np.exp(-(heights - 12) / 6)
    hits = np.tile(0.5 * (1 - heights / 60), 2)
    apart = [Limited(np.hstack([easy, hard]) * 20, 10.0)]
    offsets, recall = choose_offsets(apart, hits)
    assert offsets[0] == 0 and 4 <= offsets[1] <= 16
    alike, _ = choose_offsets([Limited(np.hstack([easy, easy]) * 20, 10.0)], hits)
    assert abs(alike[1]) <= 1
    assert recall > mean_recall([one.along((0, 0)) for one in apart], path_of(hits, (0, 0)))


def test_every_material_keeps_to_its_own_limit() -> None:
    """The one that allows less decides, of the level as of the recall."""
    speech, words = Limited(FALSE, 5.0), Limited(FALSE * 10, 21.0)
    assert choose_level([speech]) == 2  # four are left
    assert choose_level([words]) == choose_level([speech, words]) == 3  # twenty are
    hits = np.linspace(0.9, 0.4, 6)
    strict, loose = Limited(FALSE, 0.5), Limited(FALSE, 50.0)
    assert mean_recall([strict, loose], hits) == mean_recall([strict], hits)


@pytest.mark.parametrize("hours", [1.0, 2.1, 6.0])
def test_unseen_speech_keeps_to_the_limit(hours: float) -> None:
    """Of 150 samples of Poisson events the mean rate at what is chosen is about the one asked for.

    Without the one more that is reckoned with it would be half as much again in two hours.
    """
    rng = np.random.default_rng(0)
    levels = np.arange(300)
    rates = np.stack([12 * np.exp(-levels / 40), 20 * np.exp(-levels / 30)], 1)  # an hour
    hits = np.stack([0.5 - levels / 600, 0.5 - levels / 700], 1)
    found = []
    for _ in range(150):
        heights = [
            rng.exponential(scale, rng.poisson(rate * hours))
            for rate, scale in ((12, 40.0), (20, 30.0))
        ]
        false = np.stack([(h[:, None] > levels).sum(0) for h in heights], 1).astype(float)
        offsets, _ = choose_offsets([Limited(false[::3], hours)], hits[::3])
        steps = [3 * offset for offset in offsets]
        level = choose_level([Limited(false, hours).along(steps)])
        found.append(path_of(rates, steps)[level])
    assert 0.7 < np.mean(found) < 1.2
