"""Running speech: recordings of people who talk, in which no keyword is said.

On them a model must stay silent. Reads their samples a block at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.blocks import read_blocks
from sprd.audio.noises import NoiseRecording
from sprd.audio.split import Split


@dataclass(frozen=True)
class Recording:
    """One recording of running speech; `key` is unique in the corpus and on every machine.

    `transcript` is what is said in it, without a keyword; None where nobody wrote it down: then a
    keyword may be said in it. `speaker` is None where the file does not name one.
    """

    path: Path
    key: str
    speaker: str | None
    split: Split
    seconds: float
    transcript: str | None


def read_recording(
    recording: Recording | NoiseRecording, sample_rate_hz: int
) -> Iterator[NDArray[np.int16]]:
    """Reads a recording as mono at the given rate, in blocks: it may last ten hours.

    Yields:
        (n,) int16 with n > 0; all together are what `read_clip` would give.

    Raises:
        DataError: The file is missing, empty, no audio, or damaged somewhere.
    """
    return read_blocks(recording.path, sample_rate_hz)
