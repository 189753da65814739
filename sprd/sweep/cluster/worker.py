"""What Ray runs in a worker: one training after another, each with its checkpoints and outcome."""

import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import ray
from ray import tune

from sprd.audio.corpus import Corpus
from sprd.audio.nodes import resolve_on_node
from sprd.disk.atomic import is_disk_full
from sprd.sweep.cluster.checkpoints import LABEL_FILE, STATE_FILE, fetch_state
from sprd.sweep.cluster.job import Job, pack_progress
from sprd.sweep.cluster.tensorboard import METRIC
from sprd.sweep.trial.outcome import Outcome

OUTCOME = "outcome"
"""The key of a report that is a training's last, and holds how it ended."""


def trainable(packed: dict[str, Any], corpus: list[Any]) -> None:
    """What a worker runs. Imports TensorFlow once a process; Ray reuses the process.

    Args:
        packed: The job.
        corpus: A reference to the index and the sweep's [data]; in a list, or Tune would fetch it
            for every training.
    """
    began_at = time.time()
    latest: dict[str, float] = {"step": 0, METRIC: 0.0}
    try:
        outcome = _train(Job.unpack(packed), corpus[0], latest)
    except Exception as error:
        outcome = _failure(error)
    node = str(ray.util.get_node_ip_address())
    ran, worker = (began_at, time.time()), f"{node}:{os.getpid()}"
    _send(replace(outcome, node=node, worker=worker, ran=ran), latest)


def _train(job: Job, corpus: Any, latest: dict[str, float]) -> Outcome:
    from sprd.model.start import set_threads
    from sprd.sweep.trial.folds import run_fold
    from sprd.sweep.trial.train import run_trial

    set_threads(job.config.n_threads)
    report = _Reporter(job, latest)
    with _state(job.checkpoint) as state:
        if job.fold is None:
            return run_trial(job.config, _opened(corpus), report, state)
        fold = run_fold(job.config, _opened(corpus), *job.fold, report, state)
        return Outcome("trained", fold=fold)


class _Reporter:
    """Reports how a training comes on, each time with a checkpoint; keeps what it said last."""

    def __init__(self, job: Job, latest: dict[str, float]) -> None:
        self._job, self._latest = job, latest

    def __call__(self, metrics: dict[str, float], save: Callable[[Path], None]) -> None:
        """Takes what `sprd.model.train.fit` gives."""
        if not self._job.is_apart:
            self._latest.update({key: metrics[key] for key in self._latest})
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder) / STATE_FILE)
            (Path(folder) / LABEL_FILE).write_text(self._job.training_label, encoding="utf-8")
            checkpoint = tune.Checkpoint.from_directory(folder)
            tune.report(pack_progress(self._job, metrics), checkpoint=checkpoint)


def _failure(error: Exception) -> Outcome:
    where = traceback.extract_tb(error.__traceback__)[-1]
    reason = str(error).strip().splitlines() or [""]
    text = f"{type(error).__name__}: {reason[0]} ({Path(where.filename).name}:{where.lineno})"
    return Outcome("failed", error=text, is_disk_full=is_disk_full(error))


def _send(outcome: Outcome, latest: Mapping[str, float]) -> None:
    """Reports the end, with the files as a checkpoint; where no room is for these, says that."""
    if not outcome.files:
        tune.report({**latest, OUTCOME: outcome.to_json()})
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in outcome.files.items():
                (Path(folder) / name).write_bytes(content)
            checkpoint = tune.Checkpoint.from_directory(folder)
            tune.report({**latest, OUTCOME: outcome.to_json()}, checkpoint=checkpoint)
    except OSError as error:
        if not is_disk_full(error):
            raise
        _send(replace(_failure(error), node=outcome.node), latest)


@lru_cache(maxsize=1)
def _opened(reference: Any) -> Corpus:
    """Returns the index, read once a worker: that of a large data set takes seconds."""
    corpus, data = ray.get(reference)
    return resolve_on_node(corpus, data)


@contextmanager
def _state(uri: str | None) -> Iterator[Path | None]:
    """Gives the state to go on from: of this command if there is one, else of an earlier one."""
    checkpoint = tune.get_checkpoint()
    if checkpoint is not None:
        with checkpoint.as_directory() as folder:
            path = Path(folder) / STATE_FILE
            yield path if path.exists() else None  # the worker died when it had reported the end
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / STATE_FILE
        yield path if uri is not None and fetch_state(uri, path) else None
