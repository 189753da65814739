"""The story: a sweep file goes in, a bundle that fits the board comes out."""

from collections.abc import Collection, Sequence
from pathlib import Path

from sprd.audio.corpus import Corpus, index_data
from sprd.audio.finding import accept
from sprd.audio.findings import find
from sprd.audio.folds import check_folds
from sprd.audio.store import misses_cuts
from sprd.bundle.best import export_best
from sprd.errors import SprdError
from sprd.sweep.cluster.cluster import Cluster, open_cluster
from sprd.sweep.cluster.local import train_here
from sprd.sweep.cluster.preflight import check_machine, check_processes
from sprd.sweep.rows.folds import FoldTable
from sprd.sweep.rows.ranking import ranking
from sprd.sweep.rows.row import Trial
from sprd.sweep.run import Run, allowed_of, begin, check_data, earlier_runs, only_one, references_of
from sprd.sweep.search.confirm import Confirmation, all_over
from sprd.sweep.search.importance import keep_importances
from sprd.sweep.search.jobs import Watcher
from sprd.sweep.search.prepare import check_features
from sprd.sweep.search.search import Search, check_search
from sprd.sweep.search.streams import check_streams, prepare
from sprd.sweep.trial.folds import FoldScores
from sprd.sweep.trial.measure import check_verifiable


def run_sweep(
    run: Run,
    n_trials: int | None,
    address: str | None,
    watcher: Watcher,
    allowed: Collection[str] = (),
) -> Path:
    """Runs a sweep, or goes on with it, and exports its best trial that fits the budget.

    Args:
        run: Its folder and its sweep file.
        n_trials: Instead of the file's.
        address: A Ray cluster, or None to start Ray on this machine.
        watcher: Is told what happens.
        allowed: What may be wrong with the recordings: names of `sprd.config.allowed`.

    Returns: The folder of the bundle.

    Raises:
        ConfigError: The file asks for what cannot be done: said before anything is trained.
        BudgetError: No trial fits; the message names the nearest misses.
        SprdError: The search gave up. The best of the trials so far was exported.
    """
    check_search(run.sweep, n_trials)
    check_machine(address)
    references = references_of(run)
    corpus = _look_at_data(run, watcher, allowed)
    _check_enough(run, corpus, watcher)
    earlier = earlier_runs(run, corpus.fingerprint)
    with only_one(run):
        begin(run, corpus.fingerprint, corpus.allowed)
        search = Search(run.sweep, run.table, n_trials, references, earlier)
        earlier.tell(watcher.note)
        if address is None and not search.is_done:  # each node of a cluster makes its own
            prepare(run.sweep, corpus, references, watcher.progress)
        with open_cluster(run, corpus, address, watcher) as cluster:
            cluster.run(search)
            best_first = _confirm_best(run, cluster, watcher)
        keep_importances(run.sweep, run.table.trials, run.paths.importances)
        return export_best(run, corpus, best_first, search.gave_up)


def run_one(run: Run, watcher: Watcher, allowed: Collection[str] = ()) -> tuple[Trial, Path]:
    """Trains the one configuration that the file gives without its space, in this process.

    Returns:
        Its row and the folder of its bundle.

    Raises:
        BudgetError: It does not fit.
        SprdError: The training failed.
    """
    check_verifiable(run.sweep.default.budget)
    check_processes()
    corpus = _look_at_data(run, watcher, allowed)
    with only_one(run):
        begin(run, corpus.fingerprint, corpus.allowed)
        done = [trial for trial in run.table.trials if trial.status != "failed"]
        if not done:
            check_features(run.sweep.default, corpus)
            check_streams(run.sweep.default, run.sweep.objectives, corpus, watcher.note)
        trial = done[0] if done else train_here(run, corpus, watcher)
        if trial.status == "failed":
            raise SprdError(f"{run.sweep.path}: {str(trial.error).rstrip('.')}.")
        return trial, export_best(run, corpus, ranking([trial], run.sweep.objectives[0]))


def cross_validate(
    run: Run, trials: Sequence[Trial], n_folds: int, address: str | None, watcher: Watcher
) -> list[tuple[Trial, FoldScores]]:
    """Trains trials anew on folds of the training and validation speakers.

    Returns:
        The trials with their scores, best mean balanced accuracy first.

    Raises:
        DataError: There are too few speakers, or other data than the run's.
        SprdError: A fold failed.
    """
    check_machine(address)
    corpus = _look_at_data(run, watcher)
    check_data(run, corpus.fingerprint)
    check_folds(corpus, run.sweep.default.data, n_folds)
    with only_one(run), open_cluster(run, corpus, address, watcher) as cluster:
        folds = Confirmation(run.sweep, trials, n_folds, FoldTable(run.paths.folds))
        cluster.run(folds)
    if folds.failures:
        reasons = "; ".join(folds.failures.values()).rstrip(".")
        raise SprdError(f"{run.folder}: {reasons}. The folds that ended are kept.")
    return folds.results()


def _look_at_data(run: Run, watcher: Watcher, allowed: Collection[str] = ()) -> Corpus:
    """Opens the recordings and tells all that is wrong with them, before anything is trained.

    A run that goes on was let through when it began.

    Raises:
        DataError: They would spoil a training, or let none begin.
    """
    config = run.sweep.default
    index = index_data(config.data, run.data, run.speech, watcher.progress)
    babble = config.augment.babble_frequency
    findings = find(index, config.data, config.features, True, babble)
    named, goes_on = (*allowed, *allowed_of(run)), bool(run.table.rows)
    corpus = accept(index, findings, named, watcher.note, goes_on)
    if misses_cuts(config.augment, corpus):
        watcher.note(
            "no running speech of training readers: the"
            f" {config.augment.speech_cuts:,} cuts of augment.speech_cuts are left out. Give some"
            " with --speech"
        )
    return corpus


def _check_enough(run: Run, corpus: Corpus, watcher: Watcher) -> None:
    """Checks that the recordings carry the folds and the numbers that are asked for.

    Raises:
        DataError: They do not.
    """
    check_folds(corpus, run.sweep.default.data, run.sweep.sweep.confirm_folds)
    check_streams(run.sweep.default, run.sweep.objectives, corpus, watcher.note)


def _confirm_best(run: Run, cluster: Cluster, watcher: Watcher) -> list[Trial]:
    """Returns the eligible trials, best first; the few best in the order of their folds' mean."""
    rules = run.sweep.sweep
    order = ranking(run.table.trials, run.sweep.objectives[0])
    if rules.confirm_folds is None or not order:
        return order
    best, table = order[: rules.confirm_trials], FoldTable(run.paths.folds)
    folds = Confirmation(run.sweep, best, rules.confirm_folds, table)
    cluster.run(folds)
    for failure in folds.failures.values():
        watcher.note(f"not confirmed: {failure}")
    results = folds.results()
    if over := all_over(run.sweep, results):
        watcher.note(over)
    confirmed = [trial for trial, _ in results]
    return confirmed + [trial for trial in order if trial not in confirmed]
