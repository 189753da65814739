"""Milliseconds on an ESP32 are those that were measured; what was not measured is told as such."""

import ast
import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sprd.config.board import Board
from sprd.device import esp_nn
from sprd.device.board import load_board
from sprd.device.esp_nn import BORROWED_SPREAD, FITTED_SPREAD, coefficients, cycles_of
from sprd.device.footprint import measure
from sprd.device.graph import Graph, read_graph
from sprd.device.latency import borrowed_ops, estimate, time_shares, unavailable_costs, why_unknown
from tests.scripts import load_script

KWS, RESNET = "mlperf_tiny_kws_ds_cnn", "mlperf_tiny_ic_resnet8"
MODELS = (KWS, RESNET, "mlperf_tiny_vww_mobilenet", "mlperf_tiny_ad_autoencoder")


@pytest.fixture(scope="module")
def esp32() -> Board:
    """The board with rows."""
    return load_board("esp32")


def graph_of(shared: Path, name: str) -> Graph:
    """Returns one of the published models."""
    return read_graph((shared / "models" / f"{name}.tflite").read_bytes())


def rows_of(shared: Path) -> list[dict[str, str]]:
    """Returns what was measured on an ESP32."""
    lines = (shared / "calibration" / "esp32_measured.csv").read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_totals_that_were_measured_lie_within_ten_percent(shared: Path, esp32: Board) -> None:
    """And inside the interval, which is at most 1.45 wide where every operator was measured."""
    totals = [row for row in rows_of(shared) if row["what"] == "Invoke"]
    assert len(totals) == 2
    for row in totals:
        latency = estimate(graph_of(shared, row["model"]), esp32)
        measured = float(row["ms"])
        assert latency.latency_ms == pytest.approx(measured, rel=0.1), row
        assert latency.low_ms < measured < latency.high_ms
        assert latency.high_ms / latency.low_ms <= 1.45
        assert latency.source == "model"


def test_each_kind_of_operator_lies_within_ten_percent(shared: Path, esp32: Board) -> None:
    """All layers of one kind together, without the interpreter."""
    kinds = [row for row in rows_of(shared) if row["what"] != "Invoke"]
    assert len(kinds) == 6
    for row in kinds:
        graph = graph_of(shared, row["model"])
        found = [
            cycles.total - cycles.interpreting
            for operator, cycles in zip(graph.operators, cycles_of(graph, esp32), strict=True)
            if operator.op == row["what"]
        ]
        assert len(found) == int(row["calls"])
        assert 1000 * sum(found) / esp32.clock_hz == pytest.approx(float(row["ms"]), rel=0.1), row


def test_arena_is_the_measured_one(shared: Path, esp32: Board) -> None:
    """What `arena_used_bytes` told on the board, to the byte."""
    rows = [row for row in rows_of(shared) if row["arena_used_bytes"]]
    assert len(rows) == 2
    for row in rows:
        found = measure((shared / "models" / f"{row['model']}.tflite").read_bytes(), esp32)
        assert found.arena_bytes == int(row["arena_used_bytes"]), row
        assert found.arena_reserve_bytes >= found.arena_bytes


def test_model_left_out_is_told_within_ten_percent(shared: Path) -> None:
    """By a fit of the other one's rows alone; the shipped fit is that of all rows."""
    script = load_script("benchmarks/fit_esp_nn.py")
    rows, models = script.read_rows(shared)
    kernels = coefficients().kernels
    whole = script.fit_board(rows, models, kernels)
    for shipped, fitted in (
        (coefficients().factors, whole.factors),
        (coefficients().code_lines, whole.code_lines),
    ):
        assert shipped == pytest.approx(fitted, rel=1e-3)
    for name, graph in models.items():
        others = {key: ms for key, ms in rows.items() if key[0] != name}
        told = script.guess_ms(graph, "Invoke", script.fit_board(others, models, kernels))
        assert told == pytest.approx(rows[name, "Invoke"], rel=0.1), name


@pytest.mark.usefixtures("toolchain")
def test_emulated_core_counts_what_the_grid_holds() -> None:
    """The kernels of the wheel, compiled anew: within the clock's tick of 40 instructions."""
    script = load_script("benchmarks/fit_esp_nn.py")
    with script.GRID.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["layer"] != "softmax"][::100]
    some, rng = [], np.random.default_rng(1)
    for row in rows:
        layer = getattr(script.layers, row["layer"])
        graph = read_graph(layer(*ast.literal_eval(row["arguments"]), rng))
        some.append(script.case_of(graph, graph.operators[-1]))
    expected = [int(row["instructions"]) for row in rows]
    assert script.instructions_of(some) == pytest.approx(expected, abs=40) and len(rows) == 5


def test_every_loop_has_a_cost(shared: Path) -> None:
    """On a Cortex-M4 or beside it; each kernel with rows has a factor that stalls explain."""
    fit = coefficients()
    for name in MODELS:
        graph = graph_of(shared, name)
        for operator in graph.operators:
            work = esp_nn.work_of(graph, operator)
            costs = {**fit.kernels.get(work.kernel, {}), **esp_nn.EXTRA_INSTRUCTIONS[work.kernel]}
            assert work.loops.keys() == costs.keys(), work
    assert all(cost >= 0 for loops in fit.kernels.values() for cost in loops.values())
    assert all(1 <= factor < 1.5 for factor in fit.factors.values())


def test_weights_that_do_not_fit_the_cache_are_fetched_again(shared: Path, esp32: Board) -> None:
    """Of resnet8's convolutions one has 36,864 B of weights; no other model's layer is asked."""
    graph = graph_of(shared, RESNET)
    again = [
        (operator.op, round(cycles.again / esp32.wait_states))
        for operator, cycles in zip(graph.operators, cycles_of(graph, esp32), strict=True)
        if cycles.again
    ]
    crowded = (36_864 + 256 + esp_nn.LOOP_CODE_BYTES - esp_nn.CACHE_BYTES) * 3 / 32
    assert again == [("CONV_2D", pytest.approx(63 * crowded * 5 / 6, rel=0.01))]


def test_a_faster_flash_takes_less_time(shared: Path, esp32: Board) -> None:
    """The autoencoder waits for its weights most of the time; what its wait states are counts."""
    graph = graph_of(shared, "mlperf_tiny_ad_autoencoder")
    quad = dataclasses.replace(esp32, wait_states=esp32.wait_states // 4)
    assert estimate(graph, quad).latency_ms < 0.5 * estimate(graph, esp32).latency_ms


def test_operator_without_a_row_borrows_and_widens(shared: Path, esp32: Board) -> None:
    """ADD was never measured on this board: named, and its part of the interval is wider."""
    graph = graph_of(shared, RESNET)
    assert borrowed_ops(graph, esp32) == ("ADD",)
    assert borrowed_ops(graph_of(shared, KWS), esp32) == ()
    assert borrowed_ops(graph, load_board("arduino_nano_33_ble")) == borrowed_ops(graph, None) == ()
    for operator, cycles in zip(graph.operators, cycles_of(graph, esp32), strict=True):
        spread = BORROWED_SPREAD if operator.op == "ADD" else FITTED_SPREAD
        if not cycles.again:
            assert cycles.high == pytest.approx(spread * cycles.total)
            assert cycles.low == pytest.approx(cycles.total / spread)


def test_unknown_operator_is_not_guessed(
    tiny_conv: bytes, edit_model: Callable[..., Any], esp32: Board
) -> None:
    """What neither the board nor the emulated core ran makes the whole unknown, and is named."""

    def change(tree: Any) -> None:
        code = tree.operatorCodes[tree.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode = 14, 14  # LOGISTIC

    graph = read_graph(edit_model(tiny_conv, change))
    assert estimate(graph, esp32) is None
    assert why_unknown(graph, esp32) == "the cost of LOGISTIC was never measured"
    assert None in time_shares(graph, esp32)
    assert borrowed_ops(graph, esp32) == ()


def test_dilated_and_grouped_convolutions_are_not_guessed(
    tiny_conv: bytes, edit_model: Callable[..., Any]
) -> None:
    """They run other kernels."""

    def dilate(tree: Any) -> None:
        tree.subgraphs[0].operators[1].builtinOptions.dilationHFactor = 2

    graph = read_graph(edit_model(tiny_conv, dilate))
    assert esp_nn.work_of(graph, graph.operators[1]) is None


def test_uneven_padding_leaves_out_what_lies_outside(shared: Path) -> None:
    """The first layer of the keyword model: 10x4 over 49x10, stride 2, one column more behind."""
    graph = graph_of(shared, KWS)
    window = esp_nn.window_of(graph, graph.operators[0])
    assert (window.filter, window.stride, window.padding) == ((10, 4), (2, 2), (4, 1))
    rows = sum(min(2 * y + 6, 49) - max(2 * y - 4, 0) for y in range(25))
    columns = sum(min(2 * x + 3, 10) - max(2 * x - 1, 0) for x in range(5))
    assert window.taps_inside == rows * columns and window.rows_inside == 5 * rows


def test_footprint_tells_time_but_no_instructions(shared: Path, esp32: Board) -> None:
    """What a Cortex-M4 takes is no count of an Xtensa; shares of time sum to 1."""
    model = (shared / "models" / f"{RESNET}.tflite").read_bytes()
    found = measure(model, esp32)
    assert found.instructions is None and found.latency_ms > 0 and found.energy_uj > 0
    assert found.latency_borrowed == ("ADD",) and found.latency_unknown is None
    assert sum(layer.time_share or 0.0 for layer in found.layers) == pytest.approx(1)
    assert unavailable_costs(esp32).keys() == {"instructions"}


def test_costs_hold_for_their_core_and_kernels_alone(esp32: Board) -> None:
    """An S3 runs other kernels, whatever its file says of the build."""
    assert esp_nn.holds_for(esp32)
    assert not esp_nn.holds_for(load_board("esp32_s3"))
    assert not esp_nn.holds_for(dataclasses.replace(esp32, core="xtensa-lx7"))
    plain = dataclasses.replace(esp32.build, kernels="reference")
    assert not esp_nn.holds_for(dataclasses.replace(esp32, build=plain))
