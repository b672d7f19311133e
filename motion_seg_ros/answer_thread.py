"""The thread that ends the work for frames while the next one is begun."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

MOST_AHEAD = 1  # frames that are begun before the one in the thread is done; more would only wait


class AnswerThread:
    """Does jobs in order. A job must not raise. Thread-safe for one caller."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[tuple[Callable[[], None], bool]] = deque()  # the first is being done
        self._closing = False
        # A daemon, so that the process can end although a pipeline hangs.
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], None], *, long: bool) -> None:
        """Do a job after those before it.

        Args:
            job: not called in the caller's thread.
            long: it counts in `wait_for_room`.
        """
        with self._changed:
            self._jobs.append((job, long))
            self._changed.notify_all()

    def wait_for_room(self) -> None:
        """Wait until at most MOST_AHEAD long jobs are not done."""
        self._wait(lambda: sum(long for _, long in self._jobs) <= MOST_AHEAD)

    def settle(self) -> None:
        """Wait until all jobs are done."""
        self._wait(lambda: not self._jobs)

    def close(self) -> None:
        """End the thread after all jobs."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(condition)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closing)
                if not self._jobs:
                    return
                job, _ = self._jobs[0]
            job()
            del job  # its frame is not kept until the next one
            with self._changed:
                self._jobs.popleft()
                self._changed.notify_all()
