"""Says for each limit that is missed what contributes most, and what would help.

A footprint and its violations in, sentences out. Pure: reads neither model nor board. Names layers
by their place in the file, from 0. Knows sizes, not accuracy: what may shrink is the user's to say.
"""

from collections.abc import Callable, Iterable, Mapping
from math import prod

from sprd.config.limits import Violation
from sprd.config.numbers import number_of
from sprd.device.footprint import Footprint, Layer

_REMEDIES: Mapping[str, str] = {
    "CONV_2D": "fewer filters or a smaller kernel",
    "DEPTHWISE_CONV_2D": "fewer channels or a smaller kernel",
    "FULLY_CONNECTED": "fewer units, or fewer filters or a larger stride before it",
}
_OTHER_REMEDY = "fewer channels or a larger stride before it"
_TIME_REMEDIES: Mapping[str, str] = {
    "CONV_2D": "fewer filters, a smaller kernel or a larger stride",
    "DEPTHWISE_CONV_2D": "fewer channels, a smaller kernel or a larger stride",
    "FULLY_CONNECTED": "fewer units, or fewer filters or a larger stride before it",
}
_ARENA_REMEDIES: Mapping[str, str] = {
    "scratch": "smaller kernels or fewer channels",
    "channels": "fewer filters",
    "planner at start": "fewer layers",
    "tensors": "fewer layers",
    "nodes": "fewer layers",
    "operators": "fewer layers",
    "fixed": "nothing: every model needs it",
    "older versions": "fewer layers",
}
_UNKNOWN: Mapping[str, str] = {
    "flash_bytes": "name a board",
    "ram_bytes": "name a board, or replace operators whose scratch memory is not known",
    "arena_bytes": "replace operators whose scratch memory is not known",
    "instructions": "replace operators that were not measured, or drop the limit",
    "latency_ms": "calibrate the board with measurements of your own, or drop the limit",
    "cpu_share": "what the front end takes there was never counted, check the model without it",
    "energy_uj": "add [power] active_mw to the board file, or drop the limit",
}
_OF_TIME = ("latency_ms", "energy_uj", "cpu_share")
_OF_THE_MODEL = ("model", "arena", "features")
"""Items of flash and RAM that another model changes; kernels do too, but only by other layers."""


def advice(footprint: Footprint, violations: Iterable[Violation]) -> list[str]:
    """Returns a sentence for each violation, in their order.

    For example: `model is 1,280 B over: layer 3 FULLY_CONNECTED 4x4000 holds 16,016 B (84 %): fewer
    units, or fewer filters or a larger stride before it`.
    """
    return [_sentence(footprint, violation) for violation in violations]


def _sentence(footprint: Footprint, violation: Violation) -> str:
    what = number_of(violation.key)
    if violation.value is None or violation.limit is None:
        is_time = violation.key in _OF_TIME and footprint.latency_ms is None
        remedy = _UNKNOWN["latency_ms" if is_time else violation.key]
        if is_time and footprint.latency_unknown:
            remedy = f"{footprint.latency_unknown}; or drop the limit"
        return f"{what.words} is unknown, so it cannot be promised: {remedy}"
    over = f"{what.words} is {what.text(violation.value - violation.limit)} over"
    reason = _REASONS.get(violation.key)
    return over if reason is None else f"{over}: {reason(footprint, violation)}"


def _of_weights(footprint: Footprint, violation: Violation) -> str:
    number, layer = _largest(footprint.layers, lambda layer: layer.weight_bytes)
    if not layer or not layer.weight_bytes:
        return "no layer holds weights: the file itself is larger than the limit"
    share = _share(layer.weight_bytes, footprint.model_bytes)
    remedy = _REMEDIES.get(layer.op, _OTHER_REMEDY)
    what = f"{_label(number, layer)} {_by(layer.weight_shape)}"
    return f"{what} holds {layer.weight_bytes:,} B ({share}): {remedy}"


def _of_arena(footprint: Footprint, violation: Violation) -> str:
    items = footprint.arena_items
    item = max(items, key=lambda key: items[key], default="activations")
    if item != "activations":
        return f"{item} take {items[item]:,} B of it: {_ARENA_REMEDIES[item]}"
    number, layer = _largest(footprint.layers, lambda layer: layer.live_bytes)
    if not layer or not layer.live_shapes:
        return "activations take most of it: fewer channels or a larger stride"
    pair = " and ".join(f"{_by(shape)} ({prod(shape):,} B)" for shape in layer.live_shapes)
    others = layer.live_bytes - sum(prod(shape) for shape in layer.live_shapes)
    more = f" and {others:,} B of others" if others > 0 else ""
    alive = "are" if len(layer.live_shapes) > 1 else "is"
    remedy = "fewer channels or a larger stride there or before"
    return f"at {_label(number, layer)}, the widest point, {pair}{more} {alive} alive: {remedy}"


def _of_memory(footprint: Footprint, violation: Violation) -> str:
    """Flash or RAM: the application alone may be too large for any model."""
    in_flash = violation.key == "flash_bytes"
    items = footprint.flash_items if in_flash else footprint.ram_items
    mine = {key: items[key] for key in items if key in _OF_THE_MODEL}
    if sum(items.values()) - sum(mine.values()) >= (violation.limit or 0):
        largest = max(items.keys() - mine.keys(), key=lambda key: (items[key], key))
        rest = sum(items.values()) - sum(mine.values())
        return (
            f"what surrounds the model takes {rest:,} B by itself, {items[largest]:,} B of it "
            f"{largest}: no model of these operators fits, a larger board or a smaller application"
        )
    if not mine:
        return "see the items of its table"
    item = max(mine, key=lambda key: mine[key])
    share = _share(mine[item], sum(items.values()))
    if item == "features":
        return f"features take {mine[item]:,} B ({share}): fewer channels or a longer window stride"
    inner = (_of_weights if in_flash else _of_arena)(footprint, violation)
    return f"{item} takes {mine[item]:,} B ({share}); {inner}"


def _of_macs(footprint: Footprint, violation: Violation) -> str:
    return _of_work(footprint.layers, "multiply-accumulates", lambda layer: layer.macs)


def _of_time(footprint: Footprint, violation: Violation) -> str:
    """Instructions where every layer has them, else multiply-accumulates."""
    if any(layer.instructions is None for layer in footprint.layers):
        return _of_macs(footprint, violation)
    return _of_work(footprint.layers, "instructions", lambda layer: layer.instructions or 0)


def _of_work(layers: tuple[Layer, ...], what: str, work: Callable[[Layer], float]) -> str:
    number, layer = _largest(layers, work)
    if not layer or not work(layer):
        return f"no layer has {what} to save"
    share = _share(work(layer), sum(work(one) for one in layers))
    remedy = _TIME_REMEDIES.get(layer.op, _OTHER_REMEDY)
    return f"{_label(number, layer)} has {share} of the {what}: {remedy}"


def _largest(layers: tuple[Layer, ...], size: Callable[[Layer], float]) -> tuple[int, Layer | None]:
    """Returns the first of the largest layers and its place; (0, None) of none."""
    number = max(range(len(layers)), key=lambda i: (size(layers[i]), -i), default=0)
    return number, layers[number] if layers else None


def _label(number: int, layer: Layer) -> str:
    return f"layer {number} {layer.op}"


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "all"


_REASONS: Mapping[str, Callable[[Footprint, Violation], str]] = {
    "model_bytes": _of_weights,
    "flash_bytes": _of_memory,
    "ram_bytes": _of_memory,
    "arena_bytes": _of_arena,
    "arena_host_bytes": _of_arena,
    "macs": _of_macs,
    "instructions": _of_time,
    "latency_ms": _of_time,
    "energy_uj": _of_time,
    "cpu_share": _of_time,
}
