"""Each name of costs has tables for every kernel; those of cmake-O2 are what they always were."""

import hashlib

import pytest

from sprd.device.board import board_names, load_board
from sprd.device.costs import DATA, costs, names

CMAKE_O2 = {
    "instructions.toml": "8ac26dc23f6267d7",
    "cores.toml": "b01b33914356de5f",
}


@pytest.mark.parametrize("name", CMAKE_O2)
def test_what_old_numbers_were_made_of_is_there_to_the_byte(name: str) -> None:
    """A sweep file without `defaults = 2` and an old bundle count with these tables."""
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest()[:16] == CMAKE_O2[name]


@pytest.mark.parametrize("name", names())
def test_every_table_knows_the_same_loops(name: str) -> None:
    """A kernel that is counted is weighed too, loop by loop; no cost is below 0."""
    found = costs(name)
    for table in (found.instructions, found.weighted, found.emulated):
        assert table.keys() == costs().instructions.keys()
        for kernel, loops in table.items():
            assert loops.keys() == costs().instructions[kernel].keys()
            assert all(cost >= 0 for cost in loops.values())


def test_instruction_of_old_numbers_weighs_one() -> None:
    """No loop of cmake-O2 counts as longer than another."""
    assert costs().weighted == costs().instructions == costs().emulated


def test_every_shipped_build_of_cmsis_nn_has_costs() -> None:
    """Its `cost` is the name of tables."""
    builds = [build for name in board_names() for build in load_board(name).builds.values()]
    assert {build.cost for build in builds if build.kernels == "cmsis-nn"} == set(names())
