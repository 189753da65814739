"""Values of flags: what is taken, and what is refused with exit code 2."""

from pathlib import Path
from typing import Any

import pytest

from sprd.cli.flags import limits_of
from sprd.cli.parser import build_parser
from sprd.config.limits import Limit


def parsed(line: str) -> dict[str, Any]:
    """What the parser makes of a command line."""
    return vars(build_parser().parse_args(line.split()))


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The last line that a refused command line prints; asserts that it is refused."""
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(line.split())
    assert caught.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("text", ["0", "0.85", "1"])
def test_share_lies_between_0_and_1(text: str) -> None:
    """Both ends included."""
    assert parsed(f"pick run --min-balanced-accuracy {text}")["min_balanced_accuracy"] == float(
        text
    )


def test_scores_on_streams_are_limited_by_flags_named_like_the_keys() -> None:
    """Of `[budget]`; a recall is a share, a rate any number from 0."""
    line = "pick run --min-recall-streaming 0.8 --max-false-accepts-per-hour 1.5"
    args = build_parser().parse_args([*line.split(), "--max-macs", "9"])
    most = Limit("macs", 9), Limit("false_accepts_per_hour", 1.5)
    assert limits_of(args) == (*most, Limit("recall_streaming", 0.8, is_minimum=True))
    with pytest.raises(SystemExit):
        parsed("pick run --min-worst-tenth-recall 1.5")


@pytest.mark.parametrize("text", ["1.001", "2", "85"])
def test_share_above_1_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """85 % is 0.85."""
    line = refused(f"pick run --min-balanced-accuracy {text}", capsys)
    assert line.endswith(
        f"argument --min-balanced-accuracy: must lie between 0 and 1, got {text!r}"
    )


@pytest.mark.parametrize("text", ["=-0.1", " nan", " inf", " much", " 1e15", "="])
def test_limit_is_a_plain_number_from_0(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every limit, shares included."""
    for flag in ("pick run --min-balanced-accuracy", "pick run --max-latency-ms"):
        line = refused(flag + text, capsys)
        assert "must be a plain number from 0" in line or "expected one argument" in line


def test_limit_of_a_whole_number_is_an_integer() -> None:
    """So that it is written as the bytes that it is."""
    found = parsed("check m.tflite --board b --max-model-bytes 2e4 --max-latency-ms 30.5")
    assert repr(found["max_model_bytes"]) == "20000"
    assert found["max_latency_ms"] == 30.5


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "100001", "x", "\u0663"])
def test_count_of_trials_is_a_whole_number_from_1(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Digits of ASCII, 100,000 at the most."""
    line = refused(f"sweep s.toml --trials={text}", capsys)
    assert f"must be an integer from 1 to 100000, got {text!r}" in line


def test_count_of_trials_at_its_ends() -> None:
    """1 and 100,000."""
    assert [parsed(f"sweep s.toml --trials {n}")["trials"] for n in (1, 100_000)] == [1, 100_000]


def test_frame_is_window_stride_and_channels(capsys: pytest.CaptureFixture[str]) -> None:
    """As sweep files write it."""
    line = "check m.tflite --board b --frame"
    assert parsed(f"{line} 30/20x40")["frame"] == (30, 20, 40)
    assert "must be like 30/20x40, got '30x20/40'" in refused(f"{line} 30x20/40", capsys)


def test_numbers_of_trials_start_at_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Several for a cross-validation, one for an export."""
    assert parsed("crossval run --trial 0 12")["trial"] == [0, 12]
    assert "must be an integer from 0" in refused("export run --trial=-1", capsys)


def test_files_are_paths() -> None:
    """A command is handed no text that it would have to turn into one."""
    found = parsed("compare a b")
    assert (found["run_folder"], found["other_run"]) == (Path("a"), Path("b"))


def test_misspelt_command_is_answered_by_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """One line says which was meant."""
    assert "unknown command 'swep'" in refused("swep s.toml", capsys)


def test_a_misspelt_choice_is_told_by_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """A value that a flag does not take is no command; what it takes is listed."""
    said = refused("evaluate b --data d --split tset", capsys)
    assert "unknown value of --split 'tset'. Did you mean 'test'?" in said
