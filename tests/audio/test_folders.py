"""What names of folders say."""

import pytest

from sprd.audio.folders import SPLITS, is_noise, letters
from sprd.audio.split import Split


@pytest.mark.parametrize(
    "name",
    ["noise", "Background-Noise", "_silence", "_background_noise_", "White noise 2", "noise_cafe"],
)
def test_folder_of_noise_is_no_word(name: str) -> None:
    """However it is spelled, and whatever noise it is."""
    assert is_noise(name)


def test_other_words_are_no_noise() -> None:
    """Nor are words that only begin so."""
    assert not any(map(is_noise, ("noisy", "up", "backgroundy", "background_music", "noiseless")))


def test_splits_are_those_of_a_corpus() -> None:
    """Whatever a data set calls them."""
    assert set(SPLITS.values()) == set(Split)


def test_letters_are_without_case_accents_and_signs() -> None:
    """In one order, however the accents were typed."""
    assert letters("Für_2 x") == letters("FU\u0308Rx") == "furx"
