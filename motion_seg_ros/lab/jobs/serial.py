"""Jobs one after the other, in this process."""

from __future__ import annotations

from collections import deque
from functools import partial
from types import TracebackType
from typing import Any

from motion_seg_ros.lab.jobs.base import Ended, Job, Watch, attempt


class Serial:
    """Does one job at a time. See motion_seg_ros.lab.jobs.base.Crew."""

    room = 1
    tries = 1

    def __init__(self) -> None:
        self._started: deque[Job[Any]] = deque()

    def __enter__(self) -> Serial:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._started.clear()

    def start(self, job: Job[Any]) -> None:
        """See Crew; the job is done when it is waited for."""
        self._started.append(job)

    def wait(self, watch: Watch) -> Ended:
        """See Crew."""
        job = self._started.popleft()
        return attempt(job, partial(watch.advance, job.name))
