"""File and folder names in, what they may say about word and speaker out."""

import re
import unicodedata
from pathlib import PurePath

from sprd.audio.voices.synthetic import OTHER_WORDS
from sprd.config.labels import SILENCE_LABEL, UNKNOWN_LABEL
from sprd.errors import DataError

COMMON_WORDS = frozenset(OTHER_WORDS)
"""Words that people teach such models: what tells a folder of words from one of speakers."""

_NOTHING = re.compile(
    r"\d*|[vst]\d+|[0-9a-f]{8,}|\d{4,}t?\d*|"
    r"(take|rec|recording|aufnahme|aufzeichnung|audio|voice|memo|sample|clip|file|track|untitled"
    r"|new|neue|copy|kopie|wav|wave|sound)\d*",
    re.IGNORECASE,
)
"""Parts of a name that recorders and takes give it."""

_PERSON = re.compile(
    r"(speaker|spk|person|people|user|subject|participant|sprecher|proband|p|s|id)[-_]?\d+",
    re.IGNORECASE,
)


def parts_of(stem: str) -> list[str]:
    """Returns the parts of a file's stem that say something: `anna_jump_01` is anna and jump."""
    parts = re.split(r"[\s_\-.()\[\],]+", unicodedata.normalize("NFC", stem))
    return [part for part in parts if is_person(part) or not _NOTHING.fullmatch(part)]


def is_person(name: str) -> bool:
    """Whether a name is one that people are given in studies: speaker3, p07."""
    return _PERSON.fullmatch(name) is not None


def without_number(name: str) -> str:
    """Returns a name without the number of its take: jump2 is jump; but speaker2 stays."""
    short = name.rstrip("0123456789").rstrip("-_ ")
    return name if is_person(name) or len(short) < 2 else short


def word_name(text: str) -> str:
    """Returns the folder of a word that a file name or a label gives: `Hey Robot` is hey_robot."""
    return re.sub(r"\s+", "_", unicodedata.normalize("NFC", text).strip().lower())


def speaker_name(text: str) -> str:
    """Returns a speaker's name as it stands in file names: small letters, digits and dashes."""
    kept = re.sub(r"[^\w]+|_", "-", unicodedata.normalize("NFC", text).strip().lower())
    return re.sub(r"-+", "-", kept).strip("-")


def checked_word(word: str, where: str) -> str:
    """Returns a word that can be a folder.

    Raises:
        DataError: It is empty, hidden, holds a slash, or is a label of its own meaning.
    """
    is_plain = word.isprintable() and PurePath(word).name == word and word[:1] not in ("", ".", "-")
    if not is_plain or "\\" in word or word in (SILENCE_LABEL, UNKNOWN_LABEL):
        raise DataError(f"{where}: must be a word, got {word!r}. Give a word with --word.")
    return word


def checked_speaker(speaker: str, where: str) -> str:
    """Returns a speaker who can be told by a file name.

    Raises:
        DataError: No letter or digit is left of the name.
    """
    name = speaker_name(speaker)
    if not name:
        raise DataError(f"{where}: must name a speaker, got {speaker!r}. Give one with --speaker.")
    return name
