"""The trials of a run, best first, in; the bundle of the first that passes the last check out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sprd.audio.corpus import Corpus
from sprd.config.limits import Violation
from sprd.disk.child import call_in_child
from sprd.disk.process import environment
from sprd.errors import BudgetError, SprdError
from sprd.model.start import load_tensorflow
from sprd.sweep.rows.ranking import budget_error
from sprd.sweep.rows.row import Trial
from sprd.sweep.run import Run, reopen_run

Violations = tuple[Violation, ...]


def export_best(
    run: Run, corpus: Corpus, best_first: Sequence[Trial], gave_up: str | None = None
) -> Path:
    """Exports the best trial; if it fails the last check, the next best.

    Args:
        run: The run.
        corpus: Its audio.
        best_first: The eligible trials.
        gave_up: Why the search ended early, if it did.

    Returns:
        The folder of the bundle.

    Raises:
        BudgetError: None fits.
        SprdError: The search gave up, or every trial failed.
    """
    attempts: dict[int, Violations] = {}
    for trial in best_first:
        violations = export_trial(run, trial, corpus, run.paths.bundle, attempts)
        if not violations:
            if gave_up:
                raise SprdError(
                    f"{run.folder}: ended early: {gave_up}. The best of the trials so far was"
                    f" exported to {run.paths.bundle}. Widen [space], or loosen [budget]."
                )
            return run.paths.bundle
        attempts[trial.number] = violations
    raise _nothing_exported(run, attempts)


def _nothing_exported(run: Run, attempts: Mapping[int, Violations]) -> SprdError:
    if attempts:
        reasons = "; ".join(
            f"trial {number}: {', '.join(map(str, violations))}"
            for number, violations in list(attempts.items())[:3]
        )
        return BudgetError(
            f"{run.folder}: a trial must pass the last check, but none of {len(attempts)} did:"
            f" {reasons}"
        )
    trials = run.table.trials
    statuses = {trial.status for trial in trials}
    if "failed" in statuses and not statuses & {"trained", "infeasible"}:
        last = [trial for trial in trials if trial.status == "failed"][-1]
        return SprdError(f"{run.folder}: every trial failed; {last.name}: {last.error}.")
    return budget_error(trials)


def export_trial(
    run: Run,
    trial: Trial,
    corpus: Corpus | None,
    folder: Path,
    attempts: Mapping[int, Violations] | None = None,
) -> Violations:
    """Checks a trial's model once more, scores it on test speakers and writes its bundle.

    TensorFlow is loaded in a process of its own: the driver of a sweep stays light.

    Args:
        run: The run.
        trial: A trained trial.
        corpus: None when the audio is not there any more: the bundle says so.
        folder: The bundle.
        attempts: What better trials broke at this check, by their numbers.

    Returns:
        What breaks the budget; nothing is written then.
    """
    what = f"{run.folder}: exporting {trial.name}"
    args = (run.folder, run.data, run.speech, trial, corpus, folder, attempts or {})
    with environment({"TF_CPP_MIN_LOG_LEVEL": "3"}):
        return call_in_child(what, _export, *args)


def _export(
    run_folder: Path,
    data: Sequence[Path],
    speech: Sequence[Path],
    trial: Trial,
    corpus: Corpus | None,
    folder: Path,
    attempts: Mapping[int, Violations],
) -> Violations:
    load_tensorflow()
    from sprd.bundle.export import export

    run = reopen_run(run_folder, data, speech)
    return export(run.sweep, trial, run.paths.trial(trial.number), corpus, folder, attempts)
