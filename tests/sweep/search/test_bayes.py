"""The sampler of our own: what it learns, and that it goes on as it would have."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sprd.sweep.rows.ranking import frontier
from sprd.sweep.rows.row import Trial
from sprd.sweep.search import bayes
from sprd.sweep.search.bayes import BayesSampler
from sprd.sweep.search.sampler import Sampler
from tests.builders import make_row, make_sweep
from tests.toy import MAX_BYTES, TOY, TWO, make_toy_sweep, searched, toy, tried


def all_differ(rows: list[Trial]) -> bool:
    """Whether no point was asked for twice."""
    return len({tuple(sorted(row.params.items())) for row in rows}) == len(rows)


class TestReproducible:
    """What is asked depends on the file, the seed and the rows, in their order."""

    def test_search_goes_on_as_the_undisturbed_one(self, tmp_path: Path) -> None:
        """With candidates that do not fit and points that are no configuration among the rows."""
        space = TOY + '"features.window_size_ms" = [20, 40]\n"features.window_stride_ms" = [10, 30]'
        sweep = make_toy_sweep(space, n_trials=10, budget=f"model_bytes = {MAX_BYTES}")
        whole = searched(sweep, tmp_path / "whole.jsonl")
        lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
        (tmp_path / "cut.jsonl").write_text("".join(lines[: len(lines) - 3]))
        again = searched(sweep, tmp_path / "cut.jsonl")
        assert [row.params for row in again] == [row.params for row in whole]


class TestLearning:
    """What makes it worth its time."""

    def test_it_learns_what_fits(self) -> None:
        """After ten candidates four of five fit in 3,000 bytes; at random, not even half."""
        learning = make_toy_sweep(lines="", budget="model_bytes = 3000", n_trials=40)
        rows = tried(BayesSampler(learning), 30, self.small)
        drawn = tried(Sampler(make_toy_sweep(lines="", sampler="random")), 30, self.small)
        assert sum(row.status == "trained" for row in rows[10:]) >= 16
        assert sum(row.status == "trained" for row in drawn) < 15

    def test_rate_of_errors_is_minimised(self) -> None:
        """Less of it is better, and it has a limit of its own."""
        sweep = make_toy_sweep(
            n_trials=30,
            lines='objectives = ["false_accept_rate"]',
            budget="max_false_accept_rate = 0.1",
        )
        rows = tried(BayesSampler(sweep), 30, self.unlimited)
        rates = [row.value("false_accept_rate") for row in rows]
        assert np.mean(rates[-10:]) < np.mean(rates[:8])

    def test_cost_may_be_turned_round(self) -> None:
        """The largest model, whoever wants that."""
        sweep = make_toy_sweep(n_trials=24, lines='objectives = ["max model_bytes"]')
        rows = tried(BayesSampler(sweep), 24, self.unlimited)
        sizes = [row.value("model_bytes") for row in rows]
        assert max(sizes[8:]) == 500 + 200 * 20 * 20 > max(sizes[:8])

    def small(self, number: int, point: dict[str, Any]) -> Trial:
        return toy(number, point, limit=3000)

    def unlimited(self, number: int, point: dict[str, float | str]) -> Trial:
        return toy(number, point, limit=10**9)


class TestOddRows:
    """What a run may hold, besides trials that ended well."""

    def test_running_points_are_not_asked_for_again(self) -> None:
        """A dozen at once, with a model of what was trained; all differ."""
        sampler = BayesSampler(
            make_toy_sweep('"model.filters" = { low = 4, high = 40 }', n_trials=24)
        )
        tried(sampler, 10)
        points = [sampler.ask(number)["model.filters"] for number in range(10, 22)]
        assert len(set(points)) == len(points)

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_what_runs_counts_as_if_it_had_come_out_as_guessed(self, seed: int) -> None:
        """Beside a point that runs there is less to be gained: another is asked for.

        Those that run differ from the best by a hair, so that both pools are the same.
        """
        sweep = make_toy_sweep('"train.momentum" = { low = 0.0, high = 0.9 }', seed=seed, lines="")
        idle, busy = BayesSampler(sweep), BayesSampler(sweep)
        assert tried(idle, 10) == tried(busy, 10)
        best = idle.ask(10)["train.momentum"]
        for number in range(11, 19):
            busy.adopt(number, {"train.momentum": best + number * 1e-7})
        assert abs(busy.ask(10)["train.momentum"] - best) > 0.01

    @pytest.mark.parametrize("key", ["latency_ms", "flash_bytes"])
    @pytest.mark.parametrize("lines", ["", TWO])
    def test_unknown_costs(self, key: str, lines: str) -> None:
        """A number that is None everywhere, though the budget limits it."""
        sweep = make_toy_sweep(n_trials=24, lines=lines, budget=f"{key} = 100")
        sampler = BayesSampler(sweep)

        def unknown(number: Any, point: Any) -> Any:
            row = toy(number, point)
            return Trial(**{**vars(row), "footprint": {**row.footprint, key: None}})

        assert len(tried(sampler, 14, unknown)) == 14

    def test_unknown_objective(self) -> None:
        """No row tells it, or some do not; there is no frontier then, or a smaller one."""
        sweep = make_toy_sweep(n_trials=24, lines='objectives = ["balanced_accuracy", "macs"]')
        rows = tried(BayesSampler(sweep), 12, lambda n, p: toy(n, p, 10**9))
        assert frontier(rows, sweep.objectives) == [] and all_differ(rows)

        def some(number: Any, point: Any) -> Any:
            row = toy(number, point, 10**9)
            macs = {"macs": 1000 + number} if number % 3 else {"macs": None}
            return Trial(**{**vars(row), "footprint": macs})

        rows = tried(BayesSampler(sweep), 12, some)
        assert frontier(rows, sweep.objectives) and all_differ(rows)

    def test_points_that_are_no_configuration(self, tmp_path: Path) -> None:
        """Such a row has nothing but its violation; the model proposes none once it has begun."""
        space = TOY + '"features.window_size_ms" = [20, 40]\n"features.window_stride_ms" = [10, 30]'
        rows = searched(
            make_toy_sweep(space, seed=1, n_trials=24), tmp_path / "trials.jsonl", self.fits
        )
        broken = [i for i, row in enumerate(rows) if not row.footprint]
        fourth = [i for i, row in enumerate(rows) if row.status == "trained"][3]
        assert broken and max(broken) < fourth

    def test_trials_that_were_stopped_or_failed(self) -> None:
        """They are no longer running: a sampler that never knew them run goes on alike."""
        sampler = BayesSampler(make_toy_sweep(n_trials=24))

        def fate(number: Any, point: Any) -> Any:
            if number % 3 == 0:
                return make_row(number, "failed", params=point, error="x")
            if number % 3 == 1:
                return make_row(number, "stopped", params=point, step=20)
            return toy(number, point, 10**9)

        rows = tried(sampler, 18, fate)
        told = BayesSampler(make_toy_sweep(n_trials=24))
        for row in rows:
            told.tell(row)
        assert told.ask(18) == sampler.ask(18)

    def test_nothing_but_misses(self) -> None:
        """Before anything was trained there is nothing to be guessed."""
        assert all_differ(tried(BayesSampler(make_toy_sweep()), 30, lambda n, p: toy(n, p, 0)))

    def test_all_alike(self) -> None:
        """Scores and costs without any spread."""
        sampler = BayesSampler(make_toy_sweep(n_trials=24))
        assert all_differ(tried(sampler, 12, lambda n, p: make_row(n, score=0.1, params=p)))

    def test_perfect_scores(self) -> None:
        """There is nothing left to be gained."""
        sampler = BayesSampler(make_toy_sweep(n_trials=24))
        assert all_differ(tried(sampler, 12, lambda n, p: make_row(n, score=1.0, params=p)))

    def test_many_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """There may be more than the model learns from; none is asked for again."""
        monkeypatch.setattr(bayes, "MAX_ROWS", 20)
        rows = tried(BayesSampler(make_toy_sweep(n_trials=60)), 50, self.fits)
        assert all_differ(rows)
        assert [row.status for row in rows] == ["trained"] * 50

    def test_space_of_two_points(self, tmp_path: Path) -> None:
        """Both are tried; then the search ends."""
        sweep = make_toy_sweep('"model.filters" = [4, 8]', n_trials=20)
        rows = searched(sweep, tmp_path / "trials.jsonl", self.fits)
        assert sorted(row.params["model.filters"] for row in rows) == [4, 8]

    def test_space_of_few_points(self, tmp_path: Path) -> None:
        """All are tried once, though the model proposes the last ones."""
        sweep = make_toy_sweep('"model.filters" = { low = 1, high = 9 }', n_trials=30)
        rows = searched(sweep, tmp_path / "trials.jsonl", self.fits)
        assert sorted(row.params["model.filters"] for row in rows) == list(range(1, 10))

    def test_space_of_nothing(self) -> None:
        """A single configuration."""
        assert BayesSampler(make_sweep()).ask(0) == {}

    def fits(self, number: int, point: dict[str, Any]) -> Trial:
        return toy(number, point, 10**9)


def test_points_that_fail_are_left_alone() -> None:
    """High momentum diverges, say: the sampler goes elsewhere, and proposes no point again."""

    def fate(number: Any, point: Any, limit: Any = MAX_BYTES) -> Any:
        if point["train.momentum"] > 0.45:
            return Trial(number, "failed", point, "", "", error="the loss is not finite")
        return toy(number, point, limit)

    rows = tried(BayesSampler(make_toy_sweep(seed=1)), 40, fate)
    late = [row.status for row in rows[-15:]]
    assert late.count("failed") <= 3
    assert all_differ(rows)
