"""Many scenes at once: worker processes of one thread each, and their results in order."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

import cv2

from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.lab.jobs.children import SPAWN, threads_of_children

TASKS_AHEAD_PER_WORKER = 4  # keeps the workers busy while one result is written; set by hand

Result = TypeVar("Result")


@contextmanager
def worker_pool(workers: int) -> Iterator[Executor]:
    """Yield a pool of new processes; each ends with the block, after its current task.

    Raises:
        MotionSegError: a worker died.
    """
    with threads_of_children(1):
        pool = ProcessPoolExecutor(workers, SPAWN, _start_worker)
        try:
            yield pool
        except BrokenProcessPool as error:
            raise MotionSegError(
                "a worker process died, perhaps of too little memory; start again with fewer "
                "workers"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends them in order


def in_order(
    pool: Executor,
    function: Callable[..., Result],
    arguments: Iterable[tuple[Any, ...]],
    ahead: int,
) -> Generator[Result, None, None]:
    """Yield the results of a function for many arguments, in their order.

    Unlike `Executor.map`, which starts all calls at once, it takes endless arguments.

    Args:
        pool: runs the calls.
        function: of a module, so that it can be sent to other processes.
        arguments: of each call.
        ahead: number of calls that may be under way beyond the one whose result is next.
    """
    pending: deque[Future[Result]] = deque()
    try:
        for of_call in arguments:
            pending.append(pool.submit(function, *of_call))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
