"""Compares what a model takes with what it may take. Pure: no file, no model, no board is read."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sprd.config.limits import LIMITED_KEYS, Limit, Violation, at_most, find_violations
from sprd.errors import ConfigError, suggest

if TYPE_CHECKING:
    from sprd.config.trial import Budget
    from sprd.device.footprint import Footprint


def limits_of(budget: "Budget") -> tuple[Limit, ...]:
    """Returns the limits of a footprint: the budget's own, else its board's flash and RAM.

    `max_accuracy_drop` and `max_false_accept_rate` are no limits of a footprint.
    """
    own = {key: getattr(budget, key) for key in LIMITED_KEYS}
    board = budget.board
    if board is None:
        return at_most(own)
    of_board = {"flash_bytes": board.flash_bytes, "ram_bytes": board.ram_bytes}
    return at_most(of_board | {key: bound for key, bound in own.items() if bound is not None})


def check(footprint: "Footprint", limits: Iterable[Limit]) -> tuple[Violation, ...]:
    """Returns the limits that a footprint breaks, worst first.

    Latency is compared by its estimate, not by its upper end.

    Raises:
        ConfigError: A limit's key is none of `LIMITED_KEYS`.
    """
    known = tuple(limits)
    for limit in known:
        if limit.key not in LIMITED_KEYS:
            raise ConfigError(
                f"limits: unknown key {limit.key!r}. {suggest(limit.key, LIMITED_KEYS)}"
            )
    found = find_violations(lambda key: getattr(footprint, key), known)
    return tuple(sorted(found, key=lambda one: (-one.ratio, one.key)))
