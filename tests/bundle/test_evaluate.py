"""A model that is no trial, scored as a run's trials were."""

import json
from pathlib import Path

import pytest

from sprd.audio.corpus import open_corpus
from sprd.bundle.evaluate import score_reference
from sprd.errors import ConfigError, ModelFileError
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
