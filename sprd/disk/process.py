"""What this process shows, and what its children inherit: set for a block, then put back."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping

Progress = Callable[[str, int, int], None]
"""Is told how far something is that takes long: what it is, how much is done, of how much."""


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drops what is written to file descriptor 2 inside the block: C++ libraries do.

    Errors are exceptions, so no user misses it.
    """
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


@contextlib.contextmanager
def environment(
    defaults: Mapping[str, str], forced: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Sets environment variables for the block, and puts them back after it.

    Args:
        defaults: Are set where the user set none.
        forced: Are set in any case.
    """
    wanted = {k: v for k, v in defaults.items() if k not in os.environ} | dict(forced or {})
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def terminated_is_interrupted() -> Iterator[None]:
    """Lets SIGTERM mean what Ctrl-C means: who stops a container sends it.

    A handler can be set in the main thread alone; elsewhere it stays as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
