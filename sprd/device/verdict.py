"""Compares what a model takes with what it may take. Pure: no file, no model, no board is read."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sprd.config.limits import LIMITED_KEYS, Limit, Violation, find_violations
from sprd.errors import ConfigError, suggest

if TYPE_CHECKING:
    from sprd.device.footprint import Footprint


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
