"""A bundle of old or a bare model opens with its labels, front end and recogniser."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sprd.bundle.manifest import MANIFEST
from sprd.bundle.opened import open_model, recognizer_of
from sprd.config.frozen import replaced
from sprd.errors import InputError, ModelFileError
from sprd.listening.recognizers import Recognizer
from tests.bundle.conftest import make_config

KIND = ("sliding_mean", 500)
FIXED = """kind = "sliding_mean"
average_window_ms = 500
suppression_ms = 800
minimum_count = 1
"""
OLD = Recognizer("recognize_commands", 1000, (200, 200), 1500, 3, 20)


def test_bundle_of_old_has_the_recogniser_that_it_was_exported_with(shared: Path) -> None:
    """1,000 ms, 200 for each keyword; it names no interval, so each new frame is one."""
    opened = open_model(shared / "models/default_demo", None)
    assert opened.recognizer == Recognizer("recognize_commands", 1000, (200, 200), 1500, 3, 40)
    assert opened.config.labels == ("_silence_", "_unknown_", "up", "down")
    assert opened.moved == {} and len(opened.content) == 17_664


def test_bare_model_has_what_its_sweep_file_says(shared: Path) -> None:
    """And nothing of speakers; without the file it is refused."""
    model = shared / "models/default_demo/model.tflite"
    opened = open_model(model, shared / "models/default_demo/sweep.toml")
    assert opened.moved is None
    assert (opened.config.features.window_stride_ms, opened.recognizer.interval_ms) == (20, 20)
    with pytest.raises(InputError, match=r"or a \.tflite file with --sweep FILE, which tells"):
        open_model(model, None)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (FIXED + "threshold = 120\ninterval_ms = 80\n", Recognizer(*KIND, (120, 120), 800, 1, 80)),
        (FIXED + "threshold = [90, 150]\n", Recognizer(*KIND, (90, 150), 800, 1, 40)),
        (FIXED + "threshold = [90]\n", Recognizer(*KIND, (90, 90), 800, 1, 40)),
        ("", Recognizer("recognize_commands", 1000, (200, 200), 1500, 3, 40)),
    ],
)
def test_bare_model_has_the_recogniser_that_its_sweep_file_fixes(
    shared: Path, tmp_path: Path, table: str, expected: Recognizer
) -> None:
    """Kind, durations, thresholds and interval; what is to be fitted is as of old."""
    folder, file = shared / "models/default_demo", tmp_path / "sweep.toml"
    text = (folder / "sweep.toml").read_text()
    file.write_text(f"{text}\n[recognizer]\n{table}")
    assert open_model(folder / "model.tflite", file).recognizer == expected


def test_bundle_of_an_unknown_front_end_is_refused(shared: Path, tmp_path: Path) -> None:
    """By its name, before anything runs."""
    bundle = shutil.copytree(shared / "models/default_demo", tmp_path / "bundle")
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["config"]["features"]["preprocess"] = "wavelet"
    (bundle / MANIFEST).chmod(0o644)
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"config\.features\.preprocess: .* got 'wavelet'"):
        open_model(bundle, None)


def test_folder_of_a_saved_model_and_a_file_that_is_none_are_named(tmp_path: Path) -> None:
    """As `sprd check` names them."""
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(InputError, match=r"a bundle, got a SavedModel of TensorFlow\. Convert"):
        open_model(tmp_path, None)
    file = tmp_path / "m.tflite"
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelFileError, match="got a Git LFS pointer"):
        open_model(file, None)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, {}),
        ({"detection_threshold": 120}, {"thresholds": (120, 120)}),
        ({"average_window_ms": 700, "interval_ms": 60},
         {"average_window_ms": 700, "interval_ms": 60}),
    ],
)  # fmt: skip
def test_what_thresholds_lack_is_as_of_old(told: dict[str, Any], expected: dict[str, Any]) -> None:
    """A manifest may tell more, or less."""
    found = recognizer_of(told, make_config())
    assert found == Recognizer(**{**vars(OLD), **expected})


@pytest.mark.parametrize("thresholds", [[120], [120, 130, 140]])
def test_another_number_of_thresholds_than_of_keywords_is_refused(thresholds: list[int]) -> None:
    """One would have none, or it is unknown whose they are."""
    with pytest.raises(InputError, match=rf"one a keyword, 2, got {len(thresholds)}\. Export"):
        recognizer_of({"detection_thresholds": thresholds}, make_config())


def test_budget_tells_the_interval_of_a_bundle_of_old() -> None:
    """Where it asked for one; else the stride is."""
    config = make_config()
    budget = replaced(config.budget, inference_interval_ms=99.5)
    assert recognizer_of({}, replaced(config, budget=budget)).interval_ms == 100
