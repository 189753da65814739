"""One trial in this process, without Ray: `sprd train`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sprd.audio.corpus import Corpus
from sprd.config.reader import check_whole
from sprd.disk.atomic import write_atomically
from sprd.model.start import set_threads
from sprd.sweep.rows.table import Row
from sprd.sweep.run import Run
from sprd.sweep.search.search import Candidate, timestamp
from sprd.sweep.trial.train import run_trial

if TYPE_CHECKING:
    from sprd.sweep.cluster.bridge import Watcher


def run_single(run: Run, corpus: Corpus, watcher: "Watcher") -> Row:
    """Trains the configuration of a sweep file and adds its row, number 0, to the run.

    Raises:
        ConfigError: The configuration breaks a rule between two fields.
    """
    config = run.sweep.default
    check_whole(run.sweep.path, config)
    set_threads(config.n_threads)
    watcher.started(Candidate(0, {}, config))

    def report(metrics: dict[str, float], save: Callable[[Path], None]) -> None:
        watcher.progressed(0, metrics)

    started_at = timestamp()
    outcome = run_trial(config, corpus, report)
    for name, content in outcome.files.items():
        write_atomically(run.paths.trial(0).folder / name, content)
    row = Row(
        0,
        outcome.status,
        {},
        started_at,
        timestamp(),
        error=outcome.error,
        metrics=outcome.metrics,
        footprint=outcome.footprint,
        violations=outcome.violations,
        seconds=outcome.seconds,
        step=config.train.n_steps,
    )
    run.table.append(row)
    watcher.ended(row)
    return row
