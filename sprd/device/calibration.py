"""Measured milliseconds in, the cycles an instruction of a board out.

A board's latency is one factor away from the instructions of a model; whoever has the board can
measure that factor with a few models. Knows no emulation: the instructions are the cost model's.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sprd.config.board import Board
from sprd.config.build import check_build
from sprd.device import esp_nn
from sprd.device.graph import Graph
from sprd.device.instructions import count_instructions
from sprd.device.latency import (
    KERNELS,
    build_costs,
    is_counted,
    other_cycles,
    weighted_instructions,
)
from sprd.errors import BoardError, ModelFileError

COLUMNS = ("model", "latency_ms")
_MAX_ROWS = 1000
_MAX_CHARACTERS = 1_000_000
_PLAUSIBLE = (0.5, 10.0)
"""Cycles an instruction that a board file may hold."""


@dataclass(frozen=True)
class Measurement:
    """One model that ran on a board: milliseconds of one inference, without the front end."""

    graph: Graph
    latency_ms: float


@dataclass(frozen=True)
class Calibration:
    """The fitted factor, and the error that it leaves: relative, 0.1 being 10 %.

    `error` is the largest over the measurements, each left out of the fit in turn; with one
    measurement there is nothing to leave out, and it is None.
    """

    cycles_per_instruction: float
    error: float | None
    factors: tuple[float, ...]


def read_measurements(path: Path, board: Board) -> tuple[list[tuple[Path, float]], int]:
    """Reads a CSV with the columns `model` (a .tflite, relative to the CSV) and `latency_ms`.

    A column `build` may say of which build of the board a row is; a row without is of the chosen
    one.

    Returns:
        The rows of the chosen build, and how many are of others.

    Raises:
        ModelFileError: The file cannot be read, lacks a column, or a row breaks a rule.
        BoardError: A row is of a build that the board lacks, or none is of the chosen one.
    """
    found = _read_table(path)
    rows = [
        (path.parent / (row["model"] or ""), _latency(row["latency_ms"], path, number))
        for number, row in enumerate(found, 1)
        if _is_of_build(row.get("build"), board, f"{path}, row {number} [build]")
    ]
    if not rows:
        raise BoardError(
            f"{path}: must have rows of the build {board.build.name!r} of {board.name}, got none."
            " Choose another with --build."
        )
    return rows, len(found) - len(rows)


def _read_table(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV that has the columns."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is a folder or device")
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(_MAX_CHARACTERS)
        lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
        reader = csv.DictReader(lines)
        found = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path}: must be a readable CSV file: {reason}.") from error
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise ModelFileError(
            f"{path}: must have the columns {', '.join(COLUMNS)}, got {reader.fieldnames}."
        )
    if not 0 < len(found) <= _MAX_ROWS:
        raise ModelFileError(f"{path}: must have 1 to {_MAX_ROWS} rows, got {len(found)}.")
    return found


def _is_of_build(name: str | None, board: Board, where: str) -> bool:
    """Returns whether a row counts for the chosen build.

    Raises:
        BoardError: The board lacks the row's build.
    """
    if name:
        check_build(name, board.builds, where)
    return not name or name == board.build.name


def _latency(text: str | None, path: Path, number: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not 0 < value < 1e6:
        raise ModelFileError(
            f"{path}, row {number} [latency_ms]: must be milliseconds above 0, got {text!r}."
        )
    return value


def calibrate(measurements: Sequence[Measurement], board: Board) -> Calibration:
    """Fits the cycles an instruction of a board: the geometric mean over the measurements.

    Raises:
        BoardError: Its kernels, or their build, are others than those that were counted.
        ModelFileError: An operator's cost was never measured, or a measurement is no inference of
            that model on that board by any stretch.
    """
    if build_costs(board) is None and board.kernels == KERNELS:
        raise BoardError(
            f"{board.name}: must be calibrated for a build whose kernels were counted, got"
            f" {board.build.name!r}. Those of others are not told from shapes."
        )
    if esp_nn.holds_for(board):
        raise BoardError(
            f"{board.name}: must be calibrated for a build with one factor for all operators, got"
            f" {board.build.name!r}, which has one each. If its flash is another, change"
            " flash_memory.wait_states in a board file of your own."
        )
    if not is_counted(board):
        raise BoardError(
            f"{board.name}: must run {KERNELS} on a core with the DSP extension, got"
            f" {board.kernels} on {board.core}. Those of others are not told from shapes."
        )
    factors = tuple(factor_of(measurement, board) for measurement in measurements)
    fitted = geometric_mean(factors)
    error = None
    if len(factors) > 1:
        error = max(
            abs(geometric_mean([*factors[:i], *factors[i + 1 :]]) / factors[i] - 1)
            for i in range(len(factors))
        )
    return Calibration(fitted, error, factors)


def factor_of(measurement: Measurement, board: Board, interpreted: bool = True) -> float:
    """Returns the cycles an instruction that one measurement implies.

    Args:
        measurement: The model and its milliseconds.
        board: Its clock and flash.
        interpreted: Whether an interpreter ran the model.
    """
    graph = measurement.graph
    total = weighted_instructions(graph, board)
    if total is None:
        counts = count_instructions(graph)
        unknown = {op.op for op, n in zip(graph.operators, counts, strict=True) if n is None}
        raise ModelFileError(
            f"{graph.name}: operators must be ones whose cost is known, got"
            f" {', '.join(sorted(unknown))}. Leave the model out."
        )
    if not total:
        raise ModelFileError(
            f"{graph.name}: must hold a layer that computes, got none. Leave the model out."
        )
    cycles = measurement.latency_ms * board.clock_hz / 1000
    cycles -= sum(other_cycles(graph, op, board, interpreted) for op in graph.operators)
    factor = cycles / total
    if not _PLAUSIBLE[0] <= factor <= _PLAUSIBLE[1]:
        raise ModelFileError(
            f"{graph.name}: {measurement.latency_ms:g} ms must be one inference on {board.name} at"
            f" {board.clock_hz / 1e6:g} MHz, got {factor:.3g} cycles an instruction. Check the"
            " unit, the clock and that CMSIS-NN is compiled in."
        )
    return factor


def geometric_mean(values: Sequence[float]) -> float:
    """Returns the geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))
