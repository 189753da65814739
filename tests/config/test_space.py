"""Which dimensions exist at a point, which values they have, and the points to try first."""

import random
from pathlib import Path
from typing import Any

import pytest

from sprd.config.dimensions import random_value
from sprd.config.params import Scalar
from sprd.config.reader import parse_sweep
from sprd.config.space import active_names, is_active, ordered_names
from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError
from tests.builders import make_sweep
from tests.strategies import VOCABULARY

BLOCKS = """
"train.momentum" = [0.1, 0.2]
"model.filters_2" = [8, 16]
"model.stride_5" = [1, 2]
"model.filters_5" = [8, 16]
"model.block_2" = ["none", "conv3"]
"model.filters" = [4, 8]
"model.architecture" = ["blocks", "tiny_conv"]
"""


def conditional(space: Any = BLOCKS, model: str = "") -> SweepConfig:
    """A sweep in which an architecture and a block decide which parameters exist."""
    text = (
        f'[sweep]\nname = "x"\n[data]\nkeywords = ["up"]\n[train]\nsteps = 9\n'
        f"learning_rate = 0.1\n[model]\n{model}\n[space]\n{space}\n"
    )
    return parse_sweep(text, Path("/sweeps/x.toml"), VOCABULARY)


class TestActiveNames:
    """A dimension without an effect is none."""

    def test_architecture_decides_what_its_parameters_are(self) -> None:
        """What the chosen one lacks does not exist; what is no model's always does."""
        sweep = conditional()
        shared = {"model.architecture", "train.momentum"}
        tiny = active_names({"model.architecture": "tiny_conv"}, sweep)
        assert tiny == shared | {"model.filters"}
        blocks = active_names({"model.architecture": "blocks", "model.block_2": "conv3"}, sweep)
        assert blocks == shared | {"model.block_2", "model.filters_2"}

    def test_block_that_is_left_out_has_no_filters(self) -> None:
        """One parameter decides about another."""
        point = {"model.architecture": "blocks", "model.block_2": "none"}
        assert "model.filters_2" not in active_names(point, conditional())

    def test_file_decides_where_the_point_does_not(self) -> None:
        """Block 5 is "none" by default; the file puts one there."""
        point = {"model.architecture": "blocks", "model.block_2": "none"}
        assert "model.filters_5" not in active_names(point, conditional())
        sweep = conditional(model='block_5 = "conv3"')
        assert active_names(point, sweep) >= {"model.filters_5", "model.stride_5"}

    def test_architecture_of_the_file_counts_where_none_is_searched(self) -> None:
        """As in most sweeps."""
        sweep = make_sweep('"model.n_blocks" = [1, 2]', model="ds_cnn")
        assert active_names({}, sweep) == {"model.n_blocks"}


def test_one_dimension_is_told_as_all_of_them_are() -> None:
    """At every point that a sampler has on its way, and for dimensions of every kind."""
    sweep = conditional()
    rng = random.Random(0)
    for _ in range(20):
        point: dict[str, Scalar] = {}
        for name in ordered_names(sweep.space):
            active = {one for one in sweep.space if is_active(one, point, sweep)}
            assert active == active_names(point, sweep)
            if name in active:
                point[name] = random_value(rng, sweep.space[name])


def test_what_decides_is_filled_in_first() -> None:
    """The architecture, then the words of the model; the others in the order of the file."""
    assert ordered_names(conditional().space) == [
        "model.architecture",
        "model.block_2",
        "train.momentum",
        "model.filters_2",
        "model.stride_5",
        "model.filters_5",
        "model.filters",
    ]


@pytest.mark.parametrize("key", ["kind", "max_false_accepts_per_hour"])
def test_what_is_asked_of_a_recognizer_is_not_searched(key: str) -> None:
    """Trials that keep to other limits are not compared."""
    space = f'[space]\n"recognizer.{key}" = [1.0, 2.0]\n'
    data = '[data]\nkeywords = ["up"]\n[model]\narchitecture = "tiny_conv"\n'
    text = f'[sweep]\nname = "x"\n{data}{space}'
    with pytest.raises(ConfigError, match="must not be searched, got 'recognizer"):
        parse_sweep(text, Path("x.toml"), VOCABULARY)
