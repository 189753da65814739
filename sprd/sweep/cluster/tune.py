"""Runs a search with Ray Tune, trials side by side. Besides `worker` the only importer of ray.

The driver loads no TensorFlow: measuring, training and scoring happen in workers, which are reused
and hold it once each. Ray's own folder is disposable; `trials.jsonl` is the state.
"""

import contextlib
import io
import math
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray._private import serialization as ray_serialization
from ray.exceptions import RayActorError, RayError
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
from sprd.disk.atomic import CACHE_VARIABLE
from sprd.disk.quiet import quiet_stderr
from sprd.errors import ConfigError, SprdError
from sprd.sweep.cluster.bridge import Bridge, Jobs, Watcher
from sprd.sweep.cluster.checkpoints import Checkpoints, checkpoints_of
from sprd.sweep.cluster.slots import amounts, check_slots, resources, slots_wanted
from sprd.sweep.cluster.tensorboard import METRIC
from sprd.sweep.cluster.worker import trainable

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


@contextmanager
def connected(sweep: SweepConfig, address: str | None) -> Iterator[None]:
    """Keeps Ray for as long as trainings are to run.

    Args:
        sweep: The sweep file.
        address: A Ray cluster, or None to start Ray on this machine.

    Raises:
        SprdError: The cluster cannot be reached, or no trial can ever be placed.
    """
    _connect(address, uses_gpus=sweep.sweep.gpus_per_trial > 0)
    try:
        check_slots(sweep, _nodes())
        yield
    finally:
        ray.shutdown()


def run_jobs(
    jobs: Jobs, sweep: SweepConfig, corpus: Corpus, out: Path, watcher: Watcher, scheduler: str
) -> None:
    """Runs trainings side by side until all are done.

    Args:
        jobs: Hands out trainings and keeps what came of them.
        sweep: The sweep file.
        corpus: The audio; workers read it from the same paths.
        out: Folder of the run.
        watcher: Is told what happens.
        scheduler: Which one may stop a training.

    Raises:
        ConfigError: The storage cannot be written.
    """
    checkpoints = checkpoints_of(sweep, out, jobs.kind)
    bridge = Bridge(jobs, out, watcher, checkpoints, corpus.fingerprint)
    with _storage_told(sweep):
        checkpoints.find()
    jobs.resume(checkpoints.points)
    while not jobs.is_done:
        _run_round(bridge, checkpoints, sweep, corpus, scheduler)
    checkpoints.clear()


def _run_round(
    bridge: Bridge, checkpoints: Checkpoints, sweep: SweepConfig, corpus: Corpus, scheduler: str
) -> None:
    """Runs until all are done or the round is over."""
    bridge.begin_round(max(ROUND, ROUND_PER_SLOT * slots_wanted(sweep, _nodes())))
    name = checkpoints.new_round()
    placed = tune.with_resources(
        tune.with_parameters(trainable, corpus=[ray.put((corpus, sweep.default.data))]),
        resources(sweep),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # Tune prints; the view is ours
        tuner = tune.Tuner(
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
                storage_path=checkpoints.uri,
                verbose=0,
                callbacks=[_Listener(bridge, sweep)],
                failure_config=tune.FailureConfig(max_failures=1),
            ),
        )
        try:
            with _storage_told(sweep):
                tuner.fit()
        except Exception as error:  # it reads what it wrote: in vain, where the disk was full
            bridge.raise_if_failed()
            if isinstance(error, (TuneError, RayError)):
                reason = str(error).strip().splitlines()[-1]
                raise SprdError(
                    f"Ray ended the sweep: {reason}. Run the same command again to go on."
                ) from error
            raise
    bridge.raise_if_failed()
    checkpoints.end_round(name)


@contextmanager
def _storage_told(sweep: SweepConfig) -> Iterator[None]:
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


def _connect(address: str | None, uses_gpus: bool) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    os.environ.setdefault("TUNE_MAX_PENDING_TRIALS_PG", "1000")  # ours is the limit: the slots
    os.environ.setdefault("TUNE_DISABLE_STRICT_METRIC_CHECKING", "1")  # folds have none
    os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000000")  # our table is the state
    # Ctrl-C reaches us as KeyboardInterrupt; Tune would swallow it.
    os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
    # The kernel ends the largest process. Ray would end the youngest, or many.
    os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")
    ray_serialization.OutOfMemoryError = _out_of_memory
    # glibc keeps what it frees, once for each of many arenas.
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "MALLOC_ARENA_MAX": "2"}
    # Ray gives a trial up, and tells nobody, whose worker is not yet done with the last one.
    variables["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = "600"
    if not uses_gpus:
        variables["CUDA_VISIBLE_DEVICES"] = ""
    local: dict[str, Any] = {}
    if address is None:
        local = {"include_dashboard": False}
        if CACHE_VARIABLE in os.environ:
            variables[CACHE_VARIABLE] = os.environ[CACHE_VARIABLE]
    try:
        if address is not None:
            _check_reachable(address)
        with quiet_stderr():
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level="CRITICAL",  # what goes wrong becomes a row
                runtime_env={"env_vars": variables},
                **local,
            )
    except (OSError, RuntimeError, ValueError, RayError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        if address is None:
            raise SprdError(
                f"Ray must start on this machine: {reason}. Look for room, and for a Ray of"
                " another version."
            ) from error
        raise SprdError(
            f"--address {address}: must be a running Ray cluster: {reason}. Start one with 'ray"
            " start --head'; where it asks for a token, set RAY_AUTH_MODE=token here too."
        ) from error
    # Ray would print a trace. Who stops a container means what Ctrl-C means.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _out_of_memory(message: str) -> RayActorError:
    """Says of a worker that Ray ended for memory that it died: at its own word for it Tune ends."""
    return RayActorError(error_msg=message.splitlines()[0])


def _check_reachable(address: str) -> None:
    """Tries to connect to "host:port": Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        with socket.create_connection((host, int(port)), timeout=10):
            return


def _nodes() -> list[Mapping[str, float]]:
    """Returns what each node that is alive has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


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
    return f"trial-{trial.config['number']}"


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
            self._n_slots = slots_wanted(self._sweep, _nodes())
        return self._bridge.ask(self._n_slots)

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
        self._waiting_since: dict[str, float] = {}  # by trial

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Says when a trial finds no place for long; takes in those that Ray gave up silently."""
        now = time.monotonic()
        if now - self._looked_at < COUNT_INTERVAL_S:
            return
        self._looked_at = now
        for trial in trials:
            if trial.status == trial.ERROR and self._bridge.is_running(trial.config["number"]):
                self.on_trial_error(iteration, trials, trial)
        pending = [trial.config["name"] for trial in trials if trial.status == trial.PENDING]
        self._waiting_since = {name: self._waiting_since.get(name, now) for name in pending}
        waiting = [name for name in pending if now - self._waiting_since[name] > WAITING_S]
        if not waiting:
            self._is_told = False
        elif not self._is_told:
            self._is_told = True
            self._bridge.note(
                f"waiting for a place for {WAITING_S:.0f} s now: {', '.join(waiting[:4])};"
                f" each needs {amounts(resources(self._sweep))};"
                f" the cluster has {amounts(ray.cluster_resources())}, free are"
                f" {amounts(ray.available_resources())}"
            )

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._bridge.progressed(trial.config["number"], result)

    def on_checkpoint(
        self, iteration: int, trials: Any, trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        """Deletes the one before. Tune's `num_to_keep` would write down all trials each time.

        The last state stays beside the outcome, until that is a row.
        """
        if "outcome" not in (trial.last_result or {}):
            trial.run_metadata.num_failures = 0  # it came on since its worker died
            if trial.checkpoint is not None:
                _delete(trial.checkpoint.filesystem, trial.checkpoint.path)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        if self._bridge.ended(trial):
            _delete(trial.storage.storage_filesystem, trial.storage.trial_fs_path)

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Tune starts it again."""
        result = trial.last_result or {}
        step = result.get("step", result.get("apart_step")) if trial.checkpoint else None
        where = f"goes on from step {step:,}" if step else "starts again"
        if trial.config["checkpoint"] and not step:
            where = "goes on"
        node = f" on {result['node_ip']}" if "node_ip" in result else ""
        what = _raised(trial) or f"its worker{node} died"
        self._bridge.note(f"{trial.config['name']}: {what}; {where}")

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Its worker died twice, or what is around the training raised."""
        if self._bridge.ended(trial, error=_raised(trial) or DIED):
            _delete(trial.storage.storage_filesystem, trial.storage.trial_fs_path)


def _raised(trial: Any) -> str | None:
    """Returns the last line of what a trial raised; None where its worker died.

    What the training raises is an outcome, so this is about reporting it: a storage, mostly.
    """
    try:
        failures = Path(trial.error_file).read_text(encoding="utf-8").split("Failure # ")
    except (OSError, TypeError):
        return None
    if "ray::" not in failures[-1]:
        return None
    return failures[-1].strip().splitlines()[-1]
