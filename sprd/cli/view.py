"""What a person sees of a sweep: a live view on a terminal, one line a trial when piped."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from sprd.cli.grid import whole_words
from sprd.cli.text import console
from sprd.config.numbers import number_of
from sprd.config.objectives import Objective, natural
from sprd.sweep.rows.guessing import guess_of, is_guess
from sprd.sweep.rows.ranking import ranking
from sprd.sweep.rows.row import Fold, Reference, Row, Trial

if TYPE_CHECKING:
    from sprd.sweep.search.jobs import Candidate

_SHOWN_ROWS = 8

_LOG_INTERVAL_S = 20.0
"""Between two lines about one stage, where there is no terminal."""


def row_line(row: Row) -> str:
    """Words how something ended."""
    if isinstance(row, Fold):
        if row.result is None:
            return f"{row.name}: failed: {row.error}"
        accuracy = row.result.scores["balanced_accuracy"]
        return f"{row.name}: {number_of('balanced_accuracy').phrase(accuracy)}"
    if row.status == "infeasible":
        why = row.error or ", ".join(map(str, row.violations))
        return f"{row.name}: does not fit: {why}"
    if row.status == "failed":
        return f"{row.name}: failed: {row.error}"
    if row.status == "stopped":
        score = _phrase(row, "val_balanced_accuracy")
        return f"{row.name}: stopped at step {row.step:,}, {score}"
    text = f"{row.name}: {_phrase(row, 'balanced_accuracy')}"
    if row.known("recall_streaming") is not None:
        text += f", {_phrase(row, 'recall_streaming')}"
    if isinstance(row, Reference):
        return text
    return f"{text}, {size(row)}{_kept_back(row)}"


def _kept_back(row: Trial) -> str:
    """Why a trained trial is not exported, or what speaks against it."""
    if row.violations:
        why = "not exported" if is_guess(row.violations) else "over budget"
        return f"; {why}: {', '.join(map(str, row.violations))}"
    guess = guess_of(row.metrics)
    return f"; {guess}" if guess else ""


def size(row: Trial) -> str:
    """Words what a trial's model takes."""
    keys = ["model_bytes", "arena_host_bytes"]
    if row.known("latency_ms") is not None:
        keys.append("latency_ms")
    return ", ".join(_phrase(row, key) for key in keys)


def _phrase(row: Trial | Reference, key: str) -> str:
    return number_of(key).phrase(row.known(key))


class SweepView:
    """Shows a sweep while it runs: a `sprd.sweep.search.jobs.Watcher`."""

    def __init__(
        self,
        rows: Sequence[Trial | Reference],
        n_trials: int,
        objective: Objective | None = None,
        heading: str = "",
    ) -> None:
        """Shows `heading` once something is trained: what ends before is said in one line."""
        trials = [row for row in rows if isinstance(row, Trial)]
        self._rows, self._n_trials = rows, n_trials
        self._objective = objective or natural("balanced_accuracy")
        self._console, self._heading = console(), heading
        self._candidates: dict[int, Candidate] = {}
        self._running: dict[str, tuple[Candidate, Mapping[str, float]]] = {}  # by name
        self._started_at: float | None = None
        self._stage = _Stage()
        self._counts = Counter(trial.status for trial in trials)
        self._n_before = self._counts["trained"]
        self._best_row = next(iter(ranking(trials, self._objective)), None)
        self._live: Live | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(max(4, min(30, self._console.width - 50))),
            TextColumn("{task.fields[left]}"),
        )
        self._task = self._bar.add_task("trials", total=n_trials, left="")
        self._stage_task: TaskID | None = None

    def __enter__(self) -> "SweepView":
        if self._console.is_terminal and self._n_trials:
            self._live = Live(
                console=self._console, get_renderable=self._render, refresh_per_second=4
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, text: str) -> None:
        """Something that is worth a line."""
        self._console.print(Text(text))

    def started(self, candidate: "Candidate") -> None:
        """A candidate went to a worker."""
        if self._heading:
            self.note(self._heading)
            self._heading = ""
        self._started_at = self._started_at or time.monotonic()
        self._candidates[candidate.number] = candidate
        self._running[candidate.name] = candidate, {}

    def progressed(self, number: int, metrics: Mapping[str, float]) -> None:
        """A training evaluated its model."""
        candidate = self._candidates[number]
        self._running[candidate.name] = candidate, metrics

    def ended(self, row: Row) -> None:
        """A training became a row."""
        if ended := self._running.pop(row.name, None):
            self._candidates.pop(ended[0].number, None)
        if isinstance(row, Trial):
            self._counts[row.status] += 1
            contenders = [row] if self._best_row is None else [self._best_row, row]
            self._best_row = next(iter(ranking(contenders, self._objective)), self._best_row)
        if self._live is None:
            best = self._best_row
            incumbent = f" | best: trial {best.number}, {self._score(best)}" if best else ""
            done = f"[{self._counts['trained']}/{self._n_trials}]"
            self._console.print(Text(f"{done} {row_line(row)}{incumbent}"))

    def progress(self, what: str, done: int, total: int) -> None:
        """Something other than a trial moved on: reading, speaking, computing features."""
        self._stage.move(what, done, total)
        if self._live is not None:
            if self._stage_task is None:
                self._stage_task = self._bar.add_task(what, left="")
            self._bar.update(
                self._stage_task,
                description=what,
                completed=done,
                total=total,
                left=self._stage.left(),
            )
            if done >= total:
                self._bar.remove_task(self._stage_task)
                self._stage_task = None
        elif self._console.is_terminal:
            if done == total or done % 50 == 0:
                self._console.print(
                    f"{what}: {done:,} of {total:,}", end="\r" if done < total else "\n"
                )
        elif self._stage.is_due():
            self._console.print(f"{what}: {done:,} of {total:,}, {self._stage.left()}")

    def _score(self, row: Trial) -> str:
        return f"{_phrase(row, self._objective.key)}, {size(row)}"

    def _render(self) -> Group:
        counts = self._counts
        trained = counts["trained"]
        self._bar.update(self._task, completed=trained, left=self._time_left(trained))
        summary = f"{trained} of {self._n_trials} trained · {counts['infeasible']} did not fit"
        summary += f" · {counts['stopped']} stopped · {counts['failed']} failed"
        best = self._best_row
        incumbent = f"best: trial {best.number}, {self._score(best)}" if best else "best: none yet"
        lines = [(summary, ""), (incumbent, "bold")]
        lines += [(row_line(row), _style(row)) for row in self._rows[-_SHOWN_ROWS:]]
        lines += [(_running_line(*running), "cyan") for running in list(self._running.values())]
        width = self._console.width
        shown = (Text(whole_words(line, width), style, no_wrap=True) for line, style in lines)
        return Group(self._bar, *shown)

    def _time_left(self, trained: int) -> str:
        new = trained - self._n_before
        if new <= 0 or self._started_at is None:
            return "time left: measuring"
        seconds = (time.monotonic() - self._started_at) / new * (self._n_trials - trained)
        return f"about {max(0, round(seconds / 60))} min left"


def _running_line(candidate: "Candidate", metrics: Mapping[str, float]) -> str:
    step = int(metrics.get("step", 0))
    text = f"{candidate.name}: step {step:,} of {candidate.config.train.n_steps:,}"
    key = "val_balanced_accuracy"
    return f"{text}, {number_of(key).phrase(metrics[key])}" if key in metrics else text


class _Stage:
    """How far something is that trials wait for, and when to say so."""

    def __init__(self) -> None:
        self._what = ""
        self._since = self._told_at = 0.0
        self._first = self._done = self._total = 0

    def move(self, what: str, done: int, total: int) -> None:
        """Takes in how far it is."""
        if what != self._what:
            self._what, self._first = what, done
            self._since = self._told_at = time.monotonic()
        self._done, self._total = done, total

    def is_due(self) -> bool:
        """Whether a log wants another line."""
        if time.monotonic() - self._told_at < _LOG_INTERVAL_S:
            return False
        self._told_at = time.monotonic()
        return True

    def left(self) -> str:
        """Words the time left."""
        moved = self._done - self._first
        if moved <= 0:
            return ""
        seconds = (time.monotonic() - self._since) / moved * (self._total - self._done)
        return (
            f"about {seconds:,.0f} s left"
            if seconds < 120
            else f"about {seconds / 60:,.0f} min left"
        )


def _style(row: Trial | Reference) -> str:
    return {"infeasible": "dim", "stopped": "dim", "failed": "red"}.get(row.status, "")
