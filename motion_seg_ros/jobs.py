"""Jobs: independent units of work and their outcomes, done one after the other in this process.

lab/jobs does them in several processes or on a Ray cluster.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from motion_seg_ros.errors import (
    ConfigError,
    FrameError,
    InputError,
    MissingDependencyError,
    MotionSegError,
)

Result = TypeVar("Result")
ResultOut = TypeVar("ResultOut", covariant=True)

Advance = Callable[[int], None]
"""Called with the progress since the last call, such as 1 for a frame."""

# Another try would fail alike.
PERMANENT = (ConfigError, FrameError, InputError, MissingDependencyError)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job(Generic[ResultOut]):
    """One unit of work. The job and its result can be pickled.

    Attributes:
        name: unique among the jobs that run together.
        work: called as `work(*arguments, advance=...)` with an Advance; a function of a module. It
            may be started again after it was cut off anywhere, and may then find what it had
            finished.
        arguments: see `work`.
        size: total progress, in the unit of `advance`; None: unknown.
    """

    name: str
    work: Callable[..., ResultOut]
    arguments: tuple[Any, ...]
    size: int | None = None


@dataclass(frozen=True)
class Outcome(Generic[ResultOut]):
    """The end of a job, or of one try at it.

    Attributes:
        name: of the job.
        result: None where it failed.
        failure: one line with the reason; None where it succeeded.
        transient: True if another try may succeed.
        tries: number of times that it was started.
        seconds: wall time of the last try; 0 where its process was lost.
    """

    name: str
    result: ResultOut | None = None
    failure: str | None = None
    transient: bool = False
    tries: int = 1
    seconds: float = 0.0


class Watch(Protocol):
    """Observer of the progress of all jobs."""

    def advance(self, name: str, count: int) -> None:
        """Add progress to a job."""
        ...

    def end(self, name: str, *, done: bool) -> None:
        """Note the end of a try at a job: it succeeded, or failed."""
        ...


def attempt(job: Job[Result], advance: Advance) -> Outcome[Result]:
    """Do a job here and now; an exception becomes a failure.

    Errors that no user can cause are logged with their traceback.
    """
    started = time.perf_counter()
    result, failure, transient = None, None, False
    try:
        result = job.work(*job.arguments, advance=advance)
    except PERMANENT as error:
        failure = str(error)
    except Exception as error:
        failure, transient = _reason(job.name, error), True
    seconds = time.perf_counter() - started
    return Outcome(job.name, result, failure, transient, seconds=seconds)


def run_serially(jobs: Sequence[Job[Result]], watch: Watch) -> list[Outcome[Result]]:
    """Do all jobs in this process, each once; one that fails does not stop the others."""
    outcomes = []
    for job in jobs:
        outcome = attempt(job, partial(watch.advance, job.name))
        watch.end(job.name, done=outcome.failure is None)
        outcomes.append(outcome)
    return outcomes


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, MotionSegError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    logger.error("%s: unexpected error", name, exc_info=error)
    return f"unexpected {type(error).__name__}: {error}"
