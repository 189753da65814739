"""Which verbs and flags there are, and what values they take. Loads no other room's work."""

import argparse
from pathlib import Path

from sprd import __version__
from sprd.cli.flags import (
    add_address,
    add_allow,
    add_board,
    add_bundle,
    add_data,
    add_file,
    add_json,
    add_limits,
    add_out,
    add_run_folder,
    add_score_limits,
    frame,
    limit,
    natural,
    positive,
    rate,
    window,
)
from sprd.cli.parser_listening import add_listen, add_stream
from sprd.cli.verbs import EXIT_CODES, Parser, Verbs, add_verb


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands."""
    parser = Parser(
        prog="sprd",
        description="Sweeps keyword-spotting models under a microcontroller budget.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"sprd {__version__}")
    verbs = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in _VERBS:
        add(verbs)
    return parser


def _add_sweep(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "sweep",
        "Run a sweep of trials and export the best that fits; the same command goes on.",
        "sprd sweep sweeps/up_down_nano33ble.toml --data speech_commands --data room_noise"
        " --speech LibriSpeech",
    )
    add_file(verb)
    add_out(verb, "folder of the run; runs/<name>")
    add_data(verb)
    verb.add_argument("--trials", type=positive, metavar="N", help="instead of sweep.n_trials")
    add_address(verb)
    add_allow(verb)
    verb.set_defaults(on_interrupt="Finished trials are kept; run the same command again to go on.")


def _add_train(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "train",
        "Train the one configuration of a sweep file, without its search space, and export it.",
        "sprd train sweeps/sprd.toml --data speech_commands",
    )
    add_file(verb)
    add_out(verb, "folder; runs/<name>-train")
    add_data(verb)
    add_allow(verb)
    add_json(verb)


def _add_evaluate(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "evaluate",
        "Score a bundle, or a bare .tflite with --sweep, on a folder of clips.",
        "sprd evaluate runs/default/bundle --data my_recordings",
    )
    verb.add_argument("model", type=Path, metavar="BUNDLE", help="bundle, or a .tflite file")
    add_data(verb, required=True)
    verb.add_argument("--sweep", type=Path, metavar="FILE", help="what a bare .tflite hears")
    verb.add_argument(
        "--split", choices=("all", "training", "validation", "test"), default="all",
        help="only these speakers of the model's own split; all clips unless told",
    )  # fmt: skip
    verb.add_argument("--silence", type=natural, metavar="N", default=80, help="silence clips")
    verb.add_argument("--seed", type=natural, default=0, help="seed of the silence clips")
    add_allow(verb)
    verb.add_argument(
        "--clips", type=Path, metavar="FILE.csv", help="write what was heard of each clip"
    )
    verb.add_argument(
        "--page", type=Path, metavar="FILE.html",
        help="write a page on which the clips that were confused can be heard",
    )  # fmt: skip
    add_json(verb)


def _add_check(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "check",
        "Tell what a .tflite takes on a board, and whether it fits (exit 3 if not).",
        "sprd check model.tflite --board arduino_nano_33_ble --max-latency-ms 30",
    )
    verb.add_argument("model", type=Path, metavar="MODEL.tflite")
    add_board(verb)
    add_limits(verb)
    verb.add_argument(
        "--frame", type=frame, metavar="W/SxC",
        help="front end, window/stride ms x channels: can the board keep up? e.g. 30/20x40",
    )  # fmt: skip
    verb.add_argument(
        "--interval-ms", type=limit, metavar="MS", help="between inferences; the stride if unset"
    )
    verb.add_argument(
        "--battery", metavar="NAME", help="how long does it last? cr2032, 2xaa or 1000mAh@3.7V, say"
    )
    verb.add_argument(
        "--sizer", action="store_true",
        help="ask mcufit's sizer for the arena too: TFLM compiled for 32 bits, under Node.js",
    )  # fmt: skip
    add_json(verb)


def _add_emulate(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "emulate",
        "Run a .tflite on the emulated core of a board: instructions, and every output byte"
        " against TensorFlow Lite Micro (exit 1 if one differs).",
        "sprd emulate model.tflite --board arduino_nano_33_ble",
    )
    verb.add_argument("model", type=Path, metavar="MODEL.tflite")
    add_board(verb)
    verb.add_argument(
        "--inputs", type=positive, default=32, metavar="N", help="random inputs; 32 unless told"
    )
    add_json(verb)


def _add_calibrate(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "calibrate",
        "Fit a board's latency to milliseconds that you measured on it.",
        "sprd calibrate measured.csv --board stm32f746",
    )
    verb.add_argument(
        "measured", type=Path, metavar="CSV", help="columns model (a .tflite) and latency_ms"
    )
    add_board(verb)
    add_json(verb)


def _add_boards(verbs: Verbs) -> None:
    add_json(add_verb(verbs, "boards", "List the boards.", "sprd boards"))


_BUNDLE_FOLDER = "the bundle; RUN/bundle-<trial>"


def _add_pick(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "pick",
        "List the trials of a run that no other beats, and draw them; with --by, export the best of"
        " them by one number, under limits given now. No training.",
        "sprd pick runs/default --by ram_bytes --max-latency-ms 30",
    )
    add_run_folder(verb)
    verb.add_argument("--by", metavar="KEY", help="ram_bytes, balanced_accuracy, ...")
    verb.add_argument(
        "--reference", type=Path, metavar="MODEL.tflite", help="an int8 model to compare with"
    )
    verb.add_argument("--reference-sweep", type=Path, metavar="FILE", help="what that model hears")
    add_score_limits(verb)
    add_limits(verb)
    add_out(verb, f"{_BUNDLE_FOLDER}. Without --by: of the plot; RUN")
    add_data(verb)
    add_json(verb)


def _add_export(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "export",
        "Export one trial of a run; no training.",
        "sprd export runs/default --trial 3 --out bundle",
    )
    add_run_folder(verb)
    verb.add_argument("--trial", type=natural, required=True, metavar="NUMBER")
    add_out(verb, _BUNDLE_FOLDER)
    add_data(verb)
    add_json(verb)


def _add_compare(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "compare",
        "Tell how far two runs came, and what their sweep files say differently.",
        "sprd compare runs/default runs/other",
    )
    add_run_folder(verb)
    verb.add_argument("other_run", type=Path, metavar="RUN", help="folder of another")
    add_json(verb)


def _add_crossval(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "crossval",
        "Train trials anew on folds of the training and validation speakers: how good their"
        " configurations are, luck apart. Test speakers stay out.",
        "sprd crossval runs/default --trial 3",
    )
    add_run_folder(verb)
    verb.add_argument(
        "--trial", type=natural, required=True, nargs="+", metavar="NUMBER", help="one or more"
    )
    verb.add_argument("--folds", type=positive, default=5, metavar="K", help="5 unless told")
    add_address(verb)
    add_data(verb)
    add_json(verb)
    verb.set_defaults(on_interrupt="Finished folds are kept; run the same command again to go on.")


def _add_reproduce(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "reproduce",
        "Make the model of a bundle again from its recordings, and compare the bytes (exit 0"
        " identical, 4 equivalent, 1 different).",
        "sprd reproduce runs/default/bundle",
    )
    add_data(verb)
    add_bundle(verb)
    add_json(verb)


def _add_verify(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "verify",
        "Check the files, the manifest and the budget of a bundle; no training, no audio.",
        "sprd verify runs/default/bundle",
    )
    add_bundle(verb)
    add_json(verb)


def _add_data(verbs: Verbs) -> None:
    verb = add_verb(
        verbs, "data", "Fetch, make or inspect a data set.", "sprd data check my_recordings"
    )
    verb.set_defaults(run="data_check")
    parts = verb.add_subparsers(dest="part", required=True, metavar="PART")
    for add in (_add_data_fetch, _add_data_import, _add_data_synth, _add_data_check):
        add(parts)


def _add_data_fetch(parts: Verbs) -> None:
    part = add_verb(
        parts, "fetch", "Download Speech Commands (2.4 GB).", "sprd data fetch --version v0.02"
    )
    part.add_argument("--version", choices=("v0.01", "v0.02"), default="v0.02")
    add_out(part, "folder; the cache unless told")
    part.add_argument("--url", help="a mirror; the checksum stays the same")
    part.set_defaults(
        run="data_fetch", on_interrupt="What came is kept; run the same command again to go on."
    )


def _add_data_import(parts: Verbs) -> None:
    part = add_verb(
        parts,
        "import",
        "Cut recordings of any length into clips of words, in a folder that trains; the same"
        " command again adds only what is new.",
        "sprd data import recordings --out my_words",
    )
    part.add_argument("sources", type=Path, nargs="+", metavar="SOURCE", help="files or folders")
    part.add_argument("--out", type=Path, metavar="DIR", required=True, help="folder of clips")
    part.add_argument("--word", help="said in all of them; else folders and names tell")
    part.add_argument("--speaker", metavar="NAME", help="who speaks in all; else names tell")
    part.add_argument(
        "--order", choices=("word-speaker", "speaker-word"), help="what names say first, if unclear"
    )
    part.add_argument(
        "--labels", type=Path, metavar="FILE", help="where words are: Audacity's labels or CSV"
    )
    part.add_argument(
        "--clip-ms", type=window, default=1000, metavar="MS", help="of a clip; 1000 unless told"
    )
    part.add_argument(
        "--rate", type=rate, default=16_000, metavar="HZ", help="highest kept; 16000 unless told"
    )
    add_json(part)
    part.set_defaults(
        run="data_import",
        on_interrupt="What was imported is kept; run the same command again to go on.",
    )


def _add_data_synth(parts: Verbs) -> None:
    part = add_verb(
        parts,
        "synth",
        "Let espeak-ng voices speak keywords and other words.",
        "sprd data synth up down --out voices",
    )
    part.add_argument("keywords", nargs="+", metavar="WORD")
    part.add_argument("--out", type=Path, metavar="DIR", required=True)
    part.add_argument("--voices", type=positive, default=96)
    part.add_argument("--takes", type=positive, default=3)
    part.add_argument("--other-words", type=natural, default=30)
    part.add_argument("--seed", type=natural, default=0)
    part.set_defaults(run="data_synth")


def _add_data_check(parts: Verbs) -> None:
    part = add_verb(
        parts,
        "check",
        "Tell what is in folders of recordings and what is wrong: what a training would say first"
        " (exit 2 if none could use them).",
        "sprd data check recordings --sweep sweeps/up_down_nano33ble.toml",
    )
    part.add_argument("folder", type=Path, metavar="DIR", nargs="*")
    add_data(part)
    part.add_argument(
        "--sweep", type=Path, metavar="FILE", help="tells keywords, split and front end"
    )
    add_allow(part)
    add_json(part)
    part.set_defaults(run="data_check")


_VERBS = (
    *(_add_sweep, _add_train),
    *(_add_evaluate, add_stream, add_listen, _add_check, _add_emulate, _add_calibrate, _add_boards),
    *(_add_pick, _add_export, _add_compare, _add_crossval),
    *(_add_reproduce, _add_verify, _add_data),
)
"""In the order of `sprd --help`."""
