"""A teacher is trained once for all that its logits depend on."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sprd.audio.store import Features
from sprd.config.trial import Config
from sprd.errors import TrainingError
from sprd.model import teacher as room
from sprd.model.batches import Batches
from sprd.model.teacher import teacher_config, teacher_key, teacher_logits
from tests.model.trainings import digest, make_config, reports_of

pytestmark = pytest.mark.usefixtures("one_thread")

TEACHER = {"teacher_weight": 0.5, "teacher_filters": 8, "teacher_steps": 60}


def config_of(train: dict[str, Any] | None = None, **keys: Any) -> Config:
    """A small training with a smaller teacher than usual."""
    return make_config(train={**TEACHER, **(train or {})}, **keys)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for each test."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the teachers that were trained."""
    names, build = [], room._build

    def count(folder: Any, *rest: Any) -> None:
        names.append(folder.name.split(".")[1])
        build(folder, *rest)

    monkeypatch.setattr(room, "_build", count)
    return names


def test_teacher_knows_its_clips(training: Features) -> None:
    """Every variant of each has its logits, in the order in which batches number them."""
    config = config_of()
    logits = teacher_logits(config, training)
    assert (logits.shape, logits.dtype) == ((len(training.words) * 3, 4), np.float32)
    truth = training.labels(config.labels).repeat(3)
    assert (logits.argmax(1) == truth).mean() > 0.95
    rows, labels, _ = Batches(config, training).draw(0)
    assert (logits[rows].argmax(1) == labels).mean() > 0.9


def test_rows_of_a_batch_have_the_logits_of_their_variant(training: Features) -> None:
    """Gathered with the features."""
    logits = np.arange(len(training.words) * 3 * 4, dtype=np.float32).reshape(-1, 4)
    batches = Batches(config_of(), training, logits)
    extra = batches.gather(2, 4)[3]
    assert set(extra) == {"teacher"}
    for i, step in enumerate((2, 3)):
        np.testing.assert_array_equal(extra["teacher"][i], logits[batches.draw(step)[0]])


def test_teacher_is_trained_once(training: Features, builds: list[str], own_cache: Path) -> None:
    """The second time it is read; it lies under its key, whole."""
    first = teacher_logits(config_of(), training)
    second = teacher_logits(config_of(train={"teacher_weight": 0.9}), training)
    np.testing.assert_array_equal(first, second)
    assert builds == [teacher_key(config_of(), training)]
    names = [path.name for path in (own_cache / "teachers").iterdir()]
    assert sorted(names) == [builds[0], f"{builds[0]}.lock"]


def test_teacher_trained_anew_has_the_same_bytes(
    training: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine, after other trainings."""
    first = teacher_logits(config_of(), training)
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "other"))
    reports_of(make_config(seed=5, train={"steps": 5}), training, None, keep="last")
    np.testing.assert_array_equal(teacher_logits(config_of(), training), first)


def test_student_does_not_depend_on_when_its_teacher_was_trained(
    training: Features, validation: Features, builds: list[str]
) -> None:
    """Just before it, or by another trial."""
    first, _ = reports_of(config_of(), training, validation)
    second, _ = reports_of(config_of(), training, validation)
    assert len(builds) == 1
    assert digest(first, training) == digest(second, training)


def test_no_teacher_is_trained_unasked(training: Features, builds: list[str]) -> None:
    """Its other settings alone call for none."""
    reports_of(config_of(train={"teacher_weight": 0.0}), training, None, keep="last")
    assert builds == []


def test_teacher_that_goes_astray_ends_the_trial(training: Features, own_cache: Path) -> None:
    """And leaves nothing that another trial would take for a teacher."""
    broken = replace(training, raw=np.full(training.raw.shape, np.nan, np.float32))
    with pytest.raises(TrainingError, match="the loss must be finite"):
        teacher_logits(config_of(), broken)
    assert [path.suffix for path in (own_cache / "teachers").iterdir()] == [".lock"]


SAME_KEY = [
    {"train": {"teacher_weight": 0.9}},
    {"train": {"teacher_temperature": 5.0}},
    {"train": {"label_smoothing": 0.1}},
    {"train": {"mixup_alpha": 0.3}},
    {"train": {"learning_rate": 0.1}},
    {"train": {"steps": 50}},
    {"train": {"eval_interval": 5}},
    {"train": {"optimizer": "adam"}},
    {"model": {"filters": 2}},
]
OTHER_KEY = [
    {"train": {"teacher_filters": 16}},
    {"train": {"teacher_steps": 30}},
    {"train": {"batch_size": 8}},
    {"augment": {"time_mask_frames": 3}},
    {"augment": {"channel_mask_channels": 3}},
    {"data": {"unknown_percentage": 50.0}},
    {"data": {"silence_percentage": 50.0}},
    {"data": {"unknown_draw": "word"}},
    {"data": {"keywords": ("up", "dog")}},
    {"seed": 1},
]


@pytest.mark.parametrize("change", SAME_KEY, ids=str)
def test_what_concerns_the_student_alone_shares_a_teacher(
    training: Features, change: dict[str, Any]
) -> None:
    """A search over it trains one."""
    assert teacher_key(config_of(**change), training) == teacher_key(config_of(), training)


@pytest.mark.parametrize("change", OTHER_KEY, ids=str)
def test_what_changes_the_logits_has_another_teacher(
    training: Features, change: dict[str, Any]
) -> None:
    """Width, steps, batches, masks, labels, seed."""
    assert teacher_key(config_of(**change), training) != teacher_key(config_of(), training)


def test_threads_and_clips_have_teachers_of_their_own(training: Features) -> None:
    """By the name of the features, or by their numbers where they have none."""
    config = config_of()
    two_threads = config.model_copy(update={"n_threads": 2})
    half = training.select(np.arange(60))
    other = replace(training, raw=training.raw + np.uint16(1))
    named = [replace(training, key=key) for key in ("a", "b")]
    keys = {teacher_key(config, features) for features in (training, half, other, *named)}
    keys.add(teacher_key(two_threads, training))
    assert len(keys) == 6
    renamed = replace(other, key="a")
    assert teacher_key(config, renamed) == teacher_key(config, named[0])


def test_teacher_learns_as_long_as_the_student_unless_said() -> None:
    """Wide, alone, with neither smoothing nor mixup nor a teacher of its own."""
    config = config_of(train={"teacher_steps": None, "label_smoothing": 0.1, "mixup_alpha": 0.2})
    told = teacher_config(config)
    assert told.train.n_steps == 40
    assert told.model.architecture == "temporal_conv"
    assert told.model.params["layer_filters"] == "8-8-8-8"
    train = told.train
    assert (train.label_smoothing, train.mixup_alpha, train.teacher_weight) == (0, 0, 0)
    assert (train.optimizer, train.schedule, train.batch_size) == ("adam", "cosine", 16)


TRAINER = """
import sys, time
import numpy as np
from types import SimpleNamespace
from sprd.model import teacher

def build(folder, *rest):
    with open(sys.argv[1], "a") as log:
        log.write("built\\n")
    time.sleep(0.5)
    np.save(folder / "logits.npy", np.ones((2, 3), np.float32))

teacher._build, teacher.teacher_key = build, lambda *what: "key"
training = SimpleNamespace(raw=np.zeros((2, 1)))
print(teacher.teacher_logits(SimpleNamespace(labels="abc"), training).sum())
"""


def test_processes_that_want_the_same_train_it_once(tmp_path: Path) -> None:
    """One trains, the others wait for it."""
    log = tmp_path / "log"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINER, str(log)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ,
        )
        for _ in range(3)
    ]
    assert [process.communicate(timeout=120)[0] for process in running] == ["6.0\n"] * 3
    assert log.read_text() == "built\n"
