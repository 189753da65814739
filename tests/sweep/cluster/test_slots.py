"""How many trials run at once."""

import pytest

from sprd.sweep.cluster.slots import n_slots
from tests.builders import make_sweep


@pytest.mark.parametrize(
    ("cpus", "gpus", "nodes", "expected"),
    [
        (1, 0.0, [{"CPU": 2.0}], 2),
        (2, 0.0, [{"CPU": 3.0}, {"CPU": 5.0}], 3),
        (1, 0.25, [{"CPU": 16.0, "GPU": 2.0}], 8),
        (1, 0.3, [{"CPU": 16.0, "GPU": 2.0}], 6),  # three on each: a share is of one GPU
        (1, 1.0, [{"CPU": 2.0, "GPU": 8.0}, {"CPU": 16.0}], 2),
        (4, 0.0, [{"CPU": 3.0}], 0),
        (1, 0.5, [{"CPU": 3.0}], 0),
    ],
)
def test_slots_are_what_cpus_and_gpus_hold_together(
    cpus: int, gpus: float, nodes: list[dict[str, float]], expected: int
) -> None:
    """Node by node: a trial is on one."""
    sweep = make_sweep(sweep=f"cpus_per_trial = {cpus}\ngpus_per_trial = {gpus}")
    assert n_slots(sweep, nodes) == expected


def test_gpu_holds_as_many_equal_shares_as_were_asked_for() -> None:
    """1 / (1 / 93) is 92.99999999999999: rounding loses no slot."""
    node = {"CPU": 200.0, "GPU": 1.0}
    found = {
        n: n_slots(make_sweep(sweep=f"cpus_per_trial = 1\ngpus_per_trial = {1 / n!r}"), [node])
        for n in range(1, 129)
    }
    assert found == {n: n for n in range(1, 129)}


def test_share_that_is_a_little_too_large_costs_a_slot() -> None:
    """Three trials with 0.3334 of a GPU each do not fit on one."""
    sweep = make_sweep(sweep="cpus_per_trial = 1\ngpus_per_trial = 0.3334")
    assert n_slots(sweep, [{"CPU": 8.0, "GPU": 1.0}]) == 2
