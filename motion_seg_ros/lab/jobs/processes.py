"""Jobs in processes of this machine."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType, TracebackType
from typing import Any

from motion_seg_ros.lab.jobs.base import Ended, Job, Watch, attempt
from motion_seg_ros.lab.jobs.threads import limit_opencv, threads_of_children, usable_cores

GRACE_S = 10.0

logger = logging.getLogger(__name__)


class _Worker:
    """A process that does one job after the other, and the pipe to it."""

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(other, threads))
        self.job: str | None = None
        # Ctrl-C, and the end of the terminal, reach all of its processes. They are for this one,
        # which ends the others: those inherit that they are blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        try:
            with threads_of_children(threads):
                self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        other.close()  # the process has the only one: when it dies, the pipe ends

    def end(self) -> None:
        """Ask the process to end: at once if it is at work, which it then cleans up."""
        if self.job is not None:
            self.process.terminate()
        self.connection.close()

    def bury(self) -> None:
        """Wait until the process has ended."""
        self.process.join(GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Processes:
    """Does jobs in processes, which share the cores. See motion_seg_ros.lab.jobs.base.Crew.

    They are spawned, so a script that comes here needs ``if __name__ == "__main__":``.

    Args:
        count: how many processes.
    """

    tries = 2

    def __init__(self, count: int) -> None:
        self.room = count
        self._threads = max(1, usable_cores() // count)
        self._workers: list[_Worker] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each in self._workers:
            each.end()
        for each in self._workers:
            each.bury()
        self._workers.clear()

    def start(self, job: Job[Any]) -> None:
        """See Crew."""
        worker = self._idle()
        worker.job = job.name
        # A process that has just died is noticed by `wait`.
        with suppress(BrokenPipeError):
            worker.connection.send(job)

    def wait(self, watch: Watch) -> Ended:
        """See Crew."""
        while True:
            busy = {each.connection: each for each in self._workers if each.job is not None}
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                ended = self._heard(busy[ready], watch)
                if ended is not None:
                    return ended

    def _idle(self) -> _Worker:
        for each in self._workers:
            if each.job is None:
                return each
        self._workers.append(_Worker(self._threads))
        return self._workers[-1]

    def _heard(self, worker: _Worker, watch: Watch) -> Ended | None:
        """Take one message from a worker at work; how its job ended, if it has."""
        assert worker.job is not None
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._lost(worker, worker.job)
        if isinstance(message, int):
            watch.advance(worker.job, message)
            return None
        if isinstance(message, Ended):
            worker.job = None
            return message
        level, text = message
        logger.log(level, "%s", text)
        return None

    def _lost(self, worker: _Worker, job: str) -> Ended:
        self._workers.remove(worker)
        worker.connection.close()
        worker.bury()
        status = worker.process.exitcode or 0
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return Ended(
            job,
            failure=f"its process ended {how}, perhaps for want of memory; "
            "try again with fewer --jobs",
            again=True,
        )


class _Forward(logging.Handler):
    """Sends what is logged to the process that started this one."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        with suppress(OSError):
            self._connection.send((record.levelno, self.format(record)))


def _serve(connection: Connection, threads: int) -> None:
    """Do what comes through the pipe, until it ends or SIGTERM comes."""
    signal.signal(signal.SIGTERM, _interrupt)
    limit_opencv(threads)
    logging.basicConfig(format="%(message)s", handlers=[_Forward(connection)])
    with suppress(KeyboardInterrupt):
        with suppress(EOFError, BrokenPipeError):
            while True:
                job = connection.recv()
                connection.send(attempt(job, partial(_tell, connection)))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends anyhow


def _tell(connection: Connection, count: int) -> None:
    connection.send(count)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would cut the cleaning up short
    raise KeyboardInterrupt
