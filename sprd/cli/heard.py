"""What was heard of each clip in, the files that a user asked for out: a table, a page."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from sprd.disk.atomic import write_atomically
from sprd.disk.room import check_room
from sprd.errors import ConfigError

if TYPE_CHECKING:
    from sprd.bundle.evaluate import Evaluation
    from sprd.report.confusions import ConfusedClip

MOST_EMBEDDED = 100
"""Sounds inside a page, 43 kB a second each; of more clips it names the files."""


def check_outputs(clips: Path | None, page: Path | None) -> None:
    """Checks, before anything is scored, where files are to go: a recording is never overwritten.

    Raises:
        ConfigError: A name has another suffix, or is that of a folder.
        OutputError: The folder of one cannot be written.
    """
    for flag, path, suffix in (("--clips", clips, ".csv"), ("--page", page, ".html")):
        if path is None:
            continue
        if path.suffix.lower() != suffix:
            raise ConfigError(f"{flag}: must be a file *{suffix}, got {str(path)!r}. Rename it.")
        if path.is_dir():
            raise ConfigError(f"{flag}: must be a file, got the folder {str(path)!r}. Rename it.")
        check_room(path.parent, 0, f"Choose another folder for {flag}.")


def write_clips(found: "Evaluation", clips: Path | None, page: Path | None) -> dict[str, str]:
    """Writes the table of all clips and the page of those that were confused, as far as asked for.

    Returns:
        The names of the files, under "clips_file" and "page_file".

    Raises:
        OutputError: One cannot be written.
    """
    from sprd.bundle.heard import clips_csv

    files = {}
    if clips is not None:
        write_atomically(clips, clips_csv(found.clips, found.labels))
        files["clips_file"] = str(clips)
    if page is not None:
        write_atomically(page, _page(found).encode("utf-8", "backslashreplace"))
        files["page_file"] = str(page)
    return files


def _page(found: "Evaluation") -> str:
    from sprd.report.confusions import MOST_CLIPS, confused_page

    numbers = [number for number, clip in enumerate(found.clips) if clip.is_confused]
    numbers.sort(key=lambda number: (-found.clips[number].confidence, number))
    shown = [
        _confused(found, number, place < MOST_EMBEDDED)
        for place, number in enumerate(numbers[:MOST_CLIPS])
    ]
    title = f"{Path(found.scores['model']).name} on {Path(found.scores['data']).name}: confused"
    return confused_page(title, shown, len(numbers), len(found.clips))


def _confused(found: "Evaluation", number: int, is_embedded: bool) -> "ConfusedClip":
    from sprd.report.confusions import ConfusedClip

    clip = found.clips[number]
    if is_embedded or clip.file is None:
        sound = "data:audio/wav;base64," + base64.b64encode(found.sound(number)).decode()
    else:
        sound = clip.file.absolute().as_uri()
    return ConfusedClip(
        name="cut from the noise" if clip.file is None else str(clip.file),
        word=clip.word,
        truth=clip.truth,
        heard=clip.heard,
        confidence=clip.confidence,
        missed=clip.probabilities[found.labels.index(clip.truth)],
        speaker=clip.speaker,
        split=clip.split,
        sound=sound,
    )
