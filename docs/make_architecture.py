"""The imports of `sprd/` in, `docs/architecture.md` and its pictures out.

A room is a file or a folder at the top of the package. An arrow leads from a room to another whose
modules it imports, anywhere: in functions and for type checking too. What a room is for is the
first sentence of its docstring; only the prose of the template is written by hand.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import wrap

import pages

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sprd"
TARGET = Path(__file__).with_name("architecture.md")
TEMPLATE = Path(__file__).with_name("architecture.template.md")
COMMAND = ".venv/bin/python docs/make_architecture.py"

ROOMS = (
    *("cli", "pipeline", "report", "bundle", "sweep", "listening"),
    *("model", "device", "audio", "config", "disk", "errors"),
)
"""From the top of the picture to its bottom."""

SWEEP_ROOMS = ("cluster", "run", "search", "trial", "rows", "paths")
"""The same inside `sweep/`."""

HEAVY = {"tensorflow": "TensorFlow", "keras": "TensorFlow", "ray": "Ray", "optuna": "Optuna"}

Arrows = Mapping[tuple[str, str], Sequence[str]]
"""(from, to) -> what makes the arrow, as "module -> imported name"."""


def modules() -> dict[str, Path]:
    """Returns every module of the package by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports_of(source: str, name: str, is_package: bool = False) -> Iterator[str]:
    """Yields dotted names that a module imports anywhere, by `import_module("...")` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".")[: None if is_package else -1]
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            yield from (
                argument.value
                for argument in node.args[:1]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def room_of(name: str, parent: str = "sprd") -> str | None:
    """Returns the room inside `parent` that a dotted name lies in, or None."""
    above = f"{parent}."
    return name.removeprefix(above).split(".")[0] if name.startswith(above) else None


def arrows(parent: str = "sprd") -> Arrows:
    """Returns who imports whom among the rooms of a package, with what makes each arrow."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, path in modules().items():
        room = room_of(name, parent)
        if room in (None, "__main__"):
            continue
        source = path.read_text(encoding="utf-8")
        for target in imports_of(source, name, path.name == "__init__.py"):
            other = room_of(target, parent)
            if other not in (None, room, "__version__"):
                found.setdefault((str(room), str(other)), []).append(f"{name} -> {target}")
    return {pair: tuple(sorted(set(made_by))) for pair, made_by in sorted(found.items())}


def rooms(parent: str = "sprd") -> tuple[str, ...]:
    """Returns the rooms of a package, from the top of the picture to its bottom."""
    order = ROOMS if parent == "sprd" else SWEEP_ROOMS
    there = {room_of(name, parent) for name in modules()} - {None, "__main__"}
    known = [room for room in order if room in there]
    return (*sorted(str(room) for room in there.difference(known)), *known)


def purpose(room: str, parent: str = "sprd") -> str:
    """Returns the first sentence of a room's docstring."""
    source = modules()[f"{parent}.{room}"].read_text(encoding="utf-8")
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.:]) (?=[A-Z])", text)[0].rstrip(".")


def heavy_packages(room: str, parent: str = "sprd") -> list[str]:
    """Returns which of TensorFlow, Ray and Optuna a room imports."""
    found: set[str] = set()
    for name, path in modules().items():
        if room_of(name, parent) == room:
            targets = imports_of(path.read_text(encoding="utf-8"), name)
            found.update(HEAVY[root] for t in targets if (root := t.split(".")[0]) in HEAVY)
    return sorted(found)


def render() -> str:
    """Returns the page: the template with each `{{ name }}` filled in."""
    fills: dict[str, Callable[[], str]] = {
        "origin": lambda: f"Made by {COMMAND} from {TEMPLATE.name}: change these, not this file.",
        "n_rooms": lambda: str(len(rooms())),
        "n_arrows": lambda: str(len(arrows())),
        "rooms": lambda: _table("sprd"),
        "sweep_rooms": lambda: _table("sprd.sweep"),
    }
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\{\{ (\w+) \}\}", lambda match: fills[match[1]](), template)


def files() -> dict[Path, str]:
    """Returns every file that this script makes, with what it should hold."""
    return {
        TARGET: render(),
        TARGET.with_name("architecture.svg"): draw("sprd"),
        TARGET.with_name("architecture-sweep.svg"): draw("sprd.sweep"),
    }


def _table(parent: str) -> str:
    """The picture in words, for who cannot see it."""
    made = arrows(parent)
    lines = ["| room | what it does | imports |", "| --- | --- | --- |"]
    for room in rooms(parent):
        to = [f"`{other}`" for other in rooms(parent) if (room, other) in made]
        heavy = heavy_packages(room, parent)
        lines.append(f"| `{room}` | {purpose(room, parent)} | {', '.join([*to, *heavy])} |")
    return "\n".join(lines)


BOX_WIDTH, BOX_HEIGHT = 76, 30
STEP_X, STEP_Y = 74, 50
LEFT, TOP = 250, 12
ARROW, TEXT, QUIET = "#5b7083", "#1f2d3a", "#5a6570"
PLAIN, TINTED = ("#eef3f7", "#5b7083"), ("#fdeedd", "#c9741a")


def draw(parent: str) -> str:
    """Draws rooms along the diagonal as SVG, the same bytes for the same imports.

    A room's line leaves it to the right; where it imports a room below, a dot joins it to the line
    that comes down into that room. Lines that cross without a dot have nothing to do with each
    other.
    """
    order, made = rooms(parent), arrows(parent)
    width = LEFT + (len(order) - 1) * STEP_X + BOX_WIDTH + 12
    height = TOP + (len(order) - 1) * STEP_Y + BOX_HEIGHT + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="Helvetica, Arial, sans-serif">',
        f"<title>{parent}: {len(order)} rooms, {len(made)} arrows</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_lines(order, made),
        *(part for at, room in enumerate(order) for part in _box(at, room, parent)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _lines(order: Sequence[str], made: Arrows) -> Iterator[str]:
    places = {room: at for at, room in enumerate(order)}
    pairs = [(places[one], places[other]) for one, other in made]
    for at in range(len(order)):
        x, y = LEFT + at * STEP_X, TOP + at * STEP_Y + BOX_HEIGHT // 2
        if to := [other for one, other in pairs if one == at]:
            yield _line(x + BOX_WIDTH, y, _middle(max(to)), y)
        if by := [one for one, other in pairs if other == at]:
            tip = TOP + at * STEP_Y
            yield _line(_middle(at), TOP + min(by) * STEP_Y + BOX_HEIGHT // 2, _middle(at), tip - 6)
            points = f"{_middle(at) - 4},{tip - 8} {_middle(at) + 4},{tip - 8} {_middle(at)},{tip}"
            yield f'<polygon points="{points}" fill="{ARROW}"/>'
    for one, other in pairs:
        y = TOP + one * STEP_Y + BOX_HEIGHT // 2
        yield f'<circle cx="{_middle(other)}" cy="{y}" r="3.5" fill="{ARROW}"/>'


def _box(at: int, room: str, parent: str) -> Iterator[str]:
    x, y = LEFT + at * STEP_X, TOP + at * STEP_Y
    heavy = heavy_packages(room, parent)
    fill, line = TINTED if heavy else PLAIN
    yield (
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5" fill="{fill}"'
        f' stroke="{line}"/>'
    )
    name = f'font-size="14" font-weight="bold" text-anchor="middle" fill="{TEXT}"'
    yield f'<text x="{_middle(at)}" y="{y + 20}" {name}>{escape(room)}</text>'
    lines = [(text, QUIET) for text in wrap(purpose(room, parent).replace("`", ""), 38)]
    lines += [(", ".join(heavy), TINTED[1])] if heavy else []
    top = y + BOX_HEIGHT // 2 + 4 - 7 * (len(lines) - 1)
    for i, (text, colour) in enumerate(lines):
        place = f'x="{x - 10}" y="{top + 14 * i}" font-size="12" text-anchor="end"'
        yield f'<text {place} fill="{colour}">{escape(text)}</text>'


def _middle(at: int) -> int:
    return LEFT + at * STEP_X + BOX_WIDTH // 2


def _line(x1: int, y1: int, x2: int, y2: int) -> str:
    ends = f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
    return f'<line {ends} stroke="{ARROW}" stroke-width="1.5"/>'


def _called(node: ast.Call) -> str:
    """The last name of what is called: `f` of `f()` and of `a.f()`."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


if __name__ == "__main__":
    sys.exit(pages.main(files(), COMMAND, "Makes docs/architecture.md and its pictures."))
