"""Makes docs/listening-curve.svg from docs/listening.json, the figures of a bundle that listened.

sprd stream BUNDLE --data DIR --speech DIR --json > told.json
python docs/make_listening_curve.py --take told.json     # keeps what the picture and page need
python docs/make_listening_curve.py
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pages

from sprd.report.stream_plot import curve_lines, plot_curves

TARGET = Path(__file__).with_name("listening-curve.svg")
FIGURES = TARGET.with_name("listening.json")
COMMAND = ".venv/bin/python docs/make_listening_curve.py"
LEFT_OUT = ("model", "data", "speech", "false_accepts")


def picture() -> str:
    """The curve, its coordinates rounded to hundredths of a point."""
    told = json.loads(FIGURES.read_text(encoding="utf-8"))
    svg = plot_curves("svg", curve_lines(told), told["hours_of_speech"]).decode()
    return re.sub(r"-?\d+\.\d{3,}", lambda one: f"{float(one[0]):.2f}".rstrip("0").rstrip("."), svg)


def take(path: Path) -> None:
    """Keeps the figures of `sprd stream --json` without names of folders and recordings."""
    told = json.loads(path.read_text(encoding="utf-8"))
    kept = {key: value for key, value in told.items() if key not in LEFT_OUT}
    FIGURES.write_text(json.dumps(kept, separators=(",", ":")) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the picture, or with `--check` tells whether it is stale."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--take", type=Path, metavar="FILE.json")
    given, rest = parser.parse_known_args(argv)
    if given.take:
        take(given.take)
    return pages.main({TARGET: picture()}, COMMAND, "Makes docs/listening-curve.svg.", rest)


if __name__ == "__main__":
    sys.exit(main())
