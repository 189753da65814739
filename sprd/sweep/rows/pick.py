"""Which trial of a run to take: by one number, under limits given now."""

from collections.abc import Iterable, Mapping
from math import inf

from sprd.config.numbers import KEYS, natural
from sprd.errors import BudgetError, ConfigError, suggest
from sprd.sweep.rows.table import Row


def pick_row(
    rows: Iterable[Row],
    by: str,
    limits: Mapping[str, float],
    min_balanced_accuracy: float | None = None,
) -> Row:
    """Returns the eligible trial that is best by one key; of equals the more accurate one.

    Raises:
        ConfigError: The key is unknown.
        BudgetError: No trial is within the limits.
    """
    if by not in KEYS:
        raise ConfigError(f"--by: unknown key {by!r}. {suggest(by, KEYS)}")
    least = min_balanced_accuracy or 0.0
    eligible = [row for row in rows if row.is_eligible]
    fitting = [row for row in eligible if _fits(row, limits, least) and _known(row, by) < inf]
    sign = -1 if natural(by).maximize else 1
    if not fitting:
        wanted = [f"{key} <= {limit:,}" for key, limit in limits.items()]
        wanted += [f"balanced_accuracy >= {least:g}"] if least else []
        known = [_known(row, by) for row in eligible if _known(row, by) < inf]
        best = f"{min(known, key=lambda value: sign * value):,.6g}" if known else "unknown"
        found = f"; best {by} of all: {best}" if eligible else ""
        raise BudgetError(
            f"No trial is within {', '.join(wanted) or 'the budget'}: 0 of {len(eligible)}"
            f" eligible{found}. Loosen a limit, or run more trials."
        )
    return min(
        fitting, key=lambda r: (sign * _known(r, by), -r.value("balanced_accuracy"), r.number)
    )


def _fits(row: Row, limits: Mapping[str, float], least: float) -> bool:
    within = all(_known(row, key) <= limit for key, limit in limits.items())
    return within and row.value("balanced_accuracy") >= least


def _known(row: Row, key: str) -> float:
    """The number, or infinity where it is unknown: what is unknown fits no limit."""
    found = row.known(key)
    return inf if found is None else found
