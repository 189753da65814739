"""Where trainings run: Ray, on this machine or on a cluster, started when there is one to run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from sprd.audio.corpus import Corpus
from sprd.disk.process import environment
from sprd.sweep.cluster.checkpoints import checkpoints_of
from sprd.sweep.cluster.preflight import choose_temporary, token_variables
from sprd.sweep.cluster.variables import DRIVER, LOCAL
from sprd.sweep.run import Run
from sprd.sweep.search.jobs import Jobs, Watcher


class Cluster:
    """Runs the trainings of a run side by side."""

    def __init__(
        self, run: Run, corpus: Corpus, address: str | None, watcher: Watcher, stack: ExitStack
    ) -> None:
        self._run, self._corpus, self._address = run, corpus, address
        self._watcher, self._stack = watcher, stack
        self._is_connected = False

    def run(self, jobs: Jobs) -> None:
        """Runs what is to be done; a folder tells for as long as checkpoints of it may lie.

        They lie in that folder, or in the storage of the sweep.

        Raises:
            SprdError: Ray cannot be started or reached, or ended the sweep.
        """
        unfinished = self._run.paths.unfinished(jobs.kind)
        if not jobs.is_done:
            self._connect()
            from sprd.sweep.cluster.tune import run_jobs

            unfinished.mkdir(parents=True, exist_ok=True)
            run_jobs(jobs, self._run, self._corpus, self._watcher)
        elif unfinished.exists():  # a command was killed behind its last row
            checkpoints_of(self._run.sweep, self._run.paths, jobs.kind).clear()
        if jobs.ended_by:
            self._watcher.note(f"ended by {jobs.ended_by}")
        with suppress(OSError):  # not there, or folds that another command left
            unfinished.rmdir()
        with suppress(OSError):
            unfinished.parent.rmdir()

    def _connect(self) -> None:
        if not self._is_connected:
            temporary, forced = None, {}
            if self._address is None:
                temporary = choose_temporary()
                forced = {**LOCAL, **temporary.variables, **token_variables()}
            self._stack.enter_context(environment(DRIVER, forced))
            if temporary is not None and temporary.note is not None:
                self._watcher.note(temporary.note)
            from sprd.sweep.cluster.connection import connected

            folder = None if temporary is None else temporary.folder
            self._stack.enter_context(connected(self._run.sweep, self._address, folder))
            self._is_connected = True


@contextmanager
def open_cluster(
    run: Run, corpus: Corpus, address: str | None, watcher: Watcher
) -> Iterator[Cluster]:
    """Gives where the trainings of a run go; Ray, if it was started, ends with the block.

    Args:
        run: The run.
        corpus: Its audio.
        address: A Ray cluster, or None to start Ray on this machine.
        watcher: Is told what happens.
    """
    with ExitStack() as stack:
        yield Cluster(run, corpus, address, watcher, stack)
