"""What a record tells of the recordings, and what it keeps to itself."""

from dataclasses import replace

import pytest

from sprd.audio.corpus import Corpus
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
