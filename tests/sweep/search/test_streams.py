"""Streams and their features are made before the trials, and refused before those."""

from pathlib import Path
from typing import Any

import pytest

from sprd.audio.stream_sets import StreamSet
from sprd.config.frozen import replaced
from sprd.config.objectives import natural
from sprd.config.reader import parse_sweep
from sprd.config.recognizer import RecognizerSection
from sprd.config.sweep import SweepConfig
from sprd.errors import DataError
from sprd.sweep.search import streams
from sprd.sweep.search.streams import check_streams, prepare_streams
from tests.audio.spoken import corpus
from tests.builders import make_sweep
from tests.strategies import VOCABULARY

FRAMES = '"features.frame" = ["30/20x40", "40/40x20"]\n"model.filters" = [4, 8]\n'


def listening_sweep() -> SweepConfig:
    """One with two front ends and a recognizer."""
    text = make_sweep(FRAMES).text.replace("[space]", "[recognizer]\n[space]")
    return parse_sweep(text, Path("/sweeps/x.toml"), VOCABULARY)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be made: materials, then (streams, front ends)."""
    found: list[Any] = []

    def write(sets: tuple[StreamSet, ...], progress: Any) -> tuple[str, ...]:
        found.append([one.material for one in sets])
        return ("stream",)

    def compute(some: Any, front_ends: Any, progress: Any) -> None:
        found.append((some, [features.shape for features in front_ends]))

    monkeypatch.setattr(streams, "make_sets", write)
    monkeypatch.setattr(streams, "make_stream_features", compute)
    return found


def test_streams_are_written_once_and_heard_by_every_front_end(
    tmp_path: Path, made: list[Any]
) -> None:
    """Four trials, two front ends, one sample rate."""
    prepare_streams(listening_sweep(), corpus(tmp_path), [], None)
    assert made == [
        ["keywords", "speech", "words", "noise"],
        (("stream",), [(49, 40), (25, 20)]),
    ]


def test_a_sweep_without_a_recognizer_hears_none(tmp_path: Path, made: list[Any]) -> None:
    """Old sweep files cost what they did."""
    prepare_streams(make_sweep(FRAMES), corpus(tmp_path), [], None)
    assert made == []


def test_too_little_speech_is_refused(tmp_path: Path) -> None:
    """Nine seconds, and recall on streams decides."""
    told: list[str] = []
    config = replaced(make_sweep().default, recognizer=RecognizerSection())
    with pytest.raises(DataError, match=r"recall_streaming: takes 0\.1 h"):
        check_streams(config, [natural("recall_streaming")], corpus(tmp_path), told.append)
    check_streams(config, [natural("balanced_accuracy")], corpus(tmp_path), told.append)
    assert len(told) == 1


def test_nothing_is_checked_without_a_recognizer(tmp_path: Path) -> None:
    """Nor told."""
    told: list[str] = []
    check_streams(make_sweep().default, [], corpus(tmp_path), told.append)
    assert told == []
