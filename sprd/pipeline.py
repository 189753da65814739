"""The main path: a sweep file goes in, a bundle that fits the board comes out."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from sprd.audio.corpus import Corpus, open_corpus
from sprd.audio.folds import fold_of_speakers
from sprd.disk.atomic import write_atomically
from sprd.errors import BudgetError, SprdError
from sprd.model.start import load_tensorflow
from sprd.sweep.rows.table import Row, Violations, budget_error, ranking
from sprd.sweep.run import Run, begin, check_data, earlier_runs, only_one, references_of, reopen_run
from sprd.sweep.search.confirm import Confirmation, all_over
from sprd.sweep.search.prepare import prepare_features
from sprd.sweep.search.sampler import importances
from sprd.sweep.search.search import Search, check_searchable
from sprd.sweep.trial.folds import FoldScores, FoldTable
from sprd.sweep.trial.measure import check_reported, check_verifiable

if TYPE_CHECKING:
    from sprd.sweep.cluster.bridge import Jobs, Watcher

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
    check_searchable(run.sweep, n_trials or run.sweep.sweep.n_trials)
    check_verifiable(run.sweep.default.budget)
    check_reported(run.sweep.objectives, run.sweep.default.budget)
    references = references_of(run)
    corpus = open_corpus(run.sweep.default.data, run.data, progress)
    if run.sweep.sweep.confirm_folds is not None:
        _check_folds(run, corpus, run.sweep.sweep.confirm_folds)
    earlier = earlier_runs(run, corpus.fingerprint)
    with only_one(run):
        begin(run, corpus.fingerprint)
        search = Search(run.sweep, run.table, n_trials, references, earlier)
        for note in earlier.notes:
            watcher.note(note)
        if address is None and not search.is_done:  # each node of a cluster makes its own
            prepare_features(run.sweep, corpus, [config for _, config in references], progress)
        with _Trainings(run, corpus, address, watcher) as trainings:
            trainings.run(search, run.sweep.scheduler)
            if search.ended_by:
                watcher.note(f"ended by {search.ended_by}")
            order = _best_first(run, trainings)
        keep_importances(run)
        return export_best(run, corpus, search.gave_up, order)


def cross_validate(
    run: Run,
    rows: Sequence[Row],
    n_folds: int,
    address: str | None,
    watcher: "Watcher",
    progress: Progress | None = None,
) -> list[tuple[Row, FoldScores]]:
    """Trains trials anew on folds of the training and validation speakers.

    Returns:
        The trials with their scores, best mean balanced accuracy first.

    Raises:
        DataError: There are too few speakers, or other data than the run's.
    """
    corpus = open_corpus(run.sweep.default.data, run.data, progress)
    check_data(run, corpus.fingerprint)
    _check_folds(run, corpus, n_folds)
    with only_one(run), _Trainings(run, corpus, address, watcher) as trainings:
        found, failures = trainings.confirm(rows, n_folds)
    if failures:
        reasons = "; ".join(failures.values()).rstrip(".")
        raise SprdError(f"{run.folder}: {reasons}. The folds that ended are kept.")
    return found


def _check_folds(run: Run, corpus: Corpus, n_folds: int) -> None:
    """Checks, before anything is trained, that there are speakers enough."""
    data = run.sweep.default.data
    fold_of_speakers(corpus, n_folds, data.split_salt, data.keywords)


def keep_importances(run: Run) -> None:
    """Writes which parameters mattered into the folder of the run, if enough were tried."""
    shares = importances(run.sweep, run.table.rows)
    if shares:
        write_atomically(run.paths.importances, json.dumps(shares, indent=1) + "\n")


class _Trainings:
    """Trains in parallel; starts Ray when there is something to train, and ends it."""

    def __init__(self, run: Run, corpus: Corpus, address: str | None, watcher: "Watcher") -> None:
        self._run, self._corpus, self._address = run, corpus, address
        self.watcher, self._stack = watcher, ExitStack()
        self._is_connected = False

    def __enter__(self) -> "_Trainings":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, jobs: "Jobs", scheduler: str) -> None:
        """Runs what is to be done."""
        unfinished = self._run.paths.unfinished(jobs.kind)
        if not jobs.is_done:
            self._train(jobs, scheduler, unfinished)
        elif unfinished.exists():  # a command was killed behind its last row
            from sprd.sweep.cluster.checkpoints import checkpoints_of

            checkpoints_of(self._run.sweep, self._run.folder, jobs.kind).clear()
        with suppress(OSError):  # not there, or folds that another command left
            unfinished.rmdir()
        with suppress(OSError):
            unfinished.parent.rmdir()

    def _train(self, jobs: "Jobs", scheduler: str, unfinished: Path) -> None:
        """Starts Ray and trains; `unfinished` is a folder for as long as checkpoints may lie.

        They lie in it, or in the storage of the sweep.
        """
        if self._address is None:
            # Read when ray is imported. Without it Ray's servers listen on every interface.
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        from sprd.sweep.cluster.tune import connected, run_jobs

        if not self._is_connected:
            self._stack.enter_context(connected(self._run.sweep, self._address))
            self._is_connected = True
        unfinished.mkdir(parents=True, exist_ok=True)
        run_jobs(jobs, self._run.sweep, self._corpus, self._run.folder, self.watcher, scheduler)

    def confirm(
        self, rows: Sequence[Row], n_folds: int
    ) -> tuple[list[tuple[Row, FoldScores]], dict[int, str]]:
        """Trains the folds of some trials that are missing.

        Returns:
            The trials with their scores, best mean first; why a trial has none, by its number.
        """
        table = FoldTable(self._run.paths.folds)
        confirmation = Confirmation(self._run.sweep, rows, n_folds, table)
        self.run(confirmation, "none")
        return confirmation.results(), confirmation.failures


def _best_first(run: Run, trainings: _Trainings) -> list[Row]:
    """Returns the eligible trials, best first; the few best in the order of their folds' mean."""
    rules = run.sweep.sweep
    order = ranking(run.table.rows, run.sweep.objectives[0])
    if rules.confirm_folds is None or not order:
        return order
    best = order[: rules.confirm_trials]
    found, failures = trainings.confirm(best, rules.confirm_folds)
    for failure in failures.values():
        trainings.watcher.note(f"not confirmed: {failure}")
    confirmed = [row for row, _ in found]
    if over := all_over(run.sweep, found):
        trainings.watcher.note(over)
    return confirmed + [row for row in order if row not in confirmed]


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


def export_best(
    run: Run, corpus: Corpus, gave_up: str | None = None, order: Sequence[Row] | None = None
) -> Path:
    """Exports the best trial; if it fails the last check, the next best.

    Args:
        run: The run.
        corpus: Its audio.
        gave_up: Why the search ended early, if it did.
        order: The eligible trials, best first; unset: by the first objective.

    Raises:
        BudgetError: None fits.
    """
    attempts: dict[int, Violations] = {}
    for row in ranking(run.table.rows, run.sweep.objectives[0]) if order is None else order:
        violations = export_trial(run, row, corpus, run.paths.bundle, attempts)
        if not violations:
            if gave_up:
                raise SprdError(
                    f"{run.folder}: ended early: {gave_up}. The best of the trials so far was"
                    f" exported to {run.paths.bundle}. Widen [space], or loosen [budget]."
                )
            return run.paths.bundle
        attempts[row.number] = violations
    if attempts:
        reasons = "; ".join(
            f"trial {number}: {', '.join(map(str, violations))}"
            for number, violations in list(attempts.items())[:3]
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
    attempts: Mapping[int, Violations] | None = None,
) -> Violations:
    """Checks a trial's model once more, scores it on test speakers and writes its bundle.

    TensorFlow is loaded in a process of its own: the driver of a sweep stays light.

    Args:
        corpus: None when the audio is not there any more: the bundle says so.

    Returns:
        What breaks the budget; nothing is written then.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        job = pool.submit(_export, run.folder, run.data, row, corpus, folder, attempts or {})
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
    row: Row,
    corpus: Corpus | None,
    folder: Path,
    attempts: Mapping[int, Violations],
) -> Violations:
    load_tensorflow()
    from sprd.bundle.export import export

    run = reopen_run(run_folder, data)
    return export(run.sweep, row, run.paths.trial(row.number), corpus, folder, attempts)
