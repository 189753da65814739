"""What a budget limits: what a model takes, and what it must score."""

import json
from dataclasses import fields

import pytest
from pydantic import ValidationError

from sprd.config.budget import Budget
from sprd.config.limits import LEAST_KEYS, LIMITED_KEYS, MOST_KEYS, Limit, at_most
from sprd.device.board import load_board
from sprd.device.footprint import Footprint


def test_limits_are_the_budgets_own_else_the_boards() -> None:
    """A board limits flash and RAM unless the budget does; the accuracy drop is no such limit."""
    nano = load_board("arduino_nano_33_ble")
    assert Budget().limits == ()
    assert Budget(board=nano).limits == at_most({"flash_bytes": 2**20, "ram_bytes": 2**18})
    budget = Budget(board=nano, ram_bytes=65_536, latency_ms=50.0)
    expected = {"flash_bytes": 2**20, "ram_bytes": 65_536, "latency_ms": 50.0}
    assert budget.limits == at_most(expected)


def test_limits_of_scores_stand_behind_those_of_the_footprint() -> None:
    """The drop is limited unless it is unset; false accepts only where they are."""
    assert Budget().score_limits == at_most({"accuracy_drop": 0.02})
    budget = Budget(max_accuracy_drop=None, max_false_accept_rate=0.1, macs=5)
    assert budget.score_limits == at_most({"false_accept_rate": 0.1})
    assert budget.all_limits == at_most({"macs": 5, "false_accept_rate": 0.1})


def test_scores_on_streams_have_lower_and_upper_limits() -> None:
    """Recall is to be reached; false accepts and delay are not to be exceeded."""
    budget = Budget(
        max_accuracy_drop=None, min_recall_streaming_10db=0.5, max_false_accepts_per_hour=2.0
    )
    most = Limit("false_accepts_per_hour", 2.0)
    assert budget.score_limits == (most, Limit("recall_streaming_10db", 0.5, is_minimum=True))
    assert budget.score_limits == budget.stream_limits


def test_build_is_part_of_the_board_alone() -> None:
    """In a configuration there is one place that tells it, so that no two can disagree."""
    budget = Budget(board=load_board("arduino_nano_33_ble", "head-Os"))
    told = budget.model_dump_json()
    assert "build" not in json.loads(told)
    back = Budget.model_validate_json(told)
    assert back == budget
    assert back.board is not None and back.board.build.name == "head-Os"
    with pytest.raises(ValidationError, match="told by the board"):
        Budget.model_validate_json('{"build": "head-Os"}')


def test_every_limit_of_the_budget_is_a_limited_key() -> None:
    """No limit of a sweep file is forgotten, and each is a number of a footprint."""
    assert set(LIMITED_KEYS) == set(Budget.model_fields) - {
        "board",
        "build",
        *(f"max_{key}" for key in MOST_KEYS),
        *(f"min_{key}" for key in LEAST_KEYS),
        "max_accuracy_drop",
        "max_false_accept_rate",
        "inference_interval_ms",
        "verify",
    }
    assert set(LIMITED_KEYS) <= {field.name for field in fields(Footprint)}
