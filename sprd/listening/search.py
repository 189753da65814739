"""What a section leaves open in, recognisers fitted to some folds of streams out.

Window and thresholds are fitted to the folds that are asked for; suppression and minimum count to
all of them, as little hangs on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sprd.config.recognizer import (
    FIT,
    FIT_WINDOWS_MS,
    RecognizerSection,
    longest_window_ms,
    n_averaged,
    real_interval_ms,
)
from sprd.listening.choose import (
    EXPECTED_UNSEEN,
    Limited,
    choose_level,
    choose_offsets,
    from_above,
    mean_recall,
)
from sprd.listening.counts import Counts, Prepared, Scenes
from sprd.listening.measures import HIGHEST_THRESHOLD, LOWEST_THRESHOLD, levels_of
from sprd.listening.recognizers import Recognizer

WINDOWS_MS = tuple(range(FIT_WINDOWS_MS[0], FIT_WINDOWS_MS[1] + 1, 100))
SUPPRESSIONS_MS = (1500, 1000, 2000)
MINIMUM_COUNTS = (3, 1)
"""What a fit chooses from; of suppressions and counts that hear as much the first, as
TensorFlow Lite Micro's example has it."""

SLIDING_COUNTS = (1,)
"""A ring that starts as zeros needs no count."""

MIDDLE_WINDOW_MS = 700
"""Suppression and count are chosen at the window nearest to it."""

MIDDLE_THRESHOLD = 150
"""From here thresholds are moved, together and apart."""

THRESHOLD_STEP, ROUGH_STEP = 3, 9
"""Between the thresholds at which windows and keywords, and suppressions and counts, are compared;
the last step is by 1."""

MOST_COMPARED, MOST_CHOSEN = 20, 4
"""How many times the limit lower thresholds let through that nobody looks at any more."""

WORTH = 0.005
"""Recall that a longer window has to gain, as it answers later."""

Folds = NDArray[np.bool_]
"""(n_folds,), bool: those that are looked at."""


@dataclass(frozen=True)
class Chosen:
    """A recogniser, and what it does in each fold, (n_folds,): false accepts by material, hits."""

    recognizer: Recognizer
    false: dict[str, NDArray[np.float64]]
    hits: NDArray[np.float64]


@dataclass(frozen=True)
class Search:
    """Recognisers that a section leaves open, and what they do in streams."""

    scenes: Scenes
    section: RecognizerSection
    interval_ms: int

    @property
    def limits(self) -> Mapping[str, float]:
        """Material -> false accepts an hour; of too little material for it there is no limit."""
        section = self.section
        asked = {
            "speech": section.max_false_accepts_per_hour,
            "words": section.max_false_accepts_per_hour_words,
        }
        return {
            name: asked[name]
            for name, hours in self.scenes.hours.items()
            if name == "speech" or asked[name] * hours.sum() >= EXPECTED_UNSEEN
        }

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
        """Those that hold more than one inference, and no more than the firmware keeps.

        Where the minimum count is fixed, they hold as many.
        """
        if self.section.average_window_ms != FIT:
            return (int(self.section.average_window_ms),)
        longest = longest_window_ms(self.section.kind, self.interval_ms)
        fixed = self.section.minimum_count
        least = 2 if fixed == FIT else max(2, int(fixed))
        held = (w for w in WINDOWS_MS if w <= longest and self._n_held(w) >= least)
        return tuple(held) or (max(longest, self.interval_ms),)

    @cached_property
    def rules(self) -> tuple[int, int]:
        """Suppression and minimum count."""
        suppressions: tuple[int, ...] = SUPPRESSIONS_MS
        counts: tuple[int, ...] = MINIMUM_COUNTS
        window = min(self.windows, key=lambda one: abs(one - MIDDLE_WINDOW_MS))
        if self.section.kind == "sliding_mean":
            counts = SLIDING_COUNTS
        elif self._n_held(window // 4) >= max(counts):
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

    def choose(self, folds: Folds) -> Chosen:
        """Fits to these folds."""
        recalls = [self.recall(window, folds) for window in self.windows]
        best = next(i for i, recall in enumerate(recalls) if recall >= max(recalls) - WORTH)
        window, table = self.windows[best], self.tables[self.windows[best]]
        offsets = (0,) * self.scenes.n_keywords
        if self.thresholds is None:
            hits = table.hits[:, folds].sum(1) / self._weight(folds)
            offsets, _ = choose_offsets(self._limited(table, folds), hits)
        levels, counts = self._along(window, offsets)
        alike = (0,) * self.scenes.n_keywords
        level = choose_level([one.along(alike) for one in self._limited(counts, folds)])
        return Chosen(
            recognizer=levels[level],
            false={name: false[level].sum(1) for name, false in counts.false.items()},
            hits=counts.hits[level].sum(1),
        )

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
            self.paths[window, offsets] = levels[-len(counts.hits) :], counts
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
        """What they do, down to so many times a limit, and some where there is little material."""
        key = recognizers[0].average_window_ms, recognizers[0].minimum_count
        if key not in self.prepared:
            self.prepared[key] = self.scenes.prepare(recognizers[0])
        most = {
            name: times * (limit * float(self.scenes.hours[name].sum()) + 1)
            for name, limit in self.limits.items()
        }
        return self.scenes.count(self.prepared[key], recognizers, most)

    def _recognizer(
        self, window: int, suppression_ms: int, minimum_count: int, thresholds: tuple[int, ...]
    ) -> Recognizer:
        """With no more in a fitted minimum count than its window holds."""
        made = Recognizer(
            kind=self.section.kind,
            average_window_ms=window,
            thresholds=thresholds,
            suppression_ms=suppression_ms,
            minimum_count=minimum_count,
            interval_ms=self.interval_ms,
        )
        if self.section.minimum_count != FIT:
            return made
        return replace(made, minimum_count=min(minimum_count, made.n_results))

    def _n_held(self, window: int) -> int:
        """Inferences that a window holds on the device."""
        return n_averaged(window, real_interval_ms(self.interval_ms))

    def _limited(self, counts: Counts, folds: Folds) -> list[Limited]:
        """False accepts, (n_levels, n_keywords), with what is allowed in these folds."""
        return [
            Limited(
                counts.false[name][:, folds].sum(1),
                limit * float(self.scenes.hours[name][folds].sum()),
            )
            for name, limit in self.limits.items()
            if self.scenes.hours[name][folds].any()
        ]

    def _worth(self, counts: Counts, folds: Folds) -> float:
        """Recall at rates around the limits; with fixed thresholds, that of what keeps to them."""
        alike = (0,) * self.scenes.n_keywords
        limits = [one.along(alike) for one in self._limited(counts, folds)]
        hits = counts.hits[:, folds].sum((1, 2)) / self._weight(folds)
        if self.thresholds is None:
            return mean_recall(limits, hits)
        load = max(float(from_above(one.false)[0] / one.allowed) for one in limits)
        return float(hits[0]) if load <= 1 else -load

    def _weight(self, folds: Folds) -> float:
        """Of all words: hits divided by it are a recall."""
        return float(self.scenes.weights[folds].sum()) or 1.0
