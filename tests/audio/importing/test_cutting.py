"""Words are found, whole, each in the middle of its clip; what is none is dropped with a reason."""

import numpy as np
import pytest

from sprd.audio.importing.cutting import (
    CLICK,
    CLIPPED,
    EDGE,
    LONGER,
    NEAR,
    NO_VOICE,
    UNHEARD,
    Stretch,
    cut_at_labels,
    cut_words,
    place_windows,
)
from tests.audio.importing.spoken import RATE_HZ, hum, int16, room, said

STARTS = (1.0, 3.2, 5.0, 8.5)


def test_each_word_is_a_clip_in_its_middle() -> None:
    """Found to 60 ms, centred to 50 ms, and nothing else is."""
    cuts, dropped = cut_words(said(STARTS, 11.0), RATE_HZ, 1.0)
    assert [cut.word.start_s for cut in cuts] == pytest.approx(STARTS, abs=0.06)
    assert [cut.word.end_s for cut in cuts] == pytest.approx([s + 0.4 for s in STARTS], abs=0.06)
    middles = [(cut.start_s + cut.end_s) / 2 for cut in cuts]
    assert middles == pytest.approx([start + 0.2 for start in STARTS], abs=0.05)
    assert [cut.end_s - cut.start_s for cut in cuts] == pytest.approx([1.0] * 4)
    assert [cut.doubts for cut in cuts] == [()] * 4 and dropped == []


@pytest.mark.parametrize("level", [0.02, 0.05, 0.5])
def test_level_does_not_matter(level: float) -> None:
    """As long as words stand out of the room."""
    cuts, _ = cut_words(said(STARTS, 11.0, level=level), RATE_HZ, 1.0)
    assert len(cuts) == 4


def test_room_alone_has_no_word() -> None:
    """Nor has silence."""
    for wave in (int16(room(10.0)), np.zeros(10 * RATE_HZ, np.int16)):
        assert cut_words(wave, RATE_HZ, 1.0)[0] == []


def test_pause_within_a_word_does_not_part_it() -> None:
    """The closure of stop and eight has up to a quarter second."""
    wave = room(8.0)
    for at, part in ((3.0, hum(0.25)), (3.45, hum(0.12, 0.1))):
        wave[round(at * RATE_HZ) : round(at * RATE_HZ) + len(part)] += part
    cuts, _ = cut_words(int16(wave), RATE_HZ, 1.0)
    assert [(c.word.start_s, c.word.end_s) for c in cuts] == [pytest.approx((3.0, 3.57), abs=0.06)]


def test_click_is_dropped() -> None:
    """However loud it is."""
    wave = said(STARTS, 11.0).astype(np.int32)
    wave[round(6.7 * RATE_HZ) : round(6.705 * RATE_HZ)] = 30_000
    cuts, dropped = cut_words(wave.astype(np.int16), RATE_HZ, 1.0)
    assert len(cuts) == 4
    assert {one.reason for one in dropped} <= {CLICK}


def test_steps_among_words_are_dropped() -> None:
    """They have no voice; where nobody uses one, as in a whisper, nothing is dropped for it."""
    step = np.random.default_rng(1).standard_normal(round(0.2 * RATE_HZ)) * 0.05
    wave = said(STARTS, 11.0) / 32768
    whisper = room(11.0)
    for at in (2.2, 6.9):
        wave[round(at * RATE_HZ) : round(at * RATE_HZ) + len(step)] += step
    for at in STARTS:
        whisper[round(at * RATE_HZ) : round(at * RATE_HZ) + len(step)] += step
    cuts, dropped = cut_words(int16(wave), RATE_HZ, 1.0)
    assert (len(cuts), [one.reason for one in dropped]) == (4, [NO_VOICE] * 2)
    assert len(cut_words(int16(whisper), RATE_HZ, 1.0)[0]) == 4


def test_word_longer_than_the_window_is_doubtful_and_centred() -> None:
    """It is told, not cut off at random."""
    cuts, _ = cut_words(said([3.0], 9.0, word_s=1.6), RATE_HZ, 1.0)
    assert [cut.doubts for cut in cuts] == [(LONGER,)]
    assert (cuts[0].start_s + cuts[0].end_s) / 2 == pytest.approx(3.8, abs=0.1)


def test_word_at_the_edge_stays_in_the_recording() -> None:
    """A window begins with the recording, and the word that may be cut off is doubtful."""
    cuts, _ = cut_words(said([0.0, 3.0, 5.0], 7.0), RATE_HZ, 1.0)
    assert (cuts[0].start_s, cuts[0].end_s) == (0.0, 1.0)
    assert [cut.doubts for cut in cuts] == [(EDGE,), (), ()]


def test_clipped_word_is_doubtful() -> None:
    """Its tops are cut off."""
    cuts, _ = cut_words(said(STARTS, 11.0, level=3.0), RATE_HZ, 1.0)
    assert all(CLIPPED in cut.doubts for cut in cuts) and len(cuts) == 4


def stretches(*spans: tuple[float, float]) -> list[tuple[Stretch, bool]]:
    """Words that are not quiet."""
    return [(Stretch(start, end, 30.0), False) for start, end in spans]


def test_window_moves_off_a_neighbour() -> None:
    """The word stays whole, 50 ms from the edge, and the neighbour outside."""
    one, other = place_windows(stretches((2.0, 2.4), (2.6, 3.0)), 10.0, 1.0)
    assert one.end_s == pytest.approx(2.6) and one.start_s == pytest.approx(1.6)
    assert other.start_s == pytest.approx(2.4)
    assert one.doubts == other.doubts == ()


def test_window_between_close_neighbours_is_doubtful() -> None:
    """There is no room for it; the word is in it all the same."""
    cut = place_windows(stretches((1.0, 1.5), (1.7, 2.1), (2.3, 2.8)), 10.0, 1.0)[1]
    assert cut.doubts == (NEAR,)
    assert cut.start_s < 1.7 and cut.end_s > 2.1


def test_labels_decide_where_words_are() -> None:
    """A part is taken as it is, a point means the sound next to it, and silence is doubtful."""
    labels = [(0.2, 0.6), (2.9, 2.9), (6.9, 6.9)]
    cuts = cut_at_labels(said((3.2, 5.0), 9.0), RATE_HZ, labels, 1.0)
    assert (cuts[0].word.start_s, cuts[0].word.end_s) == (0.2, 0.6)
    assert cuts[1].word.start_s == pytest.approx(3.2, abs=0.06)
    assert [cut.doubts for cut in cuts] == [(), (), (UNHEARD,)]
