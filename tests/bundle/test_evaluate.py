"""A model that is no trial, scored as a run's trials were."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio.corpus import open_corpus
from sprd.bundle.evaluate import evaluate_model, score_reference
from sprd.errors import ConfigError, InputError, ModelFileError
from sprd.sweep.run import Run, begin, open_run

TEXT = """[sweep]
name = "theirs"
[data]
source = {source}
keywords = [{keywords}]
split_salt = "{salt}"
[features]
frame = "{frame}"
[model]
architecture = "tiny_conv"
"""
BUDGET = '[budget]\nboard = "arduino_nano_33_ble"\nlatency_ms = 5\n'


def write(path: Path, source: str, keywords: str = '"up", "down"', **fields: str) -> Path:
    """A sweep file."""
    fields = {"salt": "sprd", "frame": "30/20x40"} | fields
    path.write_text(TEXT.format(source=json.dumps(source), keywords=keywords, **fields))
    return path


@pytest.fixture
def run(shared: Path, tmp_path: Path) -> Run:
    """A run on the reference data, keywords in the other order."""
    file = write(tmp_path / "run.toml", str(shared / "data/speech_commands"), '"down", "up"')
    file.write_text(file.read_text() + BUDGET)
    opened = open_run(file, tmp_path / "run", None)
    begin(opened, open_corpus(opened.sweep.default.data).fingerprint)
    return opened


@pytest.fixture
def model(shared: Path) -> Path:
    """SPRD's shipped model."""
    return shared / "models/sprd_tiny_conv_up_down.tflite"


def test_reference_is_scored_on_the_validation_speakers_of_the_run(
    run: Run, model: Path, tmp_path: Path
) -> None:
    """Front end and labels from its own file; data, split and board from the run."""
    file = write(tmp_path / "theirs.toml", "synthetic", salt="another")
    row = score_reference(run, model, file)
    assert row.label == model.name
    assert 0.7 < row.metrics["balanced_accuracy"] < 0.95
    assert set(row.metrics["recall"]) == {"_silence_", "_unknown_", "up", "down"}
    low, high = row.metrics["intervals"]["balanced_accuracy"]
    assert low < row.metrics["balanced_accuracy"] < high
    assert row.footprint["model_bytes"] == model.stat().st_size
    assert row.footprint["ram_bytes"] > row.footprint["arena_bytes"]
    assert [violation.key for violation in row.violations] == ["latency_ms"]


@pytest.mark.parametrize(
    ("keywords", "frame", "error", "said"),
    [
        ('"up", "left"', "30/20x40", ConfigError, "must be those of"),
        ('"up", "down"', "40/20x20", ModelFileError, "must take 49 frames x 20 channels"),
    ],
)
def test_reference_for_other_words_or_features_is_refused(
    run: Run,
    model: Path,
    tmp_path: Path,
    keywords: str,
    frame: str,
    error: type[ConfigError] | type[ModelFileError],
    said: str,
) -> None:
    """Its scores would mean nothing."""
    file = write(tmp_path / "theirs.toml", "synthetic", keywords, frame=frame)
    with pytest.raises(error, match=said):
        score_reference(run, model, file)


@pytest.mark.usefixtures("one_thread")
def test_each_clip_is_told_as_it_was_heard(shared: Path, model: Path, tmp_path: Path) -> None:
    """Recordings, then cuts of silence; the scores are theirs, and each can be heard."""
    for word in ("up", "left"):
        for clip in sorted((shared / "data/speech_commands" / word).glob("*.wav"))[:2]:
            copy = tmp_path / "data" / word / clip.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(clip.read_bytes())
    file = write(tmp_path / "theirs.toml", "synthetic")
    found = evaluate_model(model, (tmp_path / "data",), file, "all", 3, 0)
    assert [one.word for one in found.clips] == ["left", "left", "up", "up", *["_silence_"] * 3]
    assert (found.scores["n_clips"], found.scores["n_silence"]) == (7, 3)
    assert found.scores["n_speakers"] == len({one.speaker for one in found.clips[:4]})
    assert found.scores["other_words"] == ["left"]
    right = sum(not one.is_confused for one in found.clips)
    assert found.scores["accuracy"] == pytest.approx(right / 7, abs=1e-6)
    samples, rate = soundfile.read(io.BytesIO(found.sound(2)), dtype="int16")
    assert found.clips[2].file is not None and rate == 16000
    written, _ = soundfile.read(found.clips[2].file, dtype="int16")
    assert np.array_equal(samples[: len(written)], written)
    assert len(found.sound(6)) == len(found.sound(2))


def test_saved_model_in_place_of_a_bundle_is_named(tmp_path: Path) -> None:
    """As `sprd check` names it."""
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(InputError, match=r"a bundle, got a SavedModel of TensorFlow\. Convert"):
        evaluate_model(tmp_path, (tmp_path,), None, "all", 1, 0)


def test_file_that_is_no_model_is_named_before_its_sweep_file_is_missed(tmp_path: Path) -> None:
    """Whoever gives a pointer lacks more than `--sweep`."""
    file = tmp_path / "m.tflite"
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelFileError, match="got a Git LFS pointer"):
        evaluate_model(file, (tmp_path,), None, "all", 1, 0)
