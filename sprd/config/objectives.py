"""What decides among trials: numbers of a row, each to be made as large or as small as can be."""

from collections.abc import Sequence
from dataclasses import dataclass

from sprd.config.numbers import KEYS, number_of
from sprd.errors import suggest

_DIRECTIONS = ("min", "max")


@dataclass(frozen=True)
class Objective:
    """One number of a row and which way it is to go."""

    key: str
    maximize: bool

    def gain(self, value: float) -> float:
        """Returns the value so that more is better."""
        return value if self.maximize else -value

    def __str__(self) -> str:
        return f"{'max' if self.maximize else 'min'} {self.key}"


def natural(key: str) -> Objective:
    """Returns the objective of a key in the direction that everybody means."""
    return Objective(key, number_of(key).is_more_better)


def parse_objective(text: str) -> Objective:
    """Reads "flash_bytes", or "min flash_bytes" where the direction is to be said.

    Raises:
        ValueError: The metric is unknown; the message starts with "unknown metric".
    """
    words = text.split()
    direction = words.pop(0) if len(words) == 2 and words[0] in _DIRECTIONS else None
    key = " ".join(words)
    if key not in KEYS:
        raise ValueError(f"unknown metric {key!r}. {suggest(key, KEYS)}")
    return Objective(key, direction == "max") if direction else natural(key)


def parse_objectives(texts: Sequence[str]) -> tuple[Objective, ...]:
    """Reads the entries of `sweep.objectives`.

    Raises:
        ValueError: There is none, one is unknown, or one key stands twice.
    """
    found: dict[str, Objective] = {}
    for text in texts:
        objective = parse_objective(text)
        if other := found.get(objective.key):
            if other == objective:
                raise ValueError(f"must differ, got {objective.key!r} twice. Remove one.")
            raise ValueError(
                f"must not contradict each other, got '{other}' and '{objective}'. Remove one."
            )
        found[objective.key] = objective
    if not found:
        raise ValueError("must name at least one metric, got []. Name balanced_accuracy, say.")
    return tuple(found.values())
