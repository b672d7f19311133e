"""Processor time of the steps of a frame: functions of this package, in all its threads."""

from __future__ import annotations

import cProfile
import pstats
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import motion_seg_ros

LEAST_MS = 1.0  # of a step that is shown; set by hand
PACKAGE = Path(motion_seg_ros.__file__).parent


class StepClock:
    """Counts the processor time of functions with the profiler of the standard library, which takes
    a part of that time itself."""

    def __init__(self) -> None:
        self._profiles: list[cProfile.Profile] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count in this thread, and in those that start meanwhile."""
        threading.setprofile(self._begin)
        own = self._new()
        own.enable()
        try:
            yield
        finally:
            own.disable()
            threading.setprofile(None)  # ends it

    def ms(self, frames: int) -> dict[str, float]:
        """Return the functions of this package that took LEAST_MS or more of each of `frames`
        frames, with what they call; the longest first.

        Returns:
            Module and function -> mean processor time of a frame in milliseconds.
        """
        found: dict[str, float] = {}
        every: dict[tuple[str, int, str], Any] = vars(pstats.Stats(*self._profiles))["stats"]
        for (file, _, function), (*_, seconds, _) in every.items():
            path = Path(file)
            if path.is_relative_to(PACKAGE) and not function.startswith("<"):
                module = path.relative_to(PACKAGE).with_suffix("").parts
                name = f"{'.'.join(module)} {function}"
                found[name] = found.get(name, 0.0) + seconds * 1e3 / frames
        shown = ((name, ms) for name, ms in found.items() if ms >= LEAST_MS)
        return dict(sorted(shown, key=lambda each: -each[1]))

    def _new(self) -> cProfile.Profile:
        # Of the thread alone: others must not count while it waits for them.
        self._profiles.append(cProfile.Profile(time.thread_time))
        return self._profiles[-1]

    def _begin(self, *_: object) -> None:
        """Take the place of this function as profiler of the thread that calls it."""
        self._new().enable()
