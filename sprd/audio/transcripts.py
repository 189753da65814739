"""Transcripts in, what is said in each recording out, and which keywords are among it.

Of LibriSpeech's form: beside the recordings lies a `<name>.trans.txt` with a line for each,
`<file name without suffix> WHAT IS SAID`. Source: openslr.org/12. Knows nothing of audio.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

SUFFIX = ".trans.txt"

MAX_BYTES = 64_000_000
"""Of a transcript: a thousand hours of one reader have as much."""

_LETTERS = re.compile(r"[^\W_]+")
_START, _END, _BETWEEN = r"(?<![^\W_])", r"(?![^\W_])", r"[\W_]+"
"""No letter or digit before a word, none after it, something else between two."""


def read_transcripts(
    files: Iterable[tuple[str, Path]],
) -> tuple[dict[str, str], dict[str, str]]:
    """Reads transcripts.

    Args:
        files: Key and path of each; the key starts with the folder that it lies in.

    Returns:
        What is said in each recording, by the folder and the file name without its suffix; and of
        each transcript that cannot be read, by its key, the rule that it breaks.
    """
    said: dict[str, str] = {}
    problems: dict[str, str] = {}
    for key, path in files:
        lines = _lines(path)
        if isinstance(lines, str):
            problems[key] = lines
            continue
        folder = key[: key.rfind("/") + 1]
        for line in lines:
            name, _, words = _shown(line).partition(" ")
            said[folder + name] = words
    return said, problems


def _lines(path: Path) -> list[str] | str:
    """Returns the lines of a transcript that are not empty, or the rule that it breaks."""
    try:
        if (n_bytes := path.stat().st_size) > MAX_BYTES:
            return f"must have at most {MAX_BYTES:,} bytes, got {n_bytes:,}"
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return f"must be a readable file: {error.strerror or error}"
    except UnicodeDecodeError:
        return "must be UTF-8 text, got other bytes"
    lines = [line for line in text.splitlines() if line.strip()]
    return lines or "must have a line for each recording, got none"


def _shown(line: str) -> str:
    """Returns a line that can be shown in one: single spaces, nothing that steers a terminal."""
    text = " ".join(line.split())
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def spotter(keywords: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Returns a function: a transcript -> the keywords in it, in their own order.

    Case and accents as they are composed do not matter, nor what stands between words. In scripts
    that write no spaces, or write small words onto large ones, a keyword counts wherever its
    letters stand: rather a recording too few than a keyword among what is to be ignored.
    """
    if not keywords:
        return lambda text: ()
    patterns = [f"(?P<k{number}>{_pattern(word)})" for number, word in enumerate(keywords)]
    pattern = re.compile("|".join(patterns))
    rare = [max(_LETTERS.findall(_plain(word)), key=len) for word in keywords]

    def spot(text: str) -> tuple[str, ...]:
        plain = _plain(text)
        if not any(part in plain for part in rare):  # ten times as fast, and nearly always so
            return ()
        found = {match.lastgroup for match in pattern.finditer(plain)}
        return tuple(word for number, word in enumerate(keywords) if f"k{number}" in found)

    return spot


def counted_keywords(said: Iterable[Sequence[str]]) -> Mapping[str, int]:
    """Returns in how many recordings each keyword is said, those said most first."""
    counts: dict[str, int] = {}
    for words in said:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _pattern(word: str) -> str:
    plain = _plain(word)
    letters = _BETWEEN.join(map(re.escape, _LETTERS.findall(plain)))
    if any(unicodedata.category(letter) == "Lo" for letter in plain):
        return letters
    return f"{_START}{letters}{_END}"


def _plain(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text.casefold())
