"""What the last look at a trained trial finds in its folder."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sprd.bundle import export as room
from sprd.bundle.export import export
from sprd.bundle.manifest import read_manifest
from sprd.config.frozen import replaced
from sprd.config.recognizer import RecognizerSection
from sprd.config.trial import TrainSection
from sprd.errors import SprdError
from sprd.listening import trial_streams
from sprd.sweep.paths import KEPT_OF_A_TRIAL, RECORD, TrialPaths
from sprd.sweep.trial.train import run_trial
from tests.audio.spoken import corpus_of_all_splits
from tests.builders import make_row, make_sweep

LACKS_SCORES = b'{"config": 1, "provenance": 1, "calibration_clips": 1, "validation": %s}'


@pytest.mark.parametrize(
    "record",
    [
        *(None, b"{", b"3", b"{}", b"[" * 100_000),
        *(LACKS_SCORES % one for one in (b"3", b"{}", b"[]", b'{"int8": 3}')),
    ],
)
def test_trial_whose_record_is_gone_or_damaged_is_not_exported(
    tmp_path: Path, record: bytes | None
) -> None:
    """One line names the folder, what it must hold and what to do; no bundle is begun."""
    for name in KEPT_OF_A_TRIAL:
        (tmp_path / name).write_bytes(b"")
    if record is None:
        (tmp_path / RECORD).unlink()
    else:
        (tmp_path / RECORD).write_bytes(record)
    bundle = tmp_path / "bundle"
    with pytest.raises(SprdError) as caught:
        export(make_sweep(), make_row(0), TrialPaths(tmp_path), None, bundle, {})
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: must hold model.tflite, model_float.tflite, record.json")
    assert said.endswith(". Choose another trial.")
    assert not bundle.exists()


@pytest.mark.parametrize(("verify", "n_emulated"), [("model", 0), ("emulated", 1)])
def test_only_a_budget_that_says_so_is_verified_on_an_emulated_core(
    verify: str, n_emulated: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a compiler and minutes."""
    calls: list[bytes] = []

    def emulated(model: bytes, config: object, corpus: object, footprint: object) -> object:
        calls.append(model)
        return footprint

    monkeypatch.setattr(room, "measure", lambda model, board, name: "footprint")
    monkeypatch.setattr(room, "_emulated", emulated)
    sweep = make_sweep(sweep=f'[budget]\nboard = "arduino_nano_33_ble"\nverify = "{verify}"\n')
    kept = room._Kept(b"TFL3", b"", {}, sweep.default)
    assert room._measure_again(kept, None, "trial") == "footprint"
    assert len(calls) == n_emulated


@pytest.mark.usefixtures("one_thread")
def test_what_listens_is_exported_with_a_fitted_recognizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a training to a bundle: the row has numbers of streams, the manifest those of a test."""
    monkeypatch.setattr(trial_streams, "SEEDS", (0,))
    config = replaced(
        make_sweep(model="temporal_conv").default,
        recognizer=RecognizerSection(),
        train=TrainSection(steps=20, learning_rate=0.01, eval_interval=20, batch_size=10),
    )
    corpus = replace(corpus_of_all_splits(tmp_path), fingerprint="f" * 64)
    outcome = run_trial(config, corpus, lambda metrics, save: None)
    assert outcome.metrics["recall_at_threshold"] is not None
    assert outcome.metrics["recall_streaming"] is None  # nine seconds carry none
    assert outcome.seconds["listen"] > 0
    files = TrialPaths(tmp_path / "trial")
    files.folder.mkdir()
    for name, content in outcome.files.items():
        (files.folder / name).write_bytes(content)
    record = json.loads(files.record.read_text())
    assert record["streams"]["validation"]["metrics"].items() <= outcome.metrics.items()
    trial = make_row(0, metrics=outcome.metrics)
    with_audio, without = tmp_path / "with", tmp_path / "without"
    assert export(make_sweep(), trial, files, corpus, with_audio, {}) == ()
    assert export(make_sweep(), trial, files, None, without, {}) == ()
    told = read_manifest(with_audio)
    assert told["streams"]["test"]["streams"]["keywords"]["n_said"] == 4 * 6
    assert len(told["thresholds"]["detection_thresholds"]) == 2
    alone = read_manifest(without)
    assert alone["streams"]["test"] is None
    fitted = record["streams"]["validation"]["recognizer"]["thresholds"]
    assert alone["thresholds"]["detection_thresholds"] == fitted
