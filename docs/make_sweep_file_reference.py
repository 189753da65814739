"""A template, types and architectures in, `docs/sweep-file.md` out.

Tables come from the types in `sprd.config.trial` and from `ARCHITECTURES`, messages from the
reader of sweep files itself; only the prose in the template is written by hand.

Run it from anywhere: `.venv/bin/python docs/make_sweep_file_reference.py`
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import pages

from sprd.config.defaults import DEFAULTS
from sprd.config.frozen import Section
from sprd.config.numbers import KEYS, NUMBERS
from sprd.config.params import Vocabulary
from sprd.config.reader import NAMED_SOURCES, parse_sweep, resolve
from sprd.config.sections import SECTIONS
from sprd.config.space import SEARCHABLE_DATA, SEARCHABLE_SECTIONS
from sprd.config.sweep import SweepSection
from sprd.config.text import MAX_FILE_BYTES
from sprd.config.trial import FeaturesSection
from sprd.device.board import BOARDS
from sprd.errors import ConfigError
from sprd.model.params import ARCHITECTURES

TARGET = Path(__file__).with_name("sweep-file.md")
TEMPLATE = Path(__file__).with_name("sweep-file.template.md")
COMMAND = ".venv/bin/python docs/make_sweep_file_reference.py"
BOARD = "arduino_nano_33_ble"
VOCABULARY = Vocabulary(architectures=ARCHITECTURES, boards={BOARD: BOARDS[BOARD]})

UNITS_OF_SETTINGS = {
    "_ms": "ms",
    "_hz": "Hz",
    "_db": "dB",
    "_percentage": "%",
    "_frames": "frames",
    "_channels": "channels",
}

SMALLEST = f"""\
defaults = 2

[sweep]
name = "up-down"

[data]
keywords = ["up", "down"]

[model]
architecture = "tiny_conv"

[budget]
board = "{BOARD}"
"""

EXAMPLE = f"""\
defaults = 2

[sweep]
name = "up-down-search"
n_trials = 40
seed = 1
objectives = ["balanced_accuracy", "latency_ms"]

[data]
source = "speech_commands"
extra = ["recordings/mine"]
keywords = ["up", "down"]

[features]
frame = "30/20x40"

[model]
architecture = "ds_cnn"
dropout = 0.2

[train]
steps = 6000
learning_rate = 0.001
schedule = "cosine"
optimizer = "adam"

[budget]
board = "{BOARD}"
latency_ms = 100.0

[space]
"train.learning_rate" = {{ low = 1e-4, high = 1e-2, log = true }}
"model.architecture" = ["ds_cnn", "temporal_conv"]
"model.filters" = {{ low = 8, high = 64, step = 8 }}
"augment.background_volume" = {{ low = 0.0, high = 0.3 }}

[[start]]
"model.architecture" = "ds_cnn"
"model.filters" = 24

[[reference]]
name = "SPRD recipe"
sweep = "sprd.toml"
"""

MISTAKES = (
    '[modell]\narchitecture = "tiny_conv"',
    "[train]\nlearning_rat = 0.001",
    "[features]\nn_channels = 2",
    '[train]\noptimizer = "sgd"',
    '[budget]\nlatency_ms = "100 ms"',
    '[data]\nkeywords = ["up", "_unknown_"]',
    '[model]\narchitecture = "tiny_cnn"',
    "[model]\nblocks = 3",
    "[model]\nkernel = 8",
    "[train]\nsteps = [100, 50]\nlearning_rate = [0.1]",
    '[features]\nframe = "30/20x40"\nn_channels = 40',
    '[space]\n"model.filters" = { low = 64, high = 16 }',
    '[space]\n"data.split_salt" = ["a", "b"]',
)

RULES = (
    "[features]\nwindow_size_ms = 20\nwindow_stride_ms = 30",
    "[features]\nclip_duration_ms = 100\nwindow_size_ms = 200",
    "[features]\nlower_band_limit_hz = 8000.0",
    "[features]\nsample_rate_hz = 8000",
    "[data]\nvalidation_percentage = 50\ntesting_percentage = 40",
    '[data]\npersonal = true\nsplit = "lists"',
    '[train]\nschedule = "cosine"\nsteps = [100, 50]',
)


def render() -> str:
    """Returns the whole page: the template with each `{{ name }}` filled in."""
    fills: dict[str, Callable[..., str]] = {
        "origin": lambda: f"Made by {COMMAND} from {TEMPLATE.name}: change these, not this file.",
        "smallest": lambda: _block("toml", SMALLEST),
        "example": lambda: _block("toml", EXAMPLE),
        "max_bytes": lambda: f"{MAX_FILE_BYTES:,}",
        "sources": lambda: _codes(NAMED_SOURCES),
        "defaults": _defaults,
        "section": _section,
        "frames": lambda: str(FeaturesSection().n_frames),
        "architectures": _architectures,
        "searchable": _searchable,
        "exit_code": lambda: str(ConfigError.exit_code),
        "mistakes": lambda: _messages(MISTAKES),
        "rules": lambda: _messages(RULES),
    }
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\{\{ (\w+) ?(\w*) \}\}", lambda m: fills[m[1]](*filter(None, [m[2]])), template)


def _section(name: str) -> str:
    """One table of the file: what its type says of it."""
    section = SECTIONS[name]
    return f"## `[{name}]`\n\n{section.__doc__}\n\n{_table('key', _rows(section))}"


def _defaults() -> str:
    """Rows of what number 2 puts into tables, beside what holds without it."""
    rows = []
    for name, table in DEFAULTS[2].tables.items():
        if not table:
            rows.append(f"| `[{name}]` | no such table | there, empty; not where clips decide |")
        fields = SECTIONS[name].model_fields
        for key, value in table.items():
            first = fields[key].default
            shown = list(first) if isinstance(first, tuple) else first
            before = "unset" if first is None else f"`{_toml(shown)}`"
            rows.append(f"| `{key}` under `[{name}]` | {before} | `{_toml(value)}` |")
    return "\n".join(rows)


def _architectures() -> str:
    parts = []
    for name, params in ARCHITECTURES.items():
        rows = _rows(params)
        table = _table("parameter", rows) if rows else "It has no parameters."
        parts.append(f"### `{name}`\n\n{table}")
    return "\n\n".join(parts)


def _rows(section: type[Section]) -> list[tuple[str, ...]]:
    """Key, legal values, default and meaning of each key that a type has."""
    schemas = [section.model_json_schema(mode=mode) for mode in ("validation", "serialization")]
    # What is written elsewhere in JSON, as a build is in its board, is in the first alone.
    properties = schemas[0]["properties"] | schemas[1]["properties"]
    return [
        (
            f"`{key}`",
            _legal(key, properties[key]),
            _default(properties[key]),
            _meaning(section, key, properties[key].get("description", "")),
        )
        for key in section.model_fields
    ]


def _searchable() -> str:
    tables = _codes(f"[{name}]" for name in SEARCHABLE_SECTIONS)
    return f"{tables}, and from `[data]` only {_codes(SEARCHABLE_DATA)}"


def _messages(snippets: Iterable[str]) -> str:
    return "\n\n".join(
        f"{_block('toml', lines)}\n\n{_block('text', fill(_message(lines), 100))}"
        for lines in snippets
    )


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def _message(lines: str) -> str:
    """Returns what sprd says about a sweep file with these lines in it."""
    try:
        sweep = parse_sweep(_with(lines), Path("sweeps/mine.toml"), VOCABULARY)
        resolve(sweep, {})
    except ConfigError as error:
        return str(error)
    raise ValueError(f"must be refused, was accepted: {lines!r}")


def _with(lines: str) -> str:
    """The smallest sweep file with `lines`, the head of a table and its keys, merged in."""
    head, *keys = lines.splitlines()
    names = [key.split(" =")[0] for key in keys]
    kept = [line for line in SMALLEST.splitlines() if line.split(" =")[0] not in names]
    if head not in kept:
        return "\n".join([*kept, "", lines])
    at = kept.index(head) + 1
    return "\n".join([*kept[:at], *keys, *kept[at:]])


def _table(first: str, rows: Iterable[tuple[str, ...]]) -> str:
    heads = (first, "values", "default", "meaning")
    lines = [heads, ("---",) * len(heads), *rows]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _meaning(section: type[Section], key: str, description: str) -> str:
    if (section, key) == (SweepSection, "objectives"):
        return f"{description} One of {_codes(KEYS)}."
    return description


def _legal(key: str, schema: Mapping[str, Any]) -> str:
    """What a key may hold, in words: its type, bounds or legal values, and unit."""
    if "anyOf" in schema:
        kinds = [_legal(key, one) for one in schema["anyOf"] if one.get("type") != "null"]
        return ", or ".join(kinds)
    if "enum" in schema:
        return ", ".join(f'`"{value}"`' for value in schema["enum"])
    kind = schema["type"]
    if "separator" in schema:
        numbers = _plural(_legal("", schema["items"]))
        n = "two " if schema["separator"] == "x" else ""
        return f"string of {n}{numbers}, joined by `{schema['separator']}`"
    if kind == "array":
        return f"list of {_plural(_legal('', schema['items']))}{_at_least(schema)}"
    if kind in ("integer", "number"):
        return f"{kind} {_bounds(schema)}{_unit(key)}".strip()
    return {"boolean": "`true`, `false`", "string": f"string{_length(schema)}"}[kind]


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{low:,} .. {high:,}"
    ends = (
        (low, "from {:,}"),
        (above, "above {:,}"),
        (high, "up to {:,}"),
        (below, "below {:,}"),
    )
    return " ".join(text.format(end) for end, text in ends if end is not None)


def _unit(key: str) -> str:
    """Of a limit as in the table of numbers, of a setting by the end of its name."""
    unit = NUMBERS[key].writing.unit if key in NUMBERS else _unit_of_setting(key)
    return f" {unit}".rstrip()


def _unit_of_setting(key: str) -> str:
    ends = (unit for ending, unit in UNITS_OF_SETTINGS.items() if key.endswith(ending))
    return "" if key.startswith("n_") else next(ends, "")


def _length(schema: Mapping[str, Any]) -> str:
    text = f" of up to {schema['maxLength']} characters" if "maxLength" in schema else ""
    return f"{text}, `{schema['pattern']}`" if "pattern" in schema else text


def _at_least(schema: Mapping[str, Any]) -> str:
    return f", at least {schema['minItems']}" if schema.get("minItems") else ""


def _plural(kind: str) -> str:
    head, _, rest = kind.partition(" ")
    return f"{head}s {rest}".strip()


def _default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema:
        return "required"
    return "unset" if schema["default"] is None else f"`{_toml(schema['default'])}`"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return str(value)


def _codes(names: Iterable[str]) -> str:
    *most, last = [f"`{name}`" for name in names]
    return f"{', '.join(most)} and {last}" if most else last


if __name__ == "__main__":
    sys.exit(pages.main({TARGET: render()}, COMMAND, "Makes docs/sweep-file.md."))
