"""Runs trainings with Ray Tune, side by side: its search, its schedulers, its callbacks.

The driver loads no TensorFlow: measuring, training and scoring happen in workers, which are reused
and hold it once each. Ray's own folder is disposable; `trials.jsonl` is the state.
"""

import contextlib
import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.exceptions import RayError
from ray.tune.error import TuneError
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    MedianStoppingRule,
    TrialScheduler,
)
from ray.tune.search import Searcher

from sprd.audio.corpus import Corpus
from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError, SprdError
from sprd.sweep.cluster import compat
from sprd.sweep.cluster.bridge import Bridge
from sprd.sweep.cluster.checkpoints import checkpoints_of
from sprd.sweep.cluster.connection import nodes
from sprd.sweep.cluster.job import folder_name, step_of
from sprd.sweep.cluster.slots import amounts, resources, slots_wanted
from sprd.sweep.cluster.tensorboard import METRIC
from sprd.sweep.cluster.worker import OUTCOME, trainable
from sprd.sweep.paths import KEPT_OF_A_TRIAL
from sprd.sweep.run import Run
from sprd.sweep.search.jobs import Jobs, Watcher
from sprd.sweep.trial.outcome import Outcome

ROUND = 1000
ROUND_PER_SLOT = 20
"""Trials after which Tune and the workers are started anew, at least: both keep something of every
trial, and Tune looks through all of them at each step. With few trials a slot, slots would idle."""

COUNT_INTERVAL_S = 5.0
"""Between two looks at which nodes there are."""

DIED = (
    "its worker died, and the next one too; for memory, perhaps: see the logs of the kernel and Ray"
)

WAITING_S = 60.0
"""After which a trial that found no place is worth a line."""


def run_jobs(jobs: Jobs, run: Run, corpus: Corpus, watcher: Watcher) -> None:
    """Runs trainings side by side until all are done.

    Args:
        jobs: Hands out trainings and keeps what came of them.
        run: The run that they are of.
        corpus: The audio; workers read it from the same paths.
        watcher: Is told what happens.

    Raises:
        ConfigError: The storage cannot be written.
    """
    sweep = run.sweep
    checkpoints = checkpoints_of(sweep, run.paths, jobs.kind)
    bridge = Bridge(jobs, run.paths, watcher, checkpoints, corpus.fingerprint)
    with _naming_storage(sweep):
        checkpoints.find()
    jobs.resume(checkpoints.points)
    while not jobs.is_done:
        bridge.begin_round(max(ROUND, ROUND_PER_SLOT * slots_wanted(sweep, nodes())))
        name = checkpoints.new_round()
        tuner = _tuner(bridge, checkpoints.uri, name, run, corpus, jobs.scheduler)
        with _errors_told(bridge), _naming_storage(sweep):
            tuner.fit()
        checkpoints.end_round(name)
    checkpoints.clear()


def _tuner(
    bridge: Bridge, storage: str, name: str, run: Run, corpus: Corpus, scheduler: str
) -> tune.Tuner:
    """Returns what runs until all are done or the round is over."""
    sweep = run.sweep
    placed = tune.with_resources(
        tune.with_parameters(trainable, corpus=[ray.put((corpus, run.data_section))]),
        resources(sweep),
    )
    return tune.Tuner(
        placed,
        tune_config=tune.TuneConfig(
            metric=METRIC,
            mode="max",
            search_alg=_Asker(bridge, sweep),
            scheduler=_scheduler(scheduler, sweep),
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            name=name,
            storage_path=storage,
            verbose=0,
            callbacks=[_Listener(bridge, sweep)],
            failure_config=tune.FailureConfig(max_failures=1),
        ),
    )


@contextmanager
def _errors_told(bridge: Bridge) -> Iterator[None]:
    """Raises what went wrong in a callback, else what Ray says; drops what Tune prints."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the view is ours
            yield
    except Exception as error:  # it reads what it wrote: in vain, where the disk was full
        bridge.raise_if_failed()
        if isinstance(error, (TuneError, RayError)):
            reason = str(error).strip().splitlines()[-1]
            raise SprdError(
                f"Ray ended the sweep: {reason}. Run the same command again to go on."
            ) from error
        raise
    bridge.raise_if_failed()


@contextmanager
def _naming_storage(sweep: SweepConfig) -> Iterator[None]:
    """Names the storage of the sweep file where it cannot be used."""
    try:
        yield
    except (OSError, ValueError) as error:
        if sweep.sweep.storage is None:
            raise
        raise ConfigError(
            f"{sweep.path} [sweep] storage: must be a folder or URI that all nodes can write, got"
            f" {sweep.sweep.storage!r}: {str(error).splitlines()[0]}."
        ) from error


def _scheduler(name: str, sweep: SweepConfig) -> TrialScheduler:
    n_steps = sweep.default.train.n_steps
    grace = min(sweep.sweep.grace_steps or max(1, n_steps // 5), n_steps)
    if name == "median":
        return MedianStoppingRule(
            time_attr="step", grace_period=grace, min_samples_required=3, hard_stop=True
        )
    if name in ("asha", "hyperband"):
        # max_t is out of reach: a trial ends by itself, after it was quantized and scored.
        return AsyncHyperBandScheduler(
            time_attr="step",
            grace_period=grace,
            max_t=n_steps * 1000,
            reduction_factor=sweep.sweep.reduction_factor,
            brackets=1 if name == "asha" else 3,
            stop_last_trials=False,
        )
    return FIFOScheduler()


def _trial_name(trial: Any) -> str:
    return folder_name(trial.config)


def _delete(files: Any, path: str) -> None:
    """Deletes what nobody needs any more; where that fails it only takes room."""
    with contextlib.suppress(OSError):
        files.delete_dir(path)


class _Asker(Searcher):  # type: ignore[misc]
    """Tune's side of asking."""

    def __init__(self, bridge: Bridge, sweep: SweepConfig) -> None:
        super().__init__(metric=METRIC, mode="max")
        self._bridge, self._sweep = bridge, sweep
        self._n_slots, self._counted_at = 0, -math.inf

    def suggest(self, trial_id: str) -> Any:
        """Nodes may join and leave, so slots are counted again every few seconds."""
        if time.monotonic() - self._counted_at > COUNT_INTERVAL_S:
            self._counted_at = time.monotonic()
            self._n_slots = slots_wanted(self._sweep, nodes())
        job = self._bridge.next_job(trial_id, self._n_slots)
        if job is not None:
            return job.pack()
        return Searcher.FINISHED if self._bridge.is_over else None

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """The listener tells the search: it has the trial's checkpoint too."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: `trials.jsonl` is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: `trials.jsonl` is the state."""


class _Listener(tune.Callback):  # type: ignore[misc]
    """Tune's side of telling."""

    def __init__(self, bridge: Bridge, sweep: SweepConfig) -> None:
        self._bridge, self._sweep = bridge, sweep
        self._looked_at, self._is_told = -math.inf, False
        self._waiting_since: dict[str, float] = {}  # by name

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Says when a trial finds no place for long; takes in those that Ray gave up silently."""
        now = time.monotonic()
        if now - self._looked_at < COUNT_INTERVAL_S:
            return
        self._looked_at = now
        for trial in trials:
            if trial.status == trial.ERROR and self._bridge.running(trial.trial_id):
                self.on_trial_error(iteration, trials, trial)
        self._tell_waiting([trial for trial in trials if trial.status == trial.PENDING], now)

    def _tell_waiting(self, pending: list[Any], now: float) -> None:
        jobs = [job for trial in pending if (job := self._bridge.running(trial.trial_id))]
        self._waiting_since = {job.name: self._waiting_since.get(job.name, now) for job in jobs}
        waiting = [name for name, since in self._waiting_since.items() if now - since > WAITING_S]
        if waiting and not self._is_told:
            self._bridge.note(
                f"waiting for a place for {WAITING_S:.0f} s now: {', '.join(waiting[:4])};"
                f" each needs {amounts(resources(self._sweep))};"
                f" the cluster has {amounts(ray.cluster_resources())}, free are"
                f" {amounts(ray.available_resources())}"
            )
        self._is_told = bool(waiting)

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if OUTCOME not in result:
            self._bridge.progressed(trial.trial_id, result)

    def on_checkpoint(
        self, iteration: int, trials: Any, trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        """Deletes the one before. Tune's `num_to_keep` would write down all trials each time.

        The last state stays beside the outcome, until that is a row.
        """
        if OUTCOME not in (trial.last_result or {}):
            compat.forgive(trial)
            if trial.checkpoint is not None:
                _delete(trial.checkpoint.filesystem, trial.checkpoint.path)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        if self._bridge.ended(trial.trial_id, lambda: _outcome(trial)):
            _delete(trial.storage.storage_filesystem, trial.storage.trial_fs_path)

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Tune starts it again."""
        job = self._bridge.running(trial.trial_id)
        if job is None:
            return
        result = trial.last_result or {}
        step = step_of(result) if trial.checkpoint else None
        where = f"goes on from step {step:,}" if step else "starts again"
        if job.checkpoint and not step:
            where = "goes on"
        node = f" on {result['node_ip']}" if "node_ip" in result else ""
        what = compat.raised_in_worker(trial) or f"its worker{node} died"
        self._bridge.note(f"{job.name}: {what}; {where}")

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Its worker died twice, or what is around the training raised."""
        error = compat.raised_in_worker(trial) or DIED
        if self._bridge.ended(trial.trial_id, lambda: Outcome("failed", error=error)):
            _delete(trial.storage.storage_filesystem, trial.storage.trial_fs_path)


def _outcome(trial: Any) -> Outcome:
    """Returns how a trial of Tune ended: what it reported last, or that a scheduler stopped it."""
    result = trial.last_result or {}
    total = {"total": round(float(result.get("time_total_s", 0.0)), 3)}
    if OUTCOME not in result:
        return Outcome("stopped", seconds=total)
    outcome = Outcome.from_json(result[OUTCOME])
    files = {}
    if outcome.status == "trained" and outcome.fold is None:
        with trial.checkpoint.as_directory() as folder:
            files = {name: (Path(folder) / name).read_bytes() for name in KEPT_OF_A_TRIAL}
    return replace(outcome, seconds={**outcome.seconds, **total}, files=files)
