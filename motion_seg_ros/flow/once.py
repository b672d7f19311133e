"""Values that threads share, each computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class OnceEach(Generic[Key, Value]):
    """Values by key, each computed once, by whoever asks first; others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Key, Future[Value]] = {}

    def get(self, key: Key, compute: Callable[[], Value]) -> Value:
        """Return the value of `key`, or raise what computing it raised."""
        with self._lock:
            known = self._values.get(key)
            if known is None:
                own = self._values[key] = Future()
        if known is not None:
            return known.result()
        try:
            own.set_result(compute())
        except BaseException as error:
            own.set_exception(error)
        return own.result()

    @property
    def known(self) -> list[Key]:
        """Keys of all values, done or not."""
        with self._lock:
            return list(self._values)

    def keep(self, wanted: Callable[[Key], bool]) -> None:
        """Forget the values of keys that are not wanted."""
        with self._lock:
            self._values = {key: each for key, each in self._values.items() if wanted(key)}
