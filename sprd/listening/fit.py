"""What a model answered to validation streams in, a recogniser that keeps to a limit out.

The limit is of false accepts an hour of running speech that nothing was fitted to. So one more is
reckoned with than there are, and the rate that is told is of folds of readers: every hour counts
once, with a recogniser that was fitted without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sprd.config.recognizer import FIT, FIT_WINDOWS_MS, RecognizerSection, n_averaged
from sprd.listening.choose import EXPECTED_UNSEEN, choose_level, choose_offsets, mean_recall
from sprd.listening.counts import Counts, Prepared, Scenes, open_scenes
from sprd.listening.matching import HeardStream as HeardStream
from sprd.listening.measures import HIGHEST_THRESHOLD, LOWEST_THRESHOLD, levels_of
from sprd.listening.rates import Rate, rate_of
from sprd.listening.recognizers import MAX_RESULTS, Recognizer

WINDOWS_MS = tuple(range(FIT_WINDOWS_MS[0], FIT_WINDOWS_MS[1] + 1, 100))
SUPPRESSIONS_MS = (1500, 1000, 2000)
MINIMUM_COUNTS = (3, 1)
"""What a fit chooses from; of suppressions and counts that hear as much the first, as
TensorFlow Lite Micro's example has it."""

SLIDING_COUNTS = (1,)
"""A ring that starts as zeros needs no count."""

UNFITTED = Recognizer("recognize_commands", 1000, (200,), 1500, 3, 0)
"""What is taken where there is no running speech: what TensorFlow Lite Micro's example has."""

MIDDLE_WINDOW_MS = 700
"""Suppression and count are chosen at the window nearest to it: they hardly hang together."""

MIDDLE_THRESHOLD = 150
"""From here thresholds are moved, together and apart."""

THRESHOLD_STEP = 3
"""Between the thresholds at which windows and keywords are compared; the last step is by 1."""

ROUGH_STEP = 9
"""The same where suppressions and counts are compared."""

MOST_COMPARED, MOST_CHOSEN = 20, 4
"""How many times the limit lower thresholds let through that nobody looks at any more."""

WORTH = 0.005
"""Recall that a longer window has to gain, as it answers later."""

Folds = NDArray[np.bool_]
"""(n_folds,), bool: those that are looked at."""


@dataclass(frozen=True)
class CrossFitted:
    """What recognisers do in speech and with speakers that they were not fitted to.

    `rate` counts every hour once. `recall` is the mean of those in quiet, at 20 and at 10 dB, every
    word counting once.
    """

    rate: Rate
    recall: float
    recognizers: tuple[Recognizer, ...]


@dataclass(frozen=True)
class Fitted:
    """A recogniser, and what is to be expected of it.

    `n_seen` false accepts are left in the `hours` of running speech that it was fitted to, with
    `recall_seen`. `unseen` is None where one recording alone was there. `table` has the windows
    that were compared. `shortfall` says why the limit is not kept, where it is not.
    """

    recognizer: Recognizer
    n_seen: float
    hours: float
    recall_seen: float
    unseen: CrossFitted | None = None
    table: tuple[dict[str, float], ...] = ()
    shortfall: str | None = None

    @property
    def rate_expected(self) -> Rate | None:
        """False accepts an hour of unseen speech."""
        return self.unseen.rate if self.unseen else None

    def as_dict(self) -> dict[str, object]:
        """Returns what a record keeps."""
        unseen = self.unseen
        return {
            "n_seen": round(self.n_seen, 3),
            "hours": round(self.hours, 4),
            "recall_seen": round(self.recall_seen, 6),
            "unseen": unseen and {**unseen.rate.as_dict(), "recall": round(unseen.recall, 6)},
            "windows": [dict(row) for row in self.table],
            "shortfall": self.shortfall,
        }


@dataclass(frozen=True)
class _Chosen:
    """A recogniser, and what it does in each fold: (n_folds,)."""

    recognizer: Recognizer
    false: NDArray[np.float64]
    hits: NDArray[np.float64]


def hours_needed(max_false_accepts_per_hour: float) -> float:
    """Returns the hours of running speech without which nothing is known of a limit."""
    return EXPECTED_UNSEEN / max_false_accepts_per_hour


def fit(
    heard: Sequence[HeardStream],
    keywords: Sequence[str],
    section: RecognizerSection,
    n_folds: int = 5,
    interval_ms: int | None = None,
) -> Fitted:
    """Fits what `section` leaves to a fit, for the most recall in quiet, at 20 and at 10 dB.

    Args:
        heard: Running speech and keywords of speakers in no training, one or several seeds; other
            streams are left out.
        keywords: The labels of the model from the third on.
        section: What is fixed, and the limit.
        n_folds: Of readers, to tell what happens in unseen speech.
        interval_ms: Between two inferences; None is what lies between those of `heard`.
    """
    scenes = open_scenes(heard, keywords, n_folds)
    search = _Search(scenes, section, interval_ms or _interval_of(heard))
    if not scenes.speech:
        return _unfitted(search)
    everything = np.ones(scenes.n_folds, bool)
    chosen = search.choose(everything)
    hours = float(scenes.hours.sum())
    recall = float(chosen.hits.sum())
    return Fitted(
        recognizer=chosen.recognizer,
        n_seen=float(chosen.false.sum()),
        hours=hours,
        recall_seen=recall,
        unseen=_cross_fit(search) if scenes.n_folds > 1 else None,
        table=tuple(
            {"average_window_ms": window, "recall": round(search.recall(window, everything), 6)}
            for window in search.windows
        ),
        shortfall=_shortfall(float(chosen.false.sum()), hours, recall, search),
    )


@dataclass(frozen=True)
class _Search:
    """Recognisers that a section leaves open, and what they do in streams."""

    scenes: Scenes
    section: RecognizerSection
    interval_ms: int

    @property
    def limit(self) -> float:
        return self.section.max_false_accepts_per_hour

    @property
    def thresholds(self) -> tuple[int, ...] | None:
        """Those that are fixed, one a keyword."""
        fixed = self.section.threshold
        if fixed == FIT:
            return None
        given = fixed if isinstance(fixed, tuple) else (int(fixed),)
        return given if len(given) > 1 else given * self.scenes.n_keywords

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Those that hold more than one inference, and no more than the firmware keeps."""
        if self.section.average_window_ms != FIT:
            return (int(self.section.average_window_ms),)
        longest = WINDOWS_MS[-1]
        if self.section.kind == "recognize_commands":
            longest = min(longest, (MAX_RESULTS - 1) * self.interval_ms)
        held = tuple(w for w in WINDOWS_MS if self.interval_ms <= w <= longest)
        return held or (max(longest, self.interval_ms),)

    @cached_property
    def rules(self) -> tuple[int, int]:
        """Suppression and minimum count."""
        suppressions: tuple[int, ...] = SUPPRESSIONS_MS
        counts: tuple[int, ...] = MINIMUM_COUNTS
        window = min(self.windows, key=lambda one: abs(one - MIDDLE_WINDOW_MS))
        if self.section.kind == "sliding_mean":
            counts = SLIDING_COUNTS
        elif n_averaged(window // 4, self.interval_ms) >= max(counts):
            counts = counts[:1]  # a quarter of the window holds as many: nothing is answered before
        if self.section.suppression_ms != FIT:
            suppressions = (int(self.section.suppression_ms),)
        if self.section.minimum_count != FIT:
            counts = (int(self.section.minimum_count),)
        pairs = list(product(suppressions, counts))
        if len(pairs) == 1:
            return pairs[0]
        everything = np.ones(self.scenes.n_folds, bool)
        tried = [self._count(window, *pair, step=ROUGH_STEP) for pair in pairs]
        return pairs[int(np.argmax([self._worth(counts, everything) for counts in tried]))]

    @cached_property
    def tables(self) -> dict[int, Counts]:
        """Window -> counts at thresholds that are the same for all keywords, or fixed."""
        return {window: self._count(window, *self.rules) for window in self.windows}

    @cached_property
    def prepared(self) -> dict[tuple[int, int], Prepared]:
        """What was prepared: window and minimum count -> what thresholds do not change."""
        return {}

    @cached_property
    def paths(self) -> dict[tuple[int, tuple[int, ...]], tuple[list[Recognizer], Counts]]:
        """What was counted along paths: window and offsets -> recognisers and counts."""
        return {}

    def recall(self, window: int, folds: Folds) -> float:
        """What windows are compared by."""
        return self._worth(self.tables[window], folds)

    def choose(self, folds: Folds) -> _Chosen:
        """Fits to these folds."""
        recalls = [self.recall(window, folds) for window in self.windows]
        best = next(i for i, recall in enumerate(recalls) if recall >= max(recalls) - WORTH)
        window, table = self.windows[best], self.tables[self.windows[best]]
        hours = float(self.scenes.hours[folds].sum())
        offsets = (0,) * self.scenes.n_keywords
        if self.thresholds is None:
            false, hits = table.false[:, folds].sum(1), table.hits[:, folds].sum(1)
            offsets, _ = choose_offsets(false, hits / self._weight(folds), hours, self.limit)
        levels, counts = self._along(window, offsets)
        level = choose_level(counts.false[:, folds].sum((1, 2)), hours, self.limit)
        return _Chosen(levels[level], counts.false[level].sum(1), counts.hits[level].sum(1))

    def _along(self, window: int, offsets: tuple[int, ...]) -> tuple[list[Recognizer], Counts]:
        """Recognisers whose thresholds move together, step by step, and what each does.

        Only those are there among which a level is chosen.
        """
        if (window, offsets) not in self.paths:
            levels = [self._recognizer(window, *self.rules, self.thresholds or ())]
            if self.thresholds is None:
                middle = tuple(MIDDLE_THRESHOLD + THRESHOLD_STEP * offset for offset in offsets)
                levels = levels_of(replace(levels[0], thresholds=middle))[:-1]
            counts = self._counted(levels, MOST_CHOSEN)
            self.paths[window, offsets] = levels[-len(counts.false) :], counts
        return self.paths[window, offsets]

    def _count(
        self, window: int, suppression_ms: int, minimum_count: int, step: int = THRESHOLD_STEP
    ) -> Counts:
        """At thresholds that are the same for all keywords, as far as they are compared."""
        grid = range(HIGHEST_THRESHOLD, LOWEST_THRESHOLD, -step)
        alike = [(threshold,) * self.scenes.n_keywords for threshold in reversed(grid)]
        tried = [self.thresholds] if self.thresholds else alike
        made = [self._recognizer(window, suppression_ms, minimum_count, one) for one in tried]
        return self._counted(made, MOST_COMPARED)

    def _counted(self, recognizers: list[Recognizer], times: float) -> Counts:
        """What they do, down to so many times the limit, and some where there is little speech."""
        key = recognizers[0].average_window_ms, recognizers[0].minimum_count
        if key not in self.prepared:
            self.prepared[key] = self.scenes.prepare(recognizers[0])
        most = times * (self.limit * float(self.scenes.hours.sum()) + 1)
        return self.scenes.count(self.prepared[key], recognizers, most)

    def _recognizer(
        self, window: int, suppression_ms: int, minimum_count: int, thresholds: tuple[int, ...]
    ) -> Recognizer:
        """With no more in its minimum count than its window holds."""
        made = Recognizer(
            kind=self.section.kind,
            average_window_ms=window,
            thresholds=thresholds,
            suppression_ms=suppression_ms,
            minimum_count=minimum_count,
            interval_ms=self.interval_ms,
        )
        return replace(made, minimum_count=min(minimum_count, made.n_results))

    def _worth(self, counts: Counts, folds: Folds) -> float:
        """Recall at rates around the limit; with fixed thresholds, that of what keeps to it."""
        hours = float(self.scenes.hours[folds].sum())
        false = counts.false[:, folds].sum((1, 2))
        hits = counts.hits[:, folds].sum((1, 2)) / self._weight(folds)
        if self.thresholds is None:
            return mean_recall(false, hits, hours, self.limit)
        return float(hits[0] if false[0] <= self.limit * hours else -false[0])

    def _weight(self, folds: Folds) -> float:
        """Of all words: hits divided by it are a recall."""
        return float(self.scenes.weights[folds].sum()) or 1.0


def _cross_fit(search: _Search) -> CrossFitted:
    """Fits to all folds but one, and counts in that one, in turn."""
    n_folds = search.scenes.n_folds
    chosen = [search.choose(np.arange(n_folds) != fold) for fold in range(n_folds)]
    n = sum(float(one.false[fold]) for fold, one in enumerate(chosen))
    recall = sum(float(one.hits[fold]) for fold, one in enumerate(chosen))
    hours = float(search.scenes.hours.sum())
    return CrossFitted(rate_of(n, hours), recall, tuple(one.recognizer for one in chosen))


def _unfitted(search: _Search) -> Fitted:
    """What is fixed, and the settings of TensorFlow Lite Micro's example for the rest."""
    section, default = search.section, UNFITTED

    def given(value: int | str, otherwise: int) -> int:
        return otherwise if value == FIT else int(value)

    recognizer = Recognizer(
        kind=section.kind,
        average_window_ms=given(section.average_window_ms, default.average_window_ms),
        thresholds=search.thresholds or default.thresholds * search.scenes.n_keywords,
        suppression_ms=given(section.suppression_ms, default.suppression_ms),
        minimum_count=given(section.minimum_count, default.minimum_count),
        interval_ms=search.interval_ms,
    )
    shortfall = "No running speech to fit to: what is not fixed is as in TFLM's example."
    scenes = search.scenes
    recall = float(scenes.count(scenes.prepare(recognizer), [recognizer]).hits.sum())
    return Fitted(recognizer, 0.0, 0.0, recall, shortfall=shortfall)


def _shortfall(n: float, hours: float, recall: float, search: _Search) -> str | None:
    """Why the limit is not kept, and what it would take."""
    limit, needed = search.limit, hours_needed(search.limit)
    asked = f"{limit:g} false accepts an hour"
    if hours < needed:
        return (
            f"{asked} take at least {needed:.2g} h of running speech to fit to, got {hours:.2g} h."
            " The thresholds are the lowest without a false accept."
        )
    if n / hours > limit:
        return (
            f"No threshold keeps to {asked}: the best has {n / hours:.2g} at a recall of"
            f" {recall:.2g}."
        )
    return None


def _interval_of(heard: Sequence[HeardStream]) -> int:
    """The usual time between two inferences."""
    steps = [np.diff(one.times_ms) for one in heard if len(one.times_ms) > 1]
    return round(float(np.median(np.concatenate(steps)))) if steps else 1
