"""Which parameters mattered."""

from dataclasses import replace
from typing import Any

import pytest

from sprd.sweep.rows.row import Trial
from sprd.sweep.search.importance import MIN_TRIALS_TO_JUDGE, importances
from sprd.sweep.search.sampler import Sampler
from tests.builders import make_row, make_sweep

PLAIN = """
"model.filters" = { low = 1, high = 1000 }
"train.momentum" = { low = 0.0, high = 0.9 }
"""
SPACE = """
"model.architecture" = ["tiny_conv", "ds_cnn", "temporal_conv"]
"model.filters" = { low = 4, high = 33, step = 4 }
"model.n_blocks" = { low = 1, high = 4 }
"train.learning_rate" = { low = 1e-4, high = 1e-1, log = true }
"features.frame" = ["30/20x40", "40/40x20"]
"""


class TestImportances:
    """Which parameters mattered."""

    def rows(self, n: int, space: str = PLAIN, **fields: Any) -> list[Trial]:
        """Random trials; the score depends on the momentum."""
        sampler = Sampler(make_sweep(space, 'sampler = "random"'))
        points = [sampler.ask(number) for number in range(n)]
        scores = [1 - abs(point.get("train.momentum", 0.5) - 0.5) for point in points]
        return [
            make_row(i, "trained", score, params=point, **fields)
            for i, (point, score) in enumerate(zip(points, scores, strict=True))
        ]

    def test_parameter_that_matters_comes_first(self) -> None:
        """Shares add up to 1."""
        (shares,) = importances(make_sweep(PLAIN), self.rows(40)).values()
        assert next(iter(shares)) == "train.momentum"
        assert shares["train.momentum"] > 0.6
        assert sum(shares.values()) == pytest.approx(1, abs=0.001)

    def test_each_score_has_its_own_and_costs_have_none(self) -> None:
        """What a model takes follows from its configuration: trials teach nothing new."""
        rows = [
            replace(
                row,
                metrics={**row.metrics, "accuracy": row.params["model.filters"]},
                footprint={"model_bytes": 100 * row.params["model.filters"]},
            )
            for row in self.rows(40)
        ]
        sweep = make_sweep(PLAIN, 'objectives = ["balanced_accuracy", "accuracy", "model_bytes"]')
        found = importances(sweep, rows)
        assert {
            key: max(shares, key=lambda name: shares[name]) for key, shares in found.items()
        } == {
            "balanced_accuracy": "train.momentum",
            "accuracy": "model.filters",
        }

    def test_too_few_trials_tell_nothing(self) -> None:
        """Only trained ones count."""
        rows = self.rows(MIN_TRIALS_TO_JUDGE)
        assert importances(make_sweep(PLAIN), rows)
        rows[0] = make_row(0, "stopped", step=20, params=rows[0].params)
        assert importances(make_sweep(PLAIN), rows) == {}
        assert importances(make_sweep(PLAIN), []) == {}

    def test_nothing_that_varies_tells_nothing(self) -> None:
        """Not the parameters, or not the scores."""
        alike = [make_row(i, score=i / 12, params={"model.filters": 8}) for i in range(12)]
        assert importances(make_sweep('"model.filters" = [8]'), alike) == {}
        equals = [replace(row, metrics=alike[0].metrics) for row in self.rows(12)]
        assert importances(make_sweep(PLAIN), equals) == {}

    def test_parameters_that_exist_at_some_points_only(self) -> None:
        """An architecture that is rare, too."""
        space = SPACE + '"train.momentum" = { low = 0.0, high = 0.9 }'
        for n in (12, 40):
            (shares,) = importances(make_sweep(space), self.rows(n, space)).values()
            assert set(shares) <= set(make_sweep(space).space)
            assert all(0 <= share <= 1 for share in shares.values())

    def test_grid_is_no_obstacle(self) -> None:
        """Whatever proposed the points."""
        space = '"model.filters" = [4, 8, 16, 32]\n"train.momentum" = [0.1, 0.5, 0.9]'
        sweep = make_sweep(space, 'sampler = "grid"\nn_trials = 12')
        assert importances(sweep, self.rows(12, space))
