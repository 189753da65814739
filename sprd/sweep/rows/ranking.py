"""Trials in; which is best, which no other beats, which missed by least out."""

from collections.abc import Iterable, Sequence

from sprd.config.numbers import number_of
from sprd.config.objectives import Objective
from sprd.errors import BudgetError
from sprd.sweep.rows.guessing import is_guess
from sprd.sweep.rows.row import Trial


def gains(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """Returns a trial's objectives so that more is better; None if one of them is unknown."""
    values = [(o, trial.known(o.key)) for o in objectives]
    found = tuple(o.gain(value) for o, value in values if value is not None)
    return found if len(found) == len(objectives) else None


def ranking(trials: Iterable[Trial], objective: Objective) -> list[Trial]:
    """Returns the eligible trials, best first; of equals the one with less flash and RAM."""
    eligible = [trial for trial in trials if trial.is_eligible and gains(trial, (objective,))]

    def order(trial: Trial) -> tuple[float, float, float, int]:
        footprint = trial.footprint
        return (
            -objective.gain(trial.value(objective.key)),
            footprint.get("flash_bytes") or 0,
            footprint.get("ram_bytes") or 0,
            trial.number,
        )

    return sorted(eligible, key=order)


def frontier(trials: Iterable[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Returns the eligible trials that no other one dominates, best by the first objective first.

    A trial dominates another if it is no worse in any objective and better in one. Of trials with
    the same objectives the first stays. One of which an objective is unknown is not on the
    frontier.
    """
    found: list[tuple[tuple[float, ...], Trial]] = []
    for trial in ranking(trials, objectives[0]):
        gain = gains(trial, objectives)
        if gain is None or any(_covers(other, gain) for other, _ in found):
            continue
        found = [(other, kept) for other, kept in found if not _covers(gain, other)]
        found.append((gain, trial))
    return [trial for _, trial in found]


def _covers(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Whether the first is no worse in any."""
    return all(a >= b for a, b in zip(first, second, strict=True))


def nearest_misses(trials: Iterable[Trial], most: int = 3) -> list[Trial]:
    """Returns the trials that missed the budget by least."""
    missed = [trial for trial in trials if trial.violations]
    return sorted(missed, key=lambda trial: (excess(trial), trial.number))[:most]


def excess(trial: Trial) -> float:
    """Returns by what share of its limit a trial misses the budget, all its misses added."""
    return sum(violation.excess for violation in trial.violations)


def budget_error(trials: Iterable[Trial]) -> BudgetError:
    """Returns the error for a run in which nothing may be exported."""
    every = list(trials)
    if guessing := [trial for trial in every if is_guess(trial.violations)]:
        return _guess_error(every, guessing)
    n_trained = sum(trial.status == "trained" for trial in every)
    misses = [
        f"trial {trial.number}: {', '.join(map(str, trial.violations))}"
        for trial in nearest_misses(every)
    ]
    nearest = "; ".join(misses) if misses else "none was measured"
    sizes = [(trial.footprint["model_bytes"], trial.number) for trial in every if trial.footprint]
    if sizes:
        smallest, number = min(sizes)
        nearest += (
            f". Smallest model seen: {number_of('model_bytes').text(smallest)} (trial {number})"
        )
    return BudgetError(
        f"No trial fits the budget: 0 of {len(every)} ({n_trained} trained). Nearest: {nearest}."
        " Raise the limit in [budget], or widen [space] towards smaller models."
    )


def _guess_error(every: Sequence[Trial], guessing: Sequence[Trial]) -> BudgetError:
    """What fits was trained, and guesses."""
    told = "; ".join(f"{one.name}: {', '.join(map(str, one.violations))}" for one in guessing[:3])
    return BudgetError(
        f"No trial is worth exporting: {len(guessing)} of {len(every)} fit, but {told}. Listen to"
        " the recordings (sprd data check), give more of them, or train for more steps."
    )
