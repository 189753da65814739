"""Features made up for trainings of a few steps."""

import numpy as np
import pytest

from sprd.audio.store import FEATURE_SCALE, Features

SHAPE = (25, 20)
WORDS = ("_silence_", "dog", "up", "down")
"""One word for each label of the sweep that the tests train: dog is `_unknown_`."""


def make_features(n_a_word: int, n_variants: int = 1, seed: int = 0) -> Features:
    """Features in which each word has a band of channels of its own, with noise over it."""
    rng = np.random.default_rng(seed)
    n = n_a_word * len(WORDS)
    raw = rng.integers(0, 300, (n, n_variants, *SHAPE)).astype(np.uint16)
    words = WORDS * n_a_word
    for clip, word in enumerate(words):
        first = 5 * WORDS.index(word)
        raw[clip, :, :, first : first + 5] += 300
    return Features(
        raw=raw,
        scale=FEATURE_SCALE,
        words=words,
        speakers=tuple(f"speaker {i % 10}" for i in range(n)),
    )


@pytest.fixture(scope="session")
def training() -> Features:
    """Training clips in three variants each."""
    return make_features(30, n_variants=3)


@pytest.fixture(scope="session")
def validation() -> Features:
    """Clips that training does not see."""
    return make_features(10, seed=1)
