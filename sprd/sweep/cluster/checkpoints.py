"""Checkpoints of unfinished trainings: where they lie, and which a later command goes on from.

Ray Tune writes them into `[sweep] storage`, or into `ray/` of the run's folder. A checkpoint says
which training it is of, so it does not matter under which number that training comes again; and
what its point is: a sampler that learns would propose another one by then.
"""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import numpy as np
from pyarrow import fs

from sprd.config.params import Scalar
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config
from sprd.sweep.paths import RunPaths
from sprd.sweep.run import run_id
from sprd.sweep.trial.provenance import code_digest

STATE_FILE = "state.npz"
LABEL_FILE = "training.json"
"""Files of a checkpoint: what `sprd.model.train` wrote, and of which training it is."""


def training_key(config: Config, fingerprint: str, fold: tuple[int, int] | None = None) -> str:
    """Returns the name of a training: a hash of all that its course depends on.

    Args:
        config: The trial.
        fingerprint: Of the data.
        fold: Which of how many is held out; None where validation speakers are.
    """
    what = {
        "config": config.model_dump_json(),
        "fold": fold,
        "data": fingerprint,
        "code": code_digest(),
        "versions": _versions(),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    """Returns the versions of what trains: their metadata is read from files, once."""
    return tuple(version(name) for name in ("tensorflow", "keras", "numpy"))


@dataclass(frozen=True)
class Unfinished:
    """A checkpoint that an interrupted command left."""

    uri: str
    """Its folder, as `fetch_state` takes it."""
    step: int
    number: int
    """Of the training in that command."""
    point: Mapping[str, Scalar]
    """Of the search space; empty for what has none."""


def training_label(key: str, number: int, point: Mapping[str, Scalar]) -> str:
    """Returns what a checkpoint's `LABEL_FILE` says."""
    return json.dumps({"key": key, "number": number, "point": dict(point)}, sort_keys=True)


class Checkpoints:
    """The checkpoints of one run: a folder of its own in the storage, a folder in it a round."""

    def __init__(self, storage: str, name: str) -> None:
        """Looks at nothing yet.

        Args:
            storage: A folder or a URI that all nodes can write.
            name: Tells this run from others there.
        """
        self.uri = _joined(storage if "://" in storage else str(Path(storage).absolute()), name)
        self._found: dict[str, Unfinished] = {}

    def find(self) -> None:
        """Looks for what interrupted commands left; deletes trainings that have newer ones.

        Raises:
            OSError: The storage cannot be read or written.
        """
        self._found = {}
        files, root = fs.FileSystem.from_uri(self.uri)
        trials: dict[str, str] = {}
        for path in _with_label(files, root):
            step = _step_of(files, path)
            if step is None:
                continue
            try:
                told = json.loads(_read(files, f"{path}/{LABEL_FILE}"))
                key, number, point = told["key"], int(told["number"]), dict(told["point"])
            except (ValueError, KeyError, TypeError):  # cut off
                continue
            if key not in self._found or step > self._found[key].step:
                uri = _joined(self.uri, str(PurePosixPath(path).relative_to(root)))
                self._found[key] = Unfinished(uri, step, number, point)
                trials[key] = str(PurePosixPath(path).parent)
        kept = set(trials.values())
        for trial in _folders(files, root, depth=2):
            if trial not in kept:
                files.delete_dir(trial)
        for round_ in _folders(files, root, depth=1):
            if not any(trial.startswith(f"{round_}/") for trial in kept):
                files.delete_dir(round_)

    @property
    def points(self) -> dict[int, Mapping[str, Scalar]]:
        """The points of unfinished trainings by the number that each had."""
        return {found.number: found.point for found in self._found.values()}

    def of(self, key: str) -> Unfinished | None:
        """Returns where a training can go on, if an interrupted command left that."""
        return self._found.get(key)

    def forget(self, key: str) -> None:
        """Deletes where a training could have gone on: it ended."""
        found = self._found.pop(key, None)
        if found is not None:
            _delete(found.uri)

    def new_round(self) -> str:
        """Returns a name that no other round has; later ones sort later."""
        return f"round-{time.time_ns()}"

    def end_round(self, name: str) -> None:
        """Deletes what a round left; its trainings ended."""
        _delete(_joined(self.uri, name))

    def clear(self) -> None:
        """Deletes all, once there is nothing more to train."""
        self._found = {}
        _delete(self.uri)


def checkpoints_of(sweep: SweepConfig, paths: RunPaths, kind: str) -> Checkpoints:
    """Returns the checkpoints of a run.

    Args:
        sweep: The sweep file.
        paths: Of the run.
        kind: Of what: "trials" or "folds".
    """
    storage = sweep.sweep.storage
    if storage is None:
        return Checkpoints(str(paths.ray), kind)
    return Checkpoints(storage, f"{sweep.sweep.name}-{run_id(paths.folder)}-{kind}")


def fetch_state(uri: str, path: Path) -> bool:
    """Copies the state of a checkpoint to a file; returns whether it is there."""
    try:
        files, folder = fs.FileSystem.from_uri(uri)
        path.write_bytes(_read(files, f"{folder}/{STATE_FILE}"))
    except OSError:
        return False
    return True


def _joined(uri: str, name: str) -> str:
    """Appends to the path of a URI, which may have options behind it."""
    path, mark, options = uri.partition("?") if "://" in uri else (uri, "", "")
    return f"{path.rstrip('/')}/{name}{mark}{options}"


def _read(files: fs.FileSystem, path: str) -> bytes:
    with files.open_input_stream(path, compression=None) as stream:
        content: bytes = stream.read()
    return content


def _with_label(files: fs.FileSystem, root: str) -> Iterator[str]:
    """Yields the folders of checkpoints that tell their training."""
    selector = fs.FileSelector(root, allow_not_found=True, recursive=True)
    for info in files.get_file_info(selector):
        if info.base_name == LABEL_FILE:
            yield str(PurePosixPath(info.path).parent)


def _folders(files: fs.FileSystem, root: str, depth: int) -> list[str]:
    """Returns the folders so many levels below the root."""
    found = [root]
    for _ in range(depth):
        found = [
            info.path
            for folder in found
            for info in files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
            if info.type == fs.FileType.Directory
        ]
    return found


def _step_of(files: fs.FileSystem, folder: str) -> int | None:
    """Returns the step of a checkpoint; None if it is not whole: whoever wrote it was killed."""
    try:
        content = io.BytesIO(_read(files, f"{folder}/{STATE_FILE}"))
        with zipfile.ZipFile(content) as archive:
            if archive.testzip() is not None:
                return None
        content.seek(0)
        with np.load(content, allow_pickle=False) as saved:
            return int(saved["numbers"][0])
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile):
        return None


def _delete(uri: str) -> None:
    """Deletes a folder; where that fails it only takes room."""
    with suppress(OSError, ValueError):
        files, path = fs.FileSystem.from_uri(uri)
        files.delete_dir(path)
