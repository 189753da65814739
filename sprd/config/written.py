"""The text of a sweep file in, what each of its keys says out, however it is laid out."""

import tomllib
from typing import Any


def written_keys(text: str) -> dict[str, str]:
    """Returns the value of each key, `[table] key`, as a sweep file has it, in one line.

    Comments, order and spaces do not count. A table that is listed stands under `[table]`, a key
    above all tables under its name.
    """
    found = {}
    for section, table in tomllib.loads(text).items():
        if isinstance(table, dict):
            found.update({f"[{section}] {key}": _text(value) for key, value in table.items()})
        else:
            found[f"[{section}]" if isinstance(table, list) else section] = _text(table)
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_text(item)}' for key, item in value.items())} }}"
    return str(value)
