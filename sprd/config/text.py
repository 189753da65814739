"""The bytes of a file that a person wrote in, its text out: UTF-8, with or without a mark.

Knows nothing of TOML.
"""

import codecs
from pathlib import Path

from sprd.errors import ConfigError

MAX_FILE_BYTES = 1_000_000
"""Of a sweep file."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(content: bytes) -> str:
    """Returns the text of a file, without the byte order mark that some editors put first.

    Lines end in a newline alone, as Python reads text files.

    Raises:
        ValueError: It is not UTF-8; the message says what it is, if that can be told.
    """
    if content.startswith(_UTF16) or b"\0" in content[:4]:
        raise ValueError("UTF-16 text, not UTF-8; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_sweep_text(path: Path) -> str:
    """Returns the text of a sweep file.

    Raises:
        ConfigError: It cannot be read, is no text, or is none by its size.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: must be a sweep file, at most {MAX_FILE_BYTES:,} bytes.")
        return decode(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{path}: must be a readable sweep file: {reason}. Give the path of a TOML file."
        ) from error
