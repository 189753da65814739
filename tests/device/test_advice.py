"""Advice names what contributes most to a missed limit, with its figure and what would help."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.limits import LIMITED_KEYS, Violation, at_most
from sprd.device.advice import advice
from sprd.device.board import load_board
from sprd.device.footprint import Footprint, Layer, measure
from sprd.device.verdict import check

LAYERS = (
    Layer("CONV_2D", (1, 8, 8, 4), 9_216, 200, (4, 3, 3, 4), 2_304, ((1, 16, 16, 8), (1, 8, 8, 4))),
    Layer("DEPTHWISE_CONV_2D", (1, 8, 8, 4), 2_304, 52, (1, 3, 3, 4), 512, ((1, 8, 8, 4),) * 2),
    Layer("FULLY_CONNECTED", (1, 3), 768, 780, (3, 256), 259, ((1, 256), (1, 3))),
)
FOOTPRINT = Footprint(
    flash_bytes=10_000,
    model_bytes=2_000,
    ram_bytes=8_000,
    arena_bytes=3_000,
    arena_host_bytes=3_400,
    macs=12_288,
    latency_ms=2.0,
    latency_low_ms=1.0,
    latency_high_ms=4.0,
    latency_source="model",
    ops=("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"),
    flash_items={"model": 2_000, "kernel CONV_2D": 3_000, "core": 5_000},
    ram_items={"arena": 3_000, "features": 1_000, "stack": 4_000},
    layers=LAYERS,
    instructions=40_000,
    energy_uj=20.0,
    arena_items={"activations": 2_304, "scratch": 144, "tensors": 552},
)


def advice_on(footprint: Footprint, **limits: Any) -> list[str]:
    """Returns the sentences for these limits."""
    return advice(footprint, check(footprint, at_most(limits)))


@pytest.fixture(scope="module")
def tiny(tiny_conv: bytes) -> Footprint:
    """SPRD's model on the board of the published rows."""
    return measure(tiny_conv, load_board("nucleo_l4r5zi"))


def test_model_names_the_layer_that_holds_most(tiny: Footprint) -> None:
    """SPRD's dense layer holds 84 % of its file."""
    assert advice_on(tiny, model_bytes=17_680) == [
        "model is 1,280 B over: layer 3 FULLY_CONNECTED 4x4000 holds 16,016 B (84 %): fewer units, "
        "or fewer filters or a larger stride before it"
    ]


def test_arena_names_the_tensors_at_the_widest_point(tiny: Footprint) -> None:
    """Output of the convolution and its flat copy are alive together."""
    for key in ("arena_bytes", "arena_host_bytes"):
        limits = {key: getattr(tiny, key) - 100}
        assert advice_on(tiny, **limits) == [
            f"{key.removesuffix('_bytes').replace('_', ' ')} is 100 B over: at layer 2 RESHAPE, the"
            " widest point, 1x25x20x8 (4,000 B) and 1x4000 (4,000 B) are alive: fewer channels or"
            " a larger stride there or before"
        ]


def test_third_tensor_of_a_residual_block_is_counted() -> None:
    """What is alive beside the two largest is told as a sum."""
    wide = dataclasses.replace(LAYERS[0], live_bytes=2_304 + 500)
    footprint = dataclasses.replace(FOOTPRINT, layers=(wide, *LAYERS[1:]))
    [line] = advice_on(footprint, arena_bytes=2_999)
    assert "1x16x16x8 (2,048 B) and 1x8x8x4 (256 B) and 500 B of others are alive" in line


@pytest.mark.parametrize(
    ("item", "remedy"),
    [("channels", "fewer filters"), ("planner at start", "fewer layers"), ("scratch", "kernels")],
)
def test_arena_of_many_small_parts_names_the_part(item: str, remedy: str) -> None:
    """Where activations are not the most, shrinking them would not help."""
    footprint = dataclasses.replace(FOOTPRINT, arena_items={"activations": 500, item: 2_500})
    [line] = advice_on(footprint, arena_bytes=2_000)
    assert line.startswith(f"arena is 1,000 B over: {item} take 2,500 B of it")
    assert remedy in line


def test_flash_names_the_models_share() -> None:
    """Code does not shrink with the model, so the model's largest layer is named."""
    assert advice_on(FOOTPRINT, flash_bytes=9_000) == [
        "flash is 1,000 B over: model takes 2,000 B (20 %); layer 2 FULLY_CONNECTED 3x256 holds "
        "780 B (39 %): fewer units, or fewer filters or a larger stride before it"
    ]


def test_board_too_small_for_any_model_is_said() -> None:
    """Where the application alone exceeds the limit, shrinking a layer is no advice."""
    [flash] = advice_on(FOOTPRINT, flash_bytes=8_000)
    assert "takes 8,000 B by itself, 5,000 B of it core: no model" in flash
    [ram] = advice_on(FOOTPRINT, ram_bytes=4_000)
    assert "takes 4,000 B by itself, 4,000 B of it stack: no model" in ram


def test_ram_names_arena_or_features() -> None:
    """The larger of the two that follow from the model."""
    [line] = advice_on(FOOTPRINT, ram_bytes=7_000)
    assert line.startswith("ram is 1,000 B over: arena takes 3,000 B (38 %); at layer 0 CONV_2D")
    items = {"arena": 500, "features": 3_500, "stack": 4_000}
    [line] = advice_on(dataclasses.replace(FOOTPRINT, ram_items=items), ram_bytes=7_000)
    assert "features take 3,500 B (44 %)" in line


def test_time_names_the_layer_with_most_work() -> None:
    """By multiply-accumulates; by instructions where each layer has them."""
    keys = {"latency_ms": 1.5, "instructions": 30_000, "energy_uj": 15.0, "macs": 10_000}
    lines = advice_on(FOOTPRINT, **keys)
    assert len(lines) == 4
    assert all("layer 0 CONV_2D has 75 % of the multiply-accumulates" in line for line in lines)
    counts = (10_000.0, 25_000.0, 5_000.0)
    layers = tuple(
        dataclasses.replace(layer, instructions=count)
        for layer, count in zip(LAYERS, counts, strict=True)
    )
    lines = advice_on(dataclasses.replace(FOOTPRINT, layers=layers), **keys)
    by_instructions = [line for line in lines if "layer 1 DEPTHWISE_CONV_2D has 62 %" in line]
    assert len(by_instructions) == 3
    assert "latency is 0.5 ms over" in " ".join(by_instructions)
    assert "energy is 5.0 uJ over" in " ".join(by_instructions)


def test_unknown_value_says_what_would_tell_it() -> None:
    """There is no largest contributor to what is unknown."""
    blind = dataclasses.replace(FOOTPRINT, energy_uj=None)
    assert "active_mw" in advice_on(blind, energy_uj=1)[0]
    blind = dataclasses.replace(FOOTPRINT, energy_uj=None, latency_ms=None)
    assert all("calibrate" in line for line in advice_on(blind, energy_uj=1, latency_ms=1))
    told = dataclasses.replace(blind, latency_unknown="the cost of LOGISTIC was never measured")
    assert all("LOGISTIC" in line for line in advice_on(told, energy_uj=1, latency_ms=1))
    blind = dataclasses.replace(FOOTPRINT, arena_bytes=None)
    assert "scratch memory is not known" in advice_on(blind, arena_bytes=1)[0]


def test_model_without_layers_gets_a_sentence() -> None:
    """No layer, no weights, no items: nothing is divided by zero or indexed."""
    empty = dataclasses.replace(
        FOOTPRINT, layers=(), flash_items={}, ram_items={}, arena_items={}, macs=1
    )
    lines = advice(empty, [Violation(key, 2, 1) for key in LIMITED_KEYS])
    assert len(lines) == len(LIMITED_KEYS)
    assert all(" over: " in line for line in lines)


def test_nothing_missed_is_nothing_said() -> None:
    """Advice answers violations alone."""
    assert advice(FOOTPRINT, ()) == []


@given(st.dictionaries(st.sampled_from(LIMITED_KEYS), st.integers(0, 60_000)))
def test_each_violation_has_one_line_in_its_order(limits: dict[str, Any]) -> None:
    """As many sentences as violations, each about its key and in one line."""
    found = check(FOOTPRINT, at_most(limits))
    lines = advice(FOOTPRINT, found)
    assert len(lines) == len(found)
    for violation, line in zip(found, lines, strict=True):
        assert line.startswith(violation.key.rsplit("_", 1)[0].replace("_", " "))
        assert "\n" not in line
