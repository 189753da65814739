"""What a record tells of the recordings, and what it keeps to itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from sprd.audio.corpus import Corpus
from sprd.audio.running import Recording
from sprd.audio.split import Clip, Split
from sprd.sweep.trial.provenance import corpus_record

EMPTY = Corpus((), (), "", "", is_synthetic=False, n_skipped=0, skipped=())


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("folder /home/jane doe/yes, no/words", "folder words"),
        ("folder words + folder /home/jane doe/more", "folder words + folder more"),
        ("folder /home/jane + joe/words", "folder words"),
        ("folder /", "folder data"),
        (
            "Google Speech Commands v0.02 + folder /srv/more",
            "Google Speech Commands v0.02 + folder more",
        ),
        ("synthetic speech: 60 espeak-ng voices", "synthetic speech: 60 espeak-ng voices"),
    ],
)
def test_a_record_keeps_the_last_name_of_a_folder(source: str, told: str) -> None:
    assert corpus_record(replace(EMPTY, source=source))["source"] == told


def test_record_tells_what_was_wrong_and_allowed() -> None:
    """Nothing where there was nothing."""
    assert not {"findings", "allowed"} & set(corpus_record(EMPTY))
    poor = replace(EMPTY, findings=(("silent", "9 of 9 clips are silent"),), allowed=("silent",))
    record = corpus_record(poor)
    assert record["findings"] == [{"name": "silent", "what": "9 of 9 clips are silent"}]
    assert record["allowed"] == ["silent"]


def test_a_record_counts_what_is_synthetic_of_each_split() -> None:
    """Clips and speakers, by the names that scores have; and whom rank has moved."""
    clips = tuple(
        Clip(Path("x"), f"up/{who}_{split}_{n}", "up", who, split, is_synthetic=who == "voice")
        for who, split, n_clips in (
            ("voice", Split.TRAINING, 3),
            ("me", Split.TRAINING, 1),
            ("voice", Split.TESTING, 2),
        )
        for n in range(n_clips)
    )
    corpus = replace(EMPTY, clips=clips, is_personal=True, moved={"ab": "testing"})
    told = corpus_record(corpus)
    keys = ("n_clips", "n_speakers", "n_synthetic_clips", "n_synthetic_speakers")
    assert {name: tuple(one[key] for key in keys) for name, one in told["splits"].items()} == {
        "training": (4, 2, 3, 1),
        "validation": (0, 0, 0, 0),
        "test": (2, 1, 2, 1),
    }
    assert told["personal"] is True and told["moved"] == {"ab": "testing"}


def test_a_record_tells_running_speech_where_there_is_some() -> None:
    """Hours, readers, and how much nobody wrote down; nothing where there is none."""
    speech = tuple(
        Recording(Path("x"), f"speech/{number}", reader, split, 1800.0, text)
        for number, (reader, split, text) in enumerate(
            (
                ("1", Split.TRAINING, "HELLO"),
                ("1", Split.TRAINING, ""),
                (None, Split.VALIDATION, None),
            )
        )
    )
    assert "speech" not in corpus_record(EMPTY)
    told = corpus_record(replace(EMPTY, speech=speech))["speech"]
    keys = ("n_recordings", "n_readers", "n_without_transcript", "hours")
    assert {name: tuple(one[key] for key in keys) for name, one in told.items()} == {
        "training": (2, 1, 0, 1.0),
        "validation": (1, 0, 1, 0.5),
        "test": (0, 0, 0, 0.0),
    }
