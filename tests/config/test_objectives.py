"""What decides: names of numbers and the direction in which each is to go."""

from typing import Any

import pytest

from sprd.config.numbers import KEYS
from sprd.config.objectives import Objective, natural, parse_objective, parse_objectives


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("balanced_accuracy", Objective("balanced_accuracy", True)),
        ("false_accept_rate", Objective("false_accept_rate", False)),
        ("flash_bytes", Objective("flash_bytes", False)),
        ("min flash_bytes", Objective("flash_bytes", False)),
        ("max  macs", Objective("macs", True)),
    ],
)
def test_direction_is_the_natural_one_unless_it_is_said(text: Any, expected: Any) -> None:
    """More of an accuracy is better, less of an error or a cost."""
    assert parse_objective(text) == expected
    assert parse_objective(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "min", "latency", "less macs", "min max macs", "MACS"])
def test_unknown_metric_is_refused_with_its_name(text: Any) -> None:
    """A direction alone is no metric, and there are but two directions."""
    with pytest.raises(ValueError, match=r"^unknown metric '.*'\. .*Known: accuracy, arena_bytes"):
        parse_objective(text)


@pytest.mark.parametrize("key", KEYS)
def test_gain_grows_where_the_number_gets_better(key: Any) -> None:
    """Whatever the direction, more gain is better."""
    objective = natural(key)
    better, worse = (2.0, 1.0) if "accuracy" in key or "recall" in key else (1.0, 2.0)
    assert objective.gain(better) > objective.gain(worse)
    against = Objective(key, not objective.maximize)
    assert against.gain(better) < against.gain(worse)


def test_order_of_the_objectives_is_kept() -> None:
    """The first one is the most important."""
    found = parse_objectives(["flash_bytes", "max accuracy", "latency_ms"])
    assert [str(one) for one in found] == ["min flash_bytes", "max accuracy", "min latency_ms"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "must name at least one metric, got []. Name balanced_accuracy, say."),
        (["macs", "min macs"], "must differ, got 'macs' twice. Remove one."),
        (
            ["macs", "max macs"],
            "must not contradict each other, got 'min macs' and 'max macs'. Remove one.",
        ),
    ],
)
def test_lists_that_make_no_sense_are_refused(texts: Any, message: Any) -> None:
    """None, one twice, one in both directions."""
    with pytest.raises(ValueError) as caught:
        parse_objectives(texts)
    assert str(caught.value) == message
