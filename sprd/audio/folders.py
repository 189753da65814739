"""The name of a folder in, what it says of what lies in it out: noise, or a split of a data set."""

import re
import unicodedata

SPLITS = {
    "train": "training",
    "training": "training",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "eval": "testing",
    "evaluation": "testing",
    "holdout": "testing",
    "test": "testing",
    "testing": "testing",
}
"""What data sets call their splits, in small letters, and the split."""

_NOISES = (
    *("noise", "noises", "background", "backgroundnoise", "ambient", "ambience", "silence"),
    *("rauschen", "hintergrund", "stille", "bruit", "ruido", "rumore"),
)
_PARTS = re.compile(r"[\W_]+")


def is_noise(name: str) -> bool:
    """Whether a folder's name says that what lies in it is no word: `noise`, `White-Noise 2`."""
    parts = (letters(part) for part in _PARTS.split(name))
    return letters(name) in _NOISES or any(part in ("noise", "noises") for part in parts)


def letters(name: str) -> str:
    """Returns a name without case, accents, digits and signs."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(one for one in plain if one.isalpha())
