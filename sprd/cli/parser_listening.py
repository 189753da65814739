"""The commands that judge a model as it listens, and their flags."""

from pathlib import Path

from sprd.cli.flags import add_json, positive
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
    add_json(verb)
