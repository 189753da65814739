"""What an interrupted command leaves, and what the next one makes of it."""

from pathlib import Path

import pytest

from sprd.sweep.cluster import checkpoints as cluster_checkpoints
from sprd.sweep.cluster.checkpoints import Checkpoints, fetch_state, training_key
from tests.builders import leave_checkpoint, make_sweep

CONFIG = make_sweep().default
OTHER = CONFIG.model_copy(update={"seed": 5})
KEY, OTHER_KEY = training_key(CONFIG, "f" * 64), training_key(OTHER, "f" * 64)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a run keeps its checkpoints."""
    return tmp_path / "ray" / "trials"


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    """Of the run."""
    return Checkpoints(str(tmp_path / "ray"), "trials")


def test_key_tells_versions_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read once a process: what another TensorFlow trained is not gone on with."""
    assert training_key(CONFIG, "f" * 64) == KEY
    monkeypatch.setattr(cluster_checkpoints, "_versions", lambda: ("1.0", "2.0", "3.0"))
    assert training_key(CONFIG, "f" * 64) != KEY


def test_newest_of_each_training_is_found_and_the_rest_goes(
    root: Path, checkpoints: Checkpoints
) -> None:
    """Killed twice: the second time before the trial came as far as the first time."""
    leave_checkpoint(root / "round-1/trial-3/checkpoint_000005", CONFIG, 600)
    newest = leave_checkpoint(root / "round-1/trial-3/checkpoint_000006", CONFIG, 700)
    leave_checkpoint(root / "round-2/trial-3/checkpoint_000000", CONFIG, 650)
    other = leave_checkpoint(root / "round-2/trial-4/checkpoint_000000", OTHER, 100)
    leave_checkpoint(root / "round-3/trial-4/checkpoint_000000", OTHER, 50)
    checkpoints.find()
    assert (checkpoints.of(KEY).uri, checkpoints.of(KEY).step) == (str(newest.parent), 700)
    assert checkpoints.of(OTHER_KEY).uri == str(other.parent)
    assert {path.name for path in root.iterdir()} == {"round-1", "round-2"}
    assert {path.name for path in (root / "round-2").iterdir()} == {"trial-4"}


def test_points_of_unfinished_trainings_are_told(root: Path, checkpoints: Checkpoints) -> None:
    """By their numbers; a label that was cut off says nothing."""
    point = {"model.filters": 6, "train.learning_rate": 0.1 + 0.2, "model.kernel": "10x8"}
    folder = root / "round-1/trial-3/checkpoint_000005"
    leave_checkpoint(folder, CONFIG, 600, number=3, point=point)
    checkpoints.find()
    assert checkpoints.points == {3: point}
    text = (folder / "training.json").read_text()
    for cut in (text[:0], text[: len(text) // 2], text[:-1], "[]", '{"key": "k", "number": 3}'):
        (folder / "training.json").write_text(cut)
        checkpoints.find()
        assert checkpoints.points == {}
        leave_checkpoint(folder, CONFIG, 600, number=3, point=point)


def test_half_a_checkpoint_is_passed_over(root: Path, checkpoints: Checkpoints) -> None:
    """Whoever wrote it was killed: cut off at any byte, the one before counts."""
    whole = leave_checkpoint(root / "round-1/trial-0/checkpoint_000000", CONFIG, 100)
    cut = leave_checkpoint(root / "round-1/trial-0/checkpoint_000001", CONFIG, 200)
    content = cut.read_bytes()
    for n in (0, 1, 100, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:n])
        checkpoints.find()
        assert checkpoints.of(KEY).uri == str(whole.parent)
    cut.write_bytes(content[:300] + bytes([content[300] ^ 1]) + content[301:])
    checkpoints.find()
    assert checkpoints.of(KEY).step == 100
    cut.write_bytes(content)
    checkpoints.find()
    assert checkpoints.of(KEY).step == 200


def test_what_no_training_can_use_is_deleted(root: Path, checkpoints: Checkpoints) -> None:
    """A trial that had not reported yet, an outcome that is a row."""
    (root / "round-1" / "trial-1").mkdir(parents=True)
    outcome = root / "round-1" / "trial-2" / "checkpoint_000009"
    outcome.mkdir(parents=True)
    (outcome / "model.tflite").write_bytes(b"TFL3")
    checkpoints.find()
    assert list(root.iterdir()) == []


def test_another_training_finds_nothing(root: Path, checkpoints: Checkpoints) -> None:
    """Other seed, other data: its course would be another."""
    leave_checkpoint(root / "round-1/trial-0/checkpoint_000000", CONFIG, 100)
    checkpoints.find()
    assert checkpoints.of(OTHER_KEY) is None
    assert checkpoints.of(training_key(CONFIG, "e" * 64)) is None


def test_state_is_fetched(root: Path, checkpoints: Checkpoints, tmp_path: Path) -> None:
    """Bytes as they are; False where another process took it away."""
    state = leave_checkpoint(root / "round-1/trial-0/checkpoint_000000", CONFIG, 100)
    checkpoints.find()
    assert fetch_state(checkpoints.of(KEY).uri, tmp_path / "state.npz")
    assert (tmp_path / "state.npz").read_bytes() == state.read_bytes()
    uri = checkpoints.of(KEY).uri
    checkpoints.forget(KEY)
    assert checkpoints.of(KEY) is None
    assert not fetch_state(uri, tmp_path / "gone.npz")


def test_rounds_have_names_of_their_own_and_end(root: Path, checkpoints: Checkpoints) -> None:
    """What a round wrote is gone when it ended; all when nothing is unfinished."""
    first, second = checkpoints.new_round(), checkpoints.new_round()
    assert first < second
    leave_checkpoint(root / first / "trial-0/checkpoint_000000", CONFIG, 100)
    leave_checkpoint(root / second / "trial-1/checkpoint_000000", OTHER, 100)
    checkpoints.end_round(first)
    assert [path.name for path in root.iterdir()] == [second]
    checkpoints.clear()
    assert not root.exists()
    checkpoints.clear()


def test_options_of_a_uri_stay_at_its_end() -> None:
    """`s3://bucket/runs?endpoint_override=...`: the folder is before them."""
    uri = "s3://bucket/runs?endpoint_override=127.0.0.1:5000&scheme=http"
    found = Checkpoints(uri, "mine").uri
    assert found == "s3://bucket/runs/mine?endpoint_override=127.0.0.1:5000&scheme=http"
    assert Checkpoints("/runs/why?/not", "mine").uri == "/runs/why?/not/mine"
