"""What Ray and Tune 2.60 do that a sweep must not: the one file that knows their inner parts.

`pyproject.toml` bounds Ray to the versions that this was tried with. Everything that is set here
is put back when the block ends.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray._private import serialization, services, utils
from ray.exceptions import RayActorError
from ray.job_config import JobConfig

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


class OwnJob(JobConfig):  # type: ignore[misc]
    """What Ray hands on to workers, less the folder where the command was typed.

    Ray puts that first on their import path, unless it ships a folder of its own to them.
    """

    def _runtime_env_has_working_dir(self) -> bool:
        return True


@contextmanager
def own_session() -> Iterator[None]:
    """Starts Ray's processes where signals to the group of this one do not reach them.

    Who ends a job, or types Ctrl-C, signals the group. The one process that ends the sweep in
    order needs Ray until then; the kernel ends Ray with it in any case (`fate_share`).
    """

    def start(*args: Any, **options: Any) -> Any:
        return before(*args, start_new_session=True, **options)

    before = services.ConsolePopen
    services.ConsolePopen = start
    try:
        yield
    finally:
        services.ConsolePopen = before


@contextmanager
def ends_when_interrupted() -> Iterator[None]:
    """Lets an interrupt end the process before C++ cleans up behind it.

    Where it cut off a call of Ray, that crashes at times, and the exit code would be the crash's.
    """
    try:
        yield
    except KeyboardInterrupt:
        atexit.register(_end, 128 + signal.SIGINT)
        raise


def _end(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def sigterm_as_before() -> Iterator[None]:
    """Keeps the handler of SIGTERM while Ray starts, and afterwards.

    Ray sets two: one in Python that exits and says nothing, and one in C that writes a stack trace
    and calls the one before.
    """

    def keep(handler: object) -> None:
        """Sets none."""

    before, set_handler = signal.getsignal(signal.SIGTERM), utils.set_sigterm_handler
    utils.set_sigterm_handler = keep
    try:
        yield
    finally:
        utils.set_sigterm_handler = set_handler
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
