"""What this process shows, and what its children inherit: set for a block, then put back."""

import contextlib
import os
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
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets those environment variables that are unset, and unsets them after the block."""
    unset = [name for name in variables if name not in os.environ]
    os.environ.update({name: variables[name] for name in unset})
    try:
        yield
    finally:
        for name in unset:
            os.environ.pop(name, None)
