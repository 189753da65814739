"""The verbs about a board and a file: each calls the room `device` and shows what came of it."""

import json
from argparse import Namespace
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid
from rich.text import Text

from sprd.cli.flags import given_limits
from sprd.cli.grid import show_grid
from sprd.cli.listening import given_battery, power_of, show_power
from sprd.cli.text import output, show_json
from sprd.config.limits import KEEPS_UP, LIMITED_KEYS, Violation, at_most
from sprd.config.numbers import number_of
from sprd.errors import ConfigError

if TYPE_CHECKING:
    from sprd.config.board import Board
    from sprd.device.calibration import Calibration
    from sprd.device.emulation.emulate import Emulation
    from sprd.device.footprint import Footprint
    from sprd.device.frontend_cost import FrontendSettings
    from sprd.device.realtime import RealTime

_DOES_NOT_FIT = 3
_PROVES = """\
proves: the kernels, their instructions, the outputs up to the logits.
Not: TFLM's interpreter, resolver and arena, nor time on silicon. ADD, PAD and
unevenly padded pooling run portable C, not CMSIS-NN."""

_SIZER = "arena by mcufit's sizer (TFLM of August 2026, 32 bits, no scratch of CMSIS-NN):"


def check(args: Namespace) -> int:
    """Tells what a model takes and whether it fits."""
    from sprd.device.advice import advice
    from sprd.device.board import load_board
    from sprd.device.footprint import measure_untrusted
    from sprd.device.realtime import check_real_time
    from sprd.device.verdict import check as compare

    board = load_board(args.board, args.build)
    limits = {**board.bounds, **given_limits(args)}
    settings, battery = _frontend(args), given_battery(args)
    footprint = measure_untrusted(args.model, board)
    sizer_bytes = _sizer_bytes(args)
    footprint, live = _with_frontend(board, footprint, settings, args.interval_ms)
    violations = compare(footprint, at_most(limits)) + (check_real_time(live) if live else ())
    hints = advice(footprint, violations)
    power = power_of(board, live, battery)
    if args.json:
        head = {"model": str(args.model), **_board_json(board)}
        show_json(
            {
                **head,
                **_footprint_json(footprint, sizer_bytes),
                "real_time": None if live is None else asdict(live),
                **asdict(power),
                "limits": limits,
                "fits": not violations,
                "violations": [v.as_dict() for v in violations],
                "advice": hints,
            }
        )
    else:
        verdict = "does not fit" if violations else "fits"
        output().print(f"{args.model} on {board.name}, build {board.build.name}: {verdict}")
        _show_footprint(footprint, limits, board, sizer_bytes)
        if live is not None:
            _show_real_time(live)
            show_power(power, battery)
        _show_violations(violations, hints)
    return _DOES_NOT_FIT if violations else 0


def emulate(args: Namespace) -> int:
    """Runs a model on the emulated core of a board."""
    from sprd.device.board import load_board
    from sprd.device.emulation.emulate import emulate as run
    from sprd.device.emulation.toolchain import check_toolchain, core_named
    from sprd.device.footprint import measure_untrusted, with_instructions
    from sprd.device.graph import read_graph

    board = load_board(args.board, args.build)
    core_named(board.core)
    check_toolchain()
    # A file that would crash TFLM does so in a child.
    estimated = measure_untrusted(args.model, board)
    model = args.model.read_bytes()
    counted = run(
        model,
        board.core,
        n_inputs=args.inputs,
        name=str(args.model),
        flags=board.build.flags,
    )
    footprint = with_instructions(estimated, read_graph(model), board, counted.instructions)
    if args.json:
        latency_keys = ("latency_ms", "latency_low_ms", "latency_high_ms", "latency_source")
        latency = {key: getattr(footprint, key) for key in latency_keys}
        head = {"model": str(args.model), **_board_json(board)}
        show_json({**head, **asdict(counted), **latency})
    else:
        _show_emulation(args.model, board, counted, footprint)
    return 0 if counted.outputs_equal else 1


def boards(args: Namespace) -> int:
    """Lists the boards."""
    from sprd.device.board import board_names, load_board

    found = [load_board(name) for name in board_names()]
    if args.json:
        show_json({"boards": [_fields(board) for board in found]})
        return 0
    grid = _grid("name", "core", "MHz", "flash KiB", "RAM KiB", "kernels", "latency", left=2)
    for board in found:
        clock, flash, ram = (
            f"{board.clock_hz / 1e6:g}",
            f"{board.flash_bytes // 1024:,}",
            f"{board.ram_bytes // 1024:,}",
        )
        grid.add_row(board.name, board.core, clock, flash, ram, board.kernels,
                     _latency_word(board))  # fmt: skip
    show_grid(grid)
    output().print("borrowed: with the factor of another board or build, 'sprd check' says whose")
    output().print("\nbuilds, to be chosen with --build; the first is the default:")
    builds = _grid("name", "builds", left=2)
    for board in found:
        others = [name for name in board.builds if name != board.default_build]
        builds.add_row(board.name, ", ".join([board.default_build, *others]))
    show_grid(builds)
    return 0


def calibrate(args: Namespace) -> int:
    """Fits a board's cycles an instruction to measured milliseconds."""
    from sprd.device.board import load_board
    from sprd.device.calibration import Measurement, read_measurements
    from sprd.device.calibration import calibrate as fit
    from sprd.device.footprint import measure_untrusted
    from sprd.device.graph import read_graph

    board = load_board(args.board, args.build)
    rows, n_others = read_measurements(args.measured, board)
    for path, _ in rows:
        measure_untrusted(path, board)
    graphs = [read_graph(path.read_bytes(), str(path)) for path, _ in rows]
    fitted = fit(
        [Measurement(graph, ms) for graph, (_, ms) in zip(graphs, rows, strict=True)], board
    )
    if args.json:
        show_json({**_board_json(board), **asdict(fitted), "n_rows_of_other_builds": n_others})
        return 0
    out = output()
    grid = _grid("model", "measured", "cycles an instruction", left=1)
    for (path, ms), factor in zip(rows, fitted.factors, strict=True):
        grid.add_row(path.name, number_of("latency_ms").exact(ms), f"{factor:.3f}")
    show_grid(grid)
    if n_others:
        out.print(f"of other builds than {board.build.name}, left out: {n_others} of the rows")
    out.print(f"\nPut this into a file of your own for {board.name}, and name it with --board:\n")
    source = f"sprd calibrate, {len(rows)} measurements of {args.measured.name}"
    _show_calibration(fitted, board.build.name, source)
    return 0


def _frontend(args: Namespace) -> "FrontendSettings | None":
    """Returns the front end's settings, or None if no frame was given."""
    from sprd.device.frontend_cost import FrontendSettings

    if args.frame is None:
        if args.interval_ms is not None:
            raise ConfigError("--interval-ms: must come with --frame, got none. Add --frame.")
        return None
    window_ms, stride_ms, n_channels = args.frame
    return FrontendSettings(16_000, window_ms, stride_ms, n_channels)


def _with_frontend(
    board: "Board",
    footprint: "Footprint",
    settings: "FrontendSettings | None",
    interval_ms: float | None,
) -> "tuple[Footprint, RealTime | None]":
    """Returns the footprint with the front end's RAM, and what of the time both take."""
    from sprd.device.realtime import real_time_on, with_frontend

    if settings is None:
        return footprint, None
    footprint = with_frontend(board, footprint, settings)
    return footprint, real_time_on(board, footprint, settings, interval_ms)


def _board_json(board: "Board") -> dict[str, Any]:
    from sprd.device.latency import latency_basis

    basis = latency_basis(board)
    return {"board": board.name, "build": board.build.name, "latency_basis": basis}


def _latency_word(board: "Board") -> str:
    from sprd.device.latency import BORROWED, latency_basis

    basis = latency_basis(board)
    if basis is None:
        return "unknown"
    return "borrowed" if basis.startswith(BORROWED) else "estimated"


def _fields(board: "Board") -> dict[str, Any]:
    """Its origin is its name: these are all shipped. The build that is chosen is told by name."""
    from sprd.device.latency import latency_basis

    hidden = ("origin", "calibrations")
    fields = {key: value for key, value in asdict(board).items() if key not in hidden}
    told = {"build": board.build.name, "latency_basis": latency_basis(board)}
    return {**fields, "kernels": board.kernels, **told}


def _grid(*headings: str, left: int = 1) -> Grid:
    grid = Grid(box=None, pad_edge=False)
    for i, heading in enumerate(headings):
        grid.add_column(heading, justify="left" if i < left else "right", overflow="fold")
    return grid


def _sizer_bytes(args: Namespace) -> int | None:
    """Returns the sizer's arena if it was asked for."""
    from sprd.device.sizer import arena_sizer_bytes

    return arena_sizer_bytes(args.model) if args.sizer else None


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[1:] or shape))


def _footprint_json(footprint: "Footprint", sizer_bytes: int | None) -> dict[str, Any]:
    return {
        **footprint.as_dict(),
        **({} if sizer_bytes is None else {"arena_sizer_bytes": sizer_bytes}),
        "latency_unknown": footprint.latency_unknown,
        "latency_borrowed": list(footprint.latency_borrowed),
        "ops": list(footprint.ops),
        "flash_items": dict(footprint.flash_items),
        "ram_items": dict(footprint.ram_items),
        "arena_items": dict(footprint.arena_items),
        "layers": [asdict(layer) for layer in footprint.layers],
    }


def _show_footprint(
    footprint: "Footprint", limits: Mapping[str, float], board: "Board", sizer_bytes: int | None
) -> None:
    from sprd.device.latency import latency_basis

    out = output()
    show_grid(_totals(footprint, limits))
    for title, items in (
        ("flash", footprint.flash_items),
        ("RAM", footprint.ram_items),
        ("arena", footprint.arena_items),
    ):
        if items:
            out.print(f"{title}: {_items(items)}", soft_wrap=False)
    if sizer_bytes is not None:
        out.print(f"{_SIZER} {sizer_bytes:,} B")
    layers = _grid("layer", "output", "MACs", "bytes", "instructions", "time", left=2)
    for layer in footprint.layers:
        count = "" if layer.instructions is None else f"{layer.instructions:,.0f}"
        share = "" if layer.time_share is None else f"{layer.time_share:.0%}"
        layers.add_row(layer.op, _shape(layer.output_shape), f"{layer.macs:,}",
                       f"{layer.weight_bytes:,}", count, share)  # fmt: skip
    show_grid(layers)
    low, high = footprint.latency_low_ms, footprint.latency_high_ms
    if low is not None and high is not None:
        latency = number_of("latency_ms")
        ends = f"{latency.figure(low)} and {latency.text(high)}"
        out.print(f"latency lies between {ends} (source: {footprint.latency_source})")
        if footprint.latency_borrowed:
            ops = ", ".join(footprint.latency_borrowed)
            out.print(f"{ops}: never measured on this board; counted on a Cortex-M4 and scaled")
        out.print(f"cycles an instruction: {latency_basis(board)}")
    else:
        out.print(f"latency is unknown: {footprint.latency_unknown}")


def _totals(footprint: "Footprint", limits: Mapping[str, float]) -> Grid:
    """What is taken of each limited quantity, its limit, and what is left of that."""
    grid = _grid("", "takes", "limit", "margin")
    for key in LIMITED_KEYS:
        value: float | None = getattr(footprint, key)
        what, limit = number_of(key), limits.get(key)
        margin = ""
        if limit and value is not None:
            margin = f"{(1 - value / limit) * 100:+.0f} %"
        shown = "" if limit is None else what.exact(limit)
        grid.add_row(what.words, what.text(value), shown, margin)
    return grid


def _show_violations(violations: Iterable[Violation], hints: Iterable[str]) -> None:
    out = output()
    for violation in violations:
        out.print(Text(f"over: {violation}", style="red"))
    for hint in hints:
        out.print(Text(hint))


def _show_emulation(
    model: Path, board: "Board", counted: "Emulation", footprint: "Footprint"
) -> None:
    from sprd.device.latency import latency_basis

    out = output()
    equal = "equal TFLM's" if counted.outputs_equal else "DIFFER from TFLM's"
    out.print(f"{model} on an emulated {counted.core}: outputs {equal} on {counted.n_clips} inputs")
    if not counted.outputs_equal:
        out.print(Text(f"{counted.n_outputs_different:,} output bytes differ", style="red"))
    time = "time on the board unknown"
    if footprint.latency_ms is not None:
        low, high = footprint.latency_low_ms, footprint.latency_high_ms
        told = number_of("latency_ms").text(footprint.latency_ms, (low, high))
        time = f"{told} on {board.name}, build {board.build.name}"
    count = number_of("instructions")
    out.print(f"{count.text(counted.instructions)} {count.words} an inference, {time}")
    if footprint.latency_ms is not None:
        out.print(f"cycles an instruction: {latency_basis(board)}")
    out.print(
        f"kernels and weights {counted.flash_bytes:,} B of flash, activations"
        f" {counted.ram_bytes:,} B of RAM, stack {counted.stack_bytes:,} B"
    )
    grid = _grid("layer", "output", "instructions", "share", left=2)
    for layer in counted.layers:
        share = layer.instructions / max(counted.instructions, 1)
        grid.add_row(layer.op, _shape(layer.output_shape), f"{layer.instructions:,}",
                     f"{share:.0%}")  # fmt: skip
    show_grid(grid)
    out.print(_PROVES)


def _show_calibration(fitted: "Calibration", build: str, source: str) -> None:
    """Prints what goes into a board file."""
    from sprd.config.build import CMAKE_O2
    from sprd.device.latency import ASSUMED_ERROR

    out = output()
    error = ASSUMED_ERROR if fitted.error is None else fitted.error
    out.print(Text("[latency]"))
    out.print(f"cycles_per_instruction = {fitted.cycles_per_instruction:.3f}")
    out.print(f"cycles_per_instruction_error = {error:.3f}")
    if build != CMAKE_O2:
        out.print(f"build = {json.dumps(build)}")
    out.print(Text("\n[sources]"))
    out.print(f'"latency.cycles_per_instruction" = {json.dumps(source)}')
    out.print(f'"latency.cycles_per_instruction_error" = {json.dumps(source)}')
    if fitted.error is None:
        out.print(f"\nOne measurement tells no error; {ASSUMED_ERROR} is assumed. Measure another.")


def _items(items: Mapping[str, int]) -> str:
    """Largest first."""
    ordered = sorted(items.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {size:,} B" for name, size in ordered if size)


def _show_real_time(live: "RealTime") -> None:
    out = output()
    if live.setup_ms is not None and live.frame_ms is not None:
        setup, frame = map(number_of("frontend_ms").text, (live.setup_ms, live.frame_ms))
        out.print(f"front end: {setup} once, to set itself up, in soft float; then {frame} a frame")
    if live.cpu_share is None or live.frontend_ms is None or live.inference_ms is None:
        out.print(f"whether it keeps up is unknown: {live.unknown}")
        return
    words = {True: "keeps up", False: "may not keep up"}[bool(live.keeps_up)]
    if not KEEPS_UP.fits(live.cpu_share):
        words = "does not keep up"
    energy = ""
    if live.energy_uj is not None:
        energy = f", {number_of('energy_uj').text(live.energy_uj)} each time"
    frontend, inference = (
        number_of(key).text(value)
        for key, value in (("frontend_ms", live.frontend_ms), ("latency_ms", live.inference_ms))
    )
    share = number_of(KEEPS_UP.key).phrase(
        live.cpu_share, (live.cpu_share_low, live.cpu_share_high)
    )
    out.print(
        f"{words}: front end {frontend} + inference {inference} every"
        f" {live.stride_ms:g} ms, {share}{energy}"
    )
