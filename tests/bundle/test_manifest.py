"""The manifest: what it holds, what it keeps to itself, what damage it notices."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from sprd.bundle import manifest as manifest_module
from sprd.bundle.cpp_sources import Quantization
from sprd.bundle.manifest import (
    HASHED_FILES,
    Export,
    build,
    check_files,
    dump,
    file_name,
    read_manifest,
    shareable,
    shareable_toml,
    validate,
)
from sprd.bundle.write import write_bundle
from sprd.config.frozen import replaced
from sprd.config.recognizer import RecognizerSection
from sprd.config.trial import FeaturesSection
from sprd.errors import InputError
from sprd.listening.recognizers import Recognizer

MakeExport = Callable[..., Export]
FILES = {name: name.encode() for name in HASHED_FILES}
SCHEMA = Path(manifest_module.__file__).with_name("manifest.schema.json")


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def bundle(tmp_path: Path, make_export: MakeExport) -> Path:
    return write_bundle(tmp_path / "a bundle", make_export())


def test_the_schema_is_a_schema_and_names_every_file() -> None:
    """The schema is valid draft 2020-12, with an id that is no address."""
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:sprd:manifest:1"
    assert set(schema["properties"]["files"]["required"]) == set(HASHED_FILES)
    fields = set(schema["properties"]["front_end"]["properties"])
    assert set(FeaturesSection.model_fields) <= fields


def test_a_manifest_carries_the_meaning_of_the_model(bundle: Path) -> None:
    """Labels, front end, scales, thresholds, ops, scores, footprint and the record are there."""
    manifest = read_manifest(bundle)
    assert manifest["labels"] == ["_silence_", "_unknown_", "up", "down"]
    front_end = manifest["front_end"]
    assert {**FeaturesSection().model_dump(), "n_frames": 49}.items() <= front_end.items()
    assert front_end["has_firmware_code"] and manifest["fits_sprd_sketch"]
    assert manifest["quantization"]["input_scale"] == 26 / 256
    assert manifest["thresholds"]["detection_threshold"] == 200
    assert manifest["arena"] == {"arena_bytes": 7_913, "arena_host_bytes": 9_776}
    assert manifest["resolver"]["methods"][0] == "AddReshape"
    assert manifest["scores"]["test"]["int8"]["intervals"]["balanced_accuracy"] == [0.88, 0.94]
    assert "emulated" in manifest["footprint_sources"]["latency_ms"]
    assert (manifest["board"], manifest["build"]) == ("arduino_nano_33_ble", "cmake-O2")
    assert manifest["seed"] == 7 and manifest["record"]["versions"] == {"tensorflow": "2.21.0"}


def test_manifest_of_old_thresholds_has_the_keys_of_old(bundle: Path) -> None:
    """And no streams."""
    manifest = read_manifest(bundle)
    assert manifest["thresholds"] == {
        "average_window_ms": 1000,
        "detection_threshold": 200,
        "suppression_ms": 1500,
        "minimum_count": 3,
    }
    assert "streams" not in manifest


def test_manifest_tells_a_fitted_recognizer(tmp_path: Path, make_export: MakeExport) -> None:
    """One threshold a keyword, the lowest for all, and what was heard with them."""
    export = make_export()
    export = replace(
        export,
        config=replaced(export.config, recognizer=RecognizerSection(suppression_ms=900)),
        recognizer=Recognizer("recognize_commands", 700, (190, 170), 900, 4, 40),
        streams={"validation": {"metrics": {"recall_streaming": 0.8}}, "test": None},
    )
    manifest = read_manifest(write_bundle(tmp_path / "bundle", export))
    assert manifest["thresholds"] == {
        "average_window_ms": 700,
        "detection_threshold": 170,
        "suppression_ms": 900,
        "minimum_count": 4,
        "detection_thresholds": [190, 170],
        "interval_ms": 40,
        "kind": "recognize_commands",
        "basis": "Fitted to streams of validation speakers: at most 1 false accepts an hour of"
        " running speech, 10 an hour of other words; suppression_ms of the sweep file.",
    }
    assert manifest["streams"]["validation"]["metrics"] == {"recall_streaming": 0.8}
    assert manifest["config"]["recognizer"]["average_window_ms"] == "fit"


NEEDED = (
    [("record", key) for key in ("seed", "n_threads", "versions", "code", "platform")]
    + [("record", "cpu_features"), ("record", "data"), ("scores", "validation")]
    + [("record", "data", key) for key in ("source", "fingerprint", "split_digest", "n_clips")]
    + [("scores", "validation", "int8", key) for key in ("balanced_accuracy", "intervals")]
)


@pytest.mark.parametrize("place", NEEDED, ids=".".join)
@pytest.mark.parametrize("found", ["nothing", "another type"])
def test_what_making_it_again_reads_must_be_there(
    bundle: Path, place: tuple[str, ...], found: str
) -> None:
    """A record without it is refused where it is read, not in the middle of a training."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    inner = manifest
    for key in place[:-1]:
        inner = inner[key]
    if found == "nothing":
        del inner[place[-1]]
    else:
        inner[place[-1]] = None
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=rf"manifest\.json .*{place[-1]}"):
        read_manifest(bundle)


@pytest.mark.parametrize("preprocess", ["mfcc", "average"])
def test_a_front_end_without_firmware_is_marked(make_export: MakeExport, preprocess: str) -> None:
    """It does not fit the SPRD sketch, and no feature scale is claimed."""
    features = FeaturesSection(preprocess=preprocess)  # type: ignore[arg-type]
    manifest = build(make_export(features=features), FILES)
    assert not manifest["fits_sprd_sketch"]
    assert not manifest["front_end"]["has_firmware_code"]
    assert manifest["front_end"]["feature_scale"] is None


def test_a_bundle_says_nothing_of_the_machine(bundle: Path) -> None:
    """No file holds a folder, a host or a user of the machine that made it."""
    text = b"".join(path.read_bytes() for path in bundle.iterdir()).decode(errors="replace")
    for secret in ("alice", "bob", "10.0.0.7", "/home", "/mnt", "bucket"):
        assert secret not in text, secret


def test_a_sweep_file_keeps_its_meaning_without_its_folders() -> None:
    """Relative paths, presets, escapes and comments stay."""
    text = (
        'source = "/home/o\'brien/my data/voices"\nextra = ["../a/b", \'~/c/d\', "/x/synthetic"]\n'
        'keywords = ["caf\\u00e9"]\n"features.frame" = ["30/20x40"] # and/or, 1 / 2, in /a/b/c d\n'
        'storage="s3://key:secret@host/x"\n'
    )
    assert shareable_toml(text) == (
        'source = "voices"\nextra = ["../a/b", \'d\', "./synthetic"]\n'
        'keywords = ["caf\\u00e9"]\n"features.frame" = ["30/20x40"] # and/or, 1 / 2, in c d\n'
        'storage="storage"\n'
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b", "b"),
        ("/a/b/", "b"),
        ("/", "data"),
        ("synthetic", "synthetic"),
        ("/a/speech_commands", "./speech_commands"),
        ("~alice", "alice"),
    ],
)
def test_a_path_keeps_its_last_component(path: str, name: str) -> None:
    """A folder that is called like a named source is not taken for it."""
    assert file_name(path) == name


def test_values_become_plain_json() -> None:
    """Arrays and scalars of numpy, tuples, paths and what is no number are converted."""
    value = {
        "confusion": np.array([[1, 2], [3, 4]]),
        "mean": np.float32(0.5),
        "n": np.int64(3),
        "nan": float("nan"),
        "path": Path("/a/b"),
        "trace": 'x\n  File "/home/al/b.py", line 3',
        "recall": {"home": 0.5, "host": np.float64(1.0)},
        "node": "worker-3",
    }
    assert shareable(value) == {
        "confusion": [[1, 2], [3, 4]],
        "mean": 0.5,
        "n": 3,
        "nan": None,
        "path": "b",
        "trace": 'x\n  File "b.py", line 3',
        "recall": {"home": 0.5, "host": 1.0},
    }


def test_a_value_that_is_no_data_is_a_bug() -> None:
    """An object is not written as its repr."""
    with pytest.raises(TypeError, match="plain values"):
        shareable({"a": object()})


def test_json_is_the_same_for_equal_values() -> None:
    """Keys are sorted and the file ends in a line break."""
    assert dump({"b": 1, "a": [2]}) == '{\n  "a": [\n    2\n  ],\n  "b": 1\n}\n'


def test_a_manifest_of_no_valid_export_is_refused(make_export: MakeExport) -> None:
    """A zero point out of int8 does not reach a file."""
    broken = Quantization(26 / 256, -129, 1 / 256, -128, 1960)
    with pytest.raises(InputError, match=r"quantization\.input_zero_point"):
        build(make_export(quantization=broken), FILES)


def test_files_that_changed_are_listed(bundle: Path) -> None:
    """Another byte, another length and a missing file are noticed; nothing else is."""
    manifest = read_manifest(bundle)
    assert check_files(bundle, manifest) == ()
    model = (bundle / "model.tflite").read_bytes()
    (bundle / "model.tflite").write_bytes(model[:-1] + b"?")
    (bundle / "README.md").write_text("short")
    (bundle / "model.h").unlink()
    os.mkfifo(bundle / "model.h")
    assert check_files(bundle, manifest) == ("README.md", "model.h", "model.tflite")


def test_a_link_is_none_of_the_files(bundle: Path) -> None:
    """What it points at may change behind the bundle's back, or not be in the archive."""
    manifest = read_manifest(bundle)
    (bundle / "model.h").rename(bundle.with_name("elsewhere.h"))
    (bundle / "model.h").symlink_to(bundle.with_name("elsewhere.h"))
    assert check_files(bundle, manifest) == ("model.h",)


def test_a_pipe_is_no_manifest(bundle: Path) -> None:
    """To open one would wait for ever."""
    (bundle / "manifest.json").unlink()
    os.mkfifo(bundle / "manifest.json")
    with pytest.raises(InputError, match="must be a bundle"):
        read_manifest(bundle)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be JSON"),
        (b'{"schema_version": 1, "labels": ["_sil', "must be JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"[]", "JSON object"),
        (b"{}", "schema_version: must be 1, got None"),
        (b'{"schema_version": 2}', "version of sprd"),
        (b'{"schema_version": 1}', "required property"),
        (b'{"schema_version": NaN}', "NaN"),
        (b"[" * 100_000, "must be JSON"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "must be JSON"),
        (b" " * 8_000_001, "at most 8,000,000 bytes"),
    ],
)
def test_a_damaged_manifest_is_an_error_of_one_line(
    tmp_path: Path, content: bytes, words: str
) -> None:
    """Whatever the file holds, the user reads what is wrong with it."""
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("place", ["", "missing", "a file", "with\0nul"])
def test_what_is_no_bundle_is_an_error(tmp_path: Path, place: str) -> None:
    """An empty folder, no folder and a file are no bundles."""
    (tmp_path / "a file").touch()
    with pytest.raises(InputError, match=r"must be a (bundle|readable file)"):
        read_manifest(tmp_path / place)


def test_a_manifest_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    """What cannot be read is told, not raised."""
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(InputError, match="must be a bundle"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.pop("labels"), "'labels' is a required property"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m["labels"].append("up"), "labels: .*non-unique"),
        (lambda m: m["quantization"].update(input_scale=0), r"quantization\.input_scale"),
        (lambda m: m["front_end"].pop("gain_bits"), "gain_bits"),
        (lambda m: m["files"].update({"../x": {"bytes": 1, "sha256": "0" * 64}}), "files"),
        (lambda m: m["files"]["model.h"].update(sha256="0"), r"files\[?.*model\.h"),
    ],
)
def test_a_manifest_that_breaks_the_schema_is_an_error(
    bundle: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    """The message names the place."""
    with pytest.raises(InputError, match=words):
        read_manifest(edited(bundle, change))


def test_validate_takes_what_build_makes(make_export: MakeExport) -> None:
    """A manifest is valid before and after its way through a file."""
    manifest = build(make_export(), FILES)
    validate(json.loads(dump(manifest)))
    assert json.loads(dump(manifest)) == manifest
