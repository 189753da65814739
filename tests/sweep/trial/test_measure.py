"""What a configuration may take, what its scores may not break, and what can be verified."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sprd.config.budget import Budget
from sprd.config.objectives import natural
from sprd.config.reader import load_sweep, resolve
from sprd.config.trial import Config
from sprd.device.board import load_board
from sprd.device.footprint import Footprint, measure
from sprd.errors import ConfigError, InputError
from sprd.sweep.run import VOCABULARY, reopen_run
from sprd.sweep.trial.measure import (
    check_footprint,
    check_reported,
    check_verifiable,
    measure_candidate,
    score_violations,
)
from tests.builders import make_sweep

BOARD = "arduino_nano_33_ble"


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
    scores = {"accuracy_drop": drop, "false_accept_rate": false_accepts}
    assert [v.key for v in score_violations(budget, scores)] == broken


def test_limits_that_are_unset_hold_nothing_back() -> None:
    """Without a limit any drop and any share of false accepts passes."""
    budget = Budget(max_accuracy_drop=None, max_false_accept_rate=None)
    assert score_violations(budget, {"accuracy_drop": 1.0, "false_accept_rate": 1.0}) == ()


def test_scores_on_streams_are_held_against_the_budget() -> None:
    """One that the hours do not carry breaks its limit: nothing can be promised."""
    budget = Budget(
        max_accuracy_drop=None, min_recall_streaming=0.8, max_false_accepts_per_hour=1.5
    )
    scores = {"recall_streaming": 0.79, "false_accepts_per_hour": 1.5}
    assert [v.key for v in score_violations(budget, scores)] == ["recall_streaming"]
    unknown = score_violations(budget, {"recall_streaming": 0.8, "false_accepts_per_hour": None})
    assert [str(v) for v in unknown] == [
        "false accepts in speech unknown, must be at most 1.5 an hour"
    ]


@pytest.fixture(scope="module")
def footprint(shared: Path) -> Footprint:
    """SPRD's shipped model on its board."""
    model = (shared / "models" / "sprd_tiny_conv_up_down.tflite").read_bytes()
    return measure(model, load_board(BOARD))


def config_with(**budget: Any) -> Config:
    """The default sweep's configuration under another budget."""
    config = load_sweep(Path(__file__).parents[3] / "sweeps" / "default.toml", VOCABULARY).default
    return config.model_copy(update={"budget": Budget(board=load_board(BOARD), **budget)})


def test_front_end_counts_too(footprint: Footprint) -> None:
    """Its time and the share of the CPU, one inference a frame, are in every row."""
    config = config_with()
    taken = check_footprint(config, footprint)
    assert taken.violations == ()
    assert 0.5 < taken.footprint["frontend_ms"] < 10
    stride_ms = config.features.window_stride_ms
    busy_ms = taken.footprint["frontend_ms"] + footprint.latency_ms
    assert taken.footprint["cpu_share"] == pytest.approx(busy_ms / stride_ms)


def test_board_that_does_not_keep_up_breaks_the_budget(footprint: Footprint) -> None:
    """Once an interval is asked for, more than all of the CPU is a violation."""
    taken = check_footprint(config_with(inference_interval_ms=50.0), footprint)
    assert [violation.key for violation in taken.violations] == ["cpu_share"]
    assert check_footprint(config_with(inference_interval_ms=500.0), footprint).violations == ()


def test_ram_of_the_front_end_follows_its_settings(footprint: Footprint) -> None:
    """A long window with many channels takes more than the board file sets aside."""
    config = config_with()
    usual = check_footprint(config, footprint).footprint["ram_bytes"]
    wide = config.features.model_copy(
        update={"window_size_ms": 200, "window_stride_ms": 100, "n_channels": 128}
    )
    large = check_footprint(config.model_copy(update={"features": wide}), footprint)
    assert usual == footprint.ram_bytes
    assert large.footprint["ram_bytes"] > usual + 40_000
    fast = config.features.model_copy(update={"sample_rate_hz": 32_000})
    twice = check_footprint(config.model_copy(update={"features": fast}), footprint)
    assert twice.footprint["ram_bytes"] >= usual + footprint.ram_items["audio"]


def test_interval_without_firmware_code_is_not_promised(footprint: Footprint) -> None:
    """Nobody counted the other front ends."""
    config = config_with(inference_interval_ms=500.0)
    other = config.features.model_copy(update={"preprocess": "mfcc"})
    taken = check_footprint(config.model_copy(update={"features": other}), footprint)
    assert [(v.key, v.value) for v in taken.violations] == [("cpu_share", None)]


def test_interval_without_a_board_is_refused_before_training() -> None:
    """There would be nothing to keep up on."""
    with pytest.raises(ConfigError, match="Name a board"):
        check_verifiable(Budget(inference_interval_ms=100.0))


def test_unknown_latency_cannot_keep_up(footprint: Footprint) -> None:
    """What nobody measured is not promised."""
    unknown = dataclasses.replace(footprint, latency_ms=None)
    taken = check_footprint(config_with(inference_interval_ms=500.0), unknown)
    assert [violation.key for violation in taken.violations] == ["cpu_share"]


def test_interval_below_the_stride_is_refused(footprint: Footprint) -> None:
    """There are no new features before."""
    with pytest.raises(ConfigError, match="at least the stride"):
        check_footprint(config_with(inference_interval_ms=10.0), footprint)


@pytest.mark.parametrize(
    ("board", "rule"), [(None, "Name a board"), ("esp32_s3", "the core must be one of")]
)
def test_what_cannot_be_emulated_is_refused_before_training(board: str | None, rule: str) -> None:
    """A sweep that could not be verified at its end does not start."""
    own = load_board(board) if board else None
    with pytest.raises(InputError, match=rule):
        check_verifiable(Budget(board=own, verify="emulated"))
    check_verifiable(Budget(board=own))


def test_missing_toolchain_is_told_before_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install"):
        check_verifiable(Budget(board=load_board(BOARD), verify="emulated"))


@pytest.mark.parametrize(
    ("board", "key"),
    [("raspberry_pi_pico", "latency_ms"), ("esp32_s3", "instructions"), ("stm32f746", "energy_uj")],
)
def test_objective_that_nobody_can_tell_on_the_board_is_refused(board: str, key: str) -> None:
    """Before anything is trained; on another board the same is fine."""
    budget = Budget(board=load_board(board))
    with pytest.raises(ConfigError, match=f"objectives: {key} must be told on {board}, but"):
        check_reported((natural("balanced_accuracy"), natural(key)), budget)
    check_reported((natural(key),), Budget(board=load_board(BOARD)))
    check_reported((natural("macs"),), budget)


def test_candidates_that_differ_in_dropout_alone_are_measured_once() -> None:
    """It is gone when a model is converted: the second asks for no conversion."""
    config = make_sweep().default
    params = dict(config.model.params)
    light, heavy, other = (
        config.model_copy(update={"model": config.model.model_copy(update={"params": changed})})
        for changed in (
            {**params, "dropout": 0.1},
            {**params, "dropout": 0.9},
            {**params, "filters": 2},
        )
    )
    footprint = measure_candidate(light)
    assert measure_candidate(heavy) is footprint
    assert measure_candidate(other).model_bytes < footprint.model_bytes


@pytest.mark.parametrize(("build", "fits"), [("cmake-O2", True), ("arduino", False)])
def test_candidate_is_held_against_the_budget_by_the_numbers_of_its_build(
    shared: Path, build: str, fits: bool
) -> None:
    """The same model is 9.7 ms at -O2 and 16.1 ms at -Os: a limit between them tells them apart."""
    model = (shared / "models" / "default_demo" / "model.tflite").read_bytes()
    board = load_board(BOARD, build)
    config = make_sweep().default.model_copy(update={"budget": Budget(board=board, latency_ms=12)})
    found = check_footprint(config, measure(model, board))
    assert [one.key for one in found.violations] == ([] if fits else ["latency_ms"])


@pytest.mark.parametrize(("run", "numbers"), [("finished", (0, 2, 3, 5)), ("cut", (0, 2))])
def test_trials_of_an_older_version_are_measured_as_they_were(
    shared: Path, run: str, numbers: tuple[int, ...]
) -> None:
    """A run that was begun before there were builds goes on with its numbers, to the last digit."""
    old = reopen_run(shared / "runs_9badef2" / run)
    trained = {row.number: row for row in old.table.trials if row.status == "trained"}
    assert tuple(sorted(trained)) == numbers
    for number, row in trained.items():
        config = resolve(old.sweep, row.params)
        model = old.paths.trial(number).model.read_bytes()
        found = check_footprint(config, measure(model, config.budget.board))
        assert found.footprint == row.footprint
