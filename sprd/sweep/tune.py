"""Runs a search with Ray Tune, trials side by side. The only importer of ray.

The driver loads no TensorFlow: measuring, training and scoring happen in workers, which are reused
and hold it once each. Ray's own folder is disposable; `trials.jsonl` is the state.
"""

import contextlib
import errno
import io
import json
import os
import shutil
import socket
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import ray
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from sprd.audio.corpus import Corpus
from sprd.config import Config, SweepConfig
from sprd.errors import ConfigError, OutputError, SprdError
from sprd.folders import CACHE_VARIABLE, unwritable, write_atomically
from sprd.quiet import quiet_stderr
from sprd.sweep.result import Row
from sprd.sweep.search import Candidate, Search

METRIC = "val_balanced_accuracy"
"""What the scheduler sees: the float model on validation speakers, while it trains."""

KEPT_FILES = ("model.tflite", "model_float.tflite", "record.json")


class Watcher(Protocol):
    """Is told what happens in a sweep; shows it or does not."""

    def started(self, candidate: Candidate) -> None:
        """A candidate went to a worker."""

    def progressed(self, number: int, metrics: Mapping[str, float]) -> None:
        """A trial evaluated its model."""

    def ended(self, row: Row) -> None:
        """A trial became a row."""


def run_search(
    search: Search,
    sweep: SweepConfig,
    corpus: Corpus,
    out: Path,
    address: str | None,
    watcher: Watcher,
) -> None:
    """Runs trials until the search is done.

    Args:
        search: Hands out candidates and keeps the table.
        sweep: The sweep file.
        corpus: The audio; workers read it from the same paths.
        out: Folder of the run.
        address: A Ray cluster, or None to start Ray on this machine.
        watcher: Is told what happens.

    Raises:
        SprdError: The cluster cannot be reached, or no trial can ever be placed.
    """
    _connect(address)
    try:
        n_slots = _n_slots(sweep)
        storage = sweep.sweep.storage or str(out / "ray")
        if not sweep.sweep.storage:
            shutil.rmtree(out / "ray", ignore_errors=True)
        bridge = _Bridge(search, out, watcher)
        trainable = tune.with_resources(
            tune.with_parameters(_trainable, corpus=corpus), {"cpu": sweep.sweep.cpus_per_trial}
        )
        with contextlib.redirect_stdout(io.StringIO()):  # Tune prints; the view is ours
            tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    metric=METRIC,
                    mode="max",
                    search_alg=_Asker(bridge),
                    scheduler=_scheduler(sweep),
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
                    checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
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
    finally:
        ray.shutdown()
    if not sweep.sweep.storage:
        shutil.rmtree(out / "ray", ignore_errors=True)


def _connect(address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    # Ctrl-C reaches us as KeyboardInterrupt; Tune would swallow it.
    os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
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
    needed = sweep.sweep.cpus_per_trial
    per_node = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    available = sum(n_cpus // needed for n_cpus in per_node)
    if available == 0:
        raise ConfigError(
            f"{sweep.path} [sweep] cpus_per_trial: must fit on a node, got {needed}; the nodes have"
            f" {per_node} CPUs. Lower it."
        )
    return min(available, sweep.sweep.max_concurrent_trials or available)


def _scheduler(sweep: SweepConfig) -> TrialScheduler:
    if sweep.sweep.scheduler == "none":
        return FIFOScheduler()
    n_steps = sweep.default.train.n_steps
    grace = sweep.sweep.grace_steps or max(1, n_steps // 5)
    # max_t is out of reach: a trial ends by itself, after it was quantized and scored.
    return AsyncHyperBandScheduler(
        time_attr="step",
        grace_period=min(grace, n_steps),
        max_t=max(n_steps, grace) * 1000,
        reduction_factor=sweep.sweep.reduction_factor,
        stop_last_trials=False,
    )


def _trial_name(trial: Any) -> str:
    return f"trial-{trial.config['number']}"


def _trainable(config: dict[str, Any], corpus: Corpus) -> None:
    """What a worker runs. Imports TensorFlow once a process; Ray reuses the process."""
    from sprd.model.start import set_threads
    from sprd.sweep.trial import run_trial

    parsed = Config.model_validate_json(config["config"])
    set_threads(parsed.n_threads)

    def report(metrics: dict[str, float], save: Callable[[Path], None]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder) / "state.npz")
            tune.report(dict(metrics), checkpoint=tune.Checkpoint.from_directory(folder))

    checkpoint = tune.get_checkpoint()
    try:
        if checkpoint is None:
            outcome = run_trial(parsed, corpus, report)
        else:
            with checkpoint.as_directory() as folder:
                outcome = run_trial(parsed, corpus, report, Path(folder) / "state.npz")
        files, fields = outcome.files, {**vars(outcome), "files": None}
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = str(error).strip().splitlines() or [""]
        text = f"{type(error).__name__}: {reason[0]} ({Path(where.filename).name}:{where.lineno})"
        files, fields = {}, {"status": "failed", "error": text}
    last = {"step": 0, METRIC: 0.0, "outcome": json.dumps(fields), "node": _node_name()}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        tune.report(last, checkpoint=tune.Checkpoint.from_directory(folder))


def _node_name() -> str:
    return str(ray.util.get_node_ip_address())


class _Bridge:
    """Joins Tune's callbacks, which know trials by id, with the search, which numbers them."""

    def __init__(self, search: Search, out: Path, watcher: Watcher) -> None:
        self.search, self._out, self._watcher = search, out, watcher
        self._writers = _Writers(out / "tensorboard")
        self._last: dict[int, Mapping[str, Any]] = {}
        self._error: Exception | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its callbacks into its folder, which nobody reads."""
        return {}

    def __deepcopy__(self, memo: object) -> "_Bridge":
        """Itself: Tune copies its settings."""
        return self

    def ask(self) -> Any:
        """Returns what Tune's searcher returns: a configuration, "FINISHED", or None to wait."""
        if self._error is not None:
            return Searcher.FINISHED
        try:
            candidate = self.search.next()
        except Exception as error:
            self._error = error
            return Searcher.FINISHED
        self._tell_watcher()
        if candidate is not None:
            self._watcher.started(candidate)
            return {"number": candidate.number, "config": candidate.config.model_dump_json()}
        return Searcher.FINISHED if self.search.is_done else None

    def progressed(self, number: int, result: Mapping[str, Any]) -> None:
        """Takes in one report of a trial."""
        if "outcome" in result:
            return
        self._last[number] = result
        metrics = {k: v for k, v in result.items() if k in _SCALARS or k == "step"}
        self._writers.write(number, metrics)
        self._watcher.progressed(number, metrics)

    def ended(self, trial: Any, error: str | None = None) -> None:
        """Turns the end of a Tune trial into a row; keeps the files of a trained one."""
        try:
            self._ended(trial, error)
        except Exception as raised:
            self._error = raised
        self._tell_watcher()

    def raise_if_failed(self) -> None:
        """Raises what went wrong in a callback: Tune would swallow it."""
        if self._error is not None:
            raise self._error

    def _ended(self, trial: Any, error: str | None) -> None:
        number = trial.config["number"]
        if error is not None and _DISK_FULL in error:
            raise _disk_full(self._out)
        last = self._last.pop(number, {})
        self._writers.close(number)
        result = trial.last_result or {}
        if error is not None:
            self.search.ended(number, "failed", error=error, step=int(last.get("step", 0)))
            return
        if "outcome" not in result:
            metrics = {k: last[k] for k in _SCALARS if k in last}
            seconds = {"total": round(float(result.get("time_total_s", 0.0)), 3)}
            self.search.ended(
                number, "stopped", metrics=metrics, step=int(last.get("step", 0)), seconds=seconds
            )
            return
        fields = json.loads(result["outcome"])
        fields.pop("files", None)
        if _DISK_FULL in (fields.get("error") or ""):
            raise _disk_full(self._out)
        fields["violations"] = tuple(fields.get("violations", ()))
        fields["seconds"] = {
            **fields.get("seconds", {}),
            "total": round(float(result["time_total_s"]), 3),
        }
        if fields["status"] == "trained":
            self._keep_files(number, trial.checkpoint)
        self.search.ended(number, node=result["node"], step=int(last.get("step", 0)), **fields)

    def _keep_files(self, number: int, checkpoint: tune.Checkpoint) -> None:
        with checkpoint.as_directory() as folder:
            for name in KEPT_FILES:
                content = (Path(folder) / name).read_bytes()
                write_atomically(self._out / "trials" / str(number) / name, content)

    def _tell_watcher(self) -> None:
        for row in self.search.drain():
            self._watcher.ended(row)


class _Asker(Searcher):  # type: ignore[misc]
    """Tune's side of asking."""

    def __init__(self, bridge: _Bridge) -> None:
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

    def __init__(self, bridge: _Bridge) -> None:
        self._bridge = bridge

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._bridge.progressed(trial.config["number"], result)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self._bridge.ended(trial)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        lines = str(trial.get_error() or "the worker died").strip().splitlines()
        self._bridge.ended(trial, error=lines[-1])


_DISK_FULL = os.strerror(errno.ENOSPC)


def _disk_full(out: Path) -> OutputError:
    """Ends the sweep without a row: the trial runs again once there is room."""
    return unwritable(out, OSError(errno.ENOSPC, _DISK_FULL))


_SCALARS = ("accuracy", "loss", "val_accuracy", "val_loss", METRIC)


class _Writers:
    """TensorBoard scalars, one folder a trial: training and validation of each share a chart."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._open = folder, {}  # type: ignore[var-annotated]

    def write(self, number: int, metrics: Mapping[str, float]) -> None:
        from tensorboardX import SummaryWriter

        if number not in self._open:
            self._open[number] = SummaryWriter(str(self._folder / str(number)))
        for name, value in metrics.items():
            if name in _SCALARS:
                tag = (
                    f"{name.removeprefix('val_')}/{'validation' if 'val_' in name else 'training'}"
                )
                self._open[number].add_scalar(tag, value, int(metrics["step"]))

    def close(self, number: int) -> None:
        if writer := self._open.pop(number, None):
            writer.close()
