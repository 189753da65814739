"""Scores in, whether their model is better than guessing out: the one rule for all who ask.

It looks at clips in which somebody speaks. Whatever hears them without regard to what is said, one
label for all or labels by lot, has recalls that add up to 1 at most: of n labels their mean is
1 / n, or less. A model is better where the 95 % interval of that mean lies above it. Silence is
left out: to tell it from speech is no keyword spotting, and lifts the balanced accuracy alone.

Of fewer than `FEW_CLIPS` such clips the interval is so wide that a fair model may fail, too: that
is told, and holds no export up.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sprd.config.labels import SILENCE_LABEL
from sprd.config.limits import Violation
from sprd.config.numbers import number_of
from sprd.model.evaluate import FEW_CLIPS
from sprd.model.exact import mean_interval
from sprd.sweep.rows.counts import counted, n_silence_of

GUESSING = "guessing"
"""The key of the violation of a model that is no better."""

_SCALE = number_of("balanced_accuracy")


def guess_of(metrics: Mapping[str, Any]) -> str | None:
    """Says that a model is no better than guessing, as far as its clips tell; None if it is better.

    Args:
        metrics: Of a row, or the scores of a record, older ones too; None where they lack recalls.
    """
    found = _mean_recall(metrics)
    if found is None or found[1][0] > found[2]:
        return None
    mean, interval, chance = found
    why = f"mean recall of words {_SCALE.text(mean, interval)}, guessing has {_SCALE.text(chance)}"
    if (n := _n_spoken(metrics)) is not None and n < FEW_CLIPS:
        return f"{counted(n, 'clip')} cannot tell it from guessing: {why}"
    return f"no better than guessing: {why}"


def guess_violations(metrics: Mapping[str, Any]) -> tuple[Violation, ...]:
    """Returns why a model is not exported: clips enough tell that it is no better than a guess."""
    n, told = _n_spoken(metrics), guess_of(metrics)
    if told is None or (n is not None and n < FEW_CLIPS):
        return ()
    return (Violation(GUESSING, None, None, error=told),)


def is_guess(violations: Sequence[Violation]) -> bool:
    """Whether a trial is kept back for guessing alone."""
    return bool(violations) and all(one.key == GUESSING for one in violations)


def _mean_recall(
    metrics: Mapping[str, Any],
) -> tuple[float, tuple[float, float], float] | None:
    """The mean recall of the labels of speech that occur, its interval, and what a guess has."""
    intervals = metrics.get("intervals") or {}
    rates = [
        (float(value), float(bounds[0]), float(bounds[1]))
        for label, value in (metrics.get("recall") or {}).items()
        if label != SILENCE_LABEL
        and value is not None
        and (bounds := intervals.get(f"recall {label}"))
    ]
    if len(rates) < 2:
        return None  # whoever always says the one word is always right
    mean = sum(value for value, _, _ in rates) / len(rates)
    return mean, mean_interval(rates), 1 / len(rates)


def _n_spoken(metrics: Mapping[str, Any]) -> int | None:
    """Clips in which somebody speaks; a row tells their number only where it is small."""
    n_clips = metrics.get("n_clips")
    return None if n_clips is None else n_clips - n_silence_of(metrics)
