"""What stores are made of in, their numbers out: on all cores, written where they belong.

A store's numbers depend on nothing but its spec: in which process and in which chunk a clip was
computed makes no difference.
"""

import math
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from sprd.audio.maker import Maker, StoreSpec
from sprd.disk.atomic import cache_folder, unwritable
from sprd.disk.child import interrupts_held
from sprd.disk.process import quiet_stderr
from sprd.errors import SprdError

CHUNK = 256
"""Waveforms that are computed at once."""

WORTH_PROCESSES = 3000
"""Waveforms from which on processes pay: each takes seconds to load TensorFlow."""

PROCESS_BYTES = 1.5e9
"""Memory that one process is reckoned with; about 0.7 GB is what it takes."""

CGROUP = Path("/sys/fs/cgroup")
"""Where a container reads its limits."""

Moved = Callable[[int], None]
"""Called with the number of waveforms computed since the last call."""


class Builder:
    """Writes the numbers of some stores; its processes are started when needed and reused.

    One builder of a machine at a time takes all cores: of several that build different stores,
    the others keep to the process that they are in, or to one.
    """

    def __init__(self, specs: Sequence[StoreSpec], moved: Moved) -> None:
        self._specs, self._moved = tuple(specs), moved
        self._pool: ProcessPoolExecutor | None = None
        self._all_cores = FileLock(cache_folder() / "all-cores.lock")

    def write(self, number: int, path: Path) -> None:
        """Writes the numbers of one of the stores as a .npy file.

        Raises:
            OutputError: The disk is full.
            DataError: A clip cannot be read.
            SprdError: A process was killed.
        """
        spec = self._specs[number]
        offset = _take_room(path, spec)
        per_chunk = max(1, CHUNK // spec.shape[1])
        starts = range(0, spec.shape[0], per_chunk)
        chunks = [(start, min(start + per_chunk, spec.shape[0])) for start in starts]
        pool = self._processes(spec)
        if pool is None:
            maker = Maker(spec)
            for start, stop in chunks:
                _write(path, offset, start, maker.compute(start, stop))
                self._moved((stop - start) * spec.shape[1])
            return
        jobs: list[Future[int]] = []
        try:
            with interrupts_held():  # with the first job the processes start
                jobs.extend(pool.submit(_fill, number, path, offset, *chunk) for chunk in chunks)
            for job in as_completed(jobs):
                self._moved(job.result() * spec.shape[1])
        except BrokenProcessPool as error:
            raise SprdError(
                f"{path.parent.parent}: computing features: the processes must stay alive, but one"
                " was killed, perhaps for memory. Run the command again."
            ) from error
        finally:
            for job in jobs:
                job.cancel()

    def close(self) -> None:
        """Ends the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._all_cores.release()

    def _processes(self, spec: StoreSpec) -> ProcessPoolExecutor | None:
        """Returns the processes to compute in, or None for this one, if TensorFlow is here."""
        if self._pool is not None:
            return self._pool
        can_compute = "tensorflow" in sys.modules
        if can_compute and spec.n_waveforms < WORTH_PROCESSES:
            return None
        n_processes = 1
        try:
            self._all_cores.acquire(timeout=0)
            n_waveforms = sum(spec.n_waveforms for spec in self._specs)
            n_processes = max(1, min(n_cores(), n_waveforms // (WORTH_PROCESSES // 2)))
        except Timeout:
            if can_compute:
                return None
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(n_processes, spawn, _start, (self._specs,))
        return self._pool


@contextmanager
def builder(specs: Sequence[StoreSpec], moved: Moved) -> Iterator[Builder]:
    """Gives a builder whose processes end with the block."""
    opened = Builder(specs, moved)
    try:
        yield opened
    finally:
        opened.close()


def n_cores() -> int:
    """Returns how many processes may compute at once: a container may have less than the machine.

    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html, cpu.max and memory.max.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    quota, period, *_ = [*_limits("cpu.max"), math.inf, 1]
    room = min([memory, *_limits("memory.max")]) / PROCESS_BYTES
    return max(1, int(min(cores or 1, quota / period, room)))


def _limits(name: str) -> list[float]:
    """Returns the numbers of a limit of this container, if it has one."""
    try:
        words = (CGROUP / name).read_text(encoding="ascii").split()
        return [float(word) for word in words] if words and words[0] != "max" else []
    except (OSError, ValueError):
        return []


def _take_room(path: Path, spec: StoreSpec) -> int:
    """Makes the file and takes its blocks, so that a full disk is told at once.

    Returns:
        The offset of the numbers.
    """
    try:
        mapped = np.lib.format.open_memmap(path, mode="w+", dtype=spec.dtype, shape=spec.shape)
        offset = int(mapped.offset)
        del mapped
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, offset + spec.n_bytes)
    except OSError as error:
        raise unwritable(path, error) from error
    return offset


def _write(path: Path, offset: int, start: int, computed: NDArray[np.generic]) -> None:
    """Writes rows from `start` on. Not through a memory map: its pages would count as memory."""
    try:
        with path.open("r+b") as file:
            file.seek(offset + start * computed[0].nbytes)
            file.write(computed.tobytes())
    except OSError as error:
        raise unwritable(path, error) from error


class _Worker:
    """What a process of the pool keeps between two jobs: its specs, and the maker of the last."""

    def __init__(self) -> None:
        self.specs: tuple[StoreSpec, ...] = ()
        self._number = -1
        self._maker: Maker | None = None

    def maker(self, number: int) -> Maker:
        """Returns what computes a store; stores come one after the other, so one is kept."""
        if self._maker is None or self._number != number:
            self._maker = None  # before the next one takes as much memory
            self._number, self._maker = number, Maker(self.specs[number])
        return self._maker


@cache
def _worker() -> _Worker:
    """Returns the state of this process of the pool, always the same.

    The one exception in the package to the rule against state of a module that changes: a pool
    prepares a process once, but hands what it prepared to no job. It lasts as long as the process.
    """
    return _Worker()


def start_process() -> None:
    """Prepares a process of a pool that computes features."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with quiet_stderr():
        from sprd.audio.frontend import use_one_thread
    use_one_thread()


def _start(specs: tuple[StoreSpec, ...]) -> None:
    start_process()
    _worker().specs = specs


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _fill(number: int, path: Path, offset: int, start: int, stop: int) -> int:
    """Computes and writes items of a store; returns how many."""
    _write(path, offset, start, _worker().maker(number).compute(start, stop))
    return stop - start
