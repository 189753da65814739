"""From a model and a corpus to the numbers of a trial, and to what a bundle tells."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sprd.audio.corpus import Corpus
from sprd.config.frozen import replaced
from sprd.config.recognizer import RecognizerSection
from sprd.config.trial import Config
from sprd.listening import score, trial_streams
from sprd.listening.fit import UNFITTED, CrossFitted, Fitted
from sprd.listening.rates import rate_of
from sprd.listening.score import RATES, hear, listen, listen_for_export, prepare
from sprd.listening.told import Metrics
from sprd.listening.trial_streams import streams_of_trial
from sprd.model.quantize import convert_untrained
from tests.audio.spoken import corpus_of_all_splits
from tests.builders import make_sweep

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of_all_splits(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def config() -> Config:
    sweep = make_sweep(model="temporal_conv")
    return replaced(sweep.default, recognizer=RecognizerSection())


@pytest.fixture(scope="module")
def model(config: Config) -> bytes:
    return convert_untrained(config.model, config.features.shape, len(config.labels))


def test_a_trial_tells_what_its_seconds_carry(audio: Corpus, config: Config, model: bytes) -> None:
    """Nine seconds of speech: recall at the threshold, and no figure over false accepts."""
    prepare(audio, config)
    found = listen(config, audio, model)
    assert found.metrics["recall_at_threshold"] is not None
    assert found.metrics["recall_streaming"] is None
    assert found.metrics["false_accepts_per_hour"] is None
    assert found.record["fit"]["shortfall"]
    assert found.record["streams"]["keywords"]["n_said"] == 4 * 6
    assert len(found.recognizer.thresholds) == 2
    assert json.loads(json.dumps(found.record)) == found.record


def known(fitted: Fitted, monkeypatch: pytest.MonkeyPatch, config: Config, audio: Corpus) -> Any:
    """What a trial tells whose hours carry rates: 5 an hour where it was fitted."""
    told: Metrics = {"false_accepts_per_hour": 5.0, "false_accepts_per_hour_words": 50.0}
    monkeypatch.setattr(score, "fit", lambda *_, **__: fitted)
    monkeypatch.setattr(score, "metrics_of", lambda *_: (told, {"intervals": {}}))
    monkeypatch.setattr(score, "hear", lambda *_: [])
    return listen(config, audio, b"")


def test_rates_are_of_what_nothing_was_fitted_to(
    audio: Corpus, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of the streams that it was fitted to; with the limits of the same count."""
    rates = {"speech": rate_of(0, 2.0), "words": rate_of(6, 0.5)}
    fitted = Fitted(UNFITTED, 0.8, unseen=CrossFitted(rates, 0.7, ()))
    found = known(fitted, monkeypatch, config, audio)
    assert found.metrics["false_accepts_per_hour"] == 0
    assert found.metrics["false_accepts_per_hour_words"] == 12
    low, high = found.record["intervals"]["false_accepts_per_hour"]
    assert (low, high) == (0, pytest.approx(3.689 / 2, abs=1e-3))
    assert found.record["intervals"]["false_accepts_per_hour_words"][0] > 4


def test_one_recording_tells_no_rate(
    audio: Corpus, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything in it was fitted to: a limit would be kept by what was chosen to keep it."""
    found = known(Fitted(UNFITTED, 0.8), monkeypatch, config, audio)
    assert found.metrics == dict.fromkeys(RATES.values())
    assert found.record["intervals"] == {}


def test_listening_twice_gives_the_same(audio: Corpus, config: Config, model: bytes) -> None:
    """Nothing is drawn anew."""
    assert listen(config, audio, model) == listen(config, audio, model)


def test_scores_are_at_the_interval_of_the_recognizer(
    audio: Corpus, config: Config, model: bytes
) -> None:
    """Blocks of 32 ms: an interval of 100 ms is one of 128 ms on the device."""
    slow = replaced(config, recognizer=RecognizerSection(interval_ms=100))
    (heard,) = hear(slow, model, streams_of_trial(audio, slow)[:1])
    assert {int(step) for step in heard.times_ms[1:] - heard.times_ms[:-1]} == {128}


def test_what_is_exported_is_fitted_and_told_of_different_people(
    audio: Corpus, config: Config, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several seeds of validation speakers fit it; test speakers are told beside them."""
    monkeypatch.setattr(trial_streams, "SEEDS", (0, 1))
    found = listen_for_export(config, audio, model)
    fitted, told = found.streams["validation"], found.streams["test"]
    for one in (fitted, told):
        assert one["streams"]["keywords"]["seeds"] == [0, 1]
        assert one["streams"]["keywords"]["n_said"] == 2 * 4 * 6
        assert one["recognizer"]["thresholds"] == list(found.recognizer.thresholds)
    assert fitted["fit"]["seen"]["speech"]["hours"] == pytest.approx(9.9 / 3600, abs=1e-3)
    assert told["false_accepts"]["speech"]["hours"] == pytest.approx(9.9 / 3600, abs=1e-3)
    assert found.streams["unseen"]["hours"] == pytest.approx(2 * 9.9 / 3600, abs=1e-3)
    assert "_nohash_" not in json.dumps(found.streams)


def test_noise_that_training_heard_in_part_is_not_told_as_unheard(config: Config) -> None:
    """Clips that are varied by themselves have a part of every recording behind them."""
    cold, warm = (
        replaced(config, augment=replaced(config.augment, context_ms=context_ms))
        for context_ms in (0, 300)
    )
    assert score._unseen(warm) == score.UNSEEN
    assert "noise training heard the first 70 %" in score._unseen(cold)


def test_a_split_without_running_speech_is_told_without_rates(
    audio: Corpus, config: Config, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reader and no espeak-ng: recalls alone, with the thresholds of TensorFlow's example."""
    monkeypatch.setattr("sprd.audio.voices.talk.espeak_version", lambda: None)
    found = listen(config, replace(audio, speech=()), model)
    assert found.recognizer.thresholds == (200, 200)
    assert found.record["false_accepts"].keys() == {"words", "noise"}
