"""Which verbs and flags there are, and what values they take. Loads no other room's work."""

import argparse
import re
import sys
from pathlib import Path

from sprd import __version__
from sprd.config.limits import LIMITED_KEYS
from sprd.errors import suggest

EXIT_CODES = (
    "exit codes: 0 done, 1 failure, 2 bad usage or input, 3 nothing fits,\n"
    "4 made again, equivalent but not identical, 130 interrupted"
)


class _Parser(argparse.ArgumentParser):
    """Suggests the nearest command when one is misspelt."""

    def error(self, message: str) -> "None":  # type: ignore[override]
        wrong = message.split("invalid choice: ", 1)
        if "(choose from" in message and len(wrong) == 2:
            name = wrong[1].split("'")[1]
            known = next(a.choices for a in self._actions if a.choices) or []
            message = f"unknown command {name!r}. {suggest(name, known)}"
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(2)


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands."""
    parser = _Parser(
        prog="sprd",
        description="Sweeps keyword-spotting models under a microcontroller budget.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"sprd {__version__}")
    verbs = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_running(verbs)
    _add_reading(verbs)
    _add_choosing(verbs)
    _add_bundle(verbs)
    _add_data(verbs)
    return parser


def _verb(
    verbs: "argparse._SubParsersAction[_Parser]", name: str, text: str, example: str
) -> _Parser:
    verb = verbs.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example: {example}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(run=name, on_interrupt="Nothing was written.")
    return verb


def _json(verb: _Parser) -> None:
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def _data(verb: _Parser, required: bool = False) -> None:
    verb.add_argument(
        "--data", type=Path, metavar="DIR", required=required, help="folder of <word>/<clip>.wav"
    )


def _limits(verb: _Parser) -> None:
    group = verb.add_argument_group("limits")
    for key in LIMITED_KEYS:
        flag = f"--max-{key.replace('_', '-')}"
        metavar = {"bytes": "BYTES", "ms": "MS", "uj": "UJ"}.get(key.rpartition("_")[2], "N")
        group.add_argument(flag, type=_limit, metavar=metavar, dest=f"max_{key}")


def _limit(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e15:
        raise argparse.ArgumentTypeError(f"must be a plain number from 0, got {text!r}")
    return int(number) if number.is_integer() else number


def _share(text: str) -> float:
    number = _limit(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, got {text!r}")
    return number


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 100_000):
        raise argparse.ArgumentTypeError(f"must be an integer from 1 to 100000, got {text!r}")
    return int(text)


def _frame(text: str) -> tuple[int, int, int]:
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})x([0-9]{1,4})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be like 30/20x40, got {text!r}")
    return int(found[1]), int(found[2]), int(found[3])


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"must be an integer from 0, got {text!r}")
    return int(text)


def _add_running(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    sweep = _verb(
        verbs,
        "sweep",
        "Run a sweep of trials and export the best that fits; the same command goes on.",
        "sprd sweep sweeps/up_down_nano33ble.toml --data speech_commands",
    )
    sweep.add_argument("file", type=Path, metavar="FILE", help="sweep file (TOML)")
    sweep.add_argument("--out", type=Path, metavar="DIR", help="folder of the run; runs/<name>")
    _data(sweep)
    sweep.add_argument("--trials", type=_positive, metavar="N", help="instead of sweep.n_trials")
    sweep.add_argument(
        "--address", metavar="ADDR", help="a running Ray cluster, 'auto' on its head"
    )
    sweep.set_defaults(
        on_interrupt="Finished trials are kept; run the same command again to go on."
    )
    train = _verb(
        verbs,
        "train",
        "Train the one configuration of a sweep file, without its search space, and export it.",
        "sprd train sweeps/sprd.toml --data speech_commands",
    )
    train.add_argument("file", type=Path, metavar="FILE", help="sweep file (TOML)")
    train.add_argument("--out", type=Path, metavar="DIR", help="folder; runs/<name>-train")
    _data(train)
    _json(train)


def _add_reading(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    evaluate = _verb(
        verbs,
        "evaluate",
        "Score a bundle, or a bare .tflite with --sweep, on a folder of clips.",
        "sprd evaluate runs/default/bundle --data my_recordings",
    )
    evaluate.add_argument("model", type=Path, metavar="BUNDLE", help="bundle, or a .tflite file")
    _data(evaluate, required=True)
    evaluate.add_argument("--sweep", type=Path, metavar="FILE", help="what a bare .tflite hears")
    evaluate.add_argument(
        "--split", choices=("all", "training", "validation", "test"), default="all",
        help="only these speakers of the model's own split; all clips unless told",
    )  # fmt: skip
    evaluate.add_argument("--silence", type=_natural, metavar="N", default=80, help="silence clips")
    evaluate.add_argument("--seed", type=_natural, default=0, help="seed of the silence clips")
    _json(evaluate)
    check = _verb(
        verbs,
        "check",
        "Tell what a .tflite takes on a board, and whether it fits (exit 3 if not).",
        "sprd check model.tflite --board arduino_nano_33_ble --max-latency-ms 30",
    )
    check.add_argument("model", type=Path, metavar="MODEL.tflite")
    check.add_argument(
        "--board", required=True, metavar="NAME", help="see 'sprd boards', or a .toml"
    )
    _limits(check)
    check.add_argument(
        "--frame", type=_frame, metavar="W/SxC",
        help="front end, window/stride ms x channels: can the board keep up? e.g. 30/20x40",
    )  # fmt: skip
    check.add_argument(
        "--interval-ms", type=_limit, metavar="MS", help="between inferences; the stride if unset"
    )
    _json(check)
    emulate = _verb(
        verbs,
        "emulate",
        "Run a .tflite on the emulated core of a board: instructions, and every output byte"
        " against TensorFlow Lite Micro (exit 1 if one differs).",
        "sprd emulate model.tflite --board arduino_nano_33_ble",
    )
    emulate.add_argument("model", type=Path, metavar="MODEL.tflite")
    emulate.add_argument(
        "--board", required=True, metavar="NAME", help="see 'sprd boards', or a .toml"
    )
    emulate.add_argument(
        "--inputs", type=_positive, default=32, metavar="N", help="random inputs; 32 unless told"
    )
    _json(emulate)
    calibrate = _verb(
        verbs,
        "calibrate",
        "Fit a board's latency to milliseconds that you measured on it.",
        "sprd calibrate measured.csv --board stm32f746",
    )
    calibrate.add_argument(
        "measured", type=Path, metavar="CSV", help="columns model (a .tflite) and latency_ms"
    )
    calibrate.add_argument(
        "--board", required=True, metavar="NAME", help="see 'sprd boards', or a .toml"
    )
    _json(calibrate)
    _json(_verb(verbs, "boards", "List the boards.", "sprd boards"))


def _add_bundle(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    reproduce = _verb(
        verbs,
        "reproduce",
        "Make the model of a bundle again from its recordings, and compare the bytes (exit 0"
        " identical, 4 equivalent, 1 different).",
        "sprd reproduce runs/default/bundle",
    )
    _data(reproduce)
    verify = _verb(
        verbs,
        "verify",
        "Check the files, the manifest and the budget of a bundle; no training, no audio.",
        "sprd verify runs/default/bundle",
    )
    for verb in (reproduce, verify):
        verb.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle")
        _json(verb)


def _add_choosing(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    pick = _verb(
        verbs,
        "pick",
        "List the trials of a run that no other beats, and draw them; with --by, export the best of"
        " them by one number, under limits given now. No training.",
        "sprd pick runs/default --by ram_bytes --max-latency-ms 30",
    )
    pick.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run")
    pick.add_argument("--by", metavar="KEY", help="ram_bytes, balanced_accuracy, ...")
    pick.add_argument("--min-balanced-accuracy", type=_share, metavar="X", help="between 0 and 1")
    pick.add_argument(
        "--reference", type=Path, metavar="MODEL.tflite", help="an int8 model to compare with"
    )
    pick.add_argument("--reference-sweep", type=Path, metavar="FILE", help="what that model hears")
    _limits(pick)
    export = _verb(
        verbs,
        "export",
        "Export one trial of a run; no training.",
        "sprd export runs/default --trial 3 --out bundle",
    )
    export.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run")
    export.add_argument("--trial", type=_natural, required=True, metavar="NUMBER")
    compare = _verb(
        verbs,
        "compare",
        "Tell how far two runs came, and what their sweep files say differently.",
        "sprd compare runs/default runs/other",
    )
    compare.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run")
    compare.add_argument("other_run", type=Path, metavar="RUN", help="folder of another")
    _json(compare)
    crossval = _verb(
        verbs,
        "crossval",
        "Train trials anew on folds of the training and validation speakers: how good their"
        " configurations are, luck apart. Test speakers stay out.",
        "sprd crossval runs/default --trial 3",
    )
    crossval.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run")
    crossval.add_argument(
        "--trial", type=_natural, required=True, nargs="+", metavar="NUMBER", help="one or more"
    )
    crossval.add_argument("--folds", type=_positive, default=5, metavar="K", help="5 unless told")
    crossval.add_argument(
        "--address", metavar="ADDR", help="a running Ray cluster, 'auto' on its head"
    )
    _data(crossval)
    _json(crossval)
    crossval.set_defaults(
        on_interrupt="Finished folds are kept; run the same command again to go on."
    )
    bundle = "the bundle; RUN/bundle-<trial>"
    for verb, text in ((pick, f"{bundle}. Without --by: of the plot; RUN"), (export, bundle)):
        verb.add_argument("--out", type=Path, metavar="DIR", help=text)
        _data(verb)
        _json(verb)


def _add_data(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    data = _verb(
        verbs, "data", "Fetch, make or inspect a data set.", "sprd data check my_recordings"
    )
    data.set_defaults(run="data_check")
    parts = data.add_subparsers(dest="part", required=True, metavar="PART")
    fetch = _verb(
        parts, "fetch", "Download Speech Commands (2.4 GB).", "sprd data fetch --version v0.02"
    )
    fetch.add_argument("--version", choices=("v0.01", "v0.02"), default="v0.02")
    fetch.add_argument("--out", type=Path, metavar="DIR", help="folder; the cache unless told")
    fetch.add_argument("--url", help="a mirror; the checksum stays the same")
    fetch.set_defaults(
        run="data_fetch", on_interrupt="What came is kept; run the same command again to go on."
    )
    synth = _verb(
        parts,
        "synth",
        "Let espeak-ng voices speak keywords and other words.",
        "sprd data synth up down --out voices",
    )
    synth.add_argument("keywords", nargs="+", metavar="WORD")
    synth.add_argument("--out", type=Path, metavar="DIR", required=True)
    synth.add_argument("--voices", type=_positive, default=96)
    synth.add_argument("--takes", type=_positive, default=3)
    synth.add_argument("--other-words", type=_natural, default=30)
    synth.add_argument("--seed", type=_natural, default=0)
    synth.set_defaults(run="data_synth")
    check = _verb(
        parts, "check", "Tell what is in a folder and what is wrong.", "sprd data check recordings"
    )
    check.add_argument("folder", type=Path, metavar="DIR")
    _json(check)
    check.set_defaults(run="data_check")
