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
def test_slots_are_what_cpus_and_gpus_hold_together(cpus, gpus, nodes, expected):
    """Node by node: a trial is on one."""
    sweep = make_sweep(sweep=f"cpus_per_trial = {cpus}\ngpus_per_trial = {gpus}")
    assert n_slots(sweep, nodes) == expected
