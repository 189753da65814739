"""Files and folders in, what is to be imported out: each file with its word, speaker and split.

From flags, else from the names of folders and files; what these leave open is asked for, not
guessed. Reads no sound.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sprd.audio.clips import readable_suffixes, shown
from sprd.audio.folders import SPLITS, is_noise
from sprd.audio.importing.edge_impulse import read_listing, recording_of
from sprd.audio.importing.names import (
    COMMON_WORDS,
    checked_speaker,
    checked_word,
    is_person,
    parts_of,
    without_number,
    word_name,
)
from sprd.audio.importing.tables import Table, read_tables
from sprd.audio.media import INSTALL
from sprd.audio.media import SUFFIXES as MEDIA_SUFFIXES
from sprd.config.labels import BACKGROUND_NOISE_FOLDER
from sprd.errors import DataError, InputError

ORDERS = ("word-speaker", "speaker-word")
"""What comes first in a path: `jump/anna.m4a` and `jump_anna.m4a`, or the other way round."""


@dataclass(frozen=True)
class Item:
    """A file to import; its word is `_background_noise_` for a recording of the room.

    `names_speaker` is false where nobody is named: then the file counts as a person of its own.
    """

    path: Path
    word: str
    speaker: str
    split: str | None = None
    names_speaker: bool = True


@dataclass(frozen=True)
class Plan:
    """What is to be imported, and what was left out, in sentences."""

    items: tuple[Item, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What the flags say; `label_words` are those of `--labels`, if each label says one."""

    word: str | None = None
    speaker: str | None = None
    order: str | None = None
    label_words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Named:
    """A file, the folders that it lies in, and what parts of its names may say."""

    path: Path
    folders: tuple[str, ...]
    split: str | None
    parts: tuple[str, ...]
    """Candidates for word and speaker, at most two, in the order of the path."""
    is_dotted: bool
    """Whether it is named as Edge Impulse does: by label and recording, and by nobody."""


def plan_import(sources: Sequence[Path], asked: Asked, out: Path) -> Plan:
    """Tells what each file of the sources is.

    Args:
        sources: Files and folders.
        asked: What is said by flags.
        out: The folder that is filled: its words are known, and it is no source itself.

    Raises:
        InputError: A source is missing or holds no audio, or word or speaker cannot be told.
    """
    if out.resolve() in [source.resolve() for source in sources]:
        raise InputError(
            f"{shown(out)}: clips must go into a folder that is no source, got one for both."
            " Choose another --out."
        )
    tables = {} if asked.word else {one: table for one in sources if (table := _table_of(one))}
    plans = [_of_table(source, table, asked, out) for source, table in tables.items()]
    if others := [source for source in sources if source not in tables]:
        plans.append(_of_names(others, asked, out))
    items = tuple(item for plan in plans for item in plan.items)
    return Plan(items, (*(note for plan in plans for note in plan.notes), *_unnamed(items)))


def _of_names(sources: Sequence[Path], asked: Asked, out: Path) -> Plan:
    """Returns what names of files and folders say."""
    files, notes = _files_of(sources, out)
    base = _base_of(sources)
    named = _named([(path, path.absolute().relative_to(base)) for path in files], asked)
    spelled = {word_name(word): word for word in _words_of(out)}
    known = COMMON_WORDS | set(spelled) | asked.label_words
    pairs = [one.parts for one in named if len(one.parts) == 2 and not _is_noise(one)]
    order = asked.order or _order_of(pairs, known)
    items = tuple(_item(one, asked, order, known) for one in named)
    items = tuple(replace(item, word=spelled.get(item.word.lower(), item.word)) for item in items)
    return Plan(items, tuple(notes))


def _files_of(sources: Sequence[Path], out: Path) -> tuple[list[Path], list[str]]:
    """Returns the audio files, and sentences on what is none."""
    found: list[Path] = []
    others: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(_walk(source, out))
            found += [path for path in inside if _is_audio(path)]
            others += [path for path in inside if not _is_audio(path)]
        elif source.is_file():
            (found if _is_audio(source) else others).append(source)
        else:
            raise DataError(
                f"{shown(source)}: must be an audio file or a folder of them, got nothing there."
                " Check the path."
            )
    media = [path for path in others if path.suffix.lower() in MEDIA_SUFFIXES]
    if media:
        raise DataError(
            f"{len(media):,} file{'s' if len(media) > 1 else ''} (first {shown(media[0])}): must"
            f" be read by FFmpeg, got no PyAV. {INSTALL}"
        )
    if not found:
        told = f"{len(others):,} other files, first {shown(others[0])}" if others else "no file"
        raise DataError(
            f"{shown(sources[0])}: must be audio or hold some, got {told}. Read are"
            f" {', '.join(sorted(readable_suffixes()))}."
        )
    for path in found:
        if not _is_utf8(path):
            raise DataError(f"{shown(path)}: its name must be UTF-8. Rename it.")
    unique = list({os.path.realpath(path): path for path in found}.values())
    n = len(others)
    note = f"left out: {n:,} file{'s' if n > 1 else ''} that are no audio (first %s)."
    return unique, [note % shown(others[0])] if others else []


def _walk(folder: Path, out: Path) -> Iterable[Path]:
    """Yields the files below a folder, hidden ones and the folder that is filled apart.

    Links to folders are followed, each folder once: links in circles do no harm.
    """
    seen = {folder.resolve(), out.resolve()}
    for parent, folders, names in os.walk(folder, followlinks=True):
        inside = {name: (Path(parent) / name).resolve() for name in sorted(folders)}
        folders[:] = [n for n, real in inside.items() if n[0] != "." and real not in seen]
        seen |= set(inside.values())
        yield from (Path(parent) / name for name in names if not name.startswith("."))


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in readable_suffixes()


def _base_of(sources: Sequence[Path]) -> Path:
    """Returns the folder from which names are read: one source itself, or what several share."""
    tops = [source.absolute() for source in sources]
    if len(tops) == 1 and tops[0].is_dir():
        return tops[0]
    return Path(os.path.commonpath([str(top.parent) for top in tops]))


def _named(files: Sequence[tuple[Path, Path]], asked: Asked) -> list[_Named]:
    """Returns what the names of files may say, without splits and what all folders share."""
    folders = [relative.parts[:-1] for _, relative in files]
    has_splits = _are_splits(folders)
    splits = [SPLITS[one[0].lower()] if has_splits else None for one in folders]
    if has_splits:
        folders = [one[1:] for one in folders]
    while min(map(len, folders)) > 2 and len({one[0] for one in folders}) == 1:
        folders = [one[1:] for one in folders]
    is_dotted = all(
        not one and "." in path.stem for (path, _), one in zip(files, folders, strict=True)
    )
    named = []
    for (path, _), split, inside in zip(files, splits, folders, strict=True):
        label = path.stem.partition(".")[0]
        dotted = (label, recording_of(path.stem, label))
        parts = dotted if is_dotted else _parts(path.stem, inside, asked)
        named.append(_Named(path, inside, split, parts, is_dotted))
    return named


def _are_splits(folders: Sequence[tuple[str, ...]]) -> bool:
    """Whether the outermost folders are those of splits, and of more than one."""
    names = {one[0].lower() if one else "" for one in folders}
    return names <= set(SPLITS) and len({SPLITS[name] for name in names}) > 1


def _parts(stem: str, folders: tuple[str, ...], asked: Asked) -> tuple[str, ...]:
    """Returns at most two names that may be word and speaker."""
    speaker, mark, _ = stem.partition("_nohash_")
    own = [speaker] if mark else parts_of(stem)
    own = [part for part in own if word_name(part) not in map(word_name, folders)]
    if asked.word and not mark:
        own = [part for part in own if without_number(word_name(part)) != word_name(asked.word)]
        folders = tuple(one for one in folders if word_name(one) != word_name(asked.word))
    if len(folders) >= 2:
        return folders[0], folders[1]
    rest = "-".join(own)
    if folders:
        return (folders[0], rest) if rest else (folders[0],)
    return tuple(own)


def _words_of(out: Path) -> list[str]:
    """Returns the words that a folder holds already."""
    if not out.is_dir():
        return []
    return [one.name for one in out.iterdir() if one.is_dir() and one.name[0] != "."]


def _is_noise(one: _Named) -> bool:
    return bool(one.parts) and is_noise(one.parts[0])


def _order_of(pairs: Sequence[Sequence[str]], known: frozenset[str]) -> str | None:
    """Tells which of two names is the word: the one side that holds known words; None if open."""
    hints = []
    for first, second in ((0, 1), (1, 0)):
        words = {without_number(word_name(pair[first])) for pair in pairs}
        others = {without_number(word_name(pair[second])) for pair in pairs}
        persons = any(is_person(pair[second]) for pair in pairs)
        hints.append((bool(words & known) and not others & known) or persons)
    return ORDERS[hints.index(True)] if hints.count(True) == 1 else None


def _item(one: _Named, asked: Asked, order: str | None, known: frozenset[str]) -> Item:
    """Returns what a file is.

    Raises:
        InputError: Its names leave word or speaker open.
    """
    where = shown(one.path)
    word, speaker = asked.word, asked.speaker
    if word is None and not asked.label_words:
        word = _word_of(one, asked, order, known)
    if speaker is None:
        speaker = _speaker_of(one, asked, word, known)
    word = BACKGROUND_NOISE_FOLDER if _is_noise(one) else word or ""
    if is_noise(word):
        return Item(one.path, BACKGROUND_NOISE_FOLDER, one.path.stem, one.split)
    if asked.word is None:
        word = word_name(word) if is_person(word) else without_number(word_name(word))
    if word or not asked.label_words:
        word = checked_word(word, where)
    named = bool(speaker.strip())
    names_speaker = named and not (one.is_dotted and asked.speaker is None)
    speaker = speaker if one.is_dotted else without_number(speaker)
    speaker = speaker if named else f"{one.split or ''}-{one.path.stem}"
    return Item(one.path, word, checked_speaker(speaker, where), one.split, names_speaker)


def _speaker_of(one: _Named, asked: Asked, word: str | None, known: frozenset[str]) -> str:
    """Returns what of a file's names is no word; empty where nothing is left."""
    if word is None:
        used = [part for part in one.parts if without_number(word_name(part)) not in known]
    else:
        used = [part for part in one.parts if not _says(part, word)]
    return "-".join(used) if asked.word else "".join(used[:1])


def _says(part: str, word: str) -> bool:
    return without_number(word_name(part)) == without_number(word_name(word))


def _word_of(one: _Named, asked: Asked, order: str | None, known: frozenset[str]) -> str:
    """Returns the part of a file's names that is its word.

    Raises:
        InputError: They leave it open.
    """
    parts = [part for part in one.parts if not (asked.speaker and _says(part, asked.speaker))]
    if parts and ("_nohash_" in one.path.stem or one.is_dotted or _is_noise(one)):
        return parts[0]
    in_known = [part for part in parts if without_number(word_name(part)) in known]
    if len(parts) == 1 and (one.folders or in_known or asked.speaker):
        if not is_person(parts[0]):
            return parts[0]
    elif len(parts) == 2 and order is not None:
        return parts[ORDERS.index(order)]
    elif len(parts) > 2 and len(in_known) == 1:
        return in_known[0]
    raise InputError(_open(one, parts))


def _open(one: _Named, parts: Sequence[str]) -> str:
    """Words what cannot be told of a file, and the two commands that tell it."""
    where, seen = shown(one.path), " and ".join(map(repr, parts))
    if len(parts) == 2:
        return (
            f"{where}: which is the word and which the speaker must be told, got {seen}. Add"
            f" --order {ORDERS[0]} if {parts[0]!r} is the word, or --order {ORDERS[1]} if it is"
            " the speaker."
        )
    if len(parts) == 1:
        return (
            f"{where}: word and speaker must be told, got {seen} alone. Add --word WORD if it is"
            " the speaker, or --speaker NAME if it is the word."
        )
    if parts:
        return (
            f"{where}: word and speaker must be told, got {seen}. Add --word WORD, and --speaker"
            " NAME if one person speaks; or name files <speaker>_<word>_<n>."
        )
    return f"{where}: its names say no word. Add --word WORD, and --speaker NAME if it is one."


def _unnamed(items: Sequence[Item]) -> list[str]:
    """Returns a sentence on files of which nobody knows the speaker."""
    some = [item.path for item in items if not item.names_speaker]
    if not some:
        return []
    return [
        f"{len(some):,} file{'s name' if len(some) > 1 else ' names'} no speaker (first"
        f" {shown(some[0])}): each counts as a person of its own. If one person speaks in all, give"
        " --speaker NAME."
    ]


def _table_of(source: Path) -> Table | None:
    """Returns what a data set says of its own files, where it is one that does."""
    return (read_listing(source) or read_tables(source)) if source.is_dir() else None


def _of_table(source: Path, table: Table, asked: Asked, out: Path) -> Plan:
    """Returns the plan of a data set that says itself what its files are."""
    items = []
    for path, said, who, split, names_speaker in table.rows:
        word, speaker = word_name(said), asked.speaker or who
        if is_noise(word):
            items.append(Item(path, BACKGROUND_NOISE_FOLDER, path.stem, split))
            continue
        word, speaker = checked_word(word, shown(path)), checked_speaker(speaker, shown(path))
        items.append(Item(path, word, speaker, split, names_speaker or bool(asked.speaker)))
    listed = {item.path for item in items} | table.left_out
    unlisted = [one for one in sorted(_walk(source, out)) if _is_audio(one) and one not in listed]
    note = (
        f"left out: {len(unlisted):,} recordings of which {shown(source)} says no word (first %s)."
    )
    return Plan(tuple(items), (*table.notes, *([note % shown(unlisted[0])] if unlisted else [])))
