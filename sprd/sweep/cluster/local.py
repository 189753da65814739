"""One training in this process, without Ray: `sprd train`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sprd.audio.corpus import Corpus
from sprd.config.whole import check_whole
from sprd.disk.atomic import write_atomically
from sprd.model.start import load_tensorflow, set_threads
from sprd.sweep.rows.row import Trial, timestamp
from sprd.sweep.run import Run
from sprd.sweep.search.jobs import Candidate, Watcher
from sprd.sweep.trial.outcome import to_trial


def train_here(run: Run, corpus: Corpus, watcher: Watcher) -> Trial:
    """Trains the configuration of a sweep file and adds its row, number 0, to the run.

    Raises:
        ConfigError: The configuration breaks a rule between two fields.
    """
    load_tensorflow()
    from sprd.sweep.trial.train import run_trial

    config = run.sweep.default
    check_whole(run.sweep.path, config)
    set_threads(config.n_threads)
    watcher.started(Candidate(0, "trial 0", {}, config))

    def report(metrics: dict[str, float], save: Callable[[Path], None]) -> None:
        watcher.progressed(0, metrics)

    started_at = timestamp()
    outcome = run_trial(config, corpus, report)
    for name, content in outcome.files.items():
        write_atomically(run.paths.trial(0).folder / name, content)
    outcome = replace(outcome, step=config.train.n_steps)
    trial = to_trial(outcome, 0, {}, started_at, timestamp())
    run.table.append(trial)
    watcher.ended(trial)
    return trial
