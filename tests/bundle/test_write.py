"""The folder of a bundle: complete, replaced as a whole, never half."""

import errno
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sprd.bundle import write
from sprd.bundle.cpp_sources import Quantization
from sprd.bundle.manifest import HASHED_FILES, Export, build, check_files, read_manifest
from sprd.bundle.record import config_of
from sprd.bundle.write import bundle_files, readme, write_bundle
from sprd.config.trial import FeaturesSection
from sprd.device.board import load_board
from sprd.errors import InputError, OutputError
from tests.bundle.conftest import BOARD

MakeExport = Callable[..., Export]
NAMES = {
    *("model.tflite", "model_float.tflite", "model.h", "model.cc", "model_settings.h"),
    *("model_settings.cc", "frontend_config.h", "op_resolver.h", "manifest.json", "sweep.toml"),
    "README.md",
}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_bundle_is_complete(tmp_path: Path, make_export: MakeExport) -> None:
    """Eleven files, the models as given, hashes right."""
    export = make_export()
    folder = write_bundle(tmp_path / "deep" / "a bundle\n", export)
    assert names(folder) == NAMES
    assert (folder / "model.tflite").read_bytes() == export.model
    assert (folder / "model_float.tflite").read_bytes() == export.float_model
    assert check_files(folder, read_manifest(folder)) == ()
    sweep = tomllib.loads((folder / "sweep.toml").read_text())
    assert sweep["data"]["source"] == "recordings"
    assert sweep["data"]["extra"] == ["more", "../relative/kept"]


def test_the_same_export_gives_the_same_bytes(tmp_path: Path, make_export: MakeExport) -> None:
    """Nothing of the clock or the place gets in."""
    one, two = (write_bundle(tmp_path / name, make_export()) for name in ("one", "two"))
    assert [(one / n).read_bytes() for n in NAMES] == [(two / n).read_bytes() for n in NAMES]


def test_an_older_bundle_is_replaced(tmp_path: Path, make_export: MakeExport) -> None:
    """Exporting again into a bundle leaves the new one and nothing beside it."""
    folder = write_bundle(tmp_path / "bundle", make_export())
    write_bundle(folder, make_export(model=b"another model"))
    assert (folder / "model.tflite").read_bytes() == b"another model"
    assert names(tmp_path) == {"bundle"} and names(folder) == NAMES


def test_an_empty_folder_becomes_a_bundle(
    tmp_path: Path, make_export: MakeExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does one that is named `.`."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    write_bundle(Path("."), make_export())
    assert names(tmp_path / "empty") == NAMES


def test_a_folder_of_something_else_is_not_replaced(
    tmp_path: Path, make_export: MakeExport
) -> None:
    """A user's folder survives a wrong --out, whole."""
    (tmp_path / "thesis.txt").write_text("ten years")
    with pytest.raises(OutputError, match=r"got a folder with 'thesis\.txt'"):
        write_bundle(tmp_path, make_export())
    assert names(tmp_path) == {"thesis.txt"}


def test_a_file_is_not_replaced(tmp_path: Path, make_export: MakeExport) -> None:
    """--out that names a file is an error."""
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="must be writable"):
            write_bundle(out, make_export())
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("n_files", [0, 1, 5, 10])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, make_export: MakeExport, monkeypatch: pytest.MonkeyPatch, n_files: int
) -> None:
    """Wherever the disk fills up, no file is left, and an older bundle stays."""
    write_file, calls = write.write_file, list[Path]()

    def full(path: Path, content: bytes) -> None:
        if len(calls) == n_files:
            path.write_bytes(content[:3])
            raise OSError(errno.ENOSPC, "No space left on device")
        calls.append(path)
        write_file(path, content)

    old = write_bundle(tmp_path / "old", make_export())
    monkeypatch.setattr(write, "write_file", full)
    for name in ("new", "old"):
        calls.clear()
        with pytest.raises(OutputError, match=rf"{name}: must be writable: No space left"):
            write_bundle(tmp_path / name, make_export(model=b"another model"))
    assert names(tmp_path) == {"old"}
    assert check_files(old, read_manifest(old)) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ops": ("CONV_2D", "FLEX")}, "'FLEX'"),
        ({"quantization": Quantization(26 / 256, -128, 1 / 256, -128, 1961)}, "n_frames"),
        ({"model": b""}, "0 bytes"),
        ({"footprint": {"model_bytes": 3}}, "arena"),
        ({"footprint": {"arena_bytes": 16}}, "'model_bytes' is a required"),
    ],
)
def test_an_export_that_breaks_a_rule_writes_nothing(
    tmp_path: Path, make_export: MakeExport, changes: dict[str, object], words: str
) -> None:
    """The rule is named before the disk is touched."""
    with pytest.raises(InputError, match=words):
        write_bundle(tmp_path / "bundle", make_export(**changes))
    assert names(tmp_path) == set()


def test_the_readme_tells_scores_with_intervals_and_sizes_with_sources(
    make_export: MakeExport,
) -> None:
    """A reader sees what was measured, what was estimated, and how to use it."""
    text = readme(make_export())
    assert "| balanced accuracy | 0.914 (0.880 .. 0.940) |" in text
    assert "| recall up | 0.930 (0.850 .. 0.970) |" in text
    assert "| `arduino_nano_33_ble`, build `cmake-O2` | |" in text
    assert "| tensor arena | 7,913 B | upper bound for a 32-bit core" in text
    assert "| latency | 55.2 ms (49.0 .. 62.0) | estimate from instructions" in text
    assert "kTensorArenaSize = 7920" in text and "micro_features_model.cpp" in text
    assert "sprd evaluate BUNDLE" in text and "same training" in text
    assert "never heard a person" not in text and "$" not in text


def test_the_readme_of_synthetic_data_says_so(make_export: MakeExport) -> None:
    """Nobody takes scores on synthetic voices for scores on people."""
    text = readme(make_export(record={"data": {"is_synthetic": True}}))
    assert "**This model never heard a person.**" in text


def test_recordings_beside_synthetic_voices_are_counted(make_export: MakeExport) -> None:
    """Not a sentence that is true of the voices alone."""
    counts = {"n_clips": 320, "n_speakers": 10, "n_synthetic_clips": 320, "n_synthetic_speakers": 9}
    splits = {"validation": counts, "test": counts, "training": {**counts, "n_clips": 330}}
    text = readme(make_export(record={"data": {"is_synthetic": True, "splits": splits}}))
    assert "never heard" not in text and "each speaker in one" not in text
    assert "**Clips of synthetic speech: training 320 of 330 (the others of 1 person)," in text
    assert "one of the three splits alone." in " ".join(text.split())


def test_takes_of_the_same_people_are_told(make_export: MakeExport) -> None:
    """Nowhere does the page claim that test speakers were kept aside."""
    data = {"is_synthetic": False, "personal": True, "n_speakers": 1}
    text = " ".join(readme(make_export(record={"data": data})).split())
    assert "**Takes of 1 speaker are in training, validation and test: the scores hold" in text
    assert "Test takes were scored once, for this export; validation takes chose" in text
    assert "est speakers" not in text and "alone of the three" not in text


@pytest.mark.parametrize("preprocess", ["mfcc", "average"])
def test_the_readme_refuses_the_sketch_without_firmware(
    make_export: MakeExport, preprocess: str
) -> None:
    """No instruction to copy files that cannot work."""
    features = FeaturesSection(preprocess=preprocess)  # type: ignore[arg-type]
    text = readme(make_export(features=features))
    assert "Not for the SPRD sketch" in text and "SKETCH" not in text


def test_the_readme_names_another_sample_rate(make_export: MakeExport) -> None:
    """The sketch samples at 16 kHz: what differs is said."""
    features = FeaturesSection(sample_rate_hz=8000, upper_band_limit_hz=4000.0)
    assert "sample at 8000 Hz" in readme(make_export(features=features))
    assert "sample at" not in readme(make_export())


def test_build_of_a_board_is_told_wherever_the_board_is(make_export: MakeExport) -> None:
    """In the README, the manifest and beside the arena: a number without its build says little."""
    export = make_export(board=BOARD.with_build("head-Os"))
    files = bundle_files(export)
    assert "`arduino_nano_33_ble`, build `head-Os`" in files["README.md"].decode()
    assert "(arduino_nano_33_ble, build head-Os)" in files["model_settings.h"].decode()
    manifest = build(export, files)
    assert (manifest["board"], manifest["build"]) == ("arduino_nano_33_ble", "head-Os")
    back = config_of(manifest).budget.board
    assert back == BOARD.with_build("head-Os") != BOARD


def test_power_while_listening_is_told_where_it_is_published(make_export: MakeExport) -> None:
    """A row of the README with its basis, and the figure in the record; of other boards nothing."""
    board = load_board("nucleo_l4r5zi")
    export = make_export(board=board)
    export = replace(export, footprint={**export.footprint, "cpu_share": 0.14})
    assert "| Power while listening | 6.4 .. 25.6 mW | 25.6 mW published" in readme(export)
    back = config_of(build(export, bundle_files(export))).budget.board
    assert back is not None and back.listening == board.listening
    other = replace(export, config=make_export(board=BOARD).config)
    assert "Power while listening" not in readme(other)


def test_a_bundle_without_a_board_or_test_scores_is_written(
    tmp_path: Path, make_export: MakeExport
) -> None:
    """What is not known is left out, not invented."""
    footprint = {"model_bytes": 771, "arena_bytes": None, "arena_host_bytes": 9_777}
    scores = {**make_export().scores, "test": None}
    export = make_export(board=None, footprint=footprint, scores=scores)
    folder = write_bundle(tmp_path / "bundle", export)
    settings = (folder / "model_settings.h").read_text()
    assert "kTensorArenaSize = 9792" in settings and "need is not known" in settings
    text = (folder / "README.md").read_text()
    assert "| no board chosen, build `cmake-O2` |" in text
    assert "**Test speakers were not scored**" in text


def test_rate_that_no_clip_decides_is_told_as_unknown(make_export: MakeExport) -> None:
    """Beside how many clips of how many people there were."""
    export = make_export()
    scores = json.loads(json.dumps(export.scores))
    score = scores["test"]["int8"]
    score |= {"false_reject_rate": None, "n_silence": 80, "n_speakers": 1}
    score["recall"]["up"] = None
    text = readme(make_export(scores=scores))
    assert "| recall up | unknown: no clip | 0.930 (0.850 .. 0.970) |" in text
    assert "Test: 145 clips of 1 speaker, 80 cuts of silence." in text
    assert "Intervals of 1 speaker hold for that voice" in text
    assert "1 speaker" not in readme(export)
    build(make_export(scores=scores), dict.fromkeys(HASHED_FILES, b""))


def test_what_cannot_be_told_from_guessing_is_told(make_export: MakeExport) -> None:
    """Of few clips: of many it would be no bundle."""
    few = {
        "n_clips": 4,
        "n_silence": 1,
        "balanced_accuracy": 0.5,
        "recall": {"_silence_": 1.0, "_unknown_": 1.0, "up": 0.0, "down": 0.0},
        "intervals": {f"recall {label}": [0, 1] for label in ("_unknown_", "up", "down")},
    }
    text = readme(make_export(scores={"validation": {"int8": few, "float": few}, "test": None}))
    assert "**Validation: 3 clips cannot tell it from guessing: mean recall of words 0.333" in text


def test_odd_names_stay_in_their_cells(make_export: MakeExport) -> None:
    """A keyword cannot break a table or smuggle in HTML."""
    text = readme(make_export(keywords=("a|b", "<script>", "x\ny")))
    assert "recall" in text and "<script>" not in text and "a\\|b" in text and "x y" in text
