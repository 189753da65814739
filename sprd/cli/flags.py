"""The flags that several verbs share, the values that flags take, and the limits among them."""

import argparse
import re
from argparse import Namespace
from pathlib import Path

from sprd.config.allowed import ALLOWABLE
from sprd.config.limits import LEAST_KEYS, LIMITED_KEYS, MOST_KEYS, Limit, at_least, at_most
from sprd.config.numbers import number_of


def add_json(verb: argparse.ArgumentParser) -> None:
    """Adds what makes a command print one JSON object."""
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def add_data(verb: argparse.ArgumentParser, required: bool = False) -> None:
    """Adds the folders of recordings."""
    verb.add_argument(
        "--data", type=Path, metavar="DIR", required=required, action="append", default=[],
        help="folder of <word>/<clip>.wav; may be repeated",
    )  # fmt: skip
    verb.add_argument(
        "--speech", type=Path, metavar="DIR", action="append", default=[],
        help="folder of running speech without the keywords; may be repeated",
    )  # fmt: skip


def add_allow(verb: argparse.ArgumentParser) -> None:
    """Adds what may be wrong with the recordings."""
    verb.add_argument(
        "--allow",
        action="append",
        choices=tuple(ALLOWABLE),
        default=[],
        metavar="NAME",
        help=f"go on in spite of what was found: {', '.join(ALLOWABLE)}; may be repeated",
    )


def add_out(verb: argparse.ArgumentParser, text: str) -> None:
    """Adds the folder that is written."""
    verb.add_argument("--out", type=Path, metavar="DIR", help=text)


def add_file(verb: argparse.ArgumentParser) -> None:
    """Adds the sweep file."""
    verb.add_argument("file", type=Path, metavar="FILE", help="sweep file (TOML)")


def add_run_folder(verb: argparse.ArgumentParser) -> None:
    """Adds the folder of a run."""
    verb.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run")


def add_bundle(verb: argparse.ArgumentParser) -> None:
    """Adds the folder of a bundle."""
    verb.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle")


def add_board(verb: argparse.ArgumentParser) -> None:
    """Adds the board and its build."""
    verb.add_argument(
        "--board", required=True, metavar="NAME", help="see 'sprd boards', or a .toml"
    )
    verb.add_argument("--build", metavar="NAME", help="of the board; its default unless told")


def add_address(verb: argparse.ArgumentParser) -> None:
    """Adds the address of a cluster."""
    verb.add_argument("--address", metavar="ADDR", help="a running Ray cluster, 'auto' on its head")


def add_limits(verb: argparse.ArgumentParser) -> None:
    """Adds a flag for the limit of each number that can be limited."""
    group = verb.add_argument_group("limits")
    for key in LIMITED_KEYS:
        flag = f"--max-{key.replace('_', '-')}"
        metavar = number_of(key).writing.metavar
        group.add_argument(flag, type=limit, metavar=metavar, dest=f"max_{key}")


def add_score_limits(verb: argparse.ArgumentParser) -> None:
    """Adds a flag for the limit of each score that a row may have to reach, or not to exceed."""
    group = verb.add_argument_group("limits of scores")
    group.add_argument("--min-balanced-accuracy", type=share, metavar="X", help="between 0 and 1")
    for bound, keys in (("min", LEAST_KEYS), ("max", MOST_KEYS)):
        for key in keys:
            flag = f"--{bound}-{key.replace('_', '-')}"
            kind = share if bound == "min" else limit
            metavar = number_of(key).writing.metavar
            group.add_argument(flag, type=kind, metavar=metavar, dest=f"{bound}_{key}")


def limit(text: str) -> float:
    """Reads a number from 0; whole ones as integers."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e15:
        raise argparse.ArgumentTypeError(f"must be a plain number from 0, got {text!r}")
    return int(number) if number.is_integer() else number


def share(text: str) -> float:
    """Reads a number from 0 to 1."""
    number = limit(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, got {text!r}")
    return number


def positive(text: str) -> int:
    """Reads an integer from 1 to 100,000."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 100_000):
        raise argparse.ArgumentTypeError(f"must be an integer from 1 to 100000, got {text!r}")
    return int(text)


def window(text: str) -> int:
    """Reads a length of a clip in ms, from 100 to 10,000."""
    return _between(text, 100, 10_000)


def rate(text: str) -> int:
    """Reads a sample rate in Hz, from 8,000 to 48,000."""
    return _between(text, 8_000, 48_000)


def _between(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be an integer from {least} to {most}, got {text!r}")
    return int(text)


def frame(text: str) -> tuple[int, int, int]:
    """Reads window and stride in ms, and channels: 30/20x40."""
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})x([0-9]{1,4})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be like 30/20x40, got {text!r}")
    return int(found[1]), int(found[2]), int(found[3])


def natural(text: str) -> int:
    """Reads an integer from 0."""
    if not (text.isascii() and text.isdigit() and int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"must be an integer from 0, got {text!r}")
    return int(text)


def limits_of(args: Namespace) -> tuple[Limit, ...]:
    """Returns the limits that were given as flags: upper ones, then lower ones of scores."""
    most = {key: getattr(args, f"max_{key}", None) for key in MOST_KEYS}
    least = {key: getattr(args, f"min_{key}", None) for key in ("balanced_accuracy", *LEAST_KEYS)}
    return at_most(given_limits(args) | most) + at_least(least)


def given_limits(args: Namespace) -> dict[str, float]:
    """Returns the upper limits that were given as flags."""
    given = {key: getattr(args, f"max_{key}") for key in LIMITED_KEYS}
    return {key: value for key, value in given.items() if value is not None}
