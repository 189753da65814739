"""Words are told from a room's other sounds, the more strictly the more of these there are."""

import numpy as np

from sprd.audio.importing.loudness import loudness_of
from sprd.audio.importing.speech import are_words, voice_db
from tests.audio.importing.spoken import RATE_HZ, int16, room, said


def test_word_has_more_of_a_voice_than_a_tick() -> None:
    """By 10 dB of level and more."""
    wave = said([1.0], 4.0) / 32768
    tick = np.random.default_rng(1).standard_normal(round(0.1 * RATE_HZ)) * 0.1
    wave[3 * RATE_HZ : 3 * RATE_HZ + len(tick)] += tick
    loudness = loudness_of(int16(wave), RATE_HZ)
    word = voice_db(int16(wave), RATE_HZ, loudness, 1.0, 1.4)
    assert word > 10 + voice_db(int16(wave), RATE_HZ, loudness, 3.0, 3.1)


def test_half_strange_sound_is_a_word_only_among_words() -> None:
    """One of twenty is kept; where ten more are strange, it goes with them."""
    words = [14.0] * 20
    assert all(are_words([30.0] * 21, [*words, 1.0]))
    told = are_words([30.0] * 31, [*words, 1.0, *[-4.0] * 10])
    assert told == [True] * 20 + [False] * 11


def test_quieter_sound_needs_more_of_a_voice() -> None:
    """A room's other voices lie below the word; a word that is said softly stays."""
    murmurs = [(18.0, 8.0)] * 10
    sounds = [*[(30.0, 14.0)] * 20, (24.0, 14.0), *murmurs]
    levels, voices = zip(*sounds, strict=True)
    assert are_words(levels, voices) == [True] * 21 + [False] * 10


def test_where_nobody_has_a_voice_none_is_asked_for() -> None:
    """Whispers are words; so is silence no error."""
    assert all(are_words([20.0] * 8, [1.0] * 8))
    assert are_words([], []) == []
    assert np.isfinite(loudness_of(int16(room(1.0)), RATE_HZ).tilt_db(0, 100))
