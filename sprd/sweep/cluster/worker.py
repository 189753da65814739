"""What Ray runs in a worker: one training after another, each with its checkpoints and outcome."""

import json
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import ray
from ray import tune

from sprd.audio.corpus import Corpus
from sprd.audio.nodes import resolve_on_node
from sprd.config.trial import Config
from sprd.sweep.cluster.checkpoints import LABEL_FILE, STATE_FILE, fetch
from sprd.sweep.cluster.tensorboard import METRIC

_ended_at: float | None = None
"""When this worker had its last outcome; None where it had none."""


@lru_cache(maxsize=1)
def _opened(reference: Any) -> Corpus:
    """Returns the index, read once a worker: that of a large data set takes seconds."""
    corpus, data = ray.get(reference)
    return resolve_on_node(corpus, data)


def trainable(config: dict[str, Any], corpus: list[Any]) -> None:
    """What a worker runs. Imports TensorFlow once a process; Ray reuses the process.

    Args:
        config: The job.
        corpus: A reference to the index and the sweep's [data]; in a list, or Tune would fetch it
            for every trial.
    """
    from sprd.model.start import set_threads
    from sprd.sweep.trial.folds import run_fold
    from sprd.sweep.trial.train import run_trial

    global _ended_at
    idle_s = None if _ended_at is None else time.monotonic() - _ended_at

    latest: dict[str, Any] = {"step": 0, METRIC: 0.0}

    def report(metrics: dict[str, float], save: Callable[[Path], None]) -> None:
        if config["is_apart"]:
            # Without step and metric no scheduler compares it with others, or stops it.
            metrics = {"apart_step": metrics["step"]}
        else:
            latest.update({key: metrics[key] for key in latest})
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder) / STATE_FILE)
            (Path(folder) / LABEL_FILE).write_text(config["label"], encoding="utf-8")
            tune.report(dict(metrics), checkpoint=tune.Checkpoint.from_directory(folder))

    files: Mapping[str, bytes] = {}
    try:
        parsed = Config.model_validate_json(config["config"])
        set_threads(parsed.n_threads)
        index = _opened(corpus[0])
        with _state(config["checkpoint"]) as state:
            if config["fold"]:
                fold, n_folds = config["fold"]
                result = run_fold(parsed, index, fold, n_folds, report, state)
                fields: dict[str, Any] = {"status": "trained", "fold": result}
            else:
                outcome = run_trial(parsed, index, report, state)
                violations = [one.as_dict() for one in outcome.violations]
                fields = {**vars(outcome), "files": None, "violations": violations}
                files = outcome.files
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = str(error).strip().splitlines() or [""]
        text = f"{type(error).__name__}: {reason[0]} ({Path(where.filename).name}:{where.lineno})"
        files, fields = {}, {"status": "failed", "error": text}
    if idle_s is not None and "seconds" in fields:
        fields["seconds"] = {**fields["seconds"], "idle": round(idle_s, 4)}
    last = {**latest, "outcome": json.dumps(fields), "node": _node_name()}
    _ended_at = time.monotonic()
    if not files:
        tune.report(last)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        tune.report(last, checkpoint=tune.Checkpoint.from_directory(folder))


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
        yield path if uri is not None and fetch(uri, path) else None


def _node_name() -> str:
    return str(ray.util.get_node_ip_address())
