"""The commands that judge a model as it listens, and their flags."""

from argparse import ArgumentParser
from pathlib import Path

from sprd.cli.flags import add_allow, add_data, add_json, add_out, positive
from sprd.cli.verbs import Verbs, add_verb


def add_listen(verbs: Verbs) -> None:
    """Adds `sprd listen`."""
    verb = add_verb(
        verbs,
        "listen",
        "Tell what a bundle, or a bare .tflite with --sweep, hears and when: in recordings of any"
        " length, or live in front of a microphone.",
        "sprd listen runs/default/bundle recording.wav",
    )
    verb.add_argument("model", type=Path, metavar="BUNDLE", help="bundle, or a .tflite file")
    verb.add_argument("files", type=Path, nargs="*", metavar="FILE", help="audio, or folders of it")
    verb.add_argument("--sweep", type=Path, metavar="FILE", help="what a bare .tflite hears")
    verb.add_argument(
        "--microphone", action="store_true", help="in place of files; needs sprd[microphone]"
    )
    verb.add_argument("--device", metavar="NAME", help="the microphone: its name or number")
    verb.add_argument("--seconds", type=positive, metavar="N", help="stop after so long")
    _add_exact(verb)
    add_json(verb)


def _add_exact(verb: ArgumentParser) -> None:
    verb.add_argument(
        "--exact", action="store_true",
        help="TensorFlow Lite Micro's kernels: ten times as slow, at most 0.3 %% of outputs differ",
    )  # fmt: skip


def add_stream(verbs: Verbs) -> None:
    """Adds `sprd stream`."""
    verb = add_verb(
        verbs,
        "stream",
        "Let a bundle, or a bare .tflite with --sweep, listen to hours of keywords, speech, other"
        " words and noise: recall against false accepts an hour, delays, and what fooled it.",
        "sprd stream runs/default/bundle --data clips --speech books --out heard",
    )
    verb.add_argument("model", type=Path, metavar="BUNDLE", help="bundle, or a .tflite file")
    add_data(verb)
    verb.add_argument("--sweep", type=Path, metavar="FILE", help="what a bare .tflite hears")
    verb.add_argument(
        "--split", choices=("test", "validation", "training", "all"), default="test",
        help="only these speakers and recordings of the model's own split; test unless told",
    )  # fmt: skip
    verb.add_argument(
        "--seeds", type=positive, default=1, metavar="N",
        help="draw order, pauses and noise so many times; 1 unless told",
    )  # fmt: skip
    verb.add_argument(
        "--fit", action="store_true", help="fit the recogniser to validation streams first"
    )
    _add_exact(verb)
    add_allow(verb)
    add_out(verb, "folder for a page, a picture and the sounds that fooled it")
    add_json(verb)
