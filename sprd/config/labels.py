"""What a model's outputs mean: silence, other words, then the keywords. Knows no file."""

from collections.abc import Iterable

SILENCE_LABEL = "_silence_"
UNKNOWN_LABEL = "_unknown_"
BACKGROUND_NOISE_FOLDER = "_background_noise_"
RESERVED_WORDS = (SILENCE_LABEL, UNKNOWN_LABEL, BACKGROUND_NOISE_FOLDER)

NOT_KEYWORDS = (SILENCE_LABEL, UNKNOWN_LABEL)
"""The first outputs of every model; the others are its keywords."""

SILENCE_INDEX, UNKNOWN_INDEX = 0, 1


def labels_of(keywords: Iterable[str]) -> tuple[str, ...]:
    """Returns the names of the outputs of a model for these keywords, in order."""
    return (*NOT_KEYWORDS, *keywords)
