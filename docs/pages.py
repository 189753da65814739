"""What every script that makes a page shares: it writes the page, or tells that it is stale."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def main(
    files: Mapping[Path, str], command: str, about: str, argv: Sequence[str] | None = None
) -> int:
    """Writes generated files; with `--check` compares them and writes nothing.

    Args:
        files: What each file should hold.
        command: What a person types to make them again.
        about: What the script makes, for its `--help`.
        argv: Arguments; unset: those of the process.

    Returns:
        The exit code: 1 where `--check` found a file that is missing or stale.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a file is stale"
    )
    if not parser.parse_args(argv).check:
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
            print(f"{path} written.")
        return 0
    stale = [path for path, text in files.items() if not _holds(path, text)]
    for path in stale:
        print(f"{path}: must be what its script makes, is stale. Run {command}", file=sys.stderr)
    return 1 if stale else 0


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_bytes() == text.encode()
