"""A bundle before streams of real clips and speech: figures, mistakes to be heard, a fit."""

import io
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.bundle.opened import open_model
from sprd.bundle.streamed import Asked, Streamed, stream_model
from sprd.errors import DataError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def bundle(shared: Path) -> Path:
    """One of old: it was never fitted to speech."""
    return shared / "models/default_demo"


@pytest.fixture(scope="module")
def asked(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Twelve clips of each keyword and of another word, a noise, a minute of two readers."""
    data = tmp_path_factory.mktemp("clips")
    clips = shared / "data/speech_commands"
    for word in ("up", "down", "left"):
        copy(sorted((clips / word).iterdir())[:12], data / word)
    copy([clips / "_background_noise_/doing_the_dishes.wav"], data / "_background_noise_")
    speech = tmp_path_factory.mktemp("books")
    books = shared / "data/running_speech/librispeech_test_clean"
    copy(sorted(books.rglob("*.ogg"))[:400:100], speech)
    return Asked((data,), (speech,), "all", allowed=("few_speakers",))


def copy(files: Sequence[Path], folder: Path) -> None:
    """Copies files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder / file.name)


@pytest.fixture(scope="module")
def streamed(bundle: Path, asked: Asked) -> Streamed:
    """What came of it."""
    return stream_model(bundle, None, asked)


def test_all_that_is_there_is_heard(streamed: Streamed) -> None:
    """Keywords in four conditions, speech, words and noise; the recogniser is the bundle's."""
    told = streamed.told
    names = [one["condition"] for one in told["conditions"]]
    assert names == ["quiet", "20db", "10db", "5db"]
    assert {one["n_words"] for one in told["conditions"]} == {24}
    assert {one["material"] for one in told["materials"]} >= {"speech", "words"}
    assert told["recognizer"]["average_window_ms"] == 1000
    assert 0 < told["hours_of_speech"] < 0.05
    assert told["recall_streaming"] is None  # a minute says nothing of rates
    assert told["fit"] is None


def test_easier_recogniser_is_fooled_and_each_time_can_be_heard(
    bundle: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A WAV around the moment: two seconds of what came before it."""
    opened = open_model(bundle, None)
    easy = replace(opened.recognizer, average_window_ms=300, thresholds=(60, 60))
    easily = replace(opened, recognizer=easy)
    monkeypatch.setattr("sprd.bundle.streamed.open_model", lambda *_: easily)
    found = stream_model(bundle, None, asked)
    assert len(found.fooled) == len(found.told["false_accepts"]) > 0
    last = max(range(len(found.fooled)), key=lambda number: found.fooled[number].at_s)
    samples, rate = soundfile.read(io.BytesIO(found.sound(last)), dtype="int16")
    one = found.fooled[last]
    start = round((one.at_s - 2) * rate)
    assert rate == 16_000
    np.testing.assert_array_equal(samples, one.stream.samples[start : start + len(samples)])
    assert 30_000 < len(samples) <= 36_800


def test_bare_model_hears_what_its_bundle_hears(
    bundle: Path, asked: Asked, streamed: Streamed, tmp_path: Path
) -> None:
    """With a sweep file of the same front end."""
    text = (bundle / "sweep.toml").read_text().replace('"features.frame"', '"features.frame" ')
    sweep = tmp_path / "sweep.toml"
    sweep.write_text(text.replace("[space]", '[features]\nframe = "40/40x20"\n[space]'))
    found = stream_model(bundle / "model.tflite", sweep, asked)
    assert {one["n_words"] for one in found.told["conditions"]} == {24}
    assert found.told["recognizer"] == streamed.told["recognizer"]


def test_fit_is_told_with_what_it_lacks(bundle: Path, asked: Asked) -> None:
    """So little speech carries no limit: the best there is, and a sentence."""
    found = stream_model(bundle, None, replace(asked, is_fit=True))
    assert found.told["fit"] is not None
    assert found.told["fit"]["shortfall"]
    assert found.told["recognizer"]["interval_ms"] == 40


def test_split_without_recordings_is_refused(
    bundle: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, with the way out."""
    monkeypatch.setattr("sprd.bundle.streamed.open_streams", lambda *_: ())
    said = "must hold recordings of the test split, got none. Choose another with --split."
    with pytest.raises(DataError, match=said):
        stream_model(bundle, None, replace(asked, split="test"))
