"""Hands jobs to Tune's callbacks, which know trainings by other ids, and takes in outcomes."""

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sprd.disk.atomic import unwritable, write_atomically
from sprd.errors import OutputError
from sprd.sweep.cluster.checkpoints import Checkpoints, training_key, training_label
from sprd.sweep.cluster.job import Job
from sprd.sweep.cluster.tensorboard import METRIC, SCALARS, Writers
from sprd.sweep.paths import RunPaths
from sprd.sweep.search.jobs import Candidate, Jobs, Watcher
from sprd.sweep.trial.outcome import Outcome

_FULL_BYTES = 2**16


@dataclass(frozen=True)
class _Running:
    """A job that was handed out, the key of its checkpoints, and what it reported last."""

    job: Job
    key: str
    last: Mapping[str, Any]


class Bridge:
    """Between Tune's callbacks and the trainings to be done."""

    def __init__(
        self,
        jobs: Jobs,
        paths: RunPaths,
        watcher: Watcher,
        checkpoints: Checkpoints,
        fingerprint: str,
    ) -> None:
        self._jobs, self._paths, self._watcher = jobs, paths, watcher
        self._checkpoints, self._fingerprint = checkpoints, fingerprint
        self._running: dict[str, _Running] = {}  # by Tune's id
        self._idle_since: dict[str, float] = {}  # by worker
        self._writers = Writers(paths.tensorboard)
        self._error: Exception | None = None
        self._n_left = 0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its callbacks into its folder, which nobody reads."""
        return {}

    def __deepcopy__(self, memo: object) -> "Bridge":
        """Itself: Tune copies its settings."""
        return self

    def begin_round(self, n_jobs: int) -> None:
        """Hands out that many jobs at most from now on, then says that the round is over."""
        self._n_left = n_jobs

    @property
    def is_over(self) -> bool:
        """Whether this round hands out no more jobs."""
        return self._error is not None or self._n_left == 0 or self._jobs.is_done

    def next_job(self, tune_id: str, n_slots: int) -> Job | None:
        """Returns the job that Tune is to know by an id; None to wait, or after the round."""
        if self.is_over or len(self._running) >= n_slots:
            return None
        try:
            candidate = self._jobs.next()
            self._tell_watcher()
        except Exception as error:
            self._error = error
            return None
        return None if candidate is None else self._hand_out(tune_id, candidate)

    def _hand_out(self, tune_id: str, candidate: Candidate) -> Job:
        self._n_left -= 1
        self._watcher.started(candidate)
        key = training_key(candidate.config, self._fingerprint, candidate.fold)
        left = self._checkpoints.of(key)
        if left is not None:
            self.note(f"{candidate.name}: goes on from step {left.step:,}")
        job = Job(
            number=candidate.number,
            name=candidate.name,
            config=candidate.config,
            fold=candidate.fold,
            is_apart=candidate.is_apart,
            training_label=training_label(key, candidate.number, candidate.point),
            checkpoint=left.uri if left is not None else None,
        )
        last = {} if left is None or candidate.is_apart else {"step": left.step}
        self._running[tune_id] = _Running(job, key, last)
        return job

    def running(self, tune_id: str) -> Job | None:
        """Returns a job that was handed out and has not ended."""
        found = self._running.get(tune_id)
        return None if found is None else found.job

    def note(self, text: str) -> None:
        """Tells the watcher something that is worth a line."""
        self._watcher.note(text)

    def progressed(self, tune_id: str, result: Mapping[str, Any]) -> None:
        """Takes in one report of a training; those of what is apart have no metric."""
        running = self._running.get(tune_id)
        if running is None or METRIC not in result:
            return
        self._running[tune_id] = replace(running, last=result)
        metrics = {k: v for k, v in result.items() if k in SCALARS or k == "step"}
        try:
            self._writers.write(running.job.number, metrics)
        except OSError as error:
            self._error = self._error or unwritable(self._paths.folder, error)
        self._watcher.progressed(running.job.number, metrics)

    def ended(self, tune_id: str, read: Callable[[], Outcome]) -> bool:
        """Turns the end of a training into a row; keeps the files of a trained trial.

        Args:
            tune_id: Of the training.
            read: Returns how it ended.

        Returns:
            Whether it is a row now: only then may its checkpoints go.
        """
        running = self._running.pop(tune_id)
        try:
            self._take_in(running, read())
            self._checkpoints.forget(running.key)
            self._tell_watcher()
        except Exception as raised:
            self._error = raised
        return self._error is None

    def raise_if_failed(self) -> None:
        """Raises what went wrong in a callback: Tune would swallow it."""
        if self._error is not None:
            raise self._error

    def _take_in(self, running: _Running, outcome: Outcome) -> None:
        job, last = running.job, running.last
        self._writers.close(job.number)
        if outcome.is_disk_full:  # no row: it goes on once there is room
            raise OutputError(
                f"{job.name} on {outcome.node}: {outcome.error}. Make room there, and run the same"
                " command again."
            )
        if outcome.status == "failed" and _is_full(self._paths.folder):
            raise unwritable(self._paths.folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        for name, content in outcome.files.items():
            write_atomically(self._paths.trial(job.number).folder / name, content)
        if outcome.status == "stopped":
            outcome = replace(outcome, metrics={k: last[k] for k in SCALARS if k in last})
        seconds = {**outcome.seconds, **self._idle(outcome)}
        step = int(last.get("step", 0))
        self._jobs.ended(job.number, replace(outcome, step=step, seconds=seconds))

    def _idle(self, outcome: Outcome) -> dict[str, float]:
        """How long its worker waited for the training, in seconds; nothing for its first."""
        began_at, ended_at = outcome.ran
        since = self._idle_since.get(outcome.worker)
        self._idle_since[outcome.worker] = ended_at
        return {} if since is None or not began_at else {"idle": round(began_at - since, 4)}

    def _tell_watcher(self) -> None:
        for row in self._jobs.drain():
            self._watcher.ended(row)


def _is_full(folder: Path) -> bool:
    """Tells whether a disk is full: then the reason why a training failed is not on it either."""
    return shutil.disk_usage(folder).free < _FULL_BYTES
