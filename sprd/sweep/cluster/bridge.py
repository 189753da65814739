"""Joins Tune's callbacks, which know trials by id, with the jobs of a sweep, which number them."""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sprd.config.limits import Violation
from sprd.config.params import Scalar
from sprd.disk.atomic import unwritable, write_atomically
from sprd.errors import OutputError
from sprd.sweep.cluster.checkpoints import Checkpoints, label, training_key
from sprd.sweep.cluster.tensorboard import METRIC, SCALARS, Writers
from sprd.sweep.paths import KEPT_OF_A_TRIAL, RunPaths
from sprd.sweep.rows.table import Row
from sprd.sweep.search.search import Candidate

FINISHED = "FINISHED"
"""What Tune's searcher returns when there is nothing more to try."""


class Jobs(Protocol):
    """Trainings to be done: the candidates of a search, or the folds of a cross-validation."""

    kind: str
    """What they are, as a name of a folder: "trials" or "folds"."""

    @property
    def is_done(self) -> bool:
        """Whether nothing more will come."""

    def resume(self, points: Mapping[int, Mapping[str, Scalar]]) -> None:
        """Takes in the points of trainings, by their numbers, that can go on."""

    def next(self) -> Candidate | None:
        """Returns the next training; None while enough are running, or when done."""

    def ended(self, number: int, status: Any, **fields: Any) -> Row:
        """Takes in how a training ended."""

    def drain(self) -> list[Row]:
        """Returns the rows that were added since the last call."""


class Watcher(Protocol):
    """Is told what happens in a sweep; shows it or does not."""

    def started(self, candidate: Candidate) -> None:
        """A candidate went to a worker."""

    def progressed(self, number: int, metrics: Mapping[str, float]) -> None:
        """A trial evaluated its model."""

    def ended(self, row: Row) -> None:
        """A trial became a row."""

    def note(self, text: str) -> None:
        """Something that is worth a line."""


class Bridge:
    """Joins Tune's callbacks, which know trials by id, with the jobs, which numbers them."""

    def __init__(
        self, jobs: Jobs, out: Path, watcher: Watcher, checkpoints: Checkpoints, fingerprint: str
    ) -> None:
        self._jobs, self._out, self._watcher = jobs, out, watcher
        self._checkpoints, self._fingerprint = checkpoints, fingerprint
        self._keys: dict[int, str] = {}  # of what is running
        self._paths = RunPaths(out)
        self._writers = Writers(self._paths.tensorboard)
        self._last: dict[int, Mapping[str, Any]] = {}
        self._error: Exception | None = None
        self._n_left = 0

    def begin_round(self, n_jobs: int) -> None:
        """Hands out that many jobs at most from now on, then says that there are no more."""
        self._n_left = n_jobs

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its callbacks into its folder, which nobody reads."""
        return {}

    def __deepcopy__(self, memo: object) -> "Bridge":
        """Itself: Tune copies its settings."""
        return self

    def note(self, text: str) -> None:
        """Tells the watcher something that is worth a line."""
        self._watcher.note(text)

    def ask(self, n_slots: int) -> Any:
        """Returns what Tune's searcher returns: a configuration, "FINISHED", or None to wait."""
        if self._error is not None or self._n_left == 0:
            return FINISHED
        if len(self._keys) >= n_slots:
            return None
        try:
            candidate = self._jobs.next()
            self._tell_watcher()
        except Exception as error:
            self._error = error
            return FINISHED
        if candidate is not None:
            self._n_left -= 1
            self._watcher.started(candidate)
            key = training_key(candidate.config, self._fingerprint, candidate.fold)
            name = candidate.label or f"trial {candidate.number}"
            found = self._checkpoints.of(key)
            if found is not None:
                if not candidate.label:
                    self._last[candidate.number] = {"step": found.step}
                self.note(f"{name}: goes on from step {found.step:,}")
            self._keys[candidate.number] = key
            return {
                "number": candidate.number,
                "name": name,
                "config": candidate.config.model_dump_json(),
                "fold": candidate.fold,
                "is_apart": bool(candidate.label),
                "label": label(key, candidate.number, candidate.point),
                "checkpoint": found.uri if found is not None else None,
            }
        return FINISHED if self._jobs.is_done else None

    def progressed(self, number: int, result: Mapping[str, Any]) -> None:
        """Takes in one report of a trial."""
        if "outcome" in result or METRIC not in result:
            return
        self._last[number] = result
        metrics = {k: v for k, v in result.items() if k in SCALARS or k == "step"}
        try:
            self._writers.write(number, metrics)
        except OSError as error:
            self._error = self._error or unwritable(self._out, error)
        self._watcher.progressed(number, metrics)

    def is_running(self, number: int) -> bool:
        """Tells whether a training was handed out and has not ended."""
        return number in self._keys

    def ended(self, trial: Any, error: str | None = None) -> bool:
        """Turns the end of a Tune trial into a row; keeps the files of a trained one.

        Returns:
            Whether it is one now: only then may its checkpoints go.
        """
        key = self._keys.pop(trial.config["number"])
        try:
            self._ended(trial, error)
            self._checkpoints.forget(key)
            self._tell_watcher()
        except Exception as raised:
            self._error = raised
        return self._error is None

    def raise_if_failed(self) -> None:
        """Raises what went wrong in a callback: Tune would swallow it."""
        if self._error is not None:
            raise self._error

    def _ended(self, trial: Any, error: str | None) -> None:
        number = trial.config["number"]
        if error is not None and (_DISK_FULL in error or _is_full(self._out)):
            raise unwritable(self._out, OSError(errno.ENOSPC, _DISK_FULL))
        last = self._last.pop(number, {})
        self._writers.close(number)
        result = trial.last_result or {}
        if error is not None:
            self._jobs.ended(number, "failed", error=error, step=int(last.get("step", 0)))
            return
        if "outcome" not in result:
            metrics = {k: last[k] for k in SCALARS if k in last}
            seconds = {"total": round(float(result.get("time_total_s", 0.0)), 3)}
            self._jobs.ended(
                number, "stopped", metrics=metrics, step=int(last.get("step", 0)), seconds=seconds
            )
            return
        fields = json.loads(result["outcome"])
        fields.pop("files", None)
        if _DISK_FULL in (fields.get("error") or ""):  # no row: it goes on once there is room
            raise OutputError(
                f"{trial.config['name']} on {result['node']}: {fields['error']}. Make room there,"
                " and run the same command again."
            )
        fields["violations"] = tuple(map(Violation.from_dict, fields.get("violations", ())))
        fields["seconds"] = {
            **fields.get("seconds", {}),
            "total": round(float(result["time_total_s"]), 3),
        }
        if fields["status"] == "trained" and "fold" not in fields:
            self._keep_files(number, trial.checkpoint)
        self._jobs.ended(number, node=result["node"], step=int(last.get("step", 0)), **fields)

    def _keep_files(self, number: int, checkpoint: Any) -> None:
        with checkpoint.as_directory() as folder:
            for name in KEPT_OF_A_TRIAL:
                content = (Path(folder) / name).read_bytes()
                write_atomically(self._paths.trial(number).folder / name, content)

    def _tell_watcher(self) -> None:
        for row in self._jobs.drain():
            self._watcher.ended(row)


_DISK_FULL = os.strerror(errno.ENOSPC)


_FULL_BYTES = 2**16


def _is_full(folder: Path) -> bool:
    """Tells whether a disk is full: then the reason why a trial failed is not on it either."""
    return shutil.disk_usage(folder).free < _FULL_BYTES
