"""Scalars of trials as TensorBoard reads them."""

import struct
import time
from collections import defaultdict
from itertools import count
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from sprd.sweep.cluster.tensorboard import SCALARS, Writers


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of each chart of a trial, from the records of its files."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        while content:
            (n_bytes,) = struct.unpack("<Q", content[:8])
            event = Event.FromString(content[12 : 12 + n_bytes])
            for value in event.summary.value:
                found[value.tag].append((event.step, value.simple_value))
            content = content[16 + n_bytes :]
    return dict(found)


def test_training_and_validation_share_a_chart(tmp_path: Path) -> None:
    """One folder a trial, one value a step; what is no scalar of these is left out."""
    writers = Writers(tmp_path)
    for step in (10, 20):
        metrics = dict.fromkeys(SCALARS, step / 40)
        writers.write(3, {**metrics, "step": step, "time_total_s": 9.0})
    writers.write(4, {"step": 10, "loss": 0.5})
    for number in (3, 4):
        writers.close(number)
    curve = [(10, 0.25), (20, 0.5)]
    assert scalars(tmp_path / "3") == {
        "accuracy/training": curve,
        "loss/training": curve,
        "accuracy/validation": curve,
        "loss/validation": curve,
        "balanced_accuracy/validation": curve,
    }
    assert scalars(tmp_path / "4") == {"loss/training": [(10, 0.5)]}


def test_closed_trial_may_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint brings it back a second later or more. To close it twice is no error."""
    seconds = count(1_700_000_000)
    monkeypatch.setattr(time, "time", lambda: float(next(seconds)))
    writers = Writers(tmp_path)
    for step in (10, 20):
        writers.write(0, {"step": step, "loss": 0.5})
        writers.close(0)
        writers.close(0)
    assert scalars(tmp_path / "0") == {"loss/training": [(10, 0.5), (20, 0.5)]}


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """To whoever writes, not to a thread that nobody hears."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="Not a directory"):
        Writers(tmp_path / "file").write(0, {"step": 1, "loss": 0.5})
