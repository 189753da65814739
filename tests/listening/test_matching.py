"""What counts as hit, repeat, confusion and false accept, by times that are known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sprd.audio.streams import Piece
from sprd.listening.matching import CONFUSION, FALSE_ACCEPT, HIT, REPEAT, match
from tests.listening.heard import KEYWORDS, detected, said


def test_hit_lies_between_onset_and_what_one_waits() -> None:
    """From 100 ms after the onset until 1,500 ms after the end, both included."""
    words = [said("up", at) for at in (1.0, 5.0, 9.0, 13.0)]
    found = detected((1.099, "up"), (5.1, "up"), (11.0, "up"), (15.001, "up"))
    matched = match(words, found, KEYWORDS)
    assert matched.is_hit.tolist() == [False, True, True, False]
    assert matched.kinds.tolist() == [FALSE_ACCEPT, HIT, HIT, FALSE_ACCEPT]
    np.testing.assert_array_equal(matched.delays_ms, [np.nan, -400, 1500, np.nan])


def test_word_has_one_hit() -> None:
    """The first detection; a later one of the same word is a repeat, not a false accept."""
    matched = match([said("down", 1.0)], detected((1.4, "down"), (2.9, "down")), KEYWORDS)
    assert matched.kinds.tolist() == [HIT, REPEAT]
    assert matched.delays_ms.tolist() == [-100]
    assert matched.false_accepts == ()


def test_detection_is_the_hit_of_one_word() -> None:
    """Where two of the same word are near, the second needs a detection of its own."""
    words = [said("up", 1.0), said("up", 2.0)]
    assert match(words, detected((2.5, "up")), KEYWORDS).is_hit.tolist() == [True, False]
    both = match(words, detected((2.5, "up"), (2.8, "up")), KEYWORDS)
    assert both.is_hit.tolist() == [True, True]
    assert both.kinds.tolist() == [HIT, HIT]
    assert match(words, detected((1.4, "up"), (1.5, "up")), KEYWORDS).is_hit.tolist() == [
        True,
        False,
    ]


def test_other_keyword_is_a_confusion() -> None:
    """While a word may be heard, whether it is or not; it is no false accept."""
    matched = match([said("up", 1.0)], detected((1.5, "down"), (1.8, "up")), KEYWORDS)
    assert matched.kinds.tolist() == [CONFUSION, HIT]
    assert matched.n_confusions == 1


def test_every_keyword_is_false_where_none_is_said() -> None:
    """It is told with its second, its word, and the recording that it was heard in."""
    pieces = [Piece("a.ogg", "reader 1", 0.0, 4.0), Piece("b.ogg", "reader 2", 4.3, 9.0)]
    matched = match([], detected((3.5, "up"), (4.2, "down"), (6.0, "down")), KEYWORDS, pieces)
    told = [(f.time_ms, f.word, f.score, f.piece and f.piece.key) for f in matched.false_accepts]
    assert told == [
        (3500, "up", 210, "a.ogg"),
        (4200, "down", 210, "a.ogg"),
        (6000, "down", 210, "b.ogg"),
    ]
    assert match([], detected((1.0, "up")), KEYWORDS).false_accepts[0].piece is None


moments = st.integers(0, 200).map(lambda tenth: tenth / 10)


@given(
    st.lists(st.tuples(moments, st.sampled_from(KEYWORDS)), max_size=12),
    st.lists(st.tuples(moments, st.sampled_from(KEYWORDS)), max_size=12),
)
def test_matches_are_those_of_one_detection_after_the_other(
    spoken: list[tuple[float, str]], heard: list[tuple[float, str]]
) -> None:
    """Each takes the earliest word of its own that may still be heard and has no hit."""
    words = [said(word, onset) for onset, word in sorted(spoken)]
    found = detected(*sorted(heard))
    hit = [False] * len(words)
    n_hits_by_detection = 0
    for second, keyword in sorted(heard):
        for i, one in enumerate(words):
            is_near = one.onset_s + 0.0999 < second < one.end_s + 1.5001
            if one.word == keyword and is_near and not hit[i]:
                hit[i] = True
                n_hits_by_detection += 1
                break
    matched = match(words, found, KEYWORDS)
    assert matched.is_hit.tolist() == hit
    assert int((matched.kinds == HIT).sum()) == n_hits_by_detection
