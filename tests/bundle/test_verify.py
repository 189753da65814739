"""A manifest and the sources beside it tell one recogniser."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sprd.bundle.manifest import MANIFEST, Export, read_manifest
from sprd.bundle.verify import other_settings, verify
from sprd.bundle.write import write_bundle
from sprd.config.frozen import replaced
from sprd.config.recognizer import RecognizerSection
from sprd.listening.recognizers import Recognizer
from tests.bundle.conftest import make_config

FITTED = Recognizer("recognize_commands", 700, (90, 150), 800, 2, 40)


def test_bundle_of_old_whose_manifest_was_edited_is_told(shared: Path, tmp_path: Path) -> None:
    """It would listen here otherwise than on the device; its own settings are no change."""
    bundle = shutil.copytree(shared / "models/default_demo", tmp_path / "bundle")
    assert list(other_settings(bundle, read_manifest(bundle))) == []
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["thresholds"] |= {"detection_thresholds": [90, 200], "interval_ms": 40}
    (bundle / MANIFEST).chmod(0o644)
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    found = verify(bundle).changed_numbers
    assert "thresholds.interval_ms: manifest 40, kInferenceIntervalMs 0" in found
    assert any(line.startswith("thresholds.detection_thresholds: manifest [200, 200, 90") for line
               in found)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("average_window_ms", 500, "manifest 500, kAverageWindowDurationMs 700"),
        ("detection_threshold", 80, "manifest 80, kDetectionThreshold 90"),
        ("suppression_ms", 1500, "manifest 1500, kSuppressionMs 800"),
        ("minimum_count", 3, "manifest 3, kMinimumCount 2"),
        ("interval_ms", 20, "manifest 20, kInferenceIntervalMs 40"),
        ("detection_thresholds", [150, 90], "manifest [90, 90, 150, 90] with silence and unknown,"
         " kDetectionThresholds [90, 90, 90, 150]"),
        ("detection_thresholds", [90], "manifest [90, 90, 90] with silence and unknown,"
         " kDetectionThresholds [90, 90, 90, 150]"),
    ],
)  # fmt: skip
def test_setting_that_the_firmware_has_not_is_told(
    tmp_path: Path, make_export: Callable[..., Export], key: str, value: object, said: str
) -> None:
    """Each by its key; as exported nothing is."""
    config = replaced(make_config(), recognizer=RecognizerSection())
    bundle = write_bundle(tmp_path / "bundle", make_export(config=config, recognizer=FITTED))
    manifest = read_manifest(bundle)
    assert list(other_settings(bundle, manifest)) == []
    manifest["thresholds"][key] = value
    assert f"thresholds.{key}: {said}" in list(other_settings(bundle, manifest))
