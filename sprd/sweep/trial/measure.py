"""What a configuration takes and which limits of its budget that breaks, before and after training.

A model's size and time follow from architecture and front end, so random weights tell them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sprd.config.board import Board
from sprd.config.budget import Budget
from sprd.config.limits import KEEPS_UP, Violation, find_violations
from sprd.config.objectives import Objective
from sprd.config.trial import Config, FeaturesSection, ModelSection
from sprd.device.emulation.toolchain import check_toolchain, core_named
from sprd.device.footprint import Footprint, measure
from sprd.device.frontend_cost import FrontendSettings
from sprd.device.latency import KERNELS, unavailable_costs
from sprd.device.realtime import CPU_SHARE, check_real_time, real_time_on, with_frontend
from sprd.device.verdict import check
from sprd.errors import ConfigError

ACCURACY_DROP = "accuracy_drop"
FALSE_ACCEPT_RATE = "false_accept_rate"


@dataclass(frozen=True)
class FootprintCheck:
    """What a model takes, ready for a row, and the limits that it breaks."""

    footprint: dict[str, Any]
    violations: tuple[Violation, ...]


def check_verifiable(budget: Budget) -> None:
    """Checks, before hours of training, that what the budget verifies can be verified at the end.

    Raises:
        InputError: No board is named, its core cannot be emulated, or the toolchain is missing.
    """
    if budget.inference_interval_ms is not None and budget.board is None:
        raise ConfigError("[budget] inference_interval_ms: must come with a board. Name a board.")
    if budget.verify != "emulated":
        return
    board = budget.board
    if board is None:
        raise ConfigError(
            '[budget] verify: must come with a board to be "emulated", got none. Name a board.'
        )
    core_named(board.core)
    if board.kernels != KERNELS:
        raise ConfigError(
            f"[budget] verify: must come with a board that runs {KERNELS}, got {board.kernels}."
        )
    check_toolchain()


def check_reported(objectives: Sequence[Objective], budget: Budget) -> None:
    """Checks that each objective can be told of the models on the budget's board.

    Raises:
        ConfigError: No trial would report one of them.
    """
    board = budget.board
    unknown = unavailable_costs(board) if board else {}
    for objective in objectives:
        if board is not None and objective.key in unknown:
            raise ConfigError(
                f"[sweep] objectives: {objective.key} must be told on {board.origin}, but"
                f" {unknown[objective.key]}. Take macs, or another board or build."
            )


def check_footprint(config: Config, footprint: Footprint) -> FootprintCheck:
    """Holds a footprint against the budget, the front end's share of the CPU included.

    Raises:
        ConfigError: The interval between inferences is shorter than the front end's stride.
    """
    board = config.budget.board
    settings = frontend_settings(config.features)
    if board is not None and settings is not None:
        footprint = with_frontend(board, footprint, settings)
    fields: dict[str, Any] = footprint.as_dict()
    violations = check(footprint, config.budget.limits)
    interval_ms = config.budget.inference_interval_ms
    if board is not None and settings is not None:
        live = real_time_on(board, footprint, settings, interval_ms)
        fields |= {"frontend_ms": live.frontend_ms, CPU_SHARE: live.cpu_share}
        if interval_ms is not None:
            violations += check_real_time(live)
    elif interval_ms is not None:
        violations += find_violations(
            lambda _: None, (KEEPS_UP,)
        )  # nobody knows, so it is not promised
    return FootprintCheck(fields, violations)


def frontend_settings(features: FeaturesSection) -> FrontendSettings | None:
    """Returns what the front end's cost depends on; None for one that has no firmware code."""
    if features.preprocess != "micro":
        return None
    return FrontendSettings(
        sample_rate_hz=features.sample_rate_hz,
        window_size_ms=features.window_size_ms,
        window_stride_ms=features.window_stride_ms,
        n_channels=features.n_channels,
        lower_band_limit_hz=features.lower_band_limit_hz,
        upper_band_limit_hz=features.upper_band_limit_hz,
        enable_pcan=features.enable_pcan,
        enable_log=features.enable_log,
    )


def measure_candidate(config: Config) -> Footprint:
    """Measures the model that a configuration would give, without training it.

    Raises:
        ConfigError: The architecture cannot be built for this feature shape.
    """
    params = {k: v for k, v in config.model.params.items() if k != "dropout"}
    return _measure_shape(
        config.model.architecture,
        json.dumps(params, sort_keys=True),
        config.features.shape,
        len(config.labels),
        config.budget.board,
    )


@cache
def _measure_shape(
    architecture: str,
    params: str,
    shape: tuple[int, int],
    n_labels: int,
    board: Board | None,
) -> Footprint:
    from sprd.model.quantize import convert_untrained

    section = ModelSection(architecture=architecture, params=json.loads(params))
    try:
        model = convert_untrained(section, shape, n_labels)
    except ValueError as error:
        first_line = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"[model] {architecture}: must be buildable for {shape[0]} frames x {shape[1]}"
            f" channels, got {params}: {first_line}"
        ) from error
    return measure(model, board)


def score_violations(budget: Budget, scores: Mapping[str, float | None]) -> tuple[Violation, ...]:
    """Returns the limits of the budget that the int8 scores on validation speakers break.

    `scores` are numbers by their keys, of clips and of streams; what is not there is unknown.
    """
    return find_violations(scores.get, budget.score_limits)
