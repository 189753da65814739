"""Which trial of a run to take: by one number, under limits given now."""

from collections.abc import Iterable, Sequence
from math import inf

from sprd.config.limits import Limit, find_violations
from sprd.config.numbers import KEYS, number_of
from sprd.config.objectives import natural
from sprd.errors import BudgetError, ConfigError, suggest
from sprd.sweep.rows.row import Trial


def pick_row(rows: Iterable[Trial], by: str, limits: Sequence[Limit]) -> Trial:
    """Returns the eligible trial that is best by one key; of equals the more accurate one.

    Raises:
        ConfigError: The key is unknown.
        BudgetError: No trial is within the limits.
    """
    if by not in KEYS:
        raise ConfigError(f"--by: unknown key {by!r}. {suggest(by, KEYS)}")
    eligible = [row for row in rows if row.is_eligible]
    known = [row for row in eligible if _known(row, by) < inf]
    fitting = [row for row in known if not find_violations(row.known, limits)]
    sign = -1 if natural(by).maximize else 1
    if not fitting:
        wanted = ", ".join(map(str, limits)) or "the budget"
        values = [_known(row, by) for row in known]
        best = number_of(by).text(min(values, key=lambda value: sign * value, default=None))
        found = f"; best {by} of all: {best}" if eligible else ""
        raise BudgetError(
            f"No trial is within {wanted}: 0 of {len(eligible)}"
            f" eligible{found}. Loosen a limit, or run more trials."
        )
    return min(
        fitting, key=lambda r: (sign * _known(r, by), -r.value("balanced_accuracy"), r.number)
    )


def _known(row: Trial, key: str) -> float:
    """The number, or infinity where it is unknown."""
    found = row.known(key)
    return inf if found is None else found
