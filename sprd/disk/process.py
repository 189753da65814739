"""What this process shows, and what its children inherit: set for a block, then put back."""

import contextlib
import gc
import os
import signal
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

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
def own_imports() -> Iterator[None]:
    """Lets neither this process nor its children import from where the command was typed.

    A `tensorflow.py` that lies there is not ours. Python looks there by itself for `-m` and `-c`,
    and for an empty part of PYTHONPATH; a part that names the folder is the user's wish.
    """
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = [part for part in parts if part not in ("", os.curdir)]
    python_path = {"PYTHONPATH": os.pathsep.join(named)} if "PYTHONPATH" in os.environ else {}
    before = list(sys.path)
    sys.path[:] = [path for path in before if not _is_typed(path, named)]
    try:
        with environment({}, {"PYTHONSAFEPATH": "1", **python_path}):
            yield
    finally:
        sys.path[:] = before


def _is_typed(path: str, named: Sequence[str]) -> bool:
    """Whether a path is the current folder, and there for no other reason."""
    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        return not path
    ours = str(Path(__file__).parents[2])
    if here in (ours, *sysconfig.get_paths().values(), *map(os.path.abspath, named)):
        return False
    return os.path.abspath(path) == here


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


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Leaves out the search for circles of garbage while many objects are made that stay.

    It looks at all of them again and again: half the time of an index of 100,000 clips.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
