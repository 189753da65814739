"""The main path: a sweep file goes in, a bundle that fits the board comes out."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sprd.audio.corpus import Corpus, open_corpus
from sprd.errors import BudgetError, SprdError
from sprd.model.start import load_tensorflow
from sprd.sweep.budget import check_verifiable
from sprd.sweep.result import Row, budget_error, describe_violation, ranking
from sprd.sweep.run import Run, begin, only_one, reopen_run
from sprd.sweep.search import Search, check_searchable

if TYPE_CHECKING:
    from sprd.sweep.tune import Watcher

Progress = Callable[[str, int, int], None]


def run_sweep(
    run: Run,
    n_trials: int | None,
    address: str | None,
    watcher: "Watcher",
    progress: Progress | None = None,
) -> Path:
    """Runs a sweep, or goes on with it, and exports its best trial that fits the budget.

    Returns:
        The folder of the bundle.

    Raises:
        BudgetError: No trial fits; the message names the nearest misses.
    """
    if address is None:
        # Read when ray is imported. Without it Ray's servers listen on every interface.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    from sprd.sweep.tune import run_search

    check_searchable(run.sweep, n_trials or run.sweep.sweep.n_trials)
    check_verifiable(run.sweep.default.budget)
    corpus = open_corpus(run.sweep.default.data, run.data, progress)
    with only_one(run):
        begin(run, corpus.fingerprint)
        search = Search(run.sweep, run.table, n_trials)
        if not search.is_done:
            run_search(search, run.sweep, corpus, run.folder, address, watcher)
        return export_best(run, corpus, search.gave_up)


def run_one(run: Run, watcher: "Watcher", progress: Progress | None = None) -> tuple[Row, Path]:
    """Trains the one configuration that the file gives without its space, in this process.

    Returns:
        Its row and the folder of its bundle.

    Raises:
        BudgetError: It does not fit.
        SprdError: The training failed.
    """
    check_verifiable(run.sweep.default.budget)
    load_tensorflow()
    from sprd.sweep.single import run_single

    corpus = open_corpus(run.sweep.default.data, run.data, progress)
    with only_one(run):
        begin(run, corpus.fingerprint)
        done = [row for row in run.table.rows if row.status != "failed"]
        row = done[0] if done else run_single(run, corpus, watcher)
        if row.status == "failed":
            raise SprdError(f"{run.sweep.path}: {str(row.error).rstrip('.')}.")
        return row, export_best(run, corpus)


def export_best(run: Run, corpus: Corpus, gave_up: str | None = None) -> Path:
    """Exports the best trial; if it fails the last check, the next best.

    Raises:
        BudgetError: None fits.
    """
    attempts: list[dict[str, Any]] = []
    for row in ranking(run.table.rows, run.sweep.sweep.objectives[0]):
        violations = export_trial(run, row, corpus, run.bundle, attempts)
        if not violations:
            if gave_up:
                raise SprdError(
                    f"{run.folder}: ended early: {gave_up}. The best of the trials so far was"
                    f" exported to {run.bundle}. Widen [space], or loosen [budget]."
                )
            return run.bundle
        attempts.append({"trial": row.number, "violations": violations})
    if attempts:
        reasons = "; ".join(
            f"trial {attempt['trial']}: {', '.join(map(describe_violation, attempt['violations']))}"
            for attempt in attempts[:3]
        )
        raise BudgetError(
            f"{run.folder}: a trial must pass the last check, but none of {len(attempts)} did:"
            f" {reasons}"
        )
    statuses = [row.status for row in run.table.rows]
    if "trained" not in statuses and "failed" in statuses and "infeasible" not in statuses:
        last = [row for row in run.table.rows if row.status == "failed"][-1]
        raise SprdError(f"{run.folder}: every trial failed; trial {last.number}: {last.error}.")
    raise budget_error(run.table.rows)


def export_trial(
    run: Run,
    row: Row,
    corpus: Corpus | None,
    folder: Path,
    attempts: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Checks a trial's model once more, scores it on test speakers and writes its bundle.

    TensorFlow is loaded in a process of its own: the driver of a sweep stays light.

    Args:
        corpus: None when the audio is not there any more: the bundle says so.

    Returns:
        What breaks the budget; nothing is written then.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        job = pool.submit(
            _export, run.folder, run.data, asdict(row), corpus, folder, attempts or []
        )
        try:
            return job.result()
        except BrokenProcessPool as error:
            raise SprdError(
                f"{run.folder}: exporting trial {row.number}: the process must stay alive, but it"
                " was killed, perhaps for memory. Run 'sprd export' again."
            ) from error


def _export(
    run_folder: Path,
    data: Path | None,
    fields: dict[str, Any],
    corpus: Corpus | None,
    folder: Path,
    attempts: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    load_tensorflow()
    from sprd.bundle.export import export

    run = reopen_run(run_folder, data)
    row = Row(**fields)
    return export(run.sweep, row, run_folder / "trials" / str(row.number), corpus, folder, attempts)
