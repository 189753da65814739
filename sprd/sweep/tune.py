"""Runs a search with Ray Tune, trials side by side. The only importer of ray.

The driver loads no TensorFlow: measuring, training and scoring happen in workers, which are reused
and hold it once each. Ray's own folder is disposable; `trials.jsonl` is the state.
"""

import contextlib
import io
import json
import os
import shutil
import socket
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    MedianStoppingRule,
    TrialScheduler,
)
from ray.tune.search import Searcher

from sprd.audio.corpus import Corpus
from sprd.config import Config
from sprd.errors import ConfigError, SprdError
from sprd.folders import CACHE_VARIABLE
from sprd.quiet import quiet_stderr
from sprd.sweep.bridge import Bridge, Jobs, Watcher
from sprd.sweep.tensorboard import METRIC
from sprd.sweep_config import SweepConfig

ROUND = 1000
ROUND_PER_SLOT = 20
"""Trials after which Tune and the workers are started anew, at least: both keep something of every
trial, and Tune looks through all of them at each step. With few trials a slot, slots would idle."""


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
        _n_slots(sweep)
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
    bridge = Bridge(jobs, out, watcher)
    while not jobs.is_done:
        _run_round(bridge, sweep, corpus, out, scheduler)


def _run_round(
    bridge: Bridge, sweep: SweepConfig, corpus: Corpus, out: Path, scheduler: str
) -> None:
    """Runs until all are done or the round is over."""
    storage = sweep.sweep.storage or str(out / "ray")
    if not sweep.sweep.storage:
        shutil.rmtree(out / "ray", ignore_errors=True)
    n_slots = _n_slots(sweep)
    bridge.begin_round(max(ROUND, ROUND_PER_SLOT * n_slots))
    trainable = tune.with_resources(
        tune.with_parameters(_trainable, corpus=[ray.put(corpus)]), _resources(sweep)
    )
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Tune prints; the view is ours
            tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    metric=METRIC,
                    mode="max",
                    search_alg=_Asker(bridge),
                    scheduler=_scheduler(scheduler, sweep),
                    num_samples=-1,
                    max_concurrent_trials=n_slots,
                    reuse_actors=True,
                    trial_name_creator=_trial_name,
                    trial_dirname_creator=_trial_name,
                ),
                run_config=tune.RunConfig(
                    name=sweep.sweep.name,
                    storage_path=storage if "://" in storage else str(Path(storage).absolute()),
                    verbose=0,
                    callbacks=[_Listener(bridge)],
                    failure_config=tune.FailureConfig(max_failures=1),
                ),
            ).fit()
        bridge.raise_if_failed()
    except (OSError, ValueError) as error:
        if sweep.sweep.storage is None:
            raise
        raise ConfigError(
            f"{sweep.path} [sweep] storage: must be a folder or URI that all nodes can write, got"
            f" {sweep.sweep.storage!r}: {str(error).splitlines()[0]}."
        ) from error
    if not sweep.sweep.storage:
        shutil.rmtree(out / "ray", ignore_errors=True)


def _resources(sweep: SweepConfig) -> dict[str, float]:
    """What Ray sets aside for a trial."""
    wanted = {"cpu": sweep.sweep.cpus_per_trial, "gpu": sweep.sweep.gpus_per_trial}
    return {name: amount for name, amount in wanted.items() if amount}


def _connect(address: str | None, uses_gpus: bool) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000000")  # our table is the state
    # Ctrl-C reaches us as KeyboardInterrupt; Tune would swallow it.
    os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
    # glibc keeps what it frees, once for each of many arenas.
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "MALLOC_ARENA_MAX": "2"}
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
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise SprdError(
            f"--address {address}: must be a running Ray cluster: {reason}. Start one with 'ray"
            " start --head'; where it asks for a token, set RAY_AUTH_MODE=token here too."
        ) from error


def _check_reachable(address: str) -> None:
    """Tries to connect to "host:port": Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        with socket.create_connection((host, int(port)), timeout=10):
            return


def _n_slots(sweep: SweepConfig) -> int:
    """Returns how many trials run at once.

    Raises:
        ConfigError: Not one trial fits on the CPUs that there are: it would wait for ever.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    available = n_slots(sweep, nodes)
    if available == 0:
        for key, name, needed in (
            ("cpus_per_trial", "CPU", sweep.sweep.cpus_per_trial),
            ("gpus_per_trial", "GPU", sweep.sweep.gpus_per_trial),
        ):
            per_node = [node.get(name, 0) for node in nodes]
            if not any(amount >= needed for amount in per_node):
                raise ConfigError(
                    f"{sweep.path} [sweep] {key}: must fit on a node, got {needed:g}; the nodes"
                    f" have {[int(n) for n in per_node]} {name}s. Lower it."
                )
        raise ConfigError(
            f"{sweep.path} [sweep]: cpus_per_trial and gpus_per_trial must fit on one node together"
            ", got none that has both. Lower one."
        )
    return min(available, sweep.sweep.max_concurrent_trials or available)


def n_slots(sweep: SweepConfig, nodes: Sequence[Mapping[str, float]]) -> int:
    """Returns how many trials the nodes hold, given what each has of "CPU" and "GPU"."""
    cpus, gpus = sweep.sweep.cpus_per_trial, sweep.sweep.gpus_per_trial
    found = 0
    for node in nodes:
        n = int(node.get("CPU", 0) // cpus)
        if gpus:  # a trial's share is of one GPU, not of parts of two
            n = min(n, int(node.get("GPU", 0)) * int(1 / gpus + 1e-9))
        found += n
    return found


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


_ended_at: float | None = None
"""When this worker had its last outcome; None where it had none."""


@lru_cache(maxsize=1)
def _fetched(reference: Any) -> Corpus:
    """Returns the index, read once a worker: that of a large data set takes seconds."""
    corpus: Corpus = ray.get(reference)
    return corpus


def _trainable(config: dict[str, Any], corpus: list[Any]) -> None:
    """What a worker runs. Imports TensorFlow once a process; Ray reuses the process.

    Args:
        config: The job.
        corpus: A reference to the index; in a list, or Tune would fetch it for every trial.
    """
    from sprd.model.start import set_threads
    from sprd.sweep.crossval import run_fold
    from sprd.sweep.trial import run_trial

    global _ended_at
    idle_s = None if _ended_at is None else time.monotonic() - _ended_at
    parsed = Config.model_validate_json(config["config"])
    set_threads(parsed.n_threads)
    index = _fetched(corpus[0])

    latest: dict[str, Any] = {"step": 0, METRIC: 0.0}

    def report(metrics: dict[str, float], save: Callable[[Path], None]) -> None:
        if config["is_apart"]:
            return  # the scheduler does not see it: it is not compared, and never stopped
        latest.update({key: metrics[key] for key in latest})
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder) / "state.npz")
            tune.report(dict(metrics), checkpoint=tune.Checkpoint.from_directory(folder))

    checkpoint = tune.get_checkpoint()
    files: Mapping[str, bytes] = {}
    try:
        if config["fold"]:
            result = run_fold(parsed, index, *config["fold"])
            fields: dict[str, Any] = {"status": "trained", "fold": result}
        elif checkpoint is None:
            outcome = run_trial(parsed, index, report)
            files, fields = outcome.files, {**vars(outcome), "files": None}
        else:
            with checkpoint.as_directory() as folder:
                outcome = run_trial(parsed, index, report, Path(folder) / "state.npz")
            files, fields = outcome.files, {**vars(outcome), "files": None}
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = str(error).strip().splitlines() or [""]
        text = f"{type(error).__name__}: {reason[0]} ({Path(where.filename).name}:{where.lineno})"
        files, fields = {}, {"status": "failed", "error": text}
    if idle_s is not None and "seconds" in fields:
        fields["seconds"] = {**fields["seconds"], "idle": round(idle_s, 4)}
    last = {**latest, "outcome": json.dumps(fields), "node": _node_name()}
    _ended_at = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        tune.report(last, checkpoint=tune.Checkpoint.from_directory(folder))


def _node_name() -> str:
    return str(ray.util.get_node_ip_address())


def _delete(checkpoint: Any) -> None:
    """Deletes a checkpoint that nobody needs any more; where that fails it only takes room."""
    if checkpoint is not None:
        with contextlib.suppress(OSError):
            checkpoint.filesystem.delete_dir(checkpoint.path)


class _Asker(Searcher):  # type: ignore[misc]
    """Tune's side of asking."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(metric=METRIC, mode="max")
        self._bridge = bridge

    def suggest(self, trial_id: str) -> Any:
        return self._bridge.ask()

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """The listener tells the search: it has the trial's checkpoint too."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: `trials.jsonl` is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: `trials.jsonl` is the state."""


class _Listener(tune.Callback):  # type: ignore[misc]
    """Tune's side of telling."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._bridge.progressed(trial.config["number"], result)

    def on_checkpoint(
        self, iteration: int, trials: Any, trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        """Deletes the one before. Tune's `num_to_keep` would write down all trials each time."""
        _delete(trial.checkpoint)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self._bridge.ended(trial)
        _delete(trial.checkpoint)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        lines = str(trial.get_error() or "the worker died").strip().splitlines()
        self._bridge.ended(trial, error=lines[-1])
