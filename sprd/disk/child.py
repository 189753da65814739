"""A function and its arguments in, what it returns out: called in a process of its own.

Ctrl-C reaches every process of a terminal's group, a child that still imports, too. What a child
began it leaves in order then, and says nothing: to tell is for who started it.
"""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, TypeVar

from sprd.errors import SprdError

Answer = TypeVar("Answer")

LEAVE_SECONDS = 10
"""What a child that is interrupted has to leave in order, before it is killed."""


def call_in_child(what: str, function: Callable[..., Answer], *args: Any) -> Answer:
    """Calls a function of a module in a new process that imports all anew, and waits for it.

    Args:
        what: Where and what is done, for a message: `runs/a: exporting trial 3`.
        function, args: What is called; they and what is returned cross as multiprocessing does it.

    Raises:
        SprdError: The process was killed.
        Exception: What the function raised, with the child's traceback as its note.
    """
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_answer, args=(theirs, function, args))
    try:
        with ours:
            with theirs, interrupts_held():
                process.start()
            answer, error = ours.recv()
        process.join()
    except EOFError:
        raise SprdError(
            f"{what}: the process must stay alive, but it was killed, perhaps for memory."
            " Run the command again."
        ) from None
    finally:
        if process.is_alive():  # an interrupt, or an answer that cannot be read
            process.terminate()
            process.join(LEAVE_SECONDS)
            process.kill()
    if error is not None:
        raise error
    result: Answer = answer
    return result


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Holds Ctrl-C back for the block; from children that it starts until they let it through.

    A child would tell of it with a traceback where it imports, or where it was told half of what
    it is to do. A handler can be set in the main thread alone; elsewhere none is called.
    """
    resource_tracker.ensure_running()  # multiprocessing lets Ctrl-C through where it starts one
    held: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if is_main else ()
    before = {number: signal.signal(number, lambda *got: held.append(got[0])) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


def _answer(theirs: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Calls the function in the child, and sends what it returns and what it raises; then ends."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        answer, failure = None, None
        try:
            answer = function(*args)
        except Exception as error:
            error.add_note(traceback.format_exc())
            failure = error
        with suppress(BrokenPipeError):  # who asked is gone
            theirs.send((answer, failure))
    except KeyboardInterrupt:
        pass
    os._exit(0)  # at once: what TensorFlow takes down, and what it may say of it, helps nobody


def _leave(number: int, frame: FrameType | None) -> None:
    """Interrupts what runs, once; nothing that is written from now on is shown."""
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    raise KeyboardInterrupt
