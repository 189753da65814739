"""Which trial of a run is taken by one number."""

from typing import Any

import pytest

from sprd.config.limits import LEAST_KEYS, LIMITED_KEYS, MOST_KEYS, Limit, Violation, at_most
from sprd.config.numbers import KEYS
from sprd.config.objectives import natural
from sprd.errors import BudgetError, ConfigError
from sprd.sweep.rows.pick import pick_row
from tests.builders import make_row


def heard(score: float) -> dict[str, float]:
    """What a model with such a score reaches on streams."""
    return {key: score for key in LEAST_KEYS} | {key: 1 - score for key in MOST_KEYS}


ROWS = [
    make_row(0, score=0.90, metrics=heard(0.90), footprint={key: 30 for key in LIMITED_KEYS}),
    make_row(1, score=0.95, metrics=heard(0.95), footprint={key: 50 for key in LIMITED_KEYS}),
    make_row(2, score=0.80, metrics=heard(0.80), footprint={key: 10 for key in LIMITED_KEYS}),
    make_row(
        3,
        score=0.99,
        metrics=heard(0.99),
        footprint={key: 1 for key in LIMITED_KEYS},
        violations=(Violation("macs", 2, 1),),
    ),
    make_row(4, "stopped", score=0.99, footprint={key: 1 for key in LIMITED_KEYS}),
]


def at_least(share: float) -> Limit:
    """The least balanced accuracy that will do."""
    return Limit("balanced_accuracy", share, is_minimum=True)


UNKNOWN = make_row(5, score=0.97, footprint={key: None for key in LIMITED_KEYS})


@pytest.mark.parametrize("key", KEYS)
def test_best_by_each_key(key: str) -> None:
    """Less of a size or of an error, more of an accuracy; what breaks the budget never."""
    expected = 2 if key in LIMITED_KEYS else 1
    assert pick_row(ROWS, key, ()).number == expected


def test_every_number_has_a_direction() -> None:
    """Scores that are not errors are the only ones of which more is better."""
    large = {key for key in KEYS if natural(key).maximize}
    on_streams = {"recall_streaming", "recall_streaming_20db", "recall_streaming_10db"}
    assert large == {"balanced_accuracy", "accuracy", "worst_tenth_recall", *on_streams}


def test_of_equals_the_more_accurate_and_then_the_first() -> None:
    """Sizes tie often."""
    rows = [make_row(0, score=0.8), make_row(1, score=0.9), make_row(2, score=0.9)]
    assert pick_row(rows, "ram_bytes", ()).number == 1


def test_limits_given_now_hold_beside_the_budget() -> None:
    """A value at its limit fits."""
    assert pick_row(ROWS, "balanced_accuracy", at_most({"ram_bytes": 30})).number == 0
    assert pick_row(ROWS, "balanced_accuracy", at_most({"ram_bytes": 30, "macs": 29})).number == 2
    assert pick_row(ROWS, "ram_bytes", (at_least(0.9),)).number == 0


def test_unknown_size_fits_no_limit() -> None:
    """None is "unknown", never "nothing"."""
    assert pick_row([*ROWS, UNKNOWN], "balanced_accuracy", ()).number == 5
    limits = at_most({"flash_bytes": 10**9})
    assert pick_row([*ROWS, UNKNOWN], "balanced_accuracy", limits).number == 1


def test_unknown_size_is_never_the_smallest() -> None:
    """Nor is it taken when no trial has that number."""
    assert pick_row([*ROWS, UNKNOWN], "latency_ms", ()).number == 2
    with pytest.raises(BudgetError) as caught:
        pick_row([UNKNOWN], "latency_ms", ())
    assert str(caught.value) == (
        "No trial is within the budget: 0 of 1 eligible; best latency_ms of all: unknown."
        " Loosen a limit, or run more trials."
    )


@pytest.mark.parametrize(
    ("by", "limits", "message"),
    [
        (
            "ram_bytes",
            at_most({"ram_bytes": 9, "model_bytes": 1_000_000}),
            "No trial is within ram_bytes <= 9 B, model_bytes <= 1,000,000 B: 0 of 3 eligible;"
            " best ram_bytes of all: 10 B.",
        ),
        (
            "balanced_accuracy",
            (at_least(0.96),),
            "No trial is within balanced_accuracy >= 0.96: 0 of 3 eligible;"
            " best balanced_accuracy of all: 0.950.",
        ),
        (
            "false_accept_rate",
            (*at_most({"macs": 5}), at_least(0.5)),
            "No trial is within macs <= 5, balanced_accuracy >= 0.50: 0 of 3 eligible;"
            " best false_accept_rate of all: 0.050.",
        ),
    ],
)
def test_no_trial_within_limits_names_the_nearest(
    by: str, limits: tuple[Any, ...], message: str
) -> None:
    """Exit code 3, and what could be had."""
    with pytest.raises(BudgetError) as caught:
        pick_row(ROWS, by, limits)
    assert str(caught.value) == f"{message} Loosen a limit, or run more trials."
    assert caught.value.exit_code == 3


def test_run_without_an_eligible_trial_is_told() -> None:
    """Nothing to choose from."""
    with pytest.raises(BudgetError, match=r"within the budget: 0 of 0 eligible\. Loosen"):
        pick_row(ROWS[3:], "ram_bytes", ())


def test_unknown_key_suggests_the_nearest() -> None:
    """Exit code 2."""
    with pytest.raises(ConfigError) as caught:
        pick_row(ROWS, "ram_byte", ())
    expected = "--by: unknown key 'ram_byte'. Did you mean 'ram_bytes'? Known: accuracy, arena_"
    assert expected == str(caught.value)[: len(expected)]
