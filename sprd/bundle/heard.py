"""Probabilities of clips in, what was heard of each out: as rows, as a CSV text, as sound."""

import csv
import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.split import Clip
from sprd.config.labels import SILENCE_LABEL, UNKNOWN_LABEL
from sprd.sweep.trial.provenance import SPLITS

_SPLIT_NAMES = {split: name for name, split in SPLITS.items()}


@dataclass(frozen=True)
class HeardClip:
    """One clip as a model heard it. A cut of silence has no file, no speaker and no split.

    `word` is that of its folder, `truth` the label that it counts as, `heard` that of the largest
    of the `probabilities`, a label each.
    """

    file: Path | None
    word: str
    truth: str
    heard: str
    probabilities: tuple[float, ...]
    speaker: str
    split: str

    @property
    def is_confused(self) -> bool:
        """Whether it was heard as another label than its own."""
        return self.heard != self.truth

    @property
    def confidence(self) -> float:
        """The probability of what was heard."""
        return max(self.probabilities)


def heard_clips(
    clips: Sequence[Clip], probabilities: NDArray[np.float32], labels: Sequence[str]
) -> list[HeardClip]:
    """Returns each clip as it was heard, then the cuts of silence.

    Args:
        clips: n recordings.
        probabilities: (n + cuts of silence, n_labels).
        labels: Names of the outputs, in order.
    """
    rows = [tuple(round(float(one), 6) for one in row) for row in probabilities]
    heard = [labels[int(index)] for index in probabilities.argmax(1)]
    found = [
        HeardClip(
            file=clip.path,
            word=clip.word,
            truth=clip.word if clip.word in labels else UNKNOWN_LABEL,
            heard=label,
            probabilities=row,
            speaker=clip.speaker,
            split=_SPLIT_NAMES[clip.split],
        )
        for clip, label, row in zip(clips, heard, rows, strict=False)
    ]
    n = len(clips)
    return found + [
        HeardClip(None, SILENCE_LABEL, SILENCE_LABEL, label, row, "", "")
        for label, row in zip(heard[n:], rows[n:], strict=True)
    ]


def clips_csv(clips: Sequence[HeardClip], labels: Sequence[str]) -> bytes:
    """Returns a table of clips, one a line, a probability of each label in columns of their own.

    UTF-8; what a file's name holds that is no UTF-8 is written as `\\udc80`.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    shares = [f"probability_{label}" for label in labels]
    table.writerow(["file", "word", "true_label", "heard_label", *shares, "speaker", "split"])
    for one in clips:
        shown = "" if one.file is None else str(one.file)
        told = [shown, one.word, one.truth, one.heard, *one.probabilities, one.speaker, one.split]
        table.writerow(told)
    return text.getvalue().encode("utf-8", "backslashreplace")


def wav_bytes(samples: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Returns mono samples, (n,), as the content of a WAV file."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()
