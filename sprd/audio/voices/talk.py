"""Sentences in, running speech of synthetic voices out: where nobody has recorded any.

A model hears false keywords in it two to ten times as rarely as in speech of people: it ranks
models, and tells no rate.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from sprd.audio.clips import to_int16
from sprd.audio.split import Clip, Split
from sprd.audio.voices.sentences import sentences_without
from sprd.audio.voices.speak import SAMPLE_RATE_HZ as SPOKEN_RATE_HZ
from sprd.audio.voices.studio import Wave
from sprd.audio.voices.synthetic import Job, espeak_version, speak_all, voices_of
from sprd.config.seeds import generator_of

N_VOICES = 96
"""Those of a synthetic data set; each has one split."""

LONGEST_S = 1800.0
LINE_S = 3.3
"""Of a sentence and the pause after it, about."""

LEVEL_DBFS = -26.0
"""RMS of each sentence, about that of clips of Speech Commands."""

_AT_ONCE = 64


@dataclass(frozen=True)
class Line:
    """A sentence, and the voice that says it."""

    number: int
    speaker: str
    voice: str
    text: str

    @property
    def key(self) -> str:
        """Its name, like that of a recording."""
        return f"synthetic talk/{self.speaker}-{self.number}"


def lines_for(
    clips: Sequence[Clip], keywords: Collection[str], split: Split, seconds: float
) -> tuple[Line, ...]:
    """Returns what voices of a split say, and no other split's: sentences without a keyword.

    Args:
        clips: Of a corpus: a voice that speaks there stays in its split.
        keywords: They are in no sentence.
        split: Whose voices.
        seconds: At most.

    Returns:
        At most half an hour; nothing without espeak-ng.
    """
    if espeak_version() is None:
        return ()
    known = {clip.speaker: clip.split for clip in clips if clip.is_synthetic}
    order = tuple(Split)
    voices = [
        (speaker, voice)
        for number, (speaker, voice) in enumerate(voices_of(N_VOICES))
        if known.get(speaker, order[number % len(order)]) is split
    ]
    sentences = sentences_without(keywords)
    n_lines = int(min(seconds, LONGEST_S) / LINE_S) if voices and sentences else 0
    return tuple(
        Line(
            number,
            *voices[number % len(voices)],
            sentences[(number + number // len(sentences)) % len(sentences)],
        )
        for number in range(n_lines)
    )


def say(lines: Sequence[Line], rate_hz: int) -> Iterator[tuple[Line, NDArray[np.int16]]]:
    """Says lines, in order.

    Yields:
        Each with its samples, (n,) int16.

    Raises:
        SprdError: espeak-ng cannot say one.
    """
    for first in range(0, len(lines), _AT_ONCE):
        some = lines[first : first + _AT_ONCE]
        said: dict[str, NDArray[np.int16]] = {}

        def take(job: Job, sound: Wave, said: dict[str, NDArray[np.int16]] = said) -> None:
            wave = soxr.resample(sound, SPOKEN_RATE_HZ, rate_hz, "HQ")
            gain = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.square(wave).mean())
            said[job.path] = to_int16(np.clip(wave * gain, -0.999, 0.999))

        speak_all([_job(line) for line in some], take)
        yield from ((line, said[line.key]) for line in some)


def _job(line: Line) -> Job:
    random = generator_of("talk", line.speaker, line.number)
    return Job(
        path=line.key,
        speaker=line.speaker,
        voice=line.voice,
        text=line.text,
        rate=int(random.integers(140, 200)),
        pitch=int(random.integers(35, 66)),
        range=int(random.integers(30, 81)),
        seed=int(random.integers(1, 2**31)),
    )
