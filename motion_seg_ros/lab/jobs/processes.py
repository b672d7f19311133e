"""Jobs in processes of this machine."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import cv2

from motion_seg_ros.jobs import Job, Outcome, Watch, attempt, usable_cores
from motion_seg_ros.lab.jobs.children import SPAWN, threads_of_children

GRACE_S = 10.0  # for the cleaning up of an interrupted job; set by hand

logger = logging.getLogger(__name__)


class _Worker:
    """A pool of one process, so that the job is known whose process died."""

    def __init__(self, threads: int) -> None:
        self.messages, sender = SPAWN.Pipe(duplex=False)
        self.pool = ProcessPoolExecutor(1, SPAWN, _start, (sender, threads))
        # Ctrl-C and the end of a terminal reach all of its processes. They are for the parent,
        # which ends the workers: those inherit the mask.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        try:
            with threads_of_children(threads):
                self._pid = self.pool.submit(os.getpid)  # starts the process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        sender.close()  # the process has its own

    def signal(self, number: int) -> None:
        """Send a signal to the process, if it lives."""
        with suppress(ProcessLookupError, BrokenProcessPool, FutureTimeoutError):
            os.kill(self._pid.result(GRACE_S), number)

    def close(self) -> None:
        """Wait until the process has ended."""
        self.pool.shutdown(cancel_futures=True)
        self.messages.close()


class Processes:
    """Processes that share the cores. See motion_seg_ros.lab.jobs.runner.Workers.

    Args:
        count: number of processes.
    """

    tries = 2

    def __init__(self, count: int) -> None:
        self.room = count
        self._threads = max(1, usable_cores() // count)
        self._idle: list[_Worker] = []
        self._busy: dict[Future[Any], tuple[_Worker, str]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker, _ in self._busy.values():
            worker.signal(signal.SIGTERM)
        _, stuck = wait(self._busy, timeout=GRACE_S)
        for each in stuck:
            self._busy[each][0].signal(signal.SIGKILL)
        for worker in (*self._idle, *(worker for worker, _ in self._busy.values())):
            worker.close()

    def submit(self, job: Job[Any]) -> Future[Any]:
        """See Workers."""
        worker = self._idle.pop() if self._idle else _Worker(self._threads)
        future = worker.pool.submit(_do, job)
        self._busy[future] = (worker, job.name)
        return future

    def report(self, watch: Watch) -> None:
        """See Workers."""
        for worker, name in self._busy.values():
            with suppress(EOFError, OSError):  # its process has just died
                while worker.messages.poll():
                    message = worker.messages.recv()
                    if isinstance(message, int):
                        watch.advance(name, message)
                    else:
                        logger.log(*message)

    def outcome(self, job: Job[Any], future: Future[Any]) -> Outcome[Any]:
        """See Workers."""
        worker, _ = self._busy.pop(future)
        try:
            outcome: Outcome[Any] = future.result()
        except BrokenProcessPool:
            worker.close()
            reason = "its process died, perhaps for want of memory; try again with fewer --jobs"
            return Outcome(job.name, failure=reason, transient=True)
        self._idle.append(worker)
        return outcome


# From here on: in the worker process.
_sender: Connection


def _start(sender: Connection, threads: int) -> None:
    """Prepare the process."""
    global _sender
    _sender = sender
    cv2.setNumThreads(threads)
    logging.basicConfig(format="%(message)s", handlers=[_Forward()])
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process, or the job that it does, when its parent was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _do(job: Job[Any]) -> Outcome[Any]:
    """Do a job; SIGTERM interrupts it, so that it cleans up."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return attempt(job, _advance)
    except KeyboardInterrupt:
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():
            os._exit(1)  # nobody waits for the answer
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would cut the cleaning up short
    raise KeyboardInterrupt


def _advance(count: int) -> None:
    with suppress(BrokenPipeError):
        _sender.send(count)


class _Forward(logging.Handler):
    """Sends log records to the parent process."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        with suppress(OSError):
            _sender.send((record.levelno, "%s", self.format(record)))
