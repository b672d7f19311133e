"""A background worker, and locks under which streams do not wait for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

LOCK_TIMEOUT_S = 30.0  # for one call of the segmenter in the background; set by hand

Result = TypeVar("Result")
_Order = tuple[Future[Result], Callable[[], Result]]


class PriorityLock:
    """A lock that goes to a high-priority caller before any low-priority one.

    A plain lock would not do: a thread that releases it and asks again at once mostly gets it.

    Args:
        timeout_s: longest wait of a high-priority caller, in seconds.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._taken = False
        self._waiting = 0  # high-priority callers

    @contextlib.contextmanager
    def high_priority(self) -> Iterator[None]:
        """Hold the lock; wait only for the caller that holds it now.

        Raises:
            TimeoutError: that caller hangs.
        """
        with self._changed:
            self._waiting += 1
            free = self._changed.wait_for(lambda: not self._taken, self._timeout_s)
            self._waiting -= 1
            if not free:
                raise TimeoutError(
                    f"the background worker has held a model for {self._timeout_s:g} s"
                )
            self._taken = True
        try:
            yield
        finally:
            self._release()

    @contextlib.contextmanager
    def low_priority(self) -> Iterator[None]:
        """Hold the lock; let all high-priority callers go first."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken and not self._waiting)
            self._taken = True
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        with self._changed:
            self._taken = False
            self._changed.notify_all()


@dataclass(frozen=True)
class NetworkTurns:
    """Locks of the streams that use the same networks; by default those of one stream alone.

    Attributes:
        segmenter: for one call of the segmenter.
        search: for a whole discovery, one at a time.
    """

    segmenter: PriorityLock = field(default_factory=lambda: PriorityLock(LOCK_TIMEOUT_S))
    search: threading.Lock = field(default_factory=threading.Lock)


class BackgroundWorker(Generic[Result]):
    """Does one piece of work at a time in a thread of its own, which starts with the first.

    Unlike that of concurrent.futures.ThreadPoolExecutor the thread is a daemon: the process can end
    while it hangs. Not thread-safe: one caller at a time.

    Args:
        name: name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._orders: SimpleQueue[_Order[Result] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._future: Future[Result] | None = None

    @property
    def free(self) -> bool:
        """True while there is no work, and no result that has not been taken."""
        return self._future is None

    def start(self, work: Callable[[], Result]) -> None:
        """Begin with `work`; only while free, and not after a close that failed."""
        if self._future is not None:
            raise RuntimeError("expected a free background worker, found one at work")
        if self._thread is None:
            self._thread = threading.Thread(
                target=_work_off, args=(self._orders,), name=self._name, daemon=True
            )
            self._thread.start()
        self._future = Future()
        self._orders.put((self._future, work))

    def take(self) -> Result | None:
        """Return the result once, or raise the error of the work; None while there is neither."""
        if self._future is None or not self._future.done():
            return None
        future, self._future = self._future, None
        return future.result()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the work is done; return whether it is."""
        return self._future is None or bool(wait([self._future], timeout_s).done)

    def close(self, timeout_s: float) -> bool:
        """End the thread after the work in hand; return whether it has ended in time."""
        if self._thread is None:
            return True
        self._orders.put(None)
        self._thread.join(max(0.0, timeout_s))
        if self._thread.is_alive():
            return False
        self._thread, self._orders = None, SimpleQueue()
        return True


def _work_off(orders: SimpleQueue[_Order[Result] | None]) -> None:
    while True:
        order = orders.get()
        if order is None:
            return
        future, work = order
        try:
            future.set_result(work())
        except BaseException as error:  # raised where the result is taken
            future.set_exception(error)
        del order, future, work  # a result lives no longer than its taker lets it
