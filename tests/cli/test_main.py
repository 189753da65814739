"""Errors become one line and an exit code; verbs are found where they are."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sprd.cli import main as room
from sprd.cli.main import INTERRUPTED, VERBS, main
from sprd.cli.parser import build_parser
from sprd.errors import BudgetError, ConfigError, SprdError

LINES = {
    "sweep": "sweep s.toml",
    "train": "train s.toml",
    "crossval": "crossval run --trial 1",
    "evaluate": "evaluate bundle --data clips",
    "stream": "stream bundle",
    "listen": "listen bundle a.wav",
    "verify": "verify bundle",
    "reproduce": "reproduce bundle",
    "check": "check m.tflite --board b",
    "emulate": "emulate m.tflite --board b",
    "calibrate": "calibrate m.csv --board b",
    "boards": "boards",
    "pick": "pick run",
    "export": "export run --trial 1",
    "compare": "compare a b",
    "data_fetch": "data fetch",
    "data_import": "data import recordings --out words",
    "data_synth": "data synth up --out voices",
    "data_check": "data check clips",
}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_a_function_that_takes_what_was_parsed(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser names it, the table finds it, and its exit code is that of the process."""
    assert build_parser().parse_args(LINES[verb].split()).run == verb
    module, _, function = VERBS[verb].partition(":")
    seen = []

    def run(args: object) -> int:
        seen.append(args)
        return 4

    monkeypatch.setattr(f"{module}.{function}", run)
    assert main(LINES[verb].split()) == 4
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SprdError("a\nb."), 1, "sprd boards: a b."),
        (ConfigError("x.toml: no."), 2, "sprd boards: x.toml: no."),
        (BudgetError("No trial fits."), 3, "sprd boards: No trial fits."),
        (KeyboardInterrupt(), INTERRUPTED, "sprd boards: interrupted. Nothing was written."),
        (PermissionError(13, "Permission denied", "f"), 2, "sprd boards: f: Permission denied."),
        (OSError("odd"), 2, "sprd boards: odd."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_is_one_line_and_a_code(
    error: BaseException,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a traceback, on standard error."""

    def fail(args: object) -> int:
        raise error

    monkeypatch.setattr(room, "_verb", lambda name: fail)
    assert main(["boards"]) == code
    assert capsys.readouterr() == ("", line + "\n")


def test_error_of_ours_that_is_a_fault_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its traceback is what we need to mend it."""

    def fail(args: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(room, "_verb", lambda name: fail)
    with pytest.raises(ZeroDivisionError):
        main(["boards"])


def test_folder_that_is_no_bundle_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole command, through the parser and back."""
    assert main(["verify", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("sprd verify: ") and err.count("\n") == 1


def test_sigterm_means_what_ctrl_c_means(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whenever it comes while a verb runs; afterwards it means what it meant."""
    before = signal.getsignal(signal.SIGTERM)

    def run(args: object) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr("sprd.cli.boards.boards", run)
    assert main(["boards"]) == INTERRUPTED
    assert capsys.readouterr().err == "sprd boards: interrupted. Nothing was written.\n"
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("module", ["sprd", "sprd.cli"])
def test_modules_beside_the_command_are_not_ours(tmp_path: Path, module: str) -> None:
    """`python -m sprd` reads no random.py or rich.py of the folder where it is typed."""
    for name in ("random", "argparse", "rich", "tomllib", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')\n")
    done = subprocess.run(
        [sys.executable, "-m", module, "boards"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_standard_output_is_no_error(tmp_path: Path) -> None:
    """Python has none then; what is asked for as JSON is done all the same."""
    code = 'from sprd.cli.text import show_json; show_json({"trial": 1})'
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-c", code]
    done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
