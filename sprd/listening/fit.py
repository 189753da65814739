"""What a model answered to validation streams in, a recogniser that keeps to a limit out.

Limits are of false accepts an hour of running speech, and of other words, that nothing was fitted
to. So one more is reckoned with than there are, and the rate that is told is of folds of readers:
every hour counts once, with a recogniser that was fitted without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sprd.config.recognizer import FIT, RecognizerSection
from sprd.listening.choose import EXPECTED_UNSEEN
from sprd.listening.counts import open_scenes
from sprd.listening.matching import HeardStream as HeardStream
from sprd.listening.rates import Rate, rate_of
from sprd.listening.recognizers import Recognizer
from sprd.listening.search import Search

UNFITTED = Recognizer("recognize_commands", 1000, (200,), 1500, 3, 0)
"""What is taken where there is no running speech: what TensorFlow Lite Micro's example has."""

MATERIALS = {"speech": "running speech", "words": "other words one after the other"}
"""Materials with a limit, in words."""


@dataclass(frozen=True)
class CrossFitted:
    """What recognisers do in speech and with speakers that they were not fitted to.

    `rates`, by material, count every hour once. `recall` is the mean of those in quiet, at 20 and
    at 10 dB, every word counting once.
    """

    rates: Mapping[str, Rate]
    recall: float
    recognizers: tuple[Recognizer, ...]


@dataclass(frozen=True)
class Fitted:
    """A recogniser, and what is to be expected of it.

    `seen` has, by material, the false accepts that are left in what it was fitted to, with
    `recall_seen`. `unseen` is None where one recording alone was there. `table` has the windows
    that were compared, `limits` by material the false accepts an hour that were asked for.
    `shortfall` says why a limit is not kept, where it is not.
    """

    recognizer: Recognizer
    recall_seen: float
    seen: Mapping[str, Rate] = field(default_factory=dict)
    unseen: CrossFitted | None = None
    table: tuple[dict[str, float], ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    shortfall: str | None = None

    @property
    def rate_expected(self) -> Rate | None:
        """False accepts an hour of unseen running speech."""
        return self.unseen.rates["speech"] if self.unseen else None

    def as_dict(self) -> dict[str, object]:
        """Returns what a record keeps."""
        unseen = self.unseen
        return {
            "seen": _told(self.seen, self.recall_seen),
            "unseen": unseen and _told(unseen.rates, unseen.recall),
            "windows": [dict(row) for row in self.table],
            "limits": dict(self.limits),
            "shortfall": self.shortfall,
        }


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
        heard: Running speech, other words and keywords of speakers in no training, one or several
            seeds; other streams are left out.
        keywords: The labels of the model from the third on.
        section: What is fixed, and the limits.
        n_folds: Of readers, to tell what happens in unseen speech.
        interval_ms: Between two inferences; None is what lies between those of `heard`.
    """
    search = Search(open_scenes(heard, keywords, n_folds), section, interval_ms or _usual(heard))
    if "speech" not in search.limits:
        return _unfitted(search)
    everything = np.ones(search.scenes.n_folds, bool)
    chosen = search.choose(everything)
    seen = _rates({name: float(n.sum()) for name, n in chosen.false.items()}, search)
    recall = float(chosen.hits.sum())
    return Fitted(
        recognizer=chosen.recognizer,
        recall_seen=recall,
        seen=seen,
        unseen=_cross_fit(search) if search.scenes.n_folds > 1 else None,
        table=tuple(
            {"average_window_ms": window, "recall": round(search.recall(window, everything), 6)}
            for window in search.windows
        ),
        limits=search.limits,
        shortfall=_shortfall(seen, recall, search.limits),
    )


def _cross_fit(search: Search) -> CrossFitted:
    """Fits to all folds but one, and counts in that one, in turn."""
    n_folds = search.scenes.n_folds
    chosen = [search.choose(np.arange(n_folds) != fold) for fold in range(n_folds)]
    false = {
        name: sum(float(one.false[name][fold]) for fold, one in enumerate(chosen))
        for name in chosen[0].false
    }
    recall = sum(float(one.hits[fold]) for fold, one in enumerate(chosen))
    return CrossFitted(_rates(false, search), recall, tuple(one.recognizer for one in chosen))


def _rates(false: Mapping[str, float], search: Search) -> dict[str, Rate]:
    hours = search.scenes.hours
    return {name: rate_of(round(n, 6), float(hours[name].sum())) for name, n in false.items()}


def _told(rates: Mapping[str, Rate], recall: float) -> dict[str, object]:
    return {"recall": round(recall, 6), **{name: rate.as_dict() for name, rate in rates.items()}}


def _unfitted(search: Search) -> Fitted:
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
    if section.minimum_count == FIT:
        held = min(recognizer.minimum_count, recognizer.n_results)
        recognizer = replace(recognizer, minimum_count=held)
    shortfall = "No running speech to fit to: what is not fixed is as in TFLM's example."
    scenes = search.scenes
    recall = float(scenes.count(scenes.prepare(recognizer), [recognizer]).hits.sum())
    return Fitted(recognizer, recall, shortfall=shortfall)


def _shortfall(seen: Mapping[str, Rate], recall: float, limits: Mapping[str, float]) -> str | None:
    """Why a limit is not kept, and what it would take."""
    for name, limit in limits.items():
        rate, needed = seen[name], hours_needed(limit)
        asked = f"{limit:g} false accepts an hour of {MATERIALS[name]}"
        if rate.hours < needed:
            return (
                f"{asked} take at least {needed:.2g} h of it to fit to, got {rate.hours:.2g} h."
                " The thresholds are the lowest without a false accept."
            )
        if rate.per_hour > limit:
            return (
                f"No threshold keeps to {asked}: the best has {rate.per_hour:.2g} at a recall of"
                f" {recall:.2g}."
            )
    return None


def _usual(heard: Sequence[HeardStream]) -> int:
    """The usual time between two inferences."""
    steps: list[NDArray[np.int64]] = [
        np.diff(one.times_ms) for one in heard if len(one.times_ms) > 1
    ]
    return round(float(np.median(np.concatenate(steps)))) if steps else 1
