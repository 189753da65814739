"""What a folder of clips remembers of its recordings, so that each is imported once and whole.

A recording's clips are written beside the folder's words, in `.import/new/`; a line of
`.import/sources.jsonl` makes them its clips; then they are moved to where they belong. Whatever
moment an import is killed at, the next finds the line and moves on, or no line and begins anew.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sprd.disk.atomic import unwritable, write_atomically
from sprd.disk.jsonl import Lines, read_lines
from sprd.errors import InputError, OutputError

PAGE_FILE, REPORT_FILE = "import.html", "import.json"
"""Beside the folders of words; no recordings."""

STATE_FOLDER = ".import"

Entry = dict[str, Any]
"""A recording: what it is, its clips, what was dropped; a source of `import.json`."""


class Journal:
    """The recordings that a folder holds clips of."""

    def __init__(self, folder: Path) -> None:
        """Reads what was imported, and ends what was cut off."""
        self.folder = folder
        self._state = folder / STATE_FOLDER
        self._new = self._state / "new"
        file = self._state / "sources.jsonl"
        self._lines = Lines(file)
        self.entries: list[Entry] = []
        if file.exists():
            advice = f"Move {self._state} away to import into this folder anew."
            self.entries = read_lines(file, _entry, "a recording that was imported", advice)
        else:
            _check_free(folder)
        self._move_all()

    def write_clip(self, name: str, content: bytes) -> None:
        """Writes a clip where it belongs to nobody yet."""
        write_atomically(self._new / name, content)

    def add(self, entry: Entry) -> None:
        """Makes the clips that were written those of a recording, and moves them home."""
        self._state.mkdir(parents=True, exist_ok=True)
        self._lines.append(entry)
        self.entries.append(entry)
        self._move(entry)

    def write_report(self) -> Mapping[str, Any]:
        """Writes `import.json` and returns what is in it."""
        report = {"format": 1, "sources": self.entries}
        write_atomically(self.folder / REPORT_FILE, json.dumps(report, indent=1) + "\n")
        shutil.rmtree(self._new, ignore_errors=True)
        return report

    def _move_all(self) -> None:
        """Moves home what a killed import wrote a line about; removes what it wrote none of."""
        if not self._new.is_dir():
            return
        for entry in self.entries:
            self._move(entry)
        shutil.rmtree(self._new, ignore_errors=True)

    def _move(self, entry: Entry) -> None:
        for clip in entry["clips"]:
            new, home = self._new / clip["clip"], self.folder / clip["clip"]
            if not new.exists():
                continue
            if home.exists():
                raise OutputError(f"{home}: must be free for a clip of an import. Move it away.")
            try:
                home.parent.mkdir(parents=True, exist_ok=True)
                new.rename(home)
            except OSError as error:
                raise unwritable(home, error) from error


def _check_free(folder: Path) -> None:
    """Raises OutputError if a file of somebody else is where an import writes its report."""
    for path in (folder / PAGE_FILE, folder / REPORT_FILE):
        if path.exists():
            raise OutputError(f"{path}: must be free for the report of an import. Move it away.")


def _entry(fields: Any) -> Entry:
    """Checks what later imports need of a line."""
    for key in ("sha256", "file", "word", "speaker", "settings", "clips", "dropped"):
        fields[key]
    for clip in fields["clips"]:
        if ".." in Path(clip["clip"]).parts or Path(clip["clip"]).is_absolute():
            raise ValueError(clip["clip"])
    entry: Entry = dict(fields)
    return entry


@contextmanager
def only_import(folder: Path) -> Iterator[None]:
    """Lets one import at a time fill a folder; a folder that stays empty is removed again.

    Raises:
        InputError: Another is filling it.
        OutputError: The folder cannot be written.
    """
    state = folder / STATE_FOLDER
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        state.mkdir(parents=True, exist_ok=True)
        with FileLock(state / "lock", timeout=0):
            yield
    except Timeout as error:
        raise InputError(f"{folder}: another import is filling it. Wait for its end.") from error
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        if not (state / "sources.jsonl").exists():
            shutil.rmtree(state, ignore_errors=True)
            for one in made:
                if one.is_dir() and not any(one.iterdir()):
                    one.rmdir()


def clip_names(folder: Path, entries: Iterable[Entry], word: str, speaker: str) -> Iterator[str]:
    """Yields the next free names, `<word>/<speaker>_nohash_<n>.wav`."""
    start = f"{speaker}_nohash_"
    taken = [Path(clip["clip"]) for entry in entries for clip in entry["clips"]]
    names = [path.stem for path in taken if str(path.parent) == word]
    if (folder / word).is_dir():
        names += [path.stem for path in (folder / word).iterdir()]
    numbers = [name[len(start) :] for name in names if name.startswith(start)]
    number = max((int(one) for one in numbers if one.isascii() and one.isdigit()), default=-1)
    while True:
        number += 1
        yield f"{word}/{start}{number}.wav"
