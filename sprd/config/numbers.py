"""What decides among trials: numbers of a row, each to be made as large or as small as can be."""

from collections.abc import Sequence
from dataclasses import dataclass

from sprd.errors import suggest

SCORES = {
    "balanced_accuracy": True,
    "accuracy": True,
    "false_accept_rate": False,
    "false_reject_rate": False,
}
"""Scores of the int8 model on validation speakers, and whether more of it is better."""

COSTS = (
    "flash_bytes",
    "ram_bytes",
    "model_bytes",
    "arena_bytes",
    "arena_host_bytes",
    "macs",
    "instructions",
    "latency_ms",
    "energy_uj",
)
"""What a model takes: less of it is better. Fields of a footprint and keys of `[budget]`."""

COSTS_OF_A_BOARD = ("flash_bytes", "ram_bytes", "latency_ms", "energy_uj")
"""Costs that nobody can tell without a board."""

KEYS = (*SCORES, *COSTS)
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
    return Objective(key, SCORES.get(key, False))


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


def name_and_unit(key: str) -> tuple[str, str]:
    """Returns the words and the unit of a key: `arena host` and `B` of `arena_host_bytes`."""
    for ending, unit in (("_bytes", "B"), ("_ms", "ms"), ("_uj", "uJ")):
        if key.endswith(ending):
            return key.removesuffix(ending).replace("_", " "), unit
    return key.replace("_", " "), ""


def amount(value: float, unit: str) -> str:
    """Returns a value with its unit, as in `71,680 B`."""
    is_whole = float(value).is_integer() or abs(value) >= 1000
    digits = ",.1f" if unit in ("ms", "uJ") else ",.0f" if is_whole else ".4g"
    number = f"{value:{digits}}"
    return f"{number} {unit}".rstrip()
