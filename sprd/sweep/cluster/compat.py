"""What Ray and Tune 2.60 do that a sweep must not: the one file that knows their inner parts.

`pyproject.toml` bounds Ray to the versions that this was tried with. Everything that is set here
is put back when the block ends.
"""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray._private import serialization
from ray.exceptions import RayActorError

WORKER_VARIABLES: Mapping[str, str] = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # glibc keeps what it frees, once for each of many arenas.
    "MALLOC_ARENA_MAX": "2",
    # Ray gives a trial up, and tells nobody, whose worker is not yet done with the last one.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "600",
}
"""Of the processes that train."""


@contextmanager
def memory_deaths_are_actor_deaths() -> Iterator[None]:
    """Says of a worker that Ray ended for memory that it died: at its own word for it Tune ends."""

    def died(message: str) -> RayActorError:
        return RayActorError(error_msg=message.splitlines()[0])

    before = serialization.OutOfMemoryError
    serialization.OutOfMemoryError = died
    try:
        yield
    finally:
        serialization.OutOfMemoryError = before


@contextmanager
def sigterm_as_before() -> Iterator[None]:
    """Keeps the handler of SIGTERM: Ray sets one as it starts, which exits and says nothing."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():  # no other may set one
            signal.signal(signal.SIGTERM, before)


def forgive(trial: Any) -> None:
    """Lets a trial of Tune lose its worker once more: it came on since."""
    trial.run_metadata.num_failures = 0


def raised_in_worker(trial: Any) -> str | None:
    """Returns the last line of what a trial of Tune raised; None where its worker died.

    What the training raises is an outcome, so this is about reporting it: a storage, mostly. Tune
    hands its callbacks no exception; it writes them down as text, and pickled, which nobody here
    reads.
    """
    try:
        failures = Path(trial.error_file).read_text(encoding="utf-8").split("Failure # ")
    except (OSError, TypeError):
        return None
    if "ray::" not in failures[-1]:
        return None
    return failures[-1].strip().splitlines()[-1]
