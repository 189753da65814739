"""What `check`, `emulate`, `calibrate` and `boards` print, and how they end."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sprd.cli.main import main
from sprd.config.build import CMAKE_O2
from sprd.device.board import load_board

BOARD = "arduino_nano_33_ble"


@pytest.fixture(scope="module")
def model(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SPRD's shipped model, in a folder of its own."""
    target = tmp_path_factory.mktemp("models") / "shipped.tflite"
    shutil.copy(shared / "models" / "sprd_tiny_conv_up_down.tflite", target)
    return target


def run(capsys: pytest.CaptureFixture[str], *args: int | str | Path) -> tuple[int, str, str]:
    """Runs a command in this process; returns exit code, output and errors."""
    try:
        code = main([str(arg) for arg in args])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_check_tells_totals_items_and_layers(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The totals, what makes them up, each layer's part, and where the latency comes from."""
    code, out, _ = run(capsys, "check", model, "--board", BOARD, "--build", CMAKE_O2, "--json")
    found = json.loads(out)
    assert code == 0 and found["fits"] and found["advice"] == []
    assert (found["model_bytes"], found["macs"], found["arena_host_bytes"]) == (
        18_960,
        336_000,
        9_776,
    )
    assert found["ops"] == ["RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SOFTMAX"]
    assert sum(found["flash_items"].values()) == found["flash_bytes"]
    assert sum(found["ram_items"].values()) == found["ram_bytes"]
    assert sum(found["arena_items"].values()) == found["arena_reserve_bytes"]
    assert found["instructions"] == pytest.approx(2.511e6, rel=0.03)
    assert sum(layer["time_share"] for layer in found["layers"]) == pytest.approx(1)
    assert found["latency_low_ms"] < found["latency_ms"] < found["latency_high_ms"]
    assert found["latency_source"] == "model" and found["latency_unknown"] is None
    code, out, _ = run(capsys, "check", model, "--board", BOARD)
    assert code == 0 and "fits" in out and "CONV_2D" in out and "latency lies between" in out


def test_check_is_a_gate_with_advice(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not fit ends with 3 and a sentence on what to shrink."""
    code, out, _ = run(capsys, "check", model, "--board", BOARD, "--max-model-bytes", 10_000)
    assert code == 3
    assert "over: model 18,960 B of 10,000 B (+90 %)" in out
    assert "FULLY_CONNECTED" in out.splitlines()[-1]


def test_check_says_whether_the_board_keeps_up(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Front end and inference every second are fine; at every stride they are not."""
    command = ("check", model, "--board", BOARD, "--frame", "30/20x40", "--json")
    code, out, _ = run(capsys, *command, "--interval-ms", 1000)
    slow = json.loads(out)["real_time"]
    assert code == 0 and slow["keeps_up"] and 0.05 < slow["cpu_share"] < 0.5
    assert slow["energy_uj"] > 0
    code, out, _ = run(capsys, *command)
    assert code == 3 and not json.loads(out)["real_time"]["keeps_up"]
    assert json.loads(out)["violations"][-1]["key"] == "cpu_share"
    assert "CONV_2D" in json.loads(out)["advice"][-1]


def test_share_of_the_cpu_reads_as_in_a_violation(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To a thousandth, with its interval."""
    command = ("check", model, "--board", BOARD, "--frame", "30/20x40")
    found = json.loads(run(capsys, *command, "--json")[1])["real_time"]
    out = run(capsys, *command)[1]
    low, share, high = (found[f"cpu_share{end}"] for end in ("_low", "", "_high"))
    assert f"every 20 ms, cpu share {share:.3f} ({low:.3f} .. {high:.3f})" in out


def test_check_tells_the_start_of_the_front_end(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """3.8 M instructions at 1.44 cycles and 120 MHz, once: in the JSON and on the screen."""
    command = ("check", model, "--board", "nucleo_l4r5zi", "--frame", "30/20x40")
    found = json.loads(run(capsys, *command, "--json")[1])["real_time"]
    assert found["setup_ms"] == pytest.approx(45, rel=0.1)
    assert found["frame_ms"] == found["frontend_ms"]  # an inference at every stride has one
    setup = f"front end: {found['setup_ms']:.1f} ms once, to set itself up, in soft float"
    told = f"{setup}; then 1.1 ms a frame"
    assert told in run(capsys, *command)[1]


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (("--frame", "30x40"), "must be like 30/20x40"),
        (("--frame", "30/20/40"), "must be like 30/20x40"),
        (("--frame", "30/20x40", "--interval-ms", "1e9"), "at most"),
        (("--frame", "20/30x40"), "window_stride_ms <= window_size_ms"),
        (("--frame", "30/20x40", "--interval-ms", "5"), "at least the stride"),
        (("--interval-ms", "100"), "must come with --frame"),
        (("--max-latency-ms", "-1"), "from 0"),
        (("--max-latency-ms", "30ms"), "from 0"),
        (("--max-instructions", "1e99"), "from 0"),
    ],
)
def test_check_refuses_flags_that_mean_nothing(
    model: Path, capsys: pytest.CaptureFixture[str], args: tuple[Any, ...], rule: str
) -> None:
    """One line, exit 2."""
    code, _, err = run(capsys, "check", model, "--board", BOARD, *args)
    assert code == 2 and rule in err and len(err.strip().splitlines()) == 1


def test_names_are_printed_as_they_are(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What looks like markup in a path is a path."""
    odd = tmp_path / "a[red]b[" / "x].tflite"
    odd.parent.mkdir()
    shutil.copy(model, odd)
    code, out, _ = run(capsys, "check", odd, "--board", BOARD)
    assert code == 0 and str(odd) in out


def test_unknown_latency_is_not_invented(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without published figures of the core there is a reason instead of a number."""
    code, out, _ = run(capsys, "check", model, "--board", "stm32f746", "--json")
    found = json.loads(out)
    assert code == 0 and found["latency_ms"] is None
    assert "cortex-m7" in found["latency_unknown"]
    code, out, _ = run(capsys, "check", model, "--board", "esp32_s3")
    assert "latency is unknown: no layer was measured with the kernels esp-nn" in out
    code, out, _ = run(capsys, "check", model, "--board", "esp32", "--frame", "30/20x40")
    assert code == 3 and "keeps up is unknown: what the front end takes on a xtensa-lx6" in out


def test_what_was_never_measured_on_the_board_is_named(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator whose count on a Cortex-M4 was scaled; none of those that were measured."""
    resnet = shared / "models" / "mlperf_tiny_ic_resnet8.tflite"
    code, out, _ = run(capsys, "check", resnet, "--board", "esp32")
    assert code == 0 and "ADD: never measured on this board; counted on a Cortex-M4" in out
    assert "cycles an instruction: ESP32 rows of the build esp-idf" in out
    code, out, _ = run(capsys, "check", resnet, "--board", "esp32", "--json")
    assert json.loads(out)["latency_borrowed"] == ["ADD"]
    code, out, _ = run(capsys, "check", resnet, "--board", BOARD, "--json")
    assert json.loads(out)["latency_borrowed"] == []


@pytest.mark.usefixtures("toolchain")
def test_emulate_counts_and_compares(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Instructions, equality, and a latency that comes from them."""
    code, out, _ = run(capsys, "emulate", model, "--board", BOARD, "--build", CMAKE_O2, "--json")
    found = json.loads(out)
    assert code == 0 and found["outputs_equal"] and found["n_clips"] == 32
    assert found["instructions"] == pytest.approx(2.511e6, rel=1e-3)
    assert found["latency_source"] == "emulated" and found["latency_ms"] > 0
    code, out, _ = run(capsys, "emulate", model, "--board", BOARD, "--inputs", 2)
    assert code == 0 and "outputs equal TFLM's on 2 inputs" in out and "Not: TFLM's" in out
    assert "cycles an instruction: Arduino Nano 33 BLE rows of the build arduino" in out


@pytest.mark.usefixtures("toolchain")
def test_emulate_ends_with_1_where_outputs_differ(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A difference is a failure, said in words."""
    import dataclasses

    from sprd.device.emulation import emulate as room

    real = room.emulate
    monkeypatch.setattr(
        room,
        "emulate",
        lambda *args, **kwargs: dataclasses.replace(
            real(*args, **kwargs), outputs_equal=False, n_outputs_different=7
        ),
    )
    code, out, _ = run(capsys, "emulate", model, "--board", BOARD, "--inputs", 1)
    assert code == 1 and "DIFFER" in out and "7 output bytes" in out


def test_emulate_needs_a_core_that_can_be_emulated(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another architecture is refused by name."""
    code, _, err = run(capsys, "emulate", model, "--board", "esp32_s3")
    assert code == 2 and "xtensa-lx7" in err


def test_emulate_without_toolchain_says_what_to_install(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message holds the command."""
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = run(capsys, "emulate", model, "--board", BOARD)
    assert code == 2 and "apt-get install gcc-arm-none-eabi" in err


def test_calibration_goes_into_a_board_file(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What `calibrate` prints makes a board whose latency is known, with its own source."""
    from sprd.device.board import BOARDS_FOLDER

    measured = tmp_path / "measured.csv"
    measured.write_text(f"model,latency_ms\n{model},15.0\n{model},15.302\n")
    code, out, _ = run(capsys, "calibrate", measured, "--board", "stm32f746")
    assert code == 0
    assert "15.0 ms" in out and "15.302 ms" in out  # as they were given
    latency = out[out.index("[latency]") : out.index("[sources]")]
    sources = out[out.index("[sources]") + len("[sources]") :]
    shipped = (BOARDS_FOLDER / "stm32f746.toml").read_text()
    own = tmp_path / "mine.toml"
    own.write_text(shipped.replace("[sources]", f"{latency}\n[sources]") + sources)
    code, out, _ = run(capsys, "check", model, "--board", own, "--json")
    found = json.loads(out)
    assert found["latency_ms"] == pytest.approx(15.15, rel=0.01)
    assert found["latency_source"] == "board"
    code, out, _ = run(capsys, "calibrate", measured, "--board", "stm32f746", "--json")
    assert json.loads(out)["error"] == pytest.approx(0.02, abs=0.005)


def test_calibrate_refuses_a_wrong_unit(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Seconds in place of milliseconds are noticed."""
    measured = tmp_path / "measured.csv"
    measured.write_text(f"model,latency_ms\n{model},0.015\n")
    code, _, err = run(capsys, "calibrate", measured, "--board", "stm32f746")
    assert code == 2 and "cycles an instruction" in err


def test_boards_fit_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve boards, one line each, at 80 columns; then the builds of each."""
    code, out, _ = run(capsys, "boards")
    lines = out.splitlines()
    assert code == 0 and lines.index("") == 14 and max(map(len, lines)) <= 80
    words = {line.split()[0]: line.split()[-1] for line in lines[1:13]}
    assert words["nucleo_l4r5zi"] == "estimated" and words["sparkfun_edge"] == "borrowed"
    assert words["stm32f746"] == "unknown"
    nano = next(line for line in lines[14:] if line.startswith("arduino_nano_33_ble"))
    assert nano.split()[1] == f"{load_board(BOARD).default_build},"
    assert {"cmake-O2", "arduino", "arduino-O2", "head-Os"} <= set(nano.replace(",", "").split())
    assert len(lines) == 14 + 3 + 12
    code, out, _ = run(capsys, "boards", "--json")
    told = json.loads(out)["boards"]
    assert len(told) == 12
    assert {board["build"] for board in told} <= {CMAKE_O2, "arduino", "esp-idf"}
    assert told[0]["builds"]["arduino"]["flags"] == ["-Os"]
    assert told[0]["latency_basis"].startswith("Arduino Nano 33 BLE rows")


@pytest.mark.parametrize("verb", ["check", "emulate", "calibrate"])
def test_build_that_a_board_lacks_is_bad_input(
    model: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """Wherever a board is named; those that it has are told, in one line."""
    code, _, err = run(capsys, verb, model, "--board", BOARD, "--build", "ardiuno")
    assert code == 2 and err.count("\n") == 1
    assert "must be a build of the board, got 'ardiuno'. Did you mean 'arduino'?" in err


def test_check_tells_the_build_that_its_numbers_are_of(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That of the board unless told; on the screen and in JSON."""
    code, out, _ = run(capsys, "check", model, "--board", "nrf5340dk", "--build", "head-Os")
    assert code == 0 and out.startswith(f"{model} on nrf5340dk, build head-Os: fits")
    _, out, _ = run(capsys, "check", model, "--board", "nrf5340dk", "--json")
    assert (json.loads(out)["board"], json.loads(out)["build"]) == ("nrf5340dk", CMAKE_O2)


def test_check_asks_the_sizer_where_it_is_told_to(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its arena stands beside the bound; without the flag nothing of it is said."""
    monkeypatch.setattr("sprd.device.sizer.arena_sizer_bytes", lambda path: 8_940)
    code, out, _ = run(capsys, "check", model, "--board", BOARD, "--sizer", "--json")
    assert code == 0 and json.loads(out)["arena_sizer_bytes"] == 8_940
    _, out, _ = run(capsys, "check", model, "--board", BOARD, "--sizer")
    assert "sizer" in out and "8,940 B" in out
    _, out, _ = run(capsys, "check", model, "--board", BOARD, "--json")
    assert "arena_sizer_bytes" not in json.loads(out)
