"""One thing that a person should know of recordings; what was found in, a go-ahead or an error out.

Knows nothing of how things are found.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from sprd.audio.corpus import Corpus, Index
from sprd.config.allowed import ALLOWABLE
from sprd.errors import DataError

N_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """What is wrong, in how many files, and what to do.

    `what` and `advice` are clauses without a full stop; `what` names no file, `examples` do.
    """

    name: str
    what: str
    advice: str
    examples: tuple[str, ...] = ()
    stops: bool = False
    """Whether it would spoil a training, or lets none begin."""

    @property
    def can_be_allowed(self) -> bool:
        """Whether a person can go on all the same."""
        return self.name in ALLOWABLE

    @property
    def sentence(self) -> str:
        """All of it, with the first few files."""
        names = ", ".join(map(repr, self.examples[:N_EXAMPLES]))
        more = ", ..." if len(self.examples) > N_EXAMPLES else ""
        return f"{self.what}{f' ({names}{more})' if names else ''}. {self.advice}."

    def as_dict(self) -> dict[str, object]:
        """Returns plain values."""
        return {"name": self.name, "sentence": self.sentence, "stops": self.stops}


def stopping(findings: Sequence[Finding], allowed: Collection[str]) -> list[Finding]:
    """Returns what stops in spite of what is allowed."""
    return [
        one for one in findings if one.stops and not (one.can_be_allowed and one.name in allowed)
    ]


def accept(
    index: Index,
    findings: Sequence[Finding],
    allowed: Collection[str],
    tell: Callable[[str], None],
    goes_on: bool = False,
) -> Corpus:
    """Tells what was found, all of it, and lets the corpus pass if nothing stops.

    Args:
        index: What was looked at.
        findings: What was found in it.
        allowed: Names of what does not stop.
        tell: Called with each line.
        goes_on: Whether a run goes on that was let through when it began: what can be allowed
            does not stop it.

    Returns:
        The corpus, with a record of what was found and what was allowed.

    Raises:
        DataError: Something stops; the first of it, and how many there are.
    """
    let_through = tuple(ALLOWABLE) if goes_on else allowed
    if findings and (len(findings) > 1 or not stopping(findings, let_through)):
        for line in block(index.where, findings):
            tell(line)
    refuse(index, findings, let_through)
    return replace(
        index.corpus,
        findings=tuple((one.name, one.what) for one in findings),
        allowed=tuple(sorted({one.name for one in findings if one.stops} & set(allowed))),
    )


def refuse(index: Index, findings: Sequence[Finding], allowed: Collection[str]) -> None:
    """Raises DataError if something stops: the first of it, and how many there are."""
    if stops := stopping(findings, allowed):
        raise DataError(f"{index.where}: {_error(stops, len(findings) == 1)}")


def block(where: str, findings: Sequence[Finding]) -> list[str]:
    """Returns the lines that tell what was found."""
    n = len(findings)
    lines = [f"{where}: {n} thing{'s' if n > 1 else ''} to know about these recordings"]
    return [*lines, *(f"  {one.name}: {one.sentence}" for one in findings)]


def _error(stops: Sequence[Finding], is_alone: bool) -> str:
    first, n = stops[0], len(stops)
    text = first.sentence if is_alone else f"{first.what}. {first.advice}."
    text = text if n == 1 else f"{n} things stop it, the first: {text}"
    if all(one.can_be_allowed for one in stops):
        flags = " ".join(f"--allow {one.name}" for one in stops)
        text += f" To go on all the same: {flags}."
    return text
