"""What all commands of the parser have in common: how one is added, and how misuse is told."""

import argparse
import sys
from typing import Any, NoReturn, TypeAlias

from sprd.errors import suggest

EXIT_CODES = (
    "exit codes: 0 done, 1 failure, 2 bad usage or input, 3 nothing fits,\n"
    "4 made again, equivalent but not identical, 130 interrupted"
)


class Parser(argparse.ArgumentParser):
    """Suggests the nearest command or choice when one is misspelt; says what is wrong in a line."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            is_verb = isinstance(action, argparse._SubParsersAction)
            what = "command" if is_verb else f"value of {'/'.join(action.option_strings)}"
            self.error(f"unknown {what} {value!r}. {suggest(str(value), action.choices)}")

    def error(self, message: str) -> NoReturn:
        """Ends the command with exit code 2."""
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(2)


Verbs: TypeAlias = "argparse._SubParsersAction[Parser]"


def add_verb(verbs: Verbs, name: str, text: str, example: str) -> Parser:
    """Adds a command; `main` finds what it runs by its name."""
    verb = verbs.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example: {example}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(run=name, on_interrupt="Nothing was written.")
    return verb
