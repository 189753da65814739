"""The parser of the command line in, `docs/cli.md` out: what `--help` says of every command.

Run it from anywhere: `.venv/bin/python docs/make_cli_reference.py`
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pages

from sprd.cli.parser import build_parser
from sprd.cli.verbs import EXIT_CODES
from sprd.disk.process import environment

TARGET = Path(__file__).with_name("cli.md")
COMMAND = ".venv/bin/python docs/make_cli_reference.py"
WIDTH = 100

HEAD = f"""\
# The commands

<!-- Made by {COMMAND} from sprd/cli/parser.py: change that, not this file. -->

What `sprd COMMAND --help` says.
"""


def render() -> str:
    """Returns the whole page, a section a command."""
    with environment({}, {"COLUMNS": str(WIDTH + 2)}):  # argparse leaves two columns free
        sections = [_section(verb) for verb in _verbs(build_parser())]
    return "\n".join([HEAD, f"```text\n{EXIT_CODES}\n```\n", *sections])


def _section(verb: argparse.ArgumentParser) -> str:
    """What the help of a command says, without the exit codes: these are told once."""
    about = verb.description or ""
    ends = {line.strip() for line in EXIT_CODES.splitlines()}
    lines = [line.rstrip() for line in verb.format_help().splitlines()]
    text = "\n".join(line for line in lines if line.strip() not in ends)
    text = text.replace(f"{about}\n\n", "").strip()
    return f"## `{verb.prog}`\n\n{about}\n\n```text\n{text}\n```\n"


def _verbs(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The commands, in the order of `sprd --help`; of those with parts, the parts."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for verb in action.choices.values():
            yield from _verbs(verb)


if __name__ == "__main__":
    sys.exit(pages.main({TARGET: render()}, COMMAND, "Makes docs/cli.md."))
