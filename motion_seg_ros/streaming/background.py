"""Work in a thread of its own, and a resource that it shares with one who may not wait."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Turns:
    """One at a time; and between two who wait, the urgent one comes first.

    A lock alone would not do: whoever gives it back and asks again at once mostly gets it again.

    Args:
        patience_s: an urgent one waits so long at most, in seconds.
    """

    def __init__(self, patience_s: float = 30.0) -> None:
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._taken = False
        self._urgent = 0  # that wait

    @contextlib.contextmanager
    def urgent(self) -> Iterator[None]:
        """The block of one that waits for nobody but who is at it now.

        Raises:
            TimeoutError: that one hangs.
        """
        with self._changed:
            self._urgent += 1
            free = self._changed.wait_for(lambda: not self._taken, self._patience_s)
            self._urgent -= 1
            if not free:
                raise TimeoutError(
                    f"what runs beside the stream has kept a model for {self._patience_s:g} s"
                )
            self._taken = True
        try:
            yield
        finally:
            self._give_back()

    @contextlib.contextmanager
    def patient(self) -> Iterator[None]:
        """The block of one that lets all urgent ones pass."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken and not self._urgent)
            self._taken = True
        try:
            yield
        finally:
            self._give_back()

    def _give_back(self) -> None:
        with self._changed:
            self._taken = False
            self._changed.notify_all()


class Beside(Generic[Result]):
    """Does one piece of work at a time in a thread of its own, which begins with the first.

    Not thread-safe: one caller at a time.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._work: Callable[[], Result] | None = None
        self._done: tuple[Result | None, BaseException | None] | None = None
        self._running = False  # the thread goes on to ask for work
        self._closing = False

    @property
    def free(self) -> bool:
        """Whether nothing is being done, and what was done has been taken."""
        with self._changed:
            return self._work is None and self._done is None

    def start(self, work: Callable[[], Result]) -> None:
        """Begin with `work`; only while free."""
        with self._changed:
            if self._work is not None or self._done is not None:
                raise RuntimeError("expected a thread that is free, found one at work")
            self._work = work
            self._closing = False
            self._changed.notify_all()
            if not self._running:
                self._running = True
                # A daemon: where it hangs, the process can end all the same.
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def take(self) -> Result | None:
        """What was done, once; None while nothing is. What the work raised is raised here."""
        with self._changed:
            done, self._done = self._done, None
        if done is None:
            return None
        result, error = done
        if error is not None:
            raise error
        return result

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is being done; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._work is None, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """End the thread after the work it is at; whether it has ended within that time."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is None:
            return True
        self._thread.join(max(0.0, timeout_s))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work is not None or self._closing)
                work = self._work
                if work is None:
                    self._running = False
                    return
            done: tuple[Result | None, BaseException | None]
            try:
                done = work(), None
            except BaseException as error:  # it is raised where the result is asked for
                done = None, error
            with self._changed:
                self._done, self._work = done, None
                self._changed.notify_all()
            del work, done  # a result lives no longer than its taker lets it
