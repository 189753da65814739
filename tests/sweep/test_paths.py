"""The names of a run's files are those that earlier versions wrote."""

from pathlib import Path

from sprd.sweep.paths import KEPT_OF_A_TRIAL, RunPaths


def test_run_of_an_earlier_version_has_these_names(shared: Path) -> None:
    """Or it would be neither continued nor read."""
    run = RunPaths(shared / "runs_9badef2" / "finished")
    trial = run.trial(2)
    files = (run.source, run.sweep, run.table, trial.model, trial.float_model, trial.record)
    assert [file for file in files if not file.is_file()] == []
    assert run.bundle.is_dir()


def test_trial_keeps_what_its_paths_name(tmp_path: Path) -> None:
    """One list, one set of paths."""
    trial = RunPaths(tmp_path).trial(7)
    names = [path.name for path in (trial.model, trial.float_model, trial.record)]
    assert (trial.folder, names) == (tmp_path / "trials" / "7", list(KEPT_OF_A_TRIAL))


def test_checkpoints_lie_apart_by_kind(tmp_path: Path) -> None:
    """Those of folds are not taken for those of trials."""
    run = RunPaths(tmp_path)
    assert [run.unfinished(kind) for kind in ("trials", "folds")] == [
        tmp_path / "ray" / "trials",
        tmp_path / "ray" / "folds",
    ]
