"""What synthetic voices say where nobody has recorded running speech."""

from pathlib import Path

import numpy as np
import pytest

from sprd.audio.split import Clip, Split
from sprd.audio.voices import talk
from sprd.audio.voices.synthetic import voices_of
from sprd.audio.voices.talk import LONGEST_S, lines_for, say

EVERY = (*Split,)


def test_no_line_holds_a_keyword() -> None:
    """Sentences with "river" are left out where that is a keyword, and none is said of "we"."""
    assert any("river" in line.text for line in lines_for((), ("up",), Split.VALIDATION, 1e9))
    lines = lines_for((), ("river", "We"), Split.VALIDATION, 1e9)
    words = {word for line in lines for word in line.text.casefold().strip(".").split()}
    assert lines
    assert not words & {"river", "we"}


def test_each_voice_speaks_in_one_split() -> None:
    """No voice that is heard at validation is heard at the test."""
    speakers = [{line.speaker for line in lines_for((), ("up",), one, 1e9)} for one in EVERY]
    assert [len(one) for one in speakers] == [32, 32, 32]
    assert len(set.union(*speakers)) == 96


def test_a_voice_of_the_data_set_stays_in_its_split() -> None:
    """A voice that says clips of the training split says no line of another."""
    speaker = next(iter(voices_of(1)))[0]
    clips = [Clip(Path(), "up/x", "up", speaker, one, True) for one in (Split.TESTING,)]
    found = [
        one
        for one in EVERY
        for line in lines_for(clips, ("up",), one, 1e9)
        if line.speaker == speaker
    ]
    assert set(found) == {Split.TESTING}


def test_lines_are_bounded() -> None:
    """As long as asked for, and half an hour at most; a sentence comes again from another voice."""
    assert len(lines_for((), ("up",), Split.VALIDATION, 33.0)) == 10
    lines = lines_for((), ("up",), Split.VALIDATION, 1e9)
    assert len(lines) == int(LONGEST_S / talk.LINE_S)
    assert len({(line.voice, line.text) for line in lines}) == len(lines)


def test_without_a_synthesizer_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra may not be installed."""
    monkeypatch.setattr(talk, "espeak_version", lambda: None)
    assert lines_for((), ("up",), Split.VALIDATION, 1e9) == ()


def test_lines_are_said_in_order_and_alike_each_time() -> None:
    """As loud as clips are, seconds long, the same bytes again."""
    lines = lines_for((), ("up",), Split.VALIDATION, 10.0)
    said, again = (list(say(lines, 16_000)) for _ in range(2))
    assert [line for line, _ in said] == list(lines)
    for (_, samples), (_, other) in zip(said, again, strict=True):
        np.testing.assert_array_equal(samples, other)
        assert 1.0 < len(samples) / 16_000 < 6.0
        rms = np.sqrt(np.square(samples / 32768).mean())
        assert 20 * np.log10(rms) == pytest.approx(talk.LEVEL_DBFS, abs=1.0)
