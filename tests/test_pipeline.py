"""The story in its order, with each room's part stood in for: what is called, with what, and when.

The whole of it, for real, is in `test_end_to_end.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sprd import pipeline
from sprd.config.trial import AugmentSection, FeaturesSection
from sprd.errors import DataError, SprdError
from sprd.sweep.rows.row import Trial
from tests.audio.recorded import RATE_HZ, record, section, write
from tests.builders import make_row

TRIALS = [make_row(0, score=0.7), make_row(1, score=0.9), make_row(2, score=0.8)]


class Story:
    """Notes which parts of other rooms were called, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.parts: list[str] = []
        self.exported: list[list[int]] = []
        self.results = [(TRIALS[2], SimpleNamespace()), (TRIALS[1], SimpleNamespace())]
        self.failures: dict[int, str] = {}
        self.is_done = False
        self.sweep = SimpleNamespace(
            default=SimpleNamespace(data="data", budget="budget"),
            sweep=SimpleNamespace(confirm_folds=None, confirm_trials=2),
            objectives=(SimpleNamespace(key="balanced_accuracy", gain=lambda value: value),),
            path=Path("x.toml"),
        )
        table = SimpleNamespace(trials=list(TRIALS))
        paths = SimpleNamespace(folds=folder / "folds.jsonl", importances=folder / "i.json")
        self.run: Any = SimpleNamespace(
            sweep=self.sweep, table=table, paths=paths, data=None, folder=folder
        )
        self.watcher: Any = SimpleNamespace(note=self.parts.append, progress=None)
        corpus = SimpleNamespace(fingerprint="f", allowed=())
        earlier = SimpleNamespace(tell=lambda note: note("earlier told"))
        search = SimpleNamespace(is_done=False, gave_up="none fits")
        self.search = search
        results: dict[str, Any] = {
            "_look_at_data": corpus,
            "earlier_runs": earlier,
            "references_of": (),
            "Search": search,
            "all_over": "all over",
            "train_here": make_row(0),
        }
        for name in (
            "check_search", "references_of", "_look_at_data", "check_folds",
            "earlier_runs", "begin", "check_data", "Search", "prepare", "check_streams",
            "keep_importances", "all_over", "check_verifiable", "train_here",
            "check_machine", "check_processes", "check_features",
        ):  # fmt: skip
            monkeypatch.setattr(pipeline, name, self._part(name, results.get(name)))
        monkeypatch.setattr(pipeline, "only_one", self._block("only_one"))
        monkeypatch.setattr(pipeline, "open_cluster", self._block("cluster"))
        monkeypatch.setattr(pipeline, "Confirmation", self._confirmation)
        monkeypatch.setattr(pipeline, "export_best", self._export)

    def _part(self, name: str, result: Any) -> Callable[..., Any]:
        def part(*args: Any) -> Any:
            self.parts.append(name)
            return result

        return part

    def _block(self, name: str) -> Callable[..., Any]:
        @contextmanager
        def block(*args: Any) -> Iterator[Any]:
            self.parts.append(name)
            yield SimpleNamespace(run=lambda jobs: self.parts.append("run"))
            self.parts.append(f"end of {name}")

        return block

    def _confirmation(self, sweep: Any, trials: list[Trial], n_folds: int, table: Any) -> Any:
        self.parts.append(f"{n_folds} folds of {[trial.number for trial in trials]}")
        return SimpleNamespace(results=lambda: self.results, failures=self.failures)

    def _export(self, run: Any, corpus: Any, best_first: list[Trial], gave_up: Any = None) -> Path:
        self.parts.append(f"export, {gave_up}")
        self.exported.append([trial.number for trial in best_first])
        return Path("bundle")


def test_recordings_stop_a_run_that_begins_and_none_that_goes_on(tmp_path: Path) -> None:
    """All that is wrong is told; what was allowed once stays allowed."""
    for name in ("up", "down", "left"):
        record(tmp_path / "data", name, level=0.0 if name == "up" else 5000.0)
    for path in (tmp_path / "data/up").iterdir():
        write(path, np.zeros(RATE_HZ, np.int16))
    default = SimpleNamespace(
        data=section(split_salt="3"), features=FeaturesSection(), augment=AugmentSection()
    )
    table = SimpleNamespace(rows=[])
    run: Any = SimpleNamespace(
        sweep=SimpleNamespace(default=default),
        data=(tmp_path / "data",),
        speech=(),
        folder=tmp_path,
        table=table,
    )
    notes: list[str] = []
    watcher: Any = SimpleNamespace(note=notes.append, progress=None)
    with pytest.raises(DataError, match=r"12 of 36 clips are silent.*--allow silent"):
        pipeline._look_at_data(run, watcher, ())
    assert [note.split(":")[0] for note in notes[1:]] == ["  silent", "  no_noise"]
    assert pipeline._look_at_data(run, watcher, ("silent",)).allowed == ("silent",)
    table.rows.append("a row")
    assert pipeline._look_at_data(run, watcher, ()).allowed == ()
    (tmp_path / "run.json").write_text('{"sweep_file": "x.toml", "allowed": ["silent"]}')
    assert pipeline._look_at_data(run, watcher, ()).allowed == ("silent",)


def test_cuts_that_no_reader_speaks_are_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They stop nothing: a sweep needs no running speech; without the key nothing is told."""
    corpus = SimpleNamespace(speech=())
    for name, result in (("index_data", None), ("find", ()), ("accept", corpus)):
        monkeypatch.setattr(pipeline, name, lambda *a, result=result: result)
    monkeypatch.setattr(pipeline, "allowed_of", lambda run: ())
    for n_cuts, n_lines in ((3500, 1), (0, 0)):
        augment = AugmentSection(speech_cuts=n_cuts)
        default = SimpleNamespace(data=None, features=None, augment=augment)
        sweep, table = SimpleNamespace(default=default), SimpleNamespace(rows=[])
        run: Any = SimpleNamespace(sweep=sweep, data=(), speech=(), table=table)
        notes: list[str] = []
        watcher: Any = SimpleNamespace(note=notes.append, progress=None)
        assert pipeline._look_at_data(run, watcher) is corpus
        assert len(notes) == n_lines
        assert not notes or "the 3,500 cuts of augment.speech_cuts are left out" in notes[0]


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Story:
    """A run of three trials."""
    return Story(monkeypatch, tmp_path)


def test_sweep_checks_searches_and_exports_the_best(story: Story) -> None:
    """What can be refused is, before the folder is touched; Ray ends before the export."""
    assert pipeline.run_sweep(story.run, None, None, story.watcher) == Path("bundle")
    assert story.parts == [
        "check_search", "check_machine", "references_of", "_look_at_data", "check_folds",
        "check_streams", "earlier_runs", "only_one", "begin", "Search", "earlier told", "prepare",
        "cluster", "run", "end of cluster", "keep_importances", "export, none fits",
        "end of only_one",
    ]  # fmt: skip
    assert story.exported == [[1, 2, 0]]


@pytest.mark.parametrize(("address", "is_done"), [("auto", False), (None, True)])
def test_features_are_made_where_trials_run_and_only_for_some(
    story: Story, address: str | None, is_done: bool
) -> None:
    """Each node of a cluster makes its own."""
    story.search.is_done = is_done
    pipeline.run_sweep(story.run, None, address, story.watcher)
    assert "prepare" not in story.parts


def test_best_few_are_confirmed_on_folds_and_come_first(story: Story) -> None:
    """In the order of their means; the others follow, and a failure is told."""
    story.sweep.sweep.confirm_folds = 5
    story.failures = {1: "trial 1, fold 2 of 5: x"}
    story.results = story.results[:1]
    pipeline.run_sweep(story.run, None, None, story.watcher)
    start = story.parts.index("5 folds of [1, 2]")
    assert story.parts[start : start + 5] == [
        "5 folds of [1, 2]", "run", "not confirmed: trial 1, fold 2 of 5: x", "all_over",
        "all over",
    ]  # fmt: skip
    assert story.exported == [[2, 1, 0]]


def test_nothing_is_confirmed_where_nothing_is_eligible(story: Story) -> None:
    """The export says why."""
    story.sweep.sweep.confirm_folds = 5
    story.run.table.trials = [make_row(0, "failed", error="x")]
    pipeline.run_sweep(story.run, None, None, story.watcher)
    assert story.exported == [[]] and not any("folds of" in part for part in story.parts)


def test_cross_validation_trains_the_folds_under_the_lock(story: Story) -> None:
    """On the run's own data; with scores in the order of their means."""
    assert pipeline.cross_validate(story.run, TRIALS[:1], 3, None, story.watcher) == story.results
    assert story.parts == [
        "check_machine", "_look_at_data", "check_data", "check_folds", "only_one", "cluster",
        "3 folds of [0]", "run", "end of cluster", "end of only_one",
    ]  # fmt: skip


def test_cross_validation_whose_fold_fails_says_which(story: Story) -> None:
    """A mean without it would not be one."""
    story.failures = {1: "trial 1, fold 2 of 3: out of memory."}
    with pytest.raises(SprdError, match=r"fold 2 of 3: out of memory\. The folds that ended"):
        pipeline.cross_validate(story.run, TRIALS[:1], 3, None, story.watcher)


def test_single_training_is_done_once(story: Story) -> None:
    """One that failed before is done again."""
    trial, bundle = pipeline.run_one(story.run, story.watcher)
    assert (trial, bundle) == (TRIALS[0], Path("bundle"))
    assert "train_here" not in story.parts and story.exported == [[0]]
    story.run.table.trials = [make_row(0, "failed", error="x")]
    assert pipeline.run_one(story.run, story.watcher)[0] == make_row(0)
    assert "train_here" in story.parts


def test_single_training_that_fails_is_an_error(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason, and no bundle."""
    failed = make_row(0, "failed", error="the loss must be finite.")
    monkeypatch.setattr(pipeline, "train_here", lambda *args: failed)
    story.run.table.trials = []
    with pytest.raises(SprdError, match=r"x\.toml: the loss must be finite\.$"):
        pipeline.run_one(story.run, story.watcher)
    assert story.exported == []
