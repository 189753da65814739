"""What was heard of each clip: as rows, as a table, as sound."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio.split import Clip, Split
from sprd.bundle.heard import HeardClip, clips_csv, heard_clips, wav_bytes
from tests.speakers import LABELS

PROBABILITIES = np.array(
    [[0.1, 0.2, 0.6, 0.1], [0, 0.1, 0.9, 0], [0.5, 0.3, 0.1, 0.1], [0, 1, 0, 0]], np.float32
)


@pytest.fixture
def clips() -> list[HeardClip]:
    """A keyword, another word, and two cuts of silence."""
    recordings = [
        Clip(Path("d/up/a_nohash_0.wav"), "up/a_nohash_0", "up", "a", Split.TRAINING),
        Clip(Path('d/left/\udcff,"\n.wav'), "left/b", "left", "b", Split.TESTING),
    ]
    return heard_clips(recordings, PROBABILITIES, LABELS)


def test_words_that_are_no_label_count_as_unknown(clips: list[HeardClip]) -> None:
    """Cuts of silence come last and belong to nobody."""
    assert [(one.word, one.truth, one.heard) for one in clips] == [
        ("up", "up", "up"),
        ("left", "_unknown_", "up"),
        ("_silence_", "_silence_", "_silence_"),
        ("_silence_", "_silence_", "_unknown_"),
    ]
    assert [(one.speaker, one.split) for one in clips] == [
        *(("a", "training"), ("b", "test")),
        *(("", ""), ("", "")),
    ]


def test_confused_is_what_was_heard_as_another_label(clips: list[HeardClip]) -> None:
    """With the probability of what was heard."""
    found = [one.confidence for one in clips if one.is_confused]
    assert found == pytest.approx([0.9, 1.0])


def test_table_is_read_back_whatever_files_are_called(clips: list[HeardClip]) -> None:
    """Commas, quotes, lines; bytes that are no UTF-8 are told as such."""
    content = clips_csv(clips, LABELS)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    assert list(rows[0]) == [
        *("file", "word", "true_label", "heard_label"),
        *(f"probability_{label}" for label in LABELS),
        *("speaker", "split"),
    ]
    assert [row["file"] for row in rows] == [
        "d/up/a_nohash_0.wav", 'd/left/\\udcff,"\n.wav', "", "",
    ]  # fmt: skip
    assert rows[0]["probability_up"] == "0.6" and rows[0]["split"] == "training"
    assert rows[3]["true_label"] == "_silence_" and rows[3]["heard_label"] == "_unknown_"


def test_sound_is_a_wav_file_of_these_samples() -> None:
    """Mono, 16 bits, bit by bit."""
    samples = np.array([0, 1, -32768, 32767], np.int16)
    read, rate = soundfile.read(io.BytesIO(wav_bytes(samples, 8000)), dtype="int16")
    assert rate == 8000 and read.tolist() == samples.tolist()
