"""Parses, calls the verb, turns errors into one line and an exit code."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from sprd.cli.parser import build_parser
from sprd.disk.process import environment, own_imports, terminated_is_interrupted
from sprd.disk.room import check_temporary
from sprd.errors import InputError, SprdError

INTERRUPTED = 130

Verb = Callable[[argparse.Namespace], int]

VERBS: Mapping[str, str] = {
    "sweep": "sprd.cli.sweep:sweep",
    "train": "sprd.cli.sweep:train",
    "crossval": "sprd.cli.sweep:crossval",
    "evaluate": "sprd.cli.bundles:evaluate",
    "stream": "sprd.cli.streams:stream",
    "listen": "sprd.cli.hear:listen",
    "verify": "sprd.cli.bundles:verify",
    "reproduce": "sprd.cli.bundles:reproduce",
    "check": "sprd.cli.boards:check",
    "emulate": "sprd.cli.boards:emulate",
    "calibrate": "sprd.cli.boards:calibrate",
    "boards": "sprd.cli.boards:boards",
    "pick": "sprd.cli.choose:pick",
    "export": "sprd.cli.choose:export",
    "compare": "sprd.cli.choose:compare",
    "data_import": "sprd.cli.recordings:import_",
    "data_fetch": "sprd.cli.data:fetch",
    "data_synth": "sprd.cli.data:synth",
    "data_check": "sprd.cli.data:check",
}
"""Where each verb is: a module is loaded when its verb is called, with what it needs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code."""
    args = build_parser().parse_args(argv)
    try:
        # Before anything imports TensorFlow: its log is no use to a user.
        with (
            terminated_is_interrupted(),
            own_imports(),
            environment({"TF_CPP_MIN_LOG_LEVEL": "3"}),
        ):
            return _run(args)
    except KeyboardInterrupt:
        return _interrupted(args)


def _run(args: argparse.Namespace) -> int:
    try:
        check_temporary()
        return _verb(args.run)(args)
    except SprdError as error:
        line = " ".join(str(error).splitlines())
        print(f"sprd {args.command}: {line}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        where = f"{error.filename}: " if error.filename else ""
        print(f"sprd {args.command}: {where}{error.strerror or error}.", file=sys.stderr)
        return InputError.exit_code


def _interrupted(args: argparse.Namespace) -> int:
    print(f"sprd {args.command}: interrupted. {args.on_interrupt}", file=sys.stderr)
    return INTERRUPTED


def _verb(name: str) -> Verb:
    module, _, function = VERBS[name].partition(":")
    verb: Verb = getattr(import_module(module), function)
    return verb
