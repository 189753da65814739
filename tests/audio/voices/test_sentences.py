"""The sentences that synthetic voices say."""

from sprd.audio.voices.sentences import SENTENCES, sentences_without, words_of


def test_there_are_enough_of_them_and_no_two_alike() -> None:
    """Half an hour of lines has few that come again."""
    assert len(SENTENCES) >= 150
    assert len(set(SENTENCES)) == len(SENTENCES)


def test_hardly_a_common_keyword_is_in_them() -> None:
    """The words of Speech Commands cost few sentences."""
    words = "up down left right yes no on off stop go one two three four five six seven eight nine"
    assert len(sentences_without(words.split())) > 140


def test_a_keyword_of_two_words_is_kept_out_word_by_word() -> None:
    """Whoever looks for "warm wind" finds neither word."""
    left = sentences_without(["Warm_wind"])
    assert 0 < len(left) < len(SENTENCES)
    assert not any({"warm", "wind"} & set(words_of(one)) for one in left)
