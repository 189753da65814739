"""What of a configuration a trial trains, with the training itself stood in for."""

from types import SimpleNamespace
from typing import Any

import pytest

from sprd.audio.split import Split
from sprd.config.trial import Config
from sprd.errors import TrainingError
from sprd.sweep.trial import train
from tests.builders import make_sweep


@pytest.mark.parametrize(
    ("speech", "n_cuts"),
    [((), 0), ((Split.VALIDATION,), 0), ((Split.VALIDATION, Split.TRAINING), 7)],
)
def test_a_trial_without_training_readers_is_one_of_no_cuts(
    monkeypatch: pytest.MonkeyPatch, speech: tuple[Split, ...], n_cuts: int
) -> None:
    """So its features, its weights and its record are those of `speech_cuts = 0`."""
    seen: list[Config] = []

    def fit(config: Config, *rest: object) -> None:
        seen.append(config)
        raise TrainingError("ended")

    monkeypatch.setattr(train, "measure_candidate", lambda config: seen.append(config))
    checked = SimpleNamespace(violations=(), footprint={})
    monkeypatch.setattr(train, "check_footprint", lambda config, candidate: checked)
    monkeypatch.setattr(train, "_open_audio", lambda config, corpus: (None, None))
    monkeypatch.setattr(train, "fit", fit)
    config = make_sweep().default
    augment = config.augment.model_copy(update={"speech_cuts": 7})
    corpus: Any = SimpleNamespace(speech=[SimpleNamespace(split=split) for split in speech])
    asked = config.model_copy(update={"augment": augment})
    outcome = train.run_trial(asked, corpus, lambda metrics, save: None)
    assert outcome.status == "failed"
    assert [one.augment.speech_cuts for one in seen] == [n_cuts, n_cuts]
