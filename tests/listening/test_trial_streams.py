"""What a trial hears is bounded; an export hears all, keywords five times."""

from pathlib import Path

import pytest

from sprd.audio.split import Split
from sprd.listening import trial_streams
from sprd.listening.trial_streams import (
    SEEDS,
    TRIAL,
    sets_of_trial,
    streams_of_export,
    streams_of_trial,
)
from tests.audio.spoken import corpus
from tests.builders import make_sweep


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


def test_a_trial_hears_validation_speakers_with_one_seed(made: Path) -> None:
    """Every trial the same: four conditions, speech, other words, noise."""
    config, of = make_sweep().default, corpus(made)
    streams = streams_of_trial(of, config)
    assert [one.key for one in streams] == [one.key for one in streams_of_trial(of, config)]
    assert {one.seed for one in streams} == {0}
    assert len(streams) == 7
    assert all(one.split is Split.VALIDATION for one in sets_of_trial(of, config))


def test_a_trial_hears_no_more_than_is_worth_its_time(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight minutes of keywords a condition, two and a half hours of speech."""
    assert (TRIAL.keywords_s, TRIAL.speech_s) == (480.0, 9000.0)
    monkeypatch.setattr(trial_streams, "TRIAL", trial_streams.KEYWORDS)
    materials = [one.material for one in sets_of_trial(corpus(made), make_sweep().default)]
    assert materials == ["keywords"]


def test_an_export_hears_keywords_with_each_seed_and_all_else_once(made: Path) -> None:
    """Five orders and noises; speech of which there is no more than there is."""
    streams = streams_of_export(corpus(made), make_sweep().default, Split.VALIDATION)
    seeds = [one.seed for one in streams if one.material == "keywords" and one.snr_db == 10.0]
    assert seeds == list(SEEDS)
    assert len({one.key for one in streams}) == len(streams) == 4 * len(SEEDS) + 3
