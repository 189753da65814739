"""What a trial's scores may not break."""

import pytest

from sprd.config import Budget
from sprd.sweep.budget import score_violations


@pytest.mark.parametrize(
    ("drop", "false_accepts", "broken"),
    [
        (0.02, 0.06, []),
        (0.03, 0.06, ["accuracy_drop"]),
        (0.02, 0.07, ["false_accept_rate"]),
        (0.03, 0.07, ["accuracy_drop", "false_accept_rate"]),
        (-0.01, 0.0, []),
    ],
)
def test_scores_are_held_against_the_budget(
    drop: float, false_accepts: float, broken: list[str]
) -> None:
    """A trained trial breaks the budget by too great a drop, or too many false accepts."""
    budget = Budget(max_accuracy_drop=0.02, max_false_accept_rate=0.06)
    assert [v.key for v in score_violations(budget, drop, false_accepts)] == broken


def test_limits_that_are_unset_hold_nothing_back() -> None:
    """Without a limit any drop and any share of false accepts passes."""
    budget = Budget(max_accuracy_drop=None, max_false_accept_rate=None)
    assert score_violations(budget, 1.0, 1.0) == ()
