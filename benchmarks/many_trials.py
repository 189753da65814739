"""Runs a sweep of many trials whose function does nothing: what the driver costs, and its memory.

    python benchmarks/many_trials.py [--trials N] [--sampler NAME] [--reports N]

Everything else is real: Ray Tune, workers, checkpoints, files of each trial, the table, the
sampler. Prints seconds a trial for each tenth, the driver's memory, how long it takes to reopen
the run.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sprd.audio.corpus import Corpus
from sprd.disk.process import environment, quiet_stderr
from sprd.sweep.cluster.job import Job
from sprd.sweep.cluster.tensorboard import METRIC
from sprd.sweep.cluster.variables import DRIVER, LOCAL
from sprd.sweep.paths import KEPT_OF_A_TRIAL
from sprd.sweep.rows.row import Row
from sprd.sweep.run import begin, open_run, reopen_run
from sprd.sweep.search.jobs import Candidate
from sprd.sweep.search.search import Search
from sprd.sweep.trial.outcome import Outcome

SWEEP = """
[sweep]
name = "many"
n_trials = 100000
scheduler = "none"
sampler = "{sampler}"
objectives = ["balanced_accuracy", "model_bytes"]
[data]
keywords = ["up", "down"]
[model]
architecture = "temporal_conv"
[train]
steps = 1000
learning_rate = 0.01
eval_interval = {reports}
[budget]
board = "arduino_nano_33_ble"
[space]
"model.dropout" = {{ low = 0.0, high = 0.5 }}
"model.kernel_frames" = {{ low = 3, high = 9, step = 2 }}
"train.learning_rate" = {{ low = 1e-4, high = 1e-1, log = true }}
"features.frame" = ["30/20x40", "40/20x20", "40/40x20"]
"""


def stub(packed: dict[str, Any], corpus: list[Any]) -> None:
    """Reports an outcome as a trial does, made of its point."""
    from ray import tune

    from sprd.sweep.cluster.worker import OUTCOME

    config = Job.unpack(packed).config
    (_, rate), *_ = config.train.phases
    dropout, kernel = (float(config.model.params[key]) for key in ("dropout", "kernel_frames"))
    for step in range(config.train.eval_interval):  # as many as `--reports`
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "state.npz").write_bytes(b"\0" * 100_000)
            tune.report(
                {"step": step, METRIC: 0.5},
                checkpoint=tune.Checkpoint.from_directory(folder),
            )
    outcome = Outcome(
        "trained",
        metrics={"balanced_accuracy": 0.9 - abs(rate - 0.01) - abs(dropout - 0.2)},
        footprint={"model_bytes": 10_000 + 1000 * int(kernel)},
        seconds={"train": 0.0},
        node="here",
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in KEPT_OF_A_TRIAL:
            (Path(folder) / name).write_bytes(b"\0" * 10_000)
        tune.report(
            {"step": 1, METRIC: 0.5, OUTCOME: outcome.to_json()},
            checkpoint=tune.Checkpoint.from_directory(folder),
        )


class Clock:
    """Prints the pace: a `sprd.sweep.search.jobs.Watcher`."""

    def __init__(self, n_trials: int) -> None:
        self._every, self._n, self._since = max(1, n_trials // 10), 0, time.perf_counter()
        self._stdout = sys.stdout  # what is printed to sys.stdout meanwhile is dropped

    def started(self, candidate: Candidate) -> None:
        """Nothing."""

    def progressed(self, number: int, metrics: Mapping[str, float]) -> None:
        """Nothing."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Prints it."""
        print(text)

    def ended(self, row: Row) -> None:
        """Prints the pace of each tenth."""
        self._n += 1
        if self._n % self._every == 0:
            pace = (time.perf_counter() - self._since) / self._every
            print(
                f"{self._n} trials: {pace:.3f} s each, driver {memory():.0f} MB",
                file=self._stdout,
                flush=True,
            )
            self._since = time.perf_counter()


def memory() -> float:
    """Returns the resident memory of this process, in megabytes."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1000  # type: ignore[index]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--reports", type=int, default=1, help="evaluations of a trial")
    args = parser.parse_args()
    corpus = Corpus((), (), "f" * 64, "none", True, 0, ())
    with tempfile.TemporaryDirectory() as folder, quiet_stderr():
        path, out = Path(folder) / "many.toml", Path(folder) / "out"
        path.write_text(SWEEP.format(sampler=args.sampler, reports=args.reports))
        run = open_run(path, out, None)
        begin(run, corpus.fingerprint)
        search = Search(run.sweep, run.table, args.trials)
        with environment(DRIVER, LOCAL):
            from sprd.sweep.cluster import tune
            from sprd.sweep.cluster.connection import connected
            from sprd.sweep.cluster.preflight import choose_temporary

            temporary = choose_temporary().folder

            with connected(run.sweep, None, temporary), patch.object(tune, "trainable", stub):
                before, since = memory(), time.perf_counter()
                tune.run_jobs(search, run, corpus, Clock(args.trials))
                seconds, after = time.perf_counter() - since, memory()
        print(f"{args.sampler}: {seconds / args.trials:.3f} s a trial")
        print(f"driver {before:.0f} MB before, {after:.0f} MB after {args.trials:,} trials")
        since = time.perf_counter()
        again = reopen_run(out, None)
        Search(again.sweep, again.table, args.trials + 1).next()
        print(f"reopened, and asked for the next, in {time.perf_counter() - since:.1f} s")


if __name__ == "__main__":
    main()
