"""The sounds of a recording in, which of them are words out: by their voice, level and number.

A word has a vowel: a pitch that is held, and more power below than above. Steps, ticks, cutlery and
wind have not, and a room's other voices are quieter. How strict it is depends on the recording:
where there are many strange sounds, one that is half strange is none of the words.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sprd.audio.importing.loudness import FRAMES_PER_S, Loudness
from sprd.audio.importing.voicing import voiced_frames

_FOR_DOUBLE_DB, _FOR_TILT, _MOST_TILT_DB = 2.0, 0.6, 10.0
"""What a voice twice as long, and each dB that a sound has more below than above, make up for."""

_EVEN_DB, _PER_DB = 4.0, 0.55
"""Where a sound is as often a word as none, and what each dB adds to the logarithm of the odds;
these, and the line above, by logistic regression on development speakers and rooms."""

_STRAYS, _OF_SOUNDS = 0.3, 30
"""What is taken for known of the share of sounds that are no words, before any is heard."""

_VOICED_DB, _FEW = 7.0, 0.25
"""A sure voice; where as few have one somebody whispers, and no voice is asked for."""

_N_ROUNDS = 20


def voice_db(
    wave: NDArray[np.int16],
    sample_rate_hz: int,
    loudness: Loudness,
    start_s: float,
    end_s: float,
) -> float:
    """Returns how much a sound is like a voice, in dB of level that it may lie below other words.

    Args:
        wave: (n_samples,), int16.
        sample_rate_hz: Its rate.
        loudness: That of the wave.
        start_s: Where the sound begins, in seconds.
        end_s: Where it ends.

    Returns:
        -5 to 5 for a click or steps, 5 to 20 for words.
    """
    n_voiced = voiced_frames(wave, sample_rate_hz, start_s, end_s)
    tilt_db = loudness.tilt_db(round(start_s * FRAMES_PER_S), round(end_s * FRAMES_PER_S))
    return _FOR_DOUBLE_DB * float(np.log2(1 + n_voiced)) + _FOR_TILT * min(tilt_db, _MOST_TILT_DB)


def are_words(levels_db: Sequence[float], voices_db: Sequence[float]) -> list[bool]:
    """Tells words from other sounds.

    Args:
        levels_db: How far each sound stands above the room.
        voices_db: How much each is like a voice (`voice_db`).
    """
    levels, voices = np.array(levels_db, np.float64), np.array(voices_db, np.float64)
    sure = voices >= _VOICED_DB
    if sure.sum() <= _FEW * len(levels):
        return [True] * len(levels)
    below = np.minimum(levels - np.median(levels[sure]), 0)
    odds = np.exp(_PER_DB * (below + voices - _EVEN_DB))
    share = _STRAYS / _OF_SOUNDS
    for _ in range(_N_ROUNDS):  # expectation maximisation: of the share of strange sounds alone
        strange = 1 / (1 + odds * (1 - share) / share)
        share = (float(strange.sum()) + _STRAYS) / (len(levels) + _OF_SOUNDS)
    is_word: list[bool] = (strange < 0.5).tolist()
    return is_word
