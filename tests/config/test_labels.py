"""What the outputs of a model mean, in their order."""

from sprd.config.labels import NOT_KEYWORDS, SILENCE_INDEX, UNKNOWN_INDEX, labels_of


def test_silence_and_other_words_come_before_the_keywords() -> None:
    """The firmware counts on it, and every bundle that was ever made."""
    assert labels_of(["up", "down"]) == ("_silence_", "_unknown_", "up", "down")
    assert labels_of([]) == NOT_KEYWORDS == ("_silence_", "_unknown_")


def test_indices_are_those_of_the_names() -> None:
    """A batch and a score look for them by number."""
    assert labels_of(["up"])[SILENCE_INDEX] == "_silence_"
    assert labels_of(["up"])[UNKNOWN_INDEX] == "_unknown_"
